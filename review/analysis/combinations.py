"""Which labels of a dimension come together: exclusive intersections and the labels' totals."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd

from corpora.words import by_number, counted
from review.analysis import axes, prevalence
from review.analysis.axes import Axis
from review.analysis.labelsets import LabelSets
from review.analysis.tidy import Context, Tidy

INTERSECTION = "intersection"
LABEL = "label"
JOIN = " ∩ "


def combinations(
    studies: pd.DataFrame, context: Context, dimension: str = "evaluation", top: int = 20
) -> Tidy:
    """Columns kind, set, n, denominator, naive, corrected, …, number, number_low, number_high.

    An `INTERSECTION` is exclusive: studies with exactly these labels (``set`` joins their names with
    " ∩ "), so intersections sum to the studies with a label; the ``top`` ones are in the table, the rest
    is counted in a note. A `LABEL` row counts everybody with the label. Shares are of the tagged
    studies, corrected like every share; ``number`` is the corrected share times those.

    Raises:
        UnknownNameError: the codebook has no such dimension.

    """
    part = axes.axis(studies, context, dimension)
    held = part.column(studies)
    kept = studies[held.tagged()]
    numbers = np.bincount(held.codes, minlength=len(held.sets)).tolist()
    counts: Counter[frozenset[str]] = Counter()
    for one, number in zip(held.sets, numbers, strict=True):
        if one:
            counts[one] += number
    order = sorted(counts, key=lambda one: (-counts[one], len(one), sorted(one)))
    shown = order[:top]
    labels = [label for label in part.by_count(kept) if any(label in one for one in shown)]
    rows = [(INTERSECTION, one) for one in shown] + [(LABEL, frozenset({label})) for label in labels]
    exact = prevalence.by_year([(None, _key(one)) for one in shown], _joined(part), lambda _: True)
    single = prevalence.by_year([(None, label) for label in labels], part.column, lambda _: True)
    found = [
        one
        for measure in (exact, single)
        for one in prevalence.estimates(
            kept, measure, context, dimensions=(part.id,), denominator="tagged studies"
        )
    ]
    frame = prevalence.table(found)
    for number, share in (("number", "corrected"), ("number_low", "low"), ("number_high", "high")):
        frame[number] = frame[share] * frame["denominator"]
    frame.insert(0, "kind", [kind for kind, _ in rows])
    named = [[part.name(one) for one in part.values if one in ids] for _, ids in rows]
    frame.insert(1, "set", [JOIN.join(names) for names in named])
    return Tidy(
        frame,
        unit="studies",
        denominator="tagged studies",
        population=context.population,
        notes=(*_told(studies, kept, counts, order[top:]), *prevalence.notes(found, context)),
        simulated=context.simulated,
    )


def _told(
    studies: pd.DataFrame, kept: pd.DataFrame, counts: Counter[frozenset[str]], rest: list[frozenset[str]]
) -> list[str]:
    notes = []
    if none := len(kept) - sum(counts.values()):
        notes.append(f"{counted(none, 'study has')} no label and {by_number(none, 'is', 'are')} not shown.")
    if rest:
        held = sum(counts[one] for one in rest)
        shown = by_number(len(rest), "is", "are")
        notes.append(
            f"{counted(len(rest), 'rarer combination')} with {counted(held, 'study')} {shown} not shown."
        )
    if lost := len(studies) - len(kept):
        notes.append(f"{counted(lost, 'study is')} not tagged and not shown.")
    return notes


def _key(labels: frozenset[str]) -> str:
    return JOIN.join(sorted(labels))


def _joined(part: Axis) -> Callable[[pd.DataFrame], LabelSets]:
    """A study's whole set as its one value."""

    def held(frame: pd.DataFrame) -> LabelSets:
        codes, sets = part.column(frame)
        return LabelSets(codes, [None if one is None else frozenset({_key(one)}) for one in sets])

    return held
