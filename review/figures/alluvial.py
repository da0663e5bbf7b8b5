"""Flows through three dimensions: bars of nodes, and ribbons as wide as the studies they carry."""

from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from corpora.words import counted
from review.analysis.flows import NONE, OTHER, flows, links
from review.analysis.tidy import FAMILIES, NO_METHOD, Tidy
from review.figures import shades
from review.figures.base import FigureSpec, label_reads, of_dimensions
from review.figures.presets import COLOURS

_WIDTH = 0.03
_GAP = 0.018
"""Between the nodes of a column, per height."""

# Okabe & Ito's palette without yellow, for ribbons by the node of the middle column.
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#555555")
_LAST = {OTHER: 1, NONE: 2, NO_METHOD: 2}

Nodes = dict[str, tuple[float, float]]
"""Node → its lower and upper end, of a column that is 1 high."""


def draw(tidy: Tidy, figure: Figure) -> None:
    """Three columns; ribbons take the colour of the middle column's node, and names stand beside bars."""
    axes = figure.add_subplot()
    axes.axis("off")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.01, 1.06)
    total = float(tidy.frame["n"].sum())
    columns = [_stacked(tidy.frame.groupby(name)["n"].sum(), total) for name in ("first", "second", "third")]
    colours = _coloured(list(columns[1]))
    size = float(axes.xaxis.label.get_fontsize())
    for i, flow in enumerate(links(tidy.frame)):
        ends = (columns[i], columns[i + 1])
        _ribbons(axes, flow, (i / 2, (i + 1) / 2), ends, total, colours, middle=1 - i)
    titles = next(note for note in tidy.notes if " → " in note).partition(";")[0].split(" → ")
    for i, (nodes, title) in enumerate(zip(columns, titles, strict=True)):
        side = ("left", "center", "right")[i]
        axes.text((0, 0.5, 1)[i], 1.045, title, ha=side, va="center", fontsize=size, weight="bold")
        _bars(axes, nodes, i, total, colours if i == 1 else {}, size)
    note = "Width: studies as tagged, not corrected; one with several labels is divided among its paths."
    shades.footnote(figure, note, size)


def _stacked(sizes: pd.Series, total: float) -> Nodes:
    """Nodes from the top down: families in their order, others by size, what is not a label last."""
    order = sorted(
        sizes.index,
        key=lambda name: (
            _LAST.get(name, 0),
            FAMILIES.index(name) if name in FAMILIES else 0,
            -sizes[name],
            name,
        ),
    )
    room = 1 - _GAP * (len(order) - 1)
    top = 1.0
    made = {}
    for name in order:
        height = float(sizes[name]) / total * room
        made[name] = (top - height, top)
        top -= height + _GAP
    return made


def _coloured(nodes: list[str]) -> dict[str, str]:
    free = [name for name in nodes if name not in _LAST and name not in COLOURS]
    plain = {name: _PALETTE[i % len(_PALETTE)] for i, name in enumerate(free)}
    return {name: COLOURS.get(name, plain.get(name, "#BBBBBB")) for name in nodes}


def _ribbons(
    axes: Axes,
    flow: pd.DataFrame,
    xs: tuple[float, float],
    ends: tuple[Nodes, Nodes],
    total: float,
    colours: dict[str, str],
    middle: int,
) -> None:
    """Ribbons of one gap; they leave and arrive in the order of the nodes on the other side."""
    left, right = ends
    orders = list(left), list(right)
    scale = [_scale(nodes, total) for nodes in ends]
    free = [{name: top for name, (_, top) in nodes.items()} for nodes in ends]
    rows = list(zip(flow["source"].tolist(), flow["target"].tolist(), flow["n"].tolist(), strict=True))
    rows.sort(key=lambda row: (orders[0].index(row[0]), orders[1].index(row[1])))
    start = {}
    for source, target, n in rows:
        start[source, target] = free[0][source]
        free[0][source] -= n * scale[0]
    rows.sort(key=lambda row: (orders[1].index(row[1]), orders[0].index(row[0])))
    for source, target, n in rows:
        tops = start[source, target], free[1][target]
        free[1][target] -= n * scale[1]
        colour = colours[target if middle else source]
        _ribbon(axes, xs, tops, (n * scale[0], n * scale[1]), colour)


def _scale(nodes: Nodes, total: float) -> float:
    return (1 - _GAP * (len(nodes) - 1)) / total


def _ribbon(
    axes: Axes, xs: tuple[float, float], tops: tuple[float, float], widths: tuple[float, float], colour: str
) -> None:
    x0, x1 = xs[0] + _WIDTH / 2, xs[1] - _WIDTH / 2
    half = (x0 + x1) / 2
    upper, lower = tops, (tops[0] - widths[0], tops[1] - widths[1])
    points = [
        (x0, upper[0]), (half, upper[0]), (half, upper[1]), (x1, upper[1]),
        (x1, lower[1]), (half, lower[1]), (half, lower[0]), (x0, lower[0]), (x0, upper[0]),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(points, codes), facecolor=shades.lighter(colour, 0.55), edgecolor="white",
                             linewidth=0.3))  # fmt: skip


def _bars(axes: Axes, nodes: Nodes, column: int, total: float, colours: dict[str, str], size: float) -> None:
    x = column / 2
    scale = _scale(nodes, total)
    before = 2.0
    for name, (low, high) in nodes.items():
        axes.add_patch(Rectangle((x - _WIDTH / 2, low), _WIDTH, high - low, edgecolor="black", linewidth=0.3,
                                 facecolor=colours.get(name, "#444444")))  # fmt: skip
        # Names of thin nodes keep a line's distance from the one above.
        y = min((low + high) / 2, before - 0.03)
        before = y
        beside = (x + _WIDTH / 2 + 0.008, "left") if column < 2 else (x - _WIDTH / 2 - 0.008, "right")
        text = axes.text(beside[0], y, f"{name} ({(high - low) / scale:,.0f})", ha=beside[1], va="center",
                         fontsize=size)  # fmt: skip
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.3})


def alt(tidy: Tidy) -> str:
    """The widest paths."""
    if tidy.empty:
        return "No studies to show."
    told = [
        f"{row['first']} → {row['second']} → {row['third']} ({row['n']:,.0f})"
        for _, row in tidy.frame.head(3).iterrows()
    ]
    total = counted(round(tidy.frame["n"].sum()), "study")
    return f"Flows of {total} through three dimensions; widest: {'; '.join(told)}."


def make(first: str = "tasks", second: str = "family", third: str = "evaluation") -> FigureSpec:
    """Flows through three dimensions."""
    return FigureSpec(
        name="task-method-evaluation",
        title=f"Flows: {first} to {second} to {third}",
        reads=label_reads(first, second, third),
        needs="studies",
        compute=partial(flows, first=first, second=second, third=third),
        draw=draw,
        alt=alt,
        height=0.66,
    )


TASK_METHOD_EVALUATION = of_dimensions(make)
