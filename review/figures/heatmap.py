"""Two dimensions against each other, read both ways in two panels."""

import textwrap
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from review.analysis.crosstab import cross, task_by_family
from review.analysis.prevalence import share_or_naive
from review.analysis.tidy import FAMILIES, Context, Tidy
from review.figures import shades
from review.figures.base import FigureSpec, label_reads, of_dimensions

_BESIDE = 4
"""Most columns of two panels that stand side by side, with whole intervals in their cells."""

_MOST = (14, 12)
"""Rows and columns that are legible; the rarer ones are counted in a note."""


def draw(tidy: Tidy, figure: Figure) -> None:
    """Left (or above) the column's share within a row, right (below) the row's share within a column."""
    rows, columns = tidy.frame.columns[:2]
    order, shown = (list(dict.fromkeys(tidy.frame[name])) for name in (rows, columns))
    beside = len(shown) <= _BESIDE
    panels = figure.subplots(1, 2, sharey=True) if beside else figure.subplots(2, 1, sharex=True)
    titles = _titles(rows, columns)
    for axes, letter, prefix, title in zip(panels, "ab", ("row_", ""), titles, strict=True):
        _panel(axes, tidy.frame, prefix, (order, shown), beside)
        axes.set_title(textwrap.fill(title, 44) if beside and columns != "family" else title, loc="left")
        axes.text(-0.02, 1.0, letter, transform=axes.transAxes, weight="bold", ha="right",
                  va="bottom", fontsize=axes.title.get_fontsize() + 1.5)  # fmt: skip
    counts = tidy.frame.groupby(rows)["row_denominator"].first()
    named = [f"{row} ({int(counts[row]):,})" if beside else row for row in order]
    for axes in panels[:1] if beside else panels:
        axes.set_yticks(range(len(order)), named)
    if not beside:
        panels[-1].set_xticks(range(len(shown)), [_two_lines(name) for name in shown], rotation=40,
                              ha="right", rotation_mode="anchor")  # fmt: skip
    shades.footnote(figure, _meaning(tidy, beside), panels[0].title.get_fontsize())


