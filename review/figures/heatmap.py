"""Tasks against method families, read both ways in two panels."""

import pandas as pd
import seaborn as sns
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
    panels[0].set_yticklabels([f"{task} ({int(counts[task]):,})" for task in order], rotation=0)


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    # A family without any study has no share: a dash, not a zero.
    shown = table.map(lambda v: "–" if pd.isna(v) else "<1%" if 0 < v < 0.01 else f"{v:.0%}")
    names = [name.replace(" only", "\nonly") for name in table.columns]
    sns.heatmap(table.fillna(0), ax=axes, cmap="Blues", vmin=0, annot=shown, fmt="", cbar=False,
                xticklabels=names, annot_kws={"fontsize": axes.xaxis.label.get_fontsize()})  # fmt: skip
    axes.tick_params(length=0)
    axes.set(xlabel="", ylabel="")


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
