"""Which labels of three dimensions go together, as flows in which every study counts once."""

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pandas as pd

from corpora.words import by_number, counted
from review.analysis import axes
from review.analysis.axes import Axis
from review.analysis.tidy import NO_METHOD, Context, Tidy

NONE = "None stated"
OTHER = "Other"
NODES = 8
"""Most nodes of a column, "Other" and "None stated" among them."""


def flows(
    studies: pd.DataFrame,
    context: Context,
    first: str = "tasks",
    second: str = "family",
    third: str = "evaluation",
) -> Tidy:
    """Paths through three dimensions: columns first, second, third, n (fractional counts).

    *Fractional counting:* a study with t, m and e labels of the three lies on t · m · e paths and
    counts 1 / (t m e) on each, so that the paths sum to the studies and no study with many labels
    weighs more than another. Studies that the gate keeps out are not shown; one without a label of a
    dimension has its node `NONE`. The rarest labels of a dimension are `OTHER`, so that it has `NODES`
    nodes at most; several labels of a study that are all rare are one. Counts are the tagger's, never
    corrected: a fraction has no truth to audit.

    Raises:
        UnknownNameError: the codebook has no such dimension.

    """
    parts = [axes.axis(studies, context, name) for name in (first, second, third)]
    asked, notes = axes.in_scope(studies, context)
    kept = asked[np.all([part.tagged(asked) for part in parts], axis=0)]
    if lost := len(asked) - len(kept):
        notes.append(f"{counted(lost, 'study is')} not tagged in all three and not shown.")
    columns = [_nodes(part, kept, notes) for part in parts]
    paths: Counter[tuple[str, ...]] = Counter()
    for cells in zip(*columns, strict=True):
        found = list(product(*cells))
        for path in found:
            paths[path] += 1 / len(found)  # type: ignore[assignment]
    names = ["first", "second", "third"]
    frame = pd.DataFrame([(*path, n) for path, n in sorted(paths.items())], columns=[*names, "n"])
    frame = frame.sort_values(["n", *names], ascending=[False, True, True, True], ignore_index=True)
    titles = " → ".join(part.title for part in parts)
    return Tidy(
        frame,
        unit="studies",
        denominator="none: counts of tagged studies",
        population=context.population,
        notes=(
            *notes,
            f"{titles}; fractional counts: a study with several labels is divided among its paths.",
            "Counts are as the tagger gave them, not corrected.",
        ),
        simulated=context.simulated,
    )


def _nodes(part: Axis, kept: pd.DataFrame, notes: list[str]) -> list[list[str]]:
    """Of each study its nodes in one column."""
    order = part.by_count(kept)
    room = NODES - 1  # for "None stated"
    shown = order if len(order) <= room else order[: room - 1]
    if len(order) > len(shown):
        notes.append(
            f"{counted(len(order) - len(shown), 'rarer label')} of {part.title} "
            f"{by_number(len(order) - len(shown), 'is', 'are')} counted as {OTHER}."
        )
    none = NO_METHOD if part.id == axes.FAMILY else NONE
    held = part.column(kept)
    nodes = [
        sorted({part.name(label) if label in shown else OTHER for label in one or ()}) or [none]
        for one in held.sets
    ]
    return [nodes[code] for code in held.codes]


def links(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """The flows between neighbouring columns: source, target, n."""
    return [
        frame.groupby([left, right], sort=False)["n"]
        .sum()
        .reset_index()
        .set_axis(["source", "target", "n"], axis=1)
        for left, right in pairwise(["first", "second", "third"])
    ]