def _two_lines(name: str) -> str:
    r"""A slanting name in two lines at most: a third would run into its neighbour's.

    >>> _two_lines("Concept normalization and coding")
    'Concept normalization\nand coding'
    """
    lines = textwrap.wrap(name, 20)
    return "\n".join(lines if len(lines) < 3 else textwrap.wrap(name, len(name) // 2 + 6))


def _titles(rows: str, columns: str) -> tuple[str, str]:
    if columns == "family":
        return (
            "Of the task's studies,\nshare by family (rows sum to 100 %)",
            "Of the family's studies,\nshare with the task",
        )
    return (
        f"Of each row's studies ({_plain(rows)}), share with the column's label ({_plain(columns)})",
        f"Of each column's studies ({_plain(columns)}), share with the row's label ({_plain(rows)})",
    )


def _plain(dimension: str) -> str:
    return dimension.replace("_", " ")


def _meaning(tidy: Tidy, beside: bool) -> str:
    if shades.audited(tidy) or shades.audited(tidy, "row_"):
        width = "with 95 % interval" if beside else "per cent ± half of the 95 % interval"
        return f"Blue: corrected, {width}. Grey: naive, not estimable."
    unit = "" if beside else ", per cent"
    if (tidy.frame["status"] == "not estimable").all():
        return f"Naive shares{unit}: coded, but too few disagreements to correct any."
    return f"Naive shares{unit}, not audited."


def _panel(
    axes: Axes, frame: pd.DataFrame, prefix: str, orders: tuple[list[str], list[str]], beside: bool
) -> None:
    rows, columns = frame.columns[:2]
    order, shown = orders
    done = frame[f"{prefix}status"] == "corrected"
    share = frame[f"{prefix}corrected"].astype(float).where(done, frame[f"{prefix}naive"])
    blue, grey = (
        frame.assign(shown=share.where(wanted)).pivot(index=rows, columns=columns, values="shown")
        for wanted in (done, ~done)
    )
    most = 1.0 if beside else float(share.max() or 1.0)
    shades.cells(axes, blue.loc[order, shown], grey.loc[order, shown], most)
    size = float(axes.xaxis.label.get_fontsize()) - (0 if beside else 1)
    for (_, row), corrected, value in zip(frame.iterrows(), done.tolist(), share.tolist(), strict=True):
        x, y = shown.index(row[columns]), order.index(row[rows])
        text = _percent(value, "%" if beside else "")
        if corrected and beside:
            text += f" [{row[f'{prefix}low'] * 100:.0f}–{row[f'{prefix}high'] * 100:.0f}]"
        elif corrected:
            text += f" ±{(row[f'{prefix}high'] - row[f'{prefix}low']) * 50:.0f}"
        colour = "white" if corrected and value > 0.6 * most else "black" if corrected else "#444444"
        axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour)
    if beside:
        axes.set_xticks(range(len(shown)), [textwrap.fill(_broken(name), 18) for name in shown])


def _broken(name: str) -> str:
    return name.replace(" only", "\nonly") if name in FAMILIES else name


def _percent(value: float, sign: str = "%") -> str:
    """A family without any study has no share: a dash, not a zero.

    >>> _percent(0.004), _percent(0.25), _percent(float("nan")), _percent(0.25, "")
    ('<1%', '25%', '–', '25')
    """
    return "–" if pd.isna(value) else f"<1{sign}" if 0 < value < 0.01 else f"{value * 100:.0f}{sign}"


def alt(tidy: Tidy) -> str:
    """Says the most common row of each column, three columns at most."""
    if tidy.empty:
        return "No studies to show."
    rows, columns = tidy.frame.columns[:2]
    told = []
    frame = tidy.frame.assign(shown=share_or_naive(tidy.frame))
    wanted = [name for name in dict.fromkeys(frame[columns]) if name != FAMILIES[1]]
    for name in wanted[:3]:
        part = frame[frame[columns] == name].sort_values("shown", ascending=False, kind="stable")
        if len(part) and part.iloc[0]["n"]:
            first = part.iloc[0]
            told.append(f"{name}: {first[rows]} ({first['shown']:.0%}, {first['status']})")
    by = "tasks by method family" if columns == "family" else f"{rows} by {columns}"
    return f"Heat map of {by}, row and column shares; most common, {'; '.join(told)}"


def height(tidy: Tidy) -> float:
    """Panels above each other need room for their rows twice."""
    if tidy.empty:
        return 0.5
    rows, columns = (tidy.frame[name].nunique() for name in tidy.frame.columns[:2])
    return max(0.3, 0.08 + 0.027 * rows) if columns <= _BESIDE else 0.24 + 0.044 * rows


def _legible(studies: pd.DataFrame, context: Context, rows: str, columns: str) -> Tidy:
    return cross(studies, context, rows, columns, top=_MOST)


def make(rows: str = "data", columns: str = "tasks", name: str = "cross-table") -> FigureSpec:
    """One heat map of two dimensions."""
    return FigureSpec(
        name=name,
        title=f"{rows.capitalize()} by {columns}",
        reads=label_reads(rows, columns),
        needs="studies",
        compute=partial(_legible, rows=rows, columns=columns),
        draw=draw,
        alt=alt,
        height=height,
    )


def _any(rows: str = "data", columns: str = "tasks") -> FigureSpec:
    return make(rows, columns)


CROSS_TABLE = of_dimensions(_any)
EVALUATION_BY_TASK = make("evaluation", "tasks", "evaluation-by-task")
SPECIALTY_BY_TASK = make("specialty", "tasks", "specialty-by-task")
TASK_BY_FAMILY = FigureSpec(
    name="task-by-family",
    title="Tasks by method family",
    reads=label_reads("tasks", "methods"),
    needs="studies",
    compute=task_by_family,
    draw=draw,
    alt=alt,
    height=height,
)
