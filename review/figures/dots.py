"""Dots with intervals: every label's share, and the share of low-resource studies by group.

A grey ring is the tagger's word, a blue dot with its interval the corrected share.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, pairwise
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from classifiers.codebook import NOT_REPORTED
from corpora.registry import unknown
from review.analysis.labelshares import label_shares
from review.analysis.lowresource import PUBLISHED, YEAR, low_resource
from review.analysis.prevalence import share_or_naive
from review.analysis.tidy import Context, Tidy
from review.figures import shades
from review.figures.base import FigureSpec, label_reads, of_dimensions

_BLUE = "#08519C"
_LINE = 3.0
"""Millimetres a line of dots takes."""
_HEAD = 1.5
"""Lines that a heading takes."""
_ALONE = 46
"""Lines of a column, `_BESIDE` columns beside which text keeps its size, and lines of a whole page."""
_BESIDE = 2
_ROOM = 165
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def dots(axes: Axes, rows: pd.DataFrame, places: Any) -> None:
    """Rings and dots at the heights ``places``, share across."""
    for _, row in rows.assign(_y=places).iterrows():
        if pd.notna(row["naive"]):
            axes.plot(row["naive"], row["_y"], "o", markersize=3, markerfacecolor="white", color=shades.NAIVE,
                      zorder=2)  # fmt: skip
        if row["status"] == "corrected":
            share, low, high = (float(row[name]) for name in ("corrected", "low", "high"))
            axes.errorbar(share, row["_y"], xerr=[[share - low], [high - share]], fmt="o", color=_BLUE,
                          markersize=3, elinewidth=0.9, capsize=1.5, zorder=3)  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda value, _: f"{round(100 * value, 2):g}%")
    axes.grid(axis="x", color="#E4E4E4", linewidth=0.4, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def key(tidy: Tidy, figure: Figure, size: float) -> None:
    """What rings and dots mean, above the drawing."""
    ring = Line2D([], [], linestyle="", marker="o", markersize=3, markerfacecolor="white", color=shades.NAIVE)
    point = Line2D([], [], color=_BLUE, marker="o", markersize=3, linewidth=0.9)
    if shades.audited(tidy):
        handles, names = [ring, point], ["as tagged (naive)", "corrected, with 95 % interval"]
    else:
        coded = (tidy.frame["status"] == "not estimable").any()
        why = "coded, but too few disagreements to correct any" if coded else "not audited"
        handles, names = [ring], [f"as tagged (naive, {why})"]
    figure.legend(handles, names, loc="outside upper left", ncols=2, fontsize=size)


# ---------------------------------------------------------------- every label


def shares(studies: pd.DataFrame, context: Context, dimension: str | None = None) -> Tidy:
    """`label_shares` of one dimension, or of the whole codebook, under the dimensions' titles.

    "Not reported" is in the denominator's words and not a row.

    Raises:
        UnknownNameError: the codebook has no such dimension.

    """
    book = context.codebook
    parts = book.all_dimensions() if book else []
    titles = {one.id: one.title for one in parts}
    if dimension is not None and dimension not in titles:
        raise unknown("dimension", dimension, titles)
    wanted = [dimension] if dimension else [name for name in titles if name in studies]
    if book is None or not wanted:
        return Tidy(pd.DataFrame({"n": []}), "studies", "none", context.population)
    tidy = label_shares(studies, context, book, wanted)
    frame = tidy.frame[tidy.frame["label"] != NOT_REPORTED].reset_index(drop=True)
    frame.insert(1, "heading", frame["dimension"].map(titles))
    return replace(tidy, frame=frame)


Block = tuple[str, pd.DataFrame]


def draw_shares(tidy: Tidy, figure: Figure) -> None:
    """A block a dimension under its name; the number beside it says of which studies."""
    columns = _columns(_blocks(tidy))
    lines = max(_lines(column) for column in columns)
    panels = figure.subplots(1, len(columns), squeeze=False)[0]
    size = float(panels[0].xaxis.label.get_fontsize())
    text_size = size - (0.8 if len(columns) > _BESIDE else 0)
    over = list(dict.fromkeys(_over(rows) for column in columns for _, rows in column))
    for axes, column in zip(panels, columns, strict=True):
        ticks: list[tuple[float, str, bool]] = []
        y = 0.0
        for title, rows in column:
            ticks.append((y, f"{title} {_raised(over.index(_over(rows)))}", True))
            places = [y + 1 + i for i in range(len(rows))]
            ticks += [(place, name, False) for place, name in zip(places, rows["title"], strict=True)]
            dots(axes, rows, places)
            y += len(rows) + _HEAD
        axes.set_yticks([place for place, _, _ in ticks], [name for _, name, _ in ticks], fontsize=text_size)
        for text, (_, _, head) in zip(axes.get_yticklabels(), ticks, strict=True):
            text.set_fontweight("bold" if head else "normal")
        axes.set_ylim(lines - 0.5, -0.8)
        axes.set_xlim(-0.03, 1.03 if len(columns) > 1 else None)
        axes.set_xlabel("Share of studies")
    key(tidy, figure, size)
    told = "; ".join(f"{_raised(i)} of {one}" for i, one in enumerate(over))
    shades.footnote(figure, told, size - 0.8)


def _raised(place: int) -> str:
    return str(place + 1).translate(_RAISED)


def _over(rows: pd.DataFrame) -> str:
    """The denominator, in words that dimensions share."""
    words = str(rows["over"].iloc[0])
    return f"{words.partition(', that report ')[0]}, that report it" if ", that report " in words else words


def _blocks(tidy: Tidy) -> list[Block]:
    """(heading, rows by share): labels that were given or found; so many of each as there is room for."""
    frame = tidy.frame[(tidy.frame["n"] > 0) | (tidy.frame["status"] == "corrected")]
    parts = [part for _, part in frame.groupby("dimension", sort=False)]
    longest = max((len(part) for part in parts), default=0)
    while longest > 1 and sum(min(len(part), longest) + _HEAD for part in parts) > _ROOM:
        longest -= 1
    made = []
    for part in parts:
        order = share_or_naive(part).sort_values(ascending=False, kind="stable").index
        cut = f" ({longest} of {len(part)})" if len(part) > longest else ""
        made.append((f"{part['heading'].iloc[0]}{cut}", part.loc[order[:longest]]))
    return made


def _lines(blocks: Sequence[Block]) -> float:
    return sum(len(rows) + _HEAD for _, rows in blocks)


def _columns(blocks: list[Block]) -> list[list[Block]]:
    """Blocks in order, in as few columns as hold them, the highest as low as it can be."""
    wanted = min(len(blocks), max(1, math.ceil(_lines(blocks) / _ALONE)), _BESIDE + 1)
    ways = [
        [blocks[i:j] for i, j in pairwise((0, *cuts, len(blocks)))]
        for cuts in combinations(range(1, len(blocks)), wanted - 1)
    ]
    return min(ways, key=lambda columns: max(_lines(column) for column in columns))


def _height(tidy: Tidy) -> float:
    if tidy.empty:
        return 0.3
    lines = max(_lines(column) for column in _columns(_blocks(tidy)))
    return (lines * _LINE + 22) / 183


def alt_shares(tidy: Tidy) -> str:
    """The most common label of each dimension, five dimensions at most."""
    if tidy.empty:
        return "No studies to show."
    told = [
        f"{title}: {rows.iloc[0]['title']} ({share_or_naive(rows).iloc[0]:.0%}, {rows.iloc[0]['status']})"
        for title, rows in _blocks(tidy)[:5]
    ]
    return f"Dot plot of the share of every label; most common, {'; '.join(told)}."


def make_shares(dimension: str | None = None) -> FigureSpec:
    """Shares of one dimension's labels, or of the whole codebook."""
    return FigureSpec(
        name="label-shares",
        title=f"Share of every label of {dimension or 'the codebook'}",
        reads=label_reads(dimension or "*"),
        needs="studies",
        compute=partial(shares, dimension=dimension),
        draw=draw_shares,
        alt=alt_shares,
        height=_height,
    )


