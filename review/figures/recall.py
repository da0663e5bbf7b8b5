"""The recall curve of a screening order: how many of the included were found after how much work."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from review.analysis.tidy import Tidy
from review.figures.base import FigureSpec


def draw_recall(tidy: Tidy, figure: Figure) -> None:
    """Recall over the share screened, with a random order and the 95% line for comparison."""
    axes = figure.add_subplot()
    for name, part in tidy.frame.groupby("ranker"):
        axes.plot(part["screened"], part["recall"], color="#0072B2", label=name, drawstyle="steps-post")
        reached = part[part["recall"] >= 0.95]["screened"]
        if len(reached):
            work = float(reached.iloc[0])
            axes.plot([work, work], [0, 0.95], ":", color="#555555")
            late = work > 0.6  # then the note stands before the line, lest it leave the plot
            axes.annotate(
                f"95% found after {work:.0%}",
                (work, 0.3),
                xytext=(-4 if late else 4, 0),
                textcoords="offset points",
                ha="right" if late else "left",
                color="#333333",
            )
    axes.plot([0, 1], [0, 1], "--", color="#999999", label="random order")
    axes.axhline(0.95, color="#bbbbbb", linewidth=0.6)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
        axis.set_ticks(np.linspace(0, 1, 6))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("Records screened")
    axes.set_ylabel("Included records found (recall)")
    axes.legend(loc="lower right")


def _alt(tidy: Tidy) -> str:
    reached = tidy.frame[tidy.frame["recall"] >= 0.95]["screened"]
    work = f"{float(reached.iloc[0]):.0%}"
    return f"Recall curve of {tidy.population}: 95% of {tidy.denominator} found after {work}."


RECALL_CURVE = FigureSpec(
    name="recall-curve",
    title="Recall over the records screened",
    reads=(),
    needs="order",
    compute=lambda data, _: data,
    draw=draw_recall,
    alt=_alt,
    wide=False,
    height=0.9,
)
