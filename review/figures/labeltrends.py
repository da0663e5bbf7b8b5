"""Small multiples of labels over the years, with the sources apart."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from review.analysis.labeltrends import ALL, STANDARD, label_trends
from review.analysis.prevalence import share_or_naive
from review.analysis.sources import SUPPORT
from review.analysis.tidy import Tidy
from review.figures import shades
from review.figures.base import FigureSpec, label_reads, of_dimensions

_SOURCES = (
    ("#0072B2", "#6F6F6F", "^", (0, (4, 1.5))),
    ("#D55E00", "#8A8A8A", "s", (0, (1, 1))),
    ("#009E73", "#9C9C9C", "D", (0, (4, 1, 1, 1))),
    ("#CC79A7", "#ADADAD", "v", (0, (7, 2))),
)
"""Of each source: colour of corrected shares, grey of naive ones, marker, dashes."""

_ASIDE = (-0.24, -0.12, 0.12, 0.24)
"""Years by which a source's corrected points stand aside, so that intervals do not cover each other."""


def draw(tidy: Tidy, figure: Figure) -> None:
    """A panel a label: all sources dotted, each source thin, the standardised share thick with intervals."""
    labels = list(dict.fromkeys(tidy.frame["label"]))
    rows, columns = _grid(tidy)
    drawn = tidy.frame[tidy.frame["denominator"] >= SUPPORT]
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False)
    own = [name for name in dict.fromkeys(tidy.frame["series"]) if name not in (ALL, STANDARD)]
    years = sorted({int(year) for year in drawn["year"]} or {int(year) for year in tidy.frame["year"]})
    for axes, label in zip(panels.flat, labels, strict=False):
        part = drawn[drawn["label"] == label]
        axes.set_title(label, loc="left")
        _panel(axes, part, own)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, 0))
        axes.set_xlim(years[0] - 0.6, years[-1] + 0.6)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for axes in list(panels.flat)[len(labels) :]:
        axes.axis("off")
    for column in range(columns):
        last = max(i for i in range(len(labels)) if i % columns == column)
        panels.flat[last].tick_params(labelbottom=True)
    figure.supylabel(shades.heading(tidy), fontsize=panels[0, 0].yaxis.label.get_fontsize())
    _legend(tidy, figure, own)


def _grid(tidy: Tidy) -> tuple[int, int]:
    """Rows and columns of panels."""
    labels = tidy.frame["label"].nunique()
    columns = max(1, min(3, labels))
    return max(1, -(-labels // columns)), columns


def height(tidy: Tidy) -> float:
    """As many rows as there are."""
    return 0.1 + 0.23 * _grid(tidy)[0]


def _panel(axes: Axes, part: pd.DataFrame, own: list[str]) -> None:
    for name, (colour, grey, marker, dashes), aside in zip(own, _SOURCES, _ASIDE, strict=False):
        one = part[part["series"] == name].sort_values("year")
        _line(axes, one, color=grey, linewidth=0.6, linestyle=dashes, marker=marker, markersize=1.8, zorder=2)
        _intervals(axes, one.assign(year=one["year"] + aside), marker, colour, 2.2)
    pooled = part[part["series"] == ALL].sort_values("year")
    _line(axes, pooled, linestyle=":", color="#8C8C8C", linewidth=1.0, zorder=1)
    standard = part[part["series"] == STANDARD].sort_values("year")
    _line(axes, standard, color="#555555", linewidth=1.6, marker="o", markersize=3, zorder=3)
    _intervals(axes, standard, "o", "black", 3.0)


def _line(axes: Axes, rows: pd.DataFrame, **style: Any) -> None:
    """A line that is broken where a year is not in the table."""
    if len(rows):
        years = np.arange(rows["year"].min(), rows["year"].max() + 1)
        axes.plot(years, rows.set_index("year")["naive"].reindex(years), **style)


def _intervals(axes: Axes, rows: pd.DataFrame, marker: str, colour: str, size: float) -> None:
    done = rows[rows["status"] == "corrected"]
    if done.empty:
        return
    share, low, high = (done[name].astype(float) for name in ("corrected", "low", "high"))
    axes.errorbar(done["year"], share, [share - low, high - share], fmt=marker, color=colour, markersize=size,
                  elinewidth=0.7, capsize=1.2, zorder=4)  # fmt: skip


def _legend(tidy: Tidy, figure: Figure, own: list[str]) -> None:
    corrected = shades.audited(tidy)
    handles = [Line2D([], [], color="#8C8C8C", linestyle=":", label=ALL)]
    if (tidy.frame["series"] == STANDARD).any():
        colour = "black" if corrected else "#555555"
        handles.append(Line2D([], [], color=colour, linewidth=1.6, marker="o", label=STANDARD))
    for name, (colour, grey, marker, dashes) in zip(own, _SOURCES, strict=False):
        handles.append(Line2D([], [], color=grey, linewidth=0.8, linestyle=dashes, marker=marker, label=name,
                              markerfacecolor=colour if corrected else grey,
                              markeredgecolor=colour if corrected else grey))  # fmt: skip
    title = "Grey lines as tagged; points with intervals corrected" if corrected else None
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), title=title,
                  alignment="left", handlelength=3.2)  # fmt: skip


def alt(tidy: Tidy) -> str:
    """The first and the last share of each label, standardised where there is one, else pooled."""
    if tidy.empty:
        return "No studies to show."
    told = []
    for label, part in tidy.frame.groupby("label", sort=False):
        standard = part[part["series"] == STANDARD]
        rows = (standard if len(standard) else part[part["series"] == ALL]).sort_values("year")
        rows = rows.assign(best=share_or_naive(rows)).dropna(subset=["best"])
        if len(rows):
            kind = rows["series"].iloc[0]
            ends = " to ".join(
                f"{row['best']:.0%} in {row['year']}" for _, row in rows.iloc[[0, -1]].iterrows()
            )
            told.append(f"{label} {ends} ({kind})")
    return f"Shares of labels by year, by source and standardised: {'; '.join(told)}."


def make(dimension: str = "evaluation") -> FigureSpec:
    """Trends of one dimension."""
    return FigureSpec(
        name="label-trends",
        title=f"Labels of {dimension} by year, within sources and standardised",
        reads=label_reads(dimension),
        needs="studies",
        compute=partial(label_trends, dimension=dimension),
        draw=draw,
        alt=alt,
        height=height,
    )


LABEL_TRENDS = of_dimensions(make)
