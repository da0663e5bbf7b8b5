"""Ranked bars: venues, authors, languages."""

import textwrap
from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from review.analysis import people
from review.analysis.tidy import Context, Tidy
from review.figures import shades
from review.figures.base import FigureSpec

BLUE, LIGHT = "#0072B2", "#A6CBE3"


def draw(tidy: Tidy, figure: Figure) -> None:
    """One bar a value, the most frequent at the top, with its count."""
    axes = _frame(tidy, figure)
    axes.barh(range(len(tidy.frame)), tidy.frame["n"], 0.72, color=BLUE)


def draw_authors(tidy: Tidy, figure: Figure) -> None:
    """The dark part of a bar is the studies that name the person first."""
    axes = _frame(tidy, figure, ", told apart by their normalised name only")
    rows, first = range(len(tidy.frame)), tidy.frame["first_author"]
    axes.barh(rows, first, 0.72, color=BLUE, label="first author")
    axes.barh(rows, tidy.frame["n"] - first, 0.72, first, color=LIGHT, label="other position")
    figure.legend(loc="outside upper left", ncols=2)


def _frame(tidy: Tidy, figure: Figure, more: str = "") -> Axes:
    """What stands around the bars: names to the left, counts to the right, the denominator below."""
    axes, frame = figure.add_subplot(), tidy.frame
    names = [textwrap.shorten(str(name), 44, placeholder=" …") for name in frame[frame.columns[0]]]
    axes.set_yticks(range(len(frame)), names)
    axes.set_ylim(len(frame) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    most = int(frame["n"].max())
    for row, n in enumerate(frame["n"]):
        axes.text(n + most * 0.01, row, f"{n:,}", va="center")
    axes.set_xlim(0, most * (1.04 + 0.03 * len(f"{most:,}")))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("Studies")
    of = f"Of {int(frame['denominator'].iloc[0]):,} {tidy.denominator}{more}."
    shades.footnote(figure, textwrap.fill(of, 50), float(axes.xaxis.label.get_fontsize()))
    return axes


def _alt(tidy: Tidy) -> str:
    if tidy.empty:
        return "No studies to show."
    column = tidy.frame.columns[0]
    told = (f"{row[column]} ({row['n']:,})" for _, row in tidy.frame.head(3).iterrows())
    return f"Bars of the number of studies by {column}; most: {', '.join(told)}."


def _height(tidy: Tidy) -> float:
    """As high as its bars need."""
    return 0.16 + 0.045 * max(len(tidy.frame), 3)


def _spec(
    name: str, title: str, compute: Callable[[Any, Context], Tidy], draw: Callable[[Tidy, Figure], None]
) -> FigureSpec:
    return FigureSpec(
        name=name,
        title=title,
        reads=("records", "links", "decisions"),
        needs="studies",
        compute=compute,
        draw=draw,
        alt=_alt,
        wide=False,
        height=_height,
    )


VENUES = _spec("venues", "Journals and proceedings with most studies", people.venues, draw)
AUTHORS = _spec("authors", "Authors with most studies", people.authors, draw_authors)
LANGUAGES = _spec("languages", "Languages of publication", people.languages, draw)
