"""Figures over the years. Colour is never alone: hatches, markers and labels say the same."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.ticker import MaxNLocator, PercentFormatter

from corpora.words import counted
from review.analysis import trends
from review.analysis.tidy import FAMILIES, NO_METHOD, Tidy
from review.figures import shades
from review.figures.base import FigureSpec, year_axis
from review.figures.presets import COLOURS, HATCHES, MARKERS


def _wide(tidy: Tidy, column: str, value: str) -> pd.DataFrame:
    return tidy.frame.pivot(index="year", columns=column, values=value)


def draw_records(tidy: Tidy, figure: Figure) -> None:
    """Stacked bars of studies per year, one part a method family."""
    axes = figure.add_subplot()
    counts = _wide(tidy, "family", "n")
    bottom = pd.Series(0, index=counts.index)
    for family in (*FAMILIES[::-1], NO_METHOD):
        bars = counts[family]
        axes.bar(bars.index, bars, 0.8, bottom, color=COLOURS[family], hatch=HATCHES[family],
                 edgecolor="black", label=family)  # fmt: skip
        bottom = bottom + bars
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylabel("Studies (families as tagged)")
    year_axis(axes, list(counts.index))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left")


_STYLES = dict(zip(FAMILIES, ("-", ":", "--"), strict=True))
_LINES = {**COLOURS, "Both": "#7A7000"}
_ASIDE = dict(zip(FAMILIES, (-0.12, 0.0, 0.12), strict=True))
"""Years by which each family's points stand aside, so that their intervals do not cover each other."""


def draw_share(tidy: Tidy, figure: Figure) -> None:
    """Share of each family among studies that state a method: grey lines as tagged, colour corrected."""
    axes = figure.add_subplot()
    naive = _wide(tidy, "family", "naive")
    corrected = shades.audited(tidy)
    handles: list[Any] = []
    for family in FAMILIES:
        (line,) = axes.plot(naive.index, naive[family], _STYLES[family], color=shades.NAIVE, linewidth=0.8,
                            zorder=1, marker=MARKERS[family], markersize=2 if corrected else 3)  # fmt: skip
        handles.append(line)
        if corrected:
            part = tidy.frame[(tidy.frame["family"] == family) & (tidy.frame["status"] == "corrected")]
            share, low, high = (part[name].astype(float) for name in ("corrected", "low", "high"))
            bars = axes.errorbar(part["year"] + _ASIDE[family], share, [share - low, high - share],
                                 fmt=MARKERS[family], color=_LINES[family], elinewidth=0.8, capsize=1.5,
                                 zorder=2)  # fmt: skip
            handles[-1] = (line, bars)
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel(shades.heading(tidy))
    year_axis(axes, list(naive.index), shades.per_year(tidy))
    # One entry a family: its grey line and its coloured point side by side.
    told = "grey: as tagged; colour: corrected" if corrected else None
    side_by_side = {tuple: HandlerTuple(ndivide=None, pad=0.6)}
    figure.legend(handles, FAMILIES, loc="outside upper left", title=told, alignment="left",
                  handler_map=side_by_side, handlelength=4 if corrected else 2,
                  title_fontsize=axes.xaxis.label.get_fontsize())  # fmt: skip


