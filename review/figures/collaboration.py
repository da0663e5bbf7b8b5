"""Countries of the authors: how many studies each has, and how many each pair."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from review.analysis.places import country_collaboration
from review.analysis.tidy import Tidy
from review.figures import shades
from review.figures.bars import BLUE, LIGHT
from review.figures.base import FigureSpec


def draw(tidy: Tidy, figure: Figure) -> None:
    """Left the studies of each country, split by whether it stood alone; right those of each pair."""
    own = tidy.frame[tidy.frame["code"] == tidy.frame["partner_code"]]
    bars, matrix = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.45))
    rows, alone = np.arange(len(own)), own["single_country"].astype(int)
    bars.barh(rows, alone, 0.72, color=BLUE, label="this country only")
    bars.barh(rows, own["n"] - alone, 0.72, alone, color=LIGHT, label="with other countries")
    named = [f"{name} ({code})" for name, code in zip(own["country"], own["code"], strict=True)]
    bars.set_yticks(rows, named)
    bars.set_ylim(len(own) - 0.4, -0.6)
    bars.tick_params(axis="y", length=0)
    most = int(own["n"].max())
    for row, n in enumerate(own["n"]):
        bars.text(n + most * 0.015, row, f"{n:,}", va="center")
    bars.set_xlim(0, most * 1.2)
    bars.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    bars.set_xlabel(f"Studies (of {int(own['denominator'].iloc[0]):,} that name a country)")
    figure.legend(loc="outside upper left", ncols=2)
    _matrix(matrix, tidy.frame, list(own["code"]))
    for axes, letter in ((bars, "a"), (matrix, "b")):
        size = axes.xaxis.label.get_fontsize()
        axes.set_title(letter, loc="left", weight="bold", fontsize=size + 1.5)


def _matrix(axes: Axes, frame: pd.DataFrame, codes: list[str]) -> None:
    """Below the diagonal, for both halves say the same; the shade goes by the logarithm."""
    table = np.full((len(codes), len(codes)), np.nan)
    for _, row in frame[frame["code"] != frame["partner_code"]].iterrows():
        one, other = sorted((codes.index(row["code"]), codes.index(row["partner_code"])))
        table[other, one] = row["n"]
    most = max(np.nanmax(table), 2) if np.isfinite(table).any() else 2
    shades.tiles(axes, table, cmap=colormaps["Blues"], norm=LogNorm(0.6, most * 1.5))
    for (row, column), n in np.ndenumerate(table):
        if np.isfinite(n):
            shade = "white" if n > 0.35 * most and n > 2 else "black"
            axes.text(column, row, f"{n:.0f}", ha="center", va="center", color=shade)
    axes.set_xticks(range(len(codes)), codes, rotation=90 if len(codes) > 12 else 0)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("Studies of authors in both countries")


def alt(tidy: Tidy) -> str:
    """Says the countries with most studies and the strongest pairs."""
    if tidy.empty:
        return "No studies to show."
    apart = tidy.frame["code"] != tidy.frame["partner_code"]
    own = tidy.frame[~apart].head(3)
    pairs = tidy.frame[apart].sort_values("n", ascending=False, kind="stable").head(3)
    told = ", ".join(f"{row['country']} ({row['n']:,})" for _, row in own.iterrows())
    joint = ", ".join(f"{row['country']} and {row['partner']} ({row['n']:,})" for _, row in pairs.iterrows())
    return f"Bars of studies by country and matrix of pairs; most: {told}; pairs: {joint or 'none'}."


def _height(tidy: Tidy) -> float:
    """As high as its rows need."""
    rows = int((tidy.frame["code"] == tidy.frame["partner_code"]).sum())
    return 0.15 + 0.0195 * max(rows, 4)


COUNTRY_COLLABORATION = FigureSpec(
    name="country-collaboration",
    title="Studies by country of the authors, and collaboration between countries",
    reads=("records", "links", "decisions"),
    needs="studies",
    compute=country_collaboration,
    draw=draw,
    alt=alt,
    height=_height,
)
