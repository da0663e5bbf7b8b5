"""Low-resource languages and settings: the share of studies flagged so, by year and by label.

What is shown is the label ``low_resource``: the study says that it is about a language or country with
few resources. The languages of the texts themselves are an open list that people code; no tagger here
predicts them. The language a record is published in is another thing again, shown only where sources
gave it.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corpora.words import by_number, counted
from review.analysis import axes, prevalence
from review.analysis.axes import Axis
from review.analysis.people import language
from review.analysis.prevalence import Estimate, Masks, Measure
from review.analysis.tidy import POOLED, Context, Tidy, dated

FLAG = "low_resource"
YEAR = "Year"
PUBLISHED = "Language of publication"
LANGUAGES = 8

Groups = Callable[[pd.DataFrame], NDArray[np.bool_]]
"""A table of studies → who is in which group, shape (studies, groups)."""


def low_resource(studies: pd.DataFrame, context: Context, by: str = "tasks") -> Tidy:
    """Share flagged as low-resource: columns panel, group, n, denominator, naive, corrected, …

    ``panel`` is `YEAR`, the dimension ``by`` (its labels, most studies first) or `PUBLISHED` (the
    records' language field, most studies first, if any has one). The denominator is the group's
    studies that the gate, as tagged, does not keep out. Which label a study has is corrected too.

    Raises:
        UnknownNameError: the codebook has no dimension ``low_resource`` or ``by``.

    """
    flag, other = (axes.axis(studies, context, name) for name in (FLAG, by))
    asked, notes = axes.in_scope(studies, context)
    asked = asked[flag.tagged(asked)]
    with_year, undated = dated(asked)
    years = sorted({int(year) for year in with_year["year"]})
    labels = other.by_count(asked)
    if "language" in asked:  # "en" of one source is "eng" of another
        asked = asked.assign(language=asked["language"].map(language, na_action="ignore"))
    languages = asked["language"].dropna().value_counts() if "language" in asked else pd.Series(dtype=int)
    common = [str(name) for name in languages.sort_index().sort_values(ascending=False, kind="stable").index]
    if len(common) > LANGUAGES:
        notes.append(
            f"{counted(len(common) - LANGUAGES, 'rarer language')} of publication "
            f"{by_number(len(common) - LANGUAGES, 'is', 'are')} not shown."
        )
    if not common:
        notes.append("No record gives its language of publication.")
    share = partial(_shares, asked, context, flag)
    parts = [
        (YEAR, [str(year) for year in years], share(partial(_equal, "year", years), ())),
        (other.title, [other.name(label) for label in labels],
         share(lambda frame: other.column(frame).members(labels), (by,))),
        (PUBLISHED, common[:LANGUAGES], share(partial(_equal, "language", common[:LANGUAGES]), ())),
    ]  # fmt: skip
    found = [one for _, _, estimates in parts for one in estimates]
    frame = prevalence.table(found)
    frame.insert(0, "panel", [panel for panel, groups, _ in parts for _ in groups])
    frame.insert(1, "group", [group for _, groups, _ in parts for group in groups])
    return Tidy(
        frame,
        unit="studies",
        denominator="tagged studies of the group",
        population=context.population,
        notes=(
            *notes,
            *undated,
            "Flagged where a study is about a low-resource language or setting; the languages of its texts "
            "are not predicted.",
            *prevalence.notes(found, context),
            f"By year: {POOLED}",
        ),
        simulated=context.simulated,
    )


def _equal(column: str, values: Sequence[object], frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Groups that are known, not tagged: a study's own year or language."""
    rows = [(frame[column] == value).fillna(False).to_numpy(dtype=bool) for value in values]
    return np.stack(rows, axis=1) if rows else np.zeros((len(frame), 0), dtype=bool)


def _shares(
    studies: pd.DataFrame, context: Context, flag: Axis, groups: Groups, tagged: tuple[str, ...]
) -> list[Estimate]:
    """Share with the flag in each group; ``tagged`` are the dimensions that decide on the groups."""
    return prevalence.estimates(
        studies, _flagged(flag, groups, known=not tagged), context, dimensions=(FLAG, *tagged),
        denominator="tagged studies of the group",
    )  # fmt: skip


def _flagged(flag: Axis, groups: Groups, *, known: bool) -> Measure:
    def measure(frame: pd.DataFrame) -> Masks:
        inside = groups(frame)
        has = flag.members(frame).any(axis=1, keepdims=True)
        return Masks(inside if known else np.ones_like(inside), inside, np.asarray(inside & has))

    return measure
