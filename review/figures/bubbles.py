"""A map of what has been studied and what has not: a bubble for every pair of labels."""

import math
import textwrap
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from review.analysis.crosstab import gaps
from review.analysis.tidy import Tidy
from review.figures import shades
from review.figures.base import FigureSpec, label_reads, of_dimensions

_LARGEST = 0.47
"""Radius of the largest bubble, in cells."""

_BESIDE = 0.24
"""Radius under which a number does not fit on its bubble and stands below it."""

_WRAPPED = 15
"""Most columns whose slanted names have room for two lines."""


def draw(tidy: Tidy, figure: Figure) -> None:
    """Area = studies. Blue is corrected, its rings the interval; grey is naive; hatched is a gap."""
    rows, columns = tidy.frame.columns[:2]
    order, shown = (list(dict.fromkeys(tidy.frame[name])) for name in (rows, columns))
    axes = figure.add_subplot()
    most = float(np.nanmax(tidy.frame[["n", "number", "number_high"]].to_numpy(dtype=float, na_value=np.nan)))
    size = float(axes.xaxis.label.get_fontsize())
    for _, row in tidy.frame.iterrows():
        _cell(axes, row, (shown.index(row[columns]), order.index(row[rows])), most, size)
    axes.set_xlim(-0.5, len(shown) - 0.5)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_yticks(range(len(order)), order)
    broken = shown if len(shown) > _WRAPPED else [textwrap.fill(name, 22) for name in shown]
    axes.set_xticks(range(len(shown)), broken, rotation=40, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    corrected = shades.audited(tidy)
    colours = "blue: corrected, rings its 95 % interval; grey: as tagged" if corrected else "as tagged"
    left = "" if corrected or (tidy.frame["status"] == "not audited").all() else ", too few errors to correct"
    audit = "" if (tidy.frame["status"] != "not audited").any() else ", not audited"
    note = f"Area and number: studies, {colours}{audit}{left}. Hatched: a pair that no study was given."
    shades.footnote(figure, note, size)


def _cell(axes: Axes, row: pd.Series, place: tuple[int, int], most: float, size: float) -> None:
    x, y = place
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor="#DDDDDD", linewidth=0.4))

    def radius(number: float) -> float:
        return _LARGEST * math.sqrt(max(number, 0) / most)

    done = row["status"] == "corrected"
    number = float(row["number"] if done else row["n"])
    small = radius(float(row["number_high"]) if done else number) < _BESIDE
    middle = (x, y - 0.14 if small else y)
    if done:
        axes.add_patch(Circle(middle, radius(number), facecolor="#9ECAE1", edgecolor="none"))
        for end in ("number_low", "number_high"):
            axes.add_patch(Circle(middle, radius(float(row[end])), fill=False, edgecolor="#08519C",
                                  linewidth=0.6))  # fmt: skip
    elif number:
        axes.add_patch(
            Circle(middle, radius(number), facecolor="#C4C4C4", edgecolor="#8C8C8C", linewidth=0.4)
        )
    else:
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor="white", edgecolor="#B0B0B0",
                                 hatch="//////", linewidth=0))  # fmt: skip
        return
    axes.text(x, y + 0.28 if small else y, f"{number:,.0f}", ha="center", va="center", fontsize=size - 1)


def alt(tidy: Tidy) -> str:
    """The largest pair and the number of gaps."""
    if tidy.empty:
        return "No studies to show."
    rows, columns = tidy.frame.columns[:2]
    first = tidy.frame.sort_values("n", ascending=False, kind="stable").iloc[0]
    empty = tidy.frame[tidy.frame["n"] == 0]
    return (
        f"Bubble map of {rows} by {columns}; most studies: {first[rows]} with {first[columns]} "
        f"({first['n']:,} as tagged); {len(empty)} of {len(tidy.frame)} pairs have none."
    )


def height(tidy: Tidy) -> float:
    """Cells are square."""
    if tidy.empty:
        return 0.5
    rows, columns = (tidy.frame[name].nunique() for name in tidy.frame.columns[:2])
    return 0.17 + 0.78 * rows / max(columns, 6)


def make(rows: str = "data", columns: str = "evaluation") -> FigureSpec:
    """The gap map of two dimensions."""
    return FigureSpec(
        name="evidence-gap-map",
        title=f"Evidence gap map: {rows} by {columns}",
        reads=label_reads(rows, columns),
        needs="studies",
        compute=partial(gaps, rows=rows, columns=columns),
        draw=draw,
        alt=alt,
        height=height,
    )


EVIDENCE_GAP_MAP = of_dimensions(make)
