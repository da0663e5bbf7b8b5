"""How figures tell corrected shares from naive ones: colour is corrected, grey is the tagger's word."""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from review.analysis.prevalence import share_or_naive
from review.analysis.tidy import Tidy

NAIVE = "#8C8C8C"
NAIVE_MAP = "Greys"
CORRECTED_MAP = "Blues"
# Grey goes no darker than this, so that text on it stays legible and blue stands out.
GREY_END = 0.45


def audited(tidy: Tidy, prefix: str = "") -> bool:
    """Whether any share of a table is corrected."""
    status = tidy.frame.get(f"{prefix}status")
    return status is not None and bool((status == "corrected").any())


def heading(tidy: Tidy) -> str:
    """What stands beside the axis of a share."""
    if audited(tidy):
        return "Share (95 % intervals)"
    if (tidy.frame["status"] == "not estimable").any():
        return "Share (naive, not estimable)"
    return "Share (naive, not audited)"


def best(tidy: Tidy) -> pd.Series:
    """The corrected share where there is one, else the naive."""
    return share_or_naive(tidy.frame)


def per_year(tidy: Tidy) -> dict[int, int] | None:
    """Audited studies of each year; None without an audit."""
    if not (tidy.frame["status"] != "not audited").any():
        return None
    most = tidy.frame.groupby("year")["audited"].max()
    return dict(zip(most.index.astype(int).tolist(), most.astype(int).tolist(), strict=True))


def lighter(colour: str, share: float) -> tuple[float, float, float]:
    """A colour as it looks on white when it covers this share: opaque, for not every format is see-through.

    >>> lighter("black", 0.25)
    (0.75, 0.75, 0.75)
    """
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def tiles(axes: Axes, values: Any, **look: Any) -> QuadMesh:
    """A heat map of a matrix, first row on top, without tiles where it is NaN.

    A picture would need to be see-through there, which EPS has not.
    """
    rows, columns = values.shape
    edges = (np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5)
    # Without an edge of their own colour viewers show hairlines between tiles.
    made = axes.pcolormesh(*edges, np.ma.masked_invalid(values), edgecolors="face", linewidth=0.2, **look)
    axes.set(xlim=edges[0][[0, -1]], ylim=edges[1][[-1, 0]])
    return made


def cells(axes: Axes, blue: pd.DataFrame, grey: pd.DataFrame, most: float) -> tuple[QuadMesh, QuadMesh]:
    """A heat map: ``blue`` shares are corrected, ``grey`` ones naive, NaN where the other speaks."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    light = LinearSegmentedColormap.from_list("light", colormaps[NAIVE_MAP]([0.0, GREY_END]))
    made = [
        tiles(axes, table.to_numpy(dtype=float), cmap=shade, vmin=0, vmax=most)
        for table, shade in ((blue, colormaps[CORRECTED_MAP]), (grey, light))
    ]
    rows, columns = blue.shape
    axes.set_xticks([i - 0.5 for i in range(1, columns)], minor=True)
    axes.set_yticks([i - 0.5 for i in range(1, rows)], minor=True)
    axes.grid(which="minor", color="white", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    return made[0], made[1]


def footnote(figure: Figure, text: str, size: float) -> None:
    """Lines under the drawing, for what colours mean, broken at the figure's width."""
    # A letter of the journals' fonts is about half as wide as it is high.
    room = int(figure.get_figwidth() * 72 / (0.52 * size))
    text = "\n".join(textwrap.wrap(text, room))
    figure.supxlabel(text, fontsize=size, x=0.01, ha="left", color="#444444")
