"""UpSet plot (Lex et al. 2014, doi 10.1109/TVCG.2014.2346248): combinations of labels as a matrix."""

from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from review.analysis.combinations import INTERSECTION, JOIN, combinations
from review.analysis.tidy import Tidy
from review.figures import shades
from review.figures.base import FigureSpec, label_reads, of_dimensions


def draw(tidy: Tidy, figure: Figure) -> None:
    """Above the studies of each combination, left those of each label, dots say who is in which."""
    together = tidy.frame[tidy.frame["kind"] == INTERSECTION].reset_index(drop=True)
    single = tidy.frame[tidy.frame["kind"] != INTERSECTION].reset_index(drop=True)
    names = single["set"].tolist()
    grid = figure.add_gridspec(2, 2, width_ratios=(0.5, 1.6), height_ratios=(1, 0.09 * len(names) + 0.1))
    bars = figure.add_subplot(grid[0, 1])
    matrix = figure.add_subplot(grid[1, 1], sharex=bars)
    totals = figure.add_subplot(grid[1, 0], sharey=matrix)
    _counts(bars, together)
    _matrix(matrix, together["set"].tolist(), names)
    _totals(totals, single)
    size = float(bars.xaxis.label.get_fontsize())
    shades.footnote(figure, f"{_meaning(tidy)} A column counts the studies with exactly its labels.", size)


def _meaning(tidy: Tidy) -> str:
    if shades.audited(tidy):
        return "Bars and numbers: studies as tagged; blue: corrected, with 95 % interval."
    if (tidy.frame["status"] == "not audited").all():
        return "Studies as tagged, not audited."
    return "Studies as tagged; coded, but too few disagreements to correct any."


def _counts(axes: Axes, rows: pd.DataFrame) -> None:
    axes.bar(rows.index, rows["n"], 0.65, color="#B0B0B0", edgecolor="#555555", linewidth=0.4)
    done = rows[rows["status"] == "corrected"]
    top = rows["n"].astype(float)
    if len(done):
        number, low, high = (done[name].astype(float) for name in ("number", "number_low", "number_high"))
        axes.errorbar(done.index, number, [number - low, high - number], fmt="o", color="#08519C",
                      elinewidth=0.8, capsize=1.5)  # fmt: skip
        top = top.combine(high.reindex(rows.index).fillna(0), max)
    for i, (count, end) in enumerate(zip(rows["n"].tolist(), top.tolist(), strict=True)):
        axes.annotate(f"{count:,}", (i, end), (0, 2), textcoords="offset points",
                      ha="center", va="bottom")  # fmt: skip
    axes.set_ylim(0, 1.1 * float(top.max()))
    axes.set_ylabel("Studies with exactly\nthese labels")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.tick_params(axis="x", labelbottom=False, length=0)


def _matrix(axes: Axes, sets: list[str], names: list[str]) -> None:
    for y in range(0, len(names), 2):
        axes.axhspan(y - 0.5, y + 0.5, color="#F2F2F2", linewidth=0, zorder=0)
    for x, joined in enumerate(sets):
        held = [y for y, name in enumerate(names) if name in joined.split(JOIN)]
        axes.plot([x] * len(names), range(len(names)), "o", color="#D5D5D5", markersize=3, zorder=1)
        axes.plot([x] * len(held), held, "o-", color="black", markersize=3.5, linewidth=1, zorder=2)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-0.6, len(sets) - 0.4)
    axes.tick_params(length=0, labelbottom=False)
    axes.set_yticks(range(len(names)), names)
    axes.spines[:].set_visible(False)


def _totals(axes: Axes, rows: pd.DataFrame) -> None:
    axes.barh(rows.index, rows["n"], 0.6, color="#B0B0B0", edgecolor="#555555", linewidth=0.4)
    done = rows[rows["status"] == "corrected"]
    if len(done):
        number, low, high = (done[name].astype(float) for name in ("number", "number_low", "number_high"))
        axes.errorbar(number, done.index, xerr=[number - low, high - number], fmt="o", color="#08519C",
                      elinewidth=0.8, capsize=1.2, markersize=2)  # fmt: skip
    axes.invert_xaxis()
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("Studies with the label")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", labelleft=False, length=0)


def alt(tidy: Tidy) -> str:
    """The most common combinations."""
    if tidy.empty:
        return "No studies to show."
    together = tidy.frame[tidy.frame["kind"] == INTERSECTION]
    told = [f"{row['set']} ({row['n']:,})" for _, row in together.head(4).iterrows()]
    return f"UpSet plot of combinations of labels as tagged; most common: {'; '.join(told)}."


def height(tidy: Tidy) -> float:
    """A line a label under the bars."""
    labels = int((tidy.frame["kind"] != INTERSECTION).sum()) if len(tidy.frame) else 0
    return 0.34 + 0.022 * labels


def make(dimension: str = "evaluation") -> FigureSpec:
    """Combinations of one dimension's labels."""
    return FigureSpec(
        name="label-combinations",
        title=f"Combinations of {dimension}",
        reads=label_reads(dimension),
        needs="studies",
        compute=partial(combinations, dimension=dimension),
        draw=draw,
        alt=alt,
        height=height,
    )


LABEL_COMBINATIONS = of_dimensions(make)
