"""Tasks against method families, read both ways in two panels."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from review.analysis.crosstab import task_by_family
from review.analysis.tidy import FAMILIES, Tidy
from review.figures import shades
from review.figures.base import FigureSpec

_PANELS = (
    ("a", "row_", "Of the task's studies,\nshare by family (rows sum to 100 %)"),
    ("b", "", "Of the family's studies,\nshare with the task"),
)


def draw(tidy: Tidy, figure: Figure) -> None:
    """Left the share of families within a task, right the share of tasks within a family."""
    panels = figure.subplots(1, 2, sharey=True)
    order = list(dict.fromkeys(tidy.frame["task"]))
    counts = tidy.frame.groupby("task")["n"].sum()
    for axes, (letter, prefix, title) in zip(panels, _PANELS, strict=True):
        _panel(axes, tidy.frame, prefix, order)
        axes.set_title(title, loc="left")
        axes.text(-0.02, 1.0, letter, transform=axes.transAxes, weight="bold", ha="right",
                  va="bottom", fontsize=axes.title.get_fontsize() + 1.5)  # fmt: skip
    named = [f"{task} ({int(counts[task]):,})" for task in order]
    panels[0].set_yticks(range(len(order)), named)
    shades.footnote(figure, _meaning(tidy), panels[0].title.get_fontsize())


def _meaning(tidy: Tidy) -> str:
    if shades.audited(tidy) or shades.audited(tidy, "row_"):
        return "Blue: corrected by audit, with 95 % interval. Grey: naive, not estimable."
    if (tidy.frame["status"] == "not estimable").all():
        return "Naive shares: audited, but too few disagreements to correct any."
    return "Naive shares, not audited."


def _panel(axes: Axes, frame: pd.DataFrame, prefix: str, order: list[str]) -> None:
    done = frame[f"{prefix}status"] == "corrected"
    share = frame[f"{prefix}corrected"].astype(float).where(done, frame[f"{prefix}naive"])
    blue, grey = (
        frame.assign(shown=share.where(wanted)).pivot(index="task", columns="family", values="shown")
        for wanted in (done, ~done)
    )
    shades.cells(axes, blue.loc[order, list(FAMILIES)], grey.loc[order, list(FAMILIES)], 1.0)
    size = axes.xaxis.label.get_fontsize()
    for (_, row), corrected, value in zip(frame.iterrows(), done.tolist(), share.tolist(), strict=True):
        x, y = FAMILIES.index(row["family"]), order.index(row["task"])
        text = _percent(value)
        if corrected:
            text += f" [{row[f'{prefix}low'] * 100:.0f}–{row[f'{prefix}high'] * 100:.0f}]"
        colour = "white" if corrected and value > 0.6 else "black" if corrected else "#444444"
        axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour)
    axes.set_xticks(range(len(FAMILIES)), [name.replace(" only", "\nonly") for name in FAMILIES])


def _percent(value: float) -> str:
    """A family without any study has no share: a dash, not a zero.

    >>> _percent(0.004), _percent(0.25), _percent(float("nan"))
    ('<1%', '25%', '–')
    """
    return "–" if pd.isna(value) else "<1%" if 0 < value < 0.01 else f"{value:.0%}"


def alt(tidy: Tidy) -> str:
    """Says the most common task of the two families."""
    if tidy.empty:
        return "No studies to show."
    told = []
    frame = tidy.frame.assign(shown=shades.best(tidy))
    for family in (FAMILIES[0], FAMILIES[2]):
        part = frame[frame["family"] == family].sort_values("shown", ascending=False)
        if len(part) and part.iloc[0]["n"]:
            first = part.iloc[0]
            told.append(f"{family}: {first['task']} ({first['shown']:.0%}, {first['status']})")
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
