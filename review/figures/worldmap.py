"""Where studies come from, on a map: circles by country, lines between countries that work together."""

import json
import math
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea, HPacker, OffsetBox, TextArea
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from review.analysis.places import country_map
from review.analysis.tidy import Tidy
from review.figures import shades
from review.figures.bars import BLUE
from review.figures.base import FigureSpec

_LAND, _BORDER, _LINK = "#E9E9E6", "#C4C4C0", "#E39460"
_LARGEST = 0.046
"""Diameter of the largest circle, as a part of the figure's width."""
_SMALLEST = 1.0
"""Points: no circle is smaller, for it would not be seen."""
_WIDEST = 2.4
"""Points of the strongest pair's line."""
_RIM = 0.4
"""Points of white round a circle, so that circles upon each other stay apart."""
_LEADER = {"arrowstyle": "-", "linewidth": 0.3, "shrinkA": 0, "shrinkB": 0}
_NAMED, _AWAY = 3.5, 3.2
"""An inch of width: countries whose code is written where there is room, and points it may be away."""

Points = NDArray[np.float64]
"""Places, shape (places, 2), or lengths."""


def equal_earth(degrees: ArrayLike, middle: float = 0.0) -> Points:
    """Longitudes and latitudes, shape (places, 2), in degrees → x and y on a sphere of radius 1.

    Equal areas on the sphere are equal on the map: Šavrič, Patterson & Jenny (2018), The Equal Earth
    map projection, Int. J. Geogr. Inf. Sci. 33(3), 454-465, doi 10.1080/13658816.2018.1504949.
    Longitudes are taken from the meridian ``middle`` and not wrapped.

    >>> equal_earth([(180, 0), (0, 90)]).round(5).tolist()
    [[2.70663, 0.0], [0.0, 1.31736]]
    """
    lon, lat = np.radians(np.asarray(degrees, float).reshape(-1, 2) - (middle, 0)).T
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    t = np.arcsin(np.sqrt(3) / 2 * np.sin(lat))
    slope = 9 * a4 * t**8 + 7 * a3 * t**6 + 3 * a2 * t**2 + a1
    x = 2 * np.sqrt(3) * lon * np.cos(t) / (3 * slope)
    return np.column_stack((x, a4 * t**9 + a3 * t**7 + a2 * t**3 + a1 * t))


class World:
    """Outlines of land and a point for every country, on the map.

    ``worldmap.json`` is cut at the map's edge in the Bering Strait, so that no country is torn apart.
    """

    def __init__(self) -> None:
        held = json.loads(files("review.figures").joinpath("worldmap.json").read_text("utf-8"))
        self._west = float(held["west"])
        self.points = {code: self.place(lon, lat) for code, (lon, lat) in held["points"].items()}
        self.outlines = {
            code: [self._project(np.reshape(ring, (-1, 2))) for ring in rings]
            for code, rings in held["outlines"].items()
        }

    def place(self, lon: float, lat: float) -> tuple[float, float]:
        """Where a place lies on the map."""
        x, y = self._project([((lon - self._west) % 360 + self._west, lat)])[0]
        return float(x), float(y)

    def _project(self, degrees: ArrayLike) -> Points:
        return equal_earth(degrees, self._west + 180)


world = lru_cache(1)(World)


def draw(tidy: Tidy, figure: Figure) -> None:
    """Area: studies; width of a line: studies in common."""
    frame = tidy.frame[tidy.frame["drawn"]]
    apart = frame["code"] != frame["partner_code"]
    own, pairs = frame[~apart], frame[apart]
    most = int(own["n"].max()) if len(own) else 1
    largest = _LARGEST * 72 * figure.get_figwidth()
    axes = figure.add_subplot()
    axes.axis("off")
    axes.set_aspect("equal")
    scale = _land(axes, figure, list(own["code"]), largest)
    _lines(axes, pairs)
    across = _diameters(own["n"], most, largest)
    spots = np.array([world().points[code] for code in own["code"]]).reshape(-1, 2)
    # Most studies come first, so that small circles lie upon large ones. The white rim lies outside.
    axes.scatter(spots[:, 0], spots[:, 1], (across + _RIM) ** 2, BLUE, edgecolors="white", linewidths=_RIM,
                 zorder=3)  # fmt: skip
    _codes(axes, list(own["code"]), spots * scale, across, figure.get_figwidth())
    axes.add_artist(_key(most, largest, pairs))
    shades.footnote(figure, _told(tidy, pairs, most, largest), float(rcParams["font.size"]) - 0.8)


