"""Annual growth of labels: a dot and an interval each, and the year from which the pace changed."""

from functools import partial

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from review.analysis.growth import growth
from review.analysis.tidy import Tidy
from review.figures import shades
from review.figures.base import FigureSpec, label_reads, of_dimensions


def draw(tidy: Tidy, figure: Figure) -> None:
    """Growth per year with its interval, in grey for counts are as tagged; text on the right."""
    axes = figure.add_subplot()
    frame = tidy.frame.reset_index(drop=True)
    known = frame[frame["status"] == "growth"]
    size = float(axes.xaxis.label.get_fontsize())
    axes.axvline(0, color="#BBBBBB", linewidth=0.6, zorder=0)
    sides = [known["growth"] - known["low"], known["high"] - known["growth"]]
    axes.errorbar(known["growth"], known.index, xerr=sides, fmt="o", color="#444444", elinewidth=0.8,
                  capsize=1.5)  # fmt: skip
    axes.set_yticks(range(len(frame)), [f"{row['label']} ({row['n']:,})" for _, row in frame.iterrows()])
    axes.set_ylim(len(frame) - 0.5, -1.2)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, 0))
    axes.set_xlabel("Growth of the number of studies per year (95 % interval)")
    place = axes.get_yaxis_transform()
    axes.text(1.03, -1.0, "Years; pace changed: growth before → after", transform=place, va="center",
              fontsize=size, weight="bold")  # fmt: skip
    for i, (_, row) in enumerate(frame.iterrows()):
        years = "" if pd.isna(row["first"]) else f"{row['first']}–{row['last']}; "
        axes.text(1.03, i, f"{years}{_change(row)}", transform=place, va="center", fontsize=size)
    last = frame["last"].dropna()
    left_out = f" {int(last.iloc[0]) + 1} is left out, it may be incomplete." if len(last) else ""
    note = "Counts as tagged, not corrected, all sources pooled."
    shades.footnote(figure, note + left_out, size)


def _change(row: pd.Series) -> str:
    if row["status"] != "growth":
        return str(row["status"])
    if pd.isna(row["change"]):
        return "too few years" if pd.isna(row["p"]) else f"no change found (p = {row['p']:.2f})"
    told = "p < 0.01" if row["p"] < 0.01 else f"p = {row['p']:.2f}"
    return f"from {row['change']} ({told}): {_percent(row['before'])} → {_percent(row['after'])}"


def _percent(rate: float) -> str:
    """Growth with its sign.

    >>> _percent(0.25), _percent(-0.041), _percent(-0.004), _percent(14.0)
    ('+25 %', '−4 %', '0 %', 'over +1,000 %')
    """
    if rate > 10:
        return "over +1,000 %"
    whole = round(rate * 100)
    return f"{'−' if whole < 0 else '+' if whole else ''}{abs(whole)} %"


def alt(tidy: Tidy) -> str:
    """The fastest and the slowest label."""
    known = tidy.frame[tidy.frame["status"] == "growth"] if not tidy.empty else tidy.frame
    if known.empty:
        return "No growth rates: too few years or studies."
    known = known.sort_values("growth", kind="stable")
    ends = [
        f"{row['label']} {_percent(row['growth'])} ({_percent(row['low'])} to {_percent(row['high'])})"
        for _, row in known.iloc[[-1, 0]].iterrows()
    ]
    changed = int(known["change"].notna().sum())
    return (
        f"Dot plot of annual growth with intervals; fastest: {ends[0]}; slowest: {ends[1]}; "
        f"the pace of {changed} of {len(known)} changed."
    )


def height(tidy: Tidy) -> float:
    """A line a label."""
    return 0.12 + 0.024 * (len(tidy.frame) + 1) if len(tidy.frame) else 0.3


def make(dimension: str = "tasks") -> FigureSpec:
    """Growth of the labels of one dimension."""
    return FigureSpec(
        name="growth",
        title=f"Annual growth of studies by {dimension}",
        reads=label_reads(dimension),
        needs="studies",
        compute=partial(growth, dimension=dimension),
        draw=draw,
        alt=alt,
        height=height,
    )


GROWTH = of_dimensions(make)
