"""What changes over the years: studies, method families, evaluation criteria."""

from typing import Any

import numpy as np
import pandas as pd

from corpora.words import by_number, counted
from review.analysis import prevalence
from review.analysis.labelsets import Labels, LabelSets
from review.analysis.tidy import (
    FAMILIES,
    NO_METHOD,
    POOLED,
    Context,
    Tidy,
    dated,
    family_group,
)


def by_family(studies: pd.DataFrame, context: Context) -> Tidy:
    """Studies per year and method family: columns year, family, n, denominator, naive, corrected, …

    Families are exclusive groups, those without a stated method among them; the denominator is
    all tagged studies of the year.
    """
    groups = (*FAMILIES, NO_METHOD)
    kept, notes = _tagged(studies)
    frame = _counted(kept, "family", groups)
    return _tidy(studies, kept, frame, "tagged studies of the year", context, notes, silent=True)


def family_share(studies: pd.DataFrame, context: Context) -> Tidy:
    """Share of each method family by year, among studies that state a method."""
    kept, notes = _tagged(studies)
    frame = _counted(kept, "family", (*FAMILIES, NO_METHOD))
    silent = int(frame.loc[frame["family"] == NO_METHOD, "n"].sum())
    if silent:
        left = by_number(silent, "is", "are")
        notes.insert(
            0, f"{counted(silent, 'study states')} no method and {left} left out of the denominator."
        )
    stated = frame[frame["family"] != NO_METHOD].reset_index(drop=True)
    what = "studies of the year that state a method"
    return _tidy(studies, kept, stated, what, context, notes, silent=False)


def evaluation_by_year(studies: pd.DataFrame, context: Context, top: int = 9) -> Tidy:
    """Share of studies by year that use each evaluation criterion: columns year, criterion, …

    A study may use several; the denominator is the year's tagged studies that name at least one.
    The ``top`` criteria by count are shown, the others are counted in a note.
    """
    kept, notes = dated(studies)
    kept = kept if "evaluation" in kept else kept.assign(evaluation=None)
    naming = kept.assign(criterion=kept["evaluation"])[_criteria(kept).where(bool)]
    if len(naming) < len(studies):
        notes.append(f"{len(naming):,} of {len(studies):,} studies name a criterion and a year.")
    long = naming[["year", "criterion"]].explode("criterion")
    order = list(long["criterion"].value_counts().index)
    if len(order) > top:
        notes.append(f"{counted(len(order) - top, 'rarer criterion is')} not shown.")
    frame = _counted(long, "criterion", tuple(order[:top]))
    rows = list(zip(frame["year"].tolist(), frame["criterion"].tolist(), strict=True))
    denominator = "studies of the year that name an evaluation criterion"
    found = prevalence.estimates(
        kept, prevalence.by_year(rows, _criteria, bool), context,
        dimensions=("evaluation",), denominator=denominator,
    )  # fmt: skip
    names = {label: context.titles.get(f"evaluation.{label}", label) for label in order}
    return Tidy(
        pd.concat(
            [frame[["year"]], frame["criterion"].map(names), prevalence.table(found)],
            axis=1,
        ),
        unit="studies",
        denominator=denominator,
        population=context.population,
        notes=(*notes, *prevalence.notes(found, context), POOLED),
        simulated=context.simulated,
    )


def _tagged(studies: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Studies with a year and a family group, and sentences about the others."""
    kept, notes = dated(studies)
    cells = kept["family"] if "family" in kept else pd.Series(None, index=kept.index, dtype=object)
    held = LabelSets.of(cells, _group)
    untagged = len(kept) - int(held.tagged().sum())
    if untagged:
        notes.append(f"{counted(untagged, 'study is')} not tagged and not shown.")
    names = np.array([next(iter(one or ()), None) for one in held.sets], dtype=object)
    return kept.assign(family=names[held.codes]), notes


def _tidy(
    studies: pd.DataFrame,
    kept: pd.DataFrame,
    frame: pd.DataFrame,
    denominator: str,
    context: Context,
    notes: list[str],
    *,
    silent: bool,
) -> Tidy:
    rows = list(zip(frame["year"].tolist(), frame["family"].tolist(), strict=True))
    shown = studies.loc[kept.index] if "family" in studies else kept
    counted = (lambda _: True) if silent else (lambda groups: NO_METHOD not in groups)
    found = prevalence.estimates(
        shown, prevalence.by_year(rows, _families, counted), context,
        dimensions=("family",), denominator=denominator,
    )  # fmt: skip
    return Tidy(
        pd.concat([frame[["year", "family"]], prevalence.table(found)], axis=1),
        unit="studies",
        denominator=denominator,
        population=context.population,
        notes=(*notes, *prevalence.notes(found, context), POOLED),
        simulated=context.simulated,
    )


def _group(cell: Any) -> Labels:
    group = family_group(cell)
    return None if group is None else frozenset({group})


def _families(frame: pd.DataFrame) -> LabelSets:
    return LabelSets.of(frame["family"], _group)


def _criteria(frame: pd.DataFrame) -> LabelSets:
    return LabelSets.of(frame["evaluation"])


def _counted(frame: pd.DataFrame, column: str, values: tuple[str, ...]) -> pd.DataFrame:
    """n per year and value, years without a study in between and absent values as zeros."""
    if frame.empty or not values:
        return pd.DataFrame({"year": [], column: [], "n": []}).astype({"year": int, "n": int})
    years = range(int(frame["year"].min()), int(frame["year"].max()) + 1)
    index = pd.MultiIndex.from_product([years, values], names=["year", column])
    counts = frame.groupby(["year", column], observed=True).size()
    return counts.reindex(index, fill_value=0).rename("n").reset_index()
