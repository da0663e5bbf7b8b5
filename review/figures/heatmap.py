"""Tasks against method families, read both ways in two panels."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from review.analysis.crosstab import task_by_family
from review.analysis.tidy import FAMILIES, Tidy
from review.figures.base import FigureSpec

_PANELS = (
    ("a", "row_share", "Of the task's studies,\nshare by family (rows sum to 100 %)"),
    ("b", "column_share", "Of the family's studies,\nshare with the task"),
)


def draw(tidy: Tidy, figure: Figure) -> None:
    """Left the share of families within a task, right the share of tasks within a family."""
    panels = figure.subplots(1, 2, sharey=True)
    order = list(dict.fromkeys(tidy.frame["task"]))
    counts = tidy.frame.groupby("task")["n"].sum()
    for axes, (letter, column, title) in zip(panels, _PANELS, strict=True):
        table = tidy.frame.pivot(index="task", columns="family", values=column)
        _panel(axes, table.loc[order, list(FAMILIES)].astype(float))
        axes.set_title(title, loc="left")
        axes.text(-0.02, 1.0, letter, transform=axes.transAxes, weight="bold", ha="right",
                  va="bottom", fontsize=axes.title.get_fontsize() + 1.5)  # fmt: skip
    panels[0].set_yticks(range(len(order)), [f"{task} ({int(counts[task]):,})" for task in order])


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    axes.imshow(table, aspect="auto", cmap="Blues", vmin=0, vmax=max(table.max().max(), 0.01))
    dark = table.max().max() * 0.6
    values: list[list[float]] = table.to_numpy().tolist()
    for row, cells in enumerate(values):
        for column, value in enumerate(cells):
            known = value == value  # NaN is not equal to itself: the family has no study
            shown = "–" if not known else "<1%" if 0 < value < 0.01 else f"{value:.0%}"
            colour = "white" if known and value > dark else "black"
            axes.text(column, row, shown, ha="center", va="center", color=colour)
    names = [name.replace(" only", "\nonly") for name in table.columns]
    axes.set_xticks(range(table.shape[1]), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def alt(tidy: Tidy) -> str:
    """Says the most common task of the two families."""
    if tidy.empty:
        return "No studies to show."
    told = []
    for family in (FAMILIES[0], FAMILIES[2]):
        part = tidy.frame[tidy.frame["family"] == family].sort_values("n", ascending=False)
        if len(part) and part.iloc[0]["n"]:
            told.append(f"{family}: {part.iloc[0]['task']} ({part.iloc[0]['column_share']:.0%})")
    return "Heat map of tasks by method family, row and column shares; most common, " + "; ".join(told)


TASK_BY_FAMILY = FigureSpec(
    name="task-by-family",
    title="Tasks by method family",
    reads=("records", "links", "decisions", "labels:tasks", "labels:methods"),
    needs="studies",
    compute=task_by_family,
    draw=draw,
    alt=alt,
    height=0.62,
)