def _land(axes: Axes, figure: Figure, codes: list[str], below: float) -> float:
    """Draw all land, Antarctica if there are studies from it, with so many points left below it.

    Returns the points that a unit of the map takes.
    """
    rings = [
        ring for code, some in world().outlines.items() if code != "AQ" or code in codes for ring in some
    ]
    axes.add_collection(
        PolyCollection(rings, facecolors=_LAND, edgecolors=_BORDER, linewidths=0.25, zorder=1)
    )
    corners = np.concatenate([*rings, np.reshape([world().points[code] for code in codes], (-1, 2))])
    (left, low), (right, high) = corners.min(0) - 0.04, corners.max(0) + 0.04
    scale = float(figure.get_figwidth() * 72 / (right - left))
    axes.set(xlim=(left, right), ylim=(low - (below + 4) / scale, high))
    return scale


def _lines(axes: Axes, pairs: pd.DataFrame) -> None:
    """Bowed to the north, the strongest at last; on the map's plane, never round its back."""
    for _, row in pairs.sort_values("n", kind="stable").iterrows():
        one, other = sorted((world().points[row["code"]], world().points[row["partner_code"]]))
        start, end = np.array(one), np.array(other)
        across, up = end - start
        middle = (start + end) / 2 + 0.18 * np.array([-up, across])
        curve = Path([start, middle, end], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
        width = _WIDEST * row["n"] / pairs["n"].max()
        # White on both sides, so that lines of one country stay apart.
        for colour, more in (("white", _RIM), (_LINK, 0)):
            axes.add_patch(
                PathPatch(curve, fill=False, edgecolor=colour, linewidth=width + more, zorder=2,
                          capstyle="butt")
            )  # fmt: skip


def _diameters(n: ArrayLike, most: int, largest: float) -> Points:
    """Points: the area goes with the number, but for those that would be too small to be seen."""
    return np.maximum(largest * np.sqrt(np.asarray(n, float) / most), _SMALLEST)


def _codes(axes: Axes, codes: list[str], spots: Points, across: Points, inches: float) -> None:
    """Codes of the countries with most studies: in their circles, beside them, or away with a thin line.

    None hides a circle or another code. ``spots`` are in points, near enough: the axes are as wide as
    the figure.
    """
    size = float(rcParams["font.size"]) - 1
    half = np.array([0.75 * size, 0.45 * size])
    taken, rooms = np.empty((0, 2)), np.empty((0, 2))
    for i, code in enumerate(codes[: int(_NAMED * inches)]):
        for shift, apart in _shifts(across[i] / 2, half, int(_AWAY * inches)):
            line = (
                np.linspace(across[i] / 2 / np.hypot(*shift), 1, 16)[:, None]
                if apart > 1
                else np.ones((1, 1))
            )
            places = spots[i] + line * shift  # along the line from the circle's rim; the code is the last
            room = np.vstack((np.zeros((len(places) - 1, 2)), half))
            hidden = _covered(places, room, spots, across)
            # In a circle only those that lie upon it are in the way.
            hidden[: i + 1 if apart < 0 else 0] = False
            hidden[i] = False
            clash = (np.abs(places[:, None] - taken[None]) < room[:, None] + rooms[None] + 0.8).all(axis=2)
            if not hidden.any() and not clash.any():
                taken, rooms = np.vstack((taken, places)), np.vstack((rooms, room))
                axes.annotate(
                    code, world().points[code], shift, textcoords="offset points", ha="center", va="center",
                    fontsize=size, color="white" if apart < 0 else "black", zorder=4, annotation_clip=False,
                    arrowprops=_LEADER if apart > 1 else None,
                )  # fmt: skip
                break


def _covered(places: Points, room: Points, spots: Points, across: Points) -> NDArray[np.bool_]:
    """Which circles lie under any of these boxes, given by their middle and half their size."""
    gap = np.maximum(np.abs(spots[:, None] - places[None]) - room[None], 0)
    return np.asarray((np.hypot(gap[..., 0], gap[..., 1]) < across[:, None] / 2).any(axis=1))


def _shifts(reach: float, half: Points, away: int) -> list[tuple[tuple[float, float], float]]:
    """Where the code of a circle may stand, the best first, and how far from its rim; -1 is in it."""
    room = reach - float(np.hypot(half[0], half[1]))
    turns = [(math.cos(t), math.sin(t)) for t in np.arange(16) * math.pi / 8]
    found = [((0.0, 0.0), -1.0), *(((room * x, room * y), -1.0) for x, y in turns)] if room >= 0 else []
    for apart in (0.5, *range(3, away, 3)):
        wide, high = half + reach + apart
        some = turns if apart > 1 else turns[::4]
        found += [((wide * x, high * y), apart) for x, y in some]
    return found


def _key(most: int, largest: float, pairs: pd.DataFrame) -> AnchoredOffsetbox:
    """Circles and lines as they are drawn: for round numbers, and for the strongest and weakest pair."""
    numbers = _steps(most)
    parts: list[Any] = []
    for n, across in zip(numbers, _diameters(numbers, most, largest).tolist(), strict=True):
        parts += _entry(Circle((across / 2, across / 2), across / 2, facecolor=BLUE, edgecolor="none"),
                        across, across, f"{n:,}{' studies' * (n == numbers[-1])}")  # fmt: skip
    strongest = int(pairs["n"].max()) if len(pairs) else 0
    for n in sorted({int(pairs["n"].min()), strongest}) if strongest else ():
        line = Line2D((0, 16), (_WIDEST / 2,) * 2, color=_LINK, linewidth=_WIDEST * n / strongest)
        parts += _entry(line, 16, _WIDEST, f"{n:,}{' in common' * (n == strongest)}")
    row = HPacker(children=parts, align="center", pad=0, sep=float(rcParams["font.size"]) / 2)
    return AnchoredOffsetbox("lower left", child=row, frameon=False, pad=0, borderpad=0)


def _entry(drawn: Artist, width: float, height: float, text: str) -> list[OffsetBox]:
    area = DrawingArea(width, height)
    area.add_artist(drawn)
    return [area, TextArea(text), DrawingArea(0, 0)]


def _steps(most: int) -> list[int]:
    """Round numbers for a key: the largest of 1, 2, 5, 10, … that there is, and two far smaller.

    >>> _steps(731), _steps(60), _steps(3)
    ([5, 50, 500], [5, 50], [1, 2])
    """
    series = [k * 10**e for e in range(9) for k in (1, 2, 5) if k * 10**e <= most]
    return series[::-1][::3][:3][::-1] if len(series) > 3 else series


def _told(tidy: Tidy, pairs: pd.DataFrame, most: int, largest: float) -> str:
    """What must be known of the picture where it travels alone."""
    own = tidy.frame[tidy.frame["code"] == tidy.frame["partner_code"]]
    named = int(own["denominator"].iloc[0])
    parts = [f"Countries: {int(own['drawn'].sum())}, in {named:,} studies that name one; full counting."]
    if len(pairs):
        parts.append(f"Lines: pairs with {int(pairs['n'].min()):,} or more studies in common.")
    seen = most * (_SMALLEST / largest) ** 2
    if (own["n"] < seen).any():
        parts.append(f"Dots of fewer than {math.ceil(seen):,} studies are enlarged.")
    if strange := int((~own["drawn"]).sum()):
        parts.append(f"Unknown country codes, not drawn: {strange}.")
    return " ".join([*parts, "Boundaries: Natural Earth; they imply no judgement."])


def alt(tidy: Tidy) -> str:
    """Says the countries with most studies and the strongest pairs."""
    if tidy.empty:
        return "No studies to show."
    apart = tidy.frame["code"] != tidy.frame["partner_code"]
    own, pairs = tidy.frame[~apart], tidy.frame[apart & tidy.frame["drawn"]]
    told = ", ".join(f"{row['country']} ({row['n']:,})" for _, row in own.head(3).iterrows())
    strongest = pairs.sort_values("n", ascending=False, kind="stable").head(3)
    joint = ", ".join(
        f"{row['country']} and {row['partner']} ({row['n']:,})" for _, row in strongest.iterrows()
    )
    return (
        f"World map with a circle for each of {int(own['drawn'].sum())} countries, its area the number of "
        f"studies; most: {told}. {len(pairs)} lines join countries that share studies; "
        f"most: {joint or 'none'}."
    )


COUNTRY_MAP = FigureSpec(
    name="country-map",
    title="Map of studies by country of the authors, and collaboration between countries",
    reads=("records", "links", "decisions"),
    needs="studies",
    compute=country_map,
    draw=draw,
    alt=alt,
    height=0.58,
)
