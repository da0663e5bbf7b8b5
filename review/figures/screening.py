"""How screening went: what was found after how much work, and how far people agree."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from corpora.words import counted
from review.analysis import quality
from review.analysis.tidy import Tidy
from review.figures import shades
from review.figures.base import FigureSpec

_BLUE = "#0072B2"


def draw_recall(tidy: Tidy, figure: Figure) -> None:
    """A panel a stage: a step for each relevant record, the stop, and the verified most there are."""
    stages = list(tidy.frame.groupby("stage", sort=False))
    made = figure.subplots(1, len(stages), squeeze=False)[0]
    for axes, (stage, part) in zip(made, stages, strict=True):
        _course(axes, part)
        told = [line for one in _captions(part) for line in textwrap.wrap(one, 112 // len(stages))]
        axes.set_title("\n".join([str(stage), *told]), loc="left")
    made[0].set_ylabel("Relevant records found")


def _captions(part: pd.DataFrame) -> list[str]:
    """What the marks of a panel mean, above it: inside it they would cover the curve."""
    last = part.iloc[-1]
    told = []
    if pd.notna(last["stopped_at"]):
        told.append(f"Dash-dotted: stopped by {last['rule']} at {int(last['stopped_at']):,}.")
    elif last["rule"]:
        told.append(f"Stopped by the {last['rule']}.")
    if pd.notna(last["bound"]):
        told.append(
            f"Dotted: at most {int(last['at_most']):,} relevant in all, so recall is at least "
            f"{_percent(last['bound'])} (verified by a random sample, one-sided {last['confidence']:.0%})."
        )
    left = int(last["pool"]) - int(last["screened"])
    return [*told, f"Hatched: {left:,} unscreened."] if left else told


def _course(axes: Axes, part: pd.DataFrame) -> None:
    last = part.iloc[-1]
    pool, done, found = int(last["pool"]), int(last["screened"]), int(last["n"])
    axes.plot(part["screened"], part["n"], color=_BLUE, drawstyle="steps-post")
    axes.plot([0, done], [0, found], "--", color="#999999", linewidth=0.7)
    top = max(found, 1.0)
    if pool > done:
        axes.axvspan(done, pool, facecolor="white", edgecolor="#CCCCCC", hatch="////", linewidth=0)
    if pd.notna(last["bound"]):
        top = max(top, float(last["at_most"]))
        axes.axhline(float(last["at_most"]), color="#D55E00", linestyle=":", linewidth=0.9)
    if pd.notna(last["stopped_at"]):
        at = float(last["stopped_at"])
        axes.plot([at, at], [0, top], color="black", linewidth=0.8, linestyle="-.")
    axes.set_xlim(0, max(pool, 1) * 1.01)
    axes.set_ylim(0, top * 1.05)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel(f"Records settled, of {pool:,}\n(dashed: at an even pace)")


def _percent(bound: float) -> str:
    """Rounded down: a bound must not be promised higher than it is."""
    return f"{int(bound * 1000) / 10:.1f}%"


def _alt_recall(tidy: Tidy) -> str:
    if tidy.empty:
        return "No record is settled yet."
    told = []
    for stage, part in tidy.frame.groupby("stage", sort=False):
        last = part.iloc[-1]
        line = (
            f"{stage}: {int(last['n']):,} relevant among {int(last['screened']):,} of {int(last['pool']):,}"
        )
        if pd.notna(last["bound"]):
            line += f", recall verified to be at least {_percent(last['bound'])}"
        told.append(line)
    return f"Curves of relevant records found against records settled. {'; '.join(told)}."


# ------------------------------------------------------------------ agreement


def draw_agreement(tidy: Tidy, figure: Figure) -> None:
    """A line a pair, a column a coefficient; hollow points are of records that nobody drew."""
    frame = tidy.frame
    keys = ["stage", "block", "pair"]
    lines = frame.drop_duplicates(keys).reset_index(drop=True)
    made = figure.subplots(1, len(quality.COEFFICIENTS), sharey=True)
    for axes, name in zip(made, quality.COEFFICIENTS, strict=True):
        part = lines[keys].merge(frame[frame["measure"] == name], on=keys, how="left")
        _coefficient(axes, part)
        axes.set_title(name[0].upper() + name[1:], loc="left")
    named = [
        f"{row['pair']}\n{row['stage']}, {row['block']}, {counted(int(row['n']), 'record')}"
        for _, row in lines.iterrows()
    ]
    made[0].set_yticks(range(len(lines)), named)
    made[0].set_ylim(len(lines) - 0.5, -0.5)
    size = float(made[0].xaxis.label.get_fontsize())
    hollow = "; hollow: not drawn at random, nor decided by all" if frame["marked"].any() else ""
    bare = "; without a line: no interval" if (frame["value"].notna() & frame["low"].isna()).any() else ""
    shades.footnote(figure, f"Points with 95 % bootstrap intervals{bare}{hollow}.", size)


def _coefficient(axes: Axes, part: pd.DataFrame) -> None:
    low = min(0.0, float(part[["low", "value"]].astype(float).min().min()))
    for y, row in part.iterrows():
        place = float(str(y))
        if pd.isna(row["value"]):
            axes.text(0.5, place, "not defined", ha="center", va="center", color="#777777")
            continue
        if pd.notna(row["low"]):
            axes.plot([row["low"], row["high"]], [place, place], color=_BLUE, linewidth=1)
        axes.plot(row["value"], place, "o", color=_BLUE, markersize=4,
                  markerfacecolor="white" if row["marked"] else _BLUE)  # fmt: skip
        axes.annotate(f"{row['value']:.2f}", (row["value"], place), (0, 4), textcoords="offset points",
                      ha="center", va="bottom")  # fmt: skip
    axes.set_xlim(min(low * 1.1, -0.05), 1.08)
    axes.set_xticks([0, 0.5, 1])
    axes.grid(axis="x", color="#E5E5E5", linewidth=0.5)
    axes.tick_params(axis="y", length=0)


def height_agreement(tidy: Tidy) -> float:
    """A line a pair."""
    lines = len(tidy.frame.drop_duplicates(["stage", "block", "pair"]))
    return 0.13 + 0.075 * max(lines, 1)


def _alt_agreement(tidy: Tidy) -> str:
    if tidy.empty:
        return "No two people have decided on the same records."
    kappa = tidy.frame[tidy.frame["measure"] == quality.COEFFICIENTS[0]]
    told = []
    for _, row in kappa.iterrows():
        value = "not defined" if pd.isna(row["value"]) else f"{row['value']:.2f}"
        between = f" ({row['low']:.2f} to {row['high']:.2f})" if pd.notna(row["low"]) else ""
        told.append(f"{row['pair']} at {row['stage']}, {row['block']}: κ {value}{between}")
    return f"Agreement of {counted(len(kappa), 'pair')} of people. {'; '.join(told)}."


SCREENING_RECALL = FigureSpec(
    name="screening-recall",
    title="Relevant records found in the course of screening",
    reads=("records", "links", "decisions", "blocks"),
    needs="courses",
    compute=quality.recall,
    draw=draw_recall,
    alt=_alt_recall,
    height=0.44,
)
AGREEMENT = FigureSpec(
    name="agreement",
    title="Agreement of reviewers",
    reads=("records", "links", "decisions", "blocks"),
    needs="agreements",
    compute=quality.agreement,
    draw=draw_agreement,
    alt=_alt_agreement,
    height=height_agreement,
)
