"""Two dimensions against each other: read both ways, and as a map of what has been studied."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from corpora.errors import UnknownNameError
from corpora.words import by_number, counted
from review.analysis import axes, prevalence
from review.analysis.axes import Axis
from review.analysis.prevalence import COLUMNS, Masks, Measure
from review.analysis.tidy import Context, Tidy

Side = Literal["row", "column", "all"]
"""Of the row's studies, share with the column; of the column's, share with the row; of all studies."""


def cross(
    studies: pd.DataFrame,
    context: Context,
    rows: str,
    columns: str,
    *,
    top: tuple[int, int] | None = None,
) -> Tidy:
    """Any two dimensions: columns ``rows``, ``columns``, n, row_share, column_share, …

    ``row_share`` = share of the column's label within the row's studies; ``column_share`` = share of
    the row's label within the column's studies (a study may have several labels, so shares can sum to
    more than 1). Of a dimension that gives a study one value at most, or knows "not reported", only
    studies that state a value are counted. ``naive``, ``corrected`` and what goes with them are of the
    column share; the row share has its own, as ``row_denominator``, ``row_naive``, … Numerator and
    denominator are both corrected. ``top`` = most rows and columns by number of studies.

    Raises:
        UnknownNameError: the codebook has no such dimension.

    """
    down, across = (axes.axis(studies, context, name) for name in (rows, columns))
    kept, notes = _stated(studies, across)
    order, shown = _orders(kept, (down, across), top, notes)
    cells = [(row, column) for row in order for column in shown]
    over = {"row": f"the {_one(down)}'s studies", "column": f"the {_one(across)}'s studies"}
    found = {
        side: prevalence.estimates(
            kept, _measure(down, across, cells, side), context, dimensions=(across.id, down.id),
            denominator=over[side],
        )
        for side in ("row", "column")
    }  # fmt: skip
    frame = prevalence.table(found["column"])
    row = prevalence.table(found["row"])
    frame = frame.assign(
        row_share=row["naive"],
        row_denominator=row["denominator"],
        column_share=frame["naive"],
        **{f"row_{name}": row[name] for name in COLUMNS},
    )
    frame.insert(0, rows, [down.name(one) for one, _ in cells])
    frame.insert(1, columns, [across.name(one) for _, one in cells])
    return Tidy(
        frame,
        unit="studies",
        denominator=f"left: {over['row']}; right: {over['column']}",
        population=context.population,
        notes=(*notes, *prevalence.notes([*found["row"], *found["column"]], context)),
        simulated=context.simulated,
    )


def task_by_family(studies: pd.DataFrame, context: Context) -> Tidy:
    """Task × method family, empty in a codebook without them: columns task, family, n, …"""
    try:
        tidy = cross(studies, context, "tasks", axes.FAMILY)
    except UnknownNameError as error:
        none = prevalence.table([])
        notes = (f"{error}.",)
        return Tidy(none, "studies", "none", context.population, notes, context.simulated)
    return replace(tidy, frame=tidy.frame.rename(columns={"tasks": "task"}))


def gaps(studies: pd.DataFrame, context: Context, rows: str = "data", columns: str = "evaluation") -> Tidy:
    """How many studies have both labels, every pair of the codebook: columns rows, columns, n, number, …

    The estimate is the pair's share of all tagged studies (``naive``, ``corrected``, ``low``, ``high``);
    ``number``, ``number_low`` and ``number_high`` are the corrected share times those studies, empty
    where there is none. A pair that no study has stays in the table: it is a gap, or what the tagger
    misses.

    Raises:
        UnknownNameError: the codebook has no such dimension.

    """
    down, across = (axes.axis(studies, context, name) for name in (rows, columns))
    kept = studies[down.tagged(studies) & across.tagged(studies)]
    cells = [(row, column) for row in down.values for column in across.values]
    found = prevalence.estimates(
        kept, _measure(down, across, cells, "all"), context, dimensions=(across.id, down.id),
        denominator="tagged studies",
    )  # fmt: skip
    frame = prevalence.table(found)
    for number, share in (("number", "corrected"), ("number_low", "low"), ("number_high", "high")):
        frame[number] = frame[share] * frame["denominator"]
    frame.insert(0, rows, [down.name(one) for one, _ in cells])
    frame.insert(1, columns, [across.name(one) for _, one in cells])
    empty = int((frame["n"] == 0).sum())
    notes = [f"{empty:,} of {len(cells):,} pairs were given to no study."]
    if lost := len(studies) - len(kept):
        notes.append(f"{counted(lost, 'study is')} not tagged and not shown.")
    return Tidy(
        frame,
        unit="studies",
        denominator="tagged studies",
        population=context.population,
        notes=(*notes, *prevalence.notes(found, context)),
        simulated=context.simulated,
    )


def _stated(studies: pd.DataFrame, across: Axis) -> tuple[pd.DataFrame, list[str]]:
    held = across.column(studies)
    silent = int(held.where(lambda one: not one).sum()) if across.stated else 0
    named = "method" if across.id == axes.FAMILY else across.title.lower()
    shown = by_number(silent, "is", "are")
    notes = [f"{counted(silent, 'study states')} no {named} and {shown} not shown."] if silent else []
    return studies[held.tagged()], notes


def _orders(
    kept: pd.DataFrame, both: tuple[Axis, Axis], top: tuple[int, int] | None, notes: list[str]
) -> tuple[tuple[str, ...], ...]:
    """Values of rows and columns, by count among the studies that can be in the table."""
    down, across = both
    if across.stated:
        kept = kept[across.column(kept).where(bool)]
    orders = []
    for axis, most in zip((down, across), top or (None, None), strict=True):
        order = axis.values if axis.id == axes.FAMILY and len(kept) else axis.by_count(kept)
        if most is not None and len(order) > most:
            notes.append(
                f"{counted(len(order) - most, 'rarer label')} of {axis.title} "
                f"{by_number(len(order) - most, 'is', 'are')} not shown."
            )
        orders.append(order[:most])
    return tuple(orders)


def _measure(down: Axis, across: Axis, cells: Sequence[tuple[str, str]], side: Side) -> Measure:
    """Cells (row, column); the domain is every tagged study."""

    def measure(frame: pd.DataFrame) -> Masks:
        held = [axis.column(frame) for axis in (down, across)]
        row, column = (one.members([cell[i] for cell in cells]) for i, one in enumerate(held))
        everyone = np.ones_like(row)
        if side == "all":
            return Masks(everyone, everyone, row & column)
        below, axis, other = (row, across, held[1]) if side == "row" else (column, down, held[0])
        if axis.stated:
            below = below & other.members(axis.values).any(axis=1, keepdims=True)
        return Masks(everyone, below, below & row & column)

    return measure


def _one(axis: Axis) -> str:
    """What one label of a dimension is called in a sentence."""
    known = {"tasks": "task", axes.FAMILY: "family"}
    return known.get(axis.id, axis.title.lower())