def draw_evaluation(tidy: Tidy, figure: Figure) -> None:
    """A heat map: criteria down, years across; blue cells corrected, grey ones as tagged."""
    axes = figure.add_subplot()
    order = list(dict.fromkeys(tidy.frame["criterion"]))
    done = tidy.frame["status"] == "corrected"
    blue, grey = (
        tidy.frame.assign(shown=shades.best(tidy).where(wanted))
        .pivot(index="criterion", columns="year", values="shown")
        .loc[order]
        for wanted in (done, ~done)
    )
    most = float(shades.best(tidy).max() or 1.0)
    corrected_cells, naive_cells = shades.cells(axes, blue, grey, most)
    years = [int(year) for year in blue.columns.tolist()]
    step = max(1, -(-len(years) // 16))
    totals = tidy.frame.drop_duplicates("year").set_index("year")["denominator"].fillna(0)
    named = [f"{year}\n({int(totals[year]):,})" for year in years[::step]]
    axes.set_xticks(range(0, len(years), step), named)
    axes.set_yticks(range(len(order)), order)
    axes.set_xlabel("Year (studies that name a criterion, as tagged)")
    corrected = shades.audited(tidy)
    if len(years) <= _MOST_NUMBERS:
        _numbers(axes, tidy, order, years, most)
    shown = corrected_cells if corrected else naive_cells
    bar = figure.colorbar(shown, ax=axes, format=PercentFormatter(1.0, 0), aspect=30, pad=0.01)
    meaning = "blue: corrected, ± half of the\n95 % interval; grey: naive"
    told = meaning if corrected else shades.heading(tidy).partition("(")[2].rstrip(")")
    bar.set_label(f"Share of the year's studies\n({told})")
    bar.outline.set_linewidth(0.4)


_MOST_NUMBERS = 16
"""Years beyond which a cell has no room for its interval."""


def _numbers(axes: Axes, tidy: Tidy, order: list[str], years: list[int], most: float) -> None:
    """Write each corrected share, in per cent, with half the width of its interval."""
    size = float(axes.xaxis.label.get_fontsize()) - 1
    for _, row in tidy.frame[tidy.frame["status"] == "corrected"].iterrows():
        text = f"{row['corrected'] * 100:.0f} ±{(row['high'] - row['low']) * 50:.0f}"
        colour = "white" if row["corrected"] > 0.6 * most else "black"
        axes.text(years.index(row["year"]), order.index(row["criterion"]), text, ha="center", va="center",
                  fontsize=size, color=colour)  # fmt: skip


def _alt_counts(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    total = tidy.frame.groupby("year")["n"].sum()
    return (
        f"Stacked bars of studies per year, {total.index.min()} to {total.index.max()}, by method "
        f"family; {counted(int(total.sum()), 'study')}, most in {total.idxmax()} ({int(total.max()):,})."
    )


def _alt_share(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    year = tidy.frame["year"].max()
    last = tidy.frame[tidy.frame["year"] == year].set_index("family")
    parts = []
    for family in FAMILIES:
        row = last.loc[family]
        if row["status"] == "corrected":
            parts.append(f"{family} {row['corrected']:.0%} ({row['low']:.0%} to {row['high']:.0%})")
        elif pd.notna(row["naive"]):
            parts.append(f"{family} {row['naive']:.0%} ({row['status']})")
    return f"Lines of the share of method families by year; in {year}: {', '.join(parts)}."


def _alt_evaluation(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    most = tidy.frame.groupby("criterion")["n"].sum().sort_values(ascending=False)
    return (
        "Heat map of the share of studies that use each evaluation criterion, by year; "
        f"most used: {', '.join(f'{name} ({int(n):,})' for name, n in most.head(3).items())}."
    )


RECORDS_PER_YEAR = FigureSpec(
    name="records-per-year",
    title="Studies per year by method family",
    reads=("records", "links", "decisions", "labels:methods"),
    needs="studies",
    compute=trends.by_family,
    draw=draw_records,
    alt=_alt_counts,
    wide=False,
    height=0.75,
    as_tagged=True,
)
FAMILY_SHARE = FigureSpec(
    name="family-share",
    title="Share of method families by year",
    reads=("records", "links", "decisions", "labels:methods"),
    needs="studies",
    compute=trends.family_share,
    draw=draw_share,
    alt=_alt_share,
    wide=False,
    height=0.9,
)
EVALUATION_BY_YEAR = FigureSpec(
    name="evaluation-by-year",
    title="Evaluation criteria by year",
    reads=("records", "links", "decisions", "labels:evaluation"),
    needs="studies",
    compute=trends.evaluation_by_year,
    draw=draw_evaluation,
    alt=_alt_evaluation,
    height=0.36,
)