LABEL_SHARES = of_dimensions(make_shares)


# ---------------------------------------------------------------- low-resource


def draw_low_resource(tidy: Tidy, figure: Figure) -> None:
    """By year, by label and, where it is known, by language of publication."""
    panels = list(dict.fromkeys(tidy.frame["panel"]))
    axes_of = figure.subplots(1, len(panels), squeeze=False)[0]
    size = float(axes_of[0].xaxis.label.get_fontsize())
    for axes, letter, panel in zip(axes_of, "abc", panels, strict=False):
        rows = tidy.frame[tidy.frame["panel"] == panel]
        dots(axes, rows, range(len(rows)))
        named = [f"{row['group']} ({row['denominator']:,})" for _, row in rows.iterrows()]
        axes.set_yticks(range(len(rows)), named)
        axes.set_ylim(max(len(rows), 6) - 0.5, -0.7)
        axes.set_xlim(left=0 if rows["naive"].fillna(0).max() == 0 else None)
        title = panel if panel in (YEAR, PUBLISHED) else f"{panel} (studies with the label)"
        axes.set_title(title, loc="left")
        axes.text(-0.02, 1.0, letter, transform=axes.transAxes, weight="bold", ha="right", va="bottom",
                  fontsize=size + 1.5)  # fmt: skip
        axes.set_xlabel("Share flagged as low-resource")
    key(tidy, figure, size)
    shades.footnote(figure, "A study about a low-resource language or setting; all sources pooled.", size)


def _low_height(tidy: Tidy) -> float:
    if tidy.empty:
        return 0.3
    return max(0.3, (float(tidy.frame.groupby("panel").size().max()) * 3.4 + 26) / 183)


def alt_low_resource(tidy: Tidy) -> str:
    """First and last year, and the label with the largest share."""
    if tidy.empty:
        return "No studies to show."
    frame = tidy.frame.assign(best=share_or_naive(tidy.frame)).dropna(subset=["best"])
    years = frame[frame["panel"] == YEAR]
    ends = years.iloc[[0, -1]] if len(years) else years
    labels = frame[~frame["panel"].isin((YEAR, PUBLISHED))]
    labels = labels.sort_values("best", ascending=False, kind="stable")
    told = [f"{row['best']:.1%} in {row['group']}" for _, row in ends.iterrows()]
    told += [f"most with {row['group']} ({row['best']:.1%})" for _, row in labels.head(1).iterrows()]
    return f"Dot plots of the share of studies flagged as low-resource: {', '.join(told)}."


def make_low_resource(by: str = "tasks") -> FigureSpec:
    """The flag by year and by one dimension's labels."""
    return FigureSpec(
        name="low-resource",
        title=f"Low-resource languages and settings by year and {by}",
        reads=label_reads("low_resource", by),
        needs="studies",
        compute=partial(low_resource, by=by),
        draw=draw_low_resource,
        alt=alt_low_resource,
        height=_low_height,
    )


LOW_RESOURCE = of_dimensions(make_low_resource)
