"""Makes ``review/figures/worldmap.json``, the outlines and points of the map of countries.

Source: Natural Earth 4.1.0, public domain (naturalearthdata.com), as the npm package ``world-atlas``
2.0.2 brings it in TopoJSON (ISC licence). To make the file again, with the optional library shapely 2:

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    pip install shapely
    python tests/benchmarks/make_worldmap.py package review/figures/worldmap.json

Outlines are those of 1:110m, for the map is drawn at less than 1:200m. A country's point lies in the
largest part of it, at the coarsest of 1:110m, 1:50m and 1:10m that has it. Degrees, one decimal.
"""

import json
import math
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from iso3166 import countries, countries_by_name, countries_by_numeric
from shapely import MultiPolygon, Point, Polygon, box, make_valid
from shapely.affinity import translate
from shapely.ops import polylabel

WEST = -169.0
"""The map's edge, through the Bering Strait: no country but Antarctica lies on both sides."""

# Natural Earth counts these as parts of another country. They are small enough for a point by hand;
# each is less than a degree from an outline of that country at 1:10m (checked below).
PARTS = {
    "BQ": ("NL", -68.3, 12.2), "BV": ("NO", 3.4, -54.4), "CC": ("-", 96.8, -12.1), "CX": ("-", 105.6, -10.5),
    "GF": ("FR", -53.2, 3.9), "GP": ("FR", -61.5, 16.2), "MQ": ("FR", -61.0, 14.7), "RE": ("FR", 55.5, -21.1),
    "SJ": ("NO", 16.0, 78.9), "TK": ("NZ", -171.8, -9.2), "YT": ("FR", 45.2, -12.8),
}  # fmt: skip


def shapes(atlas: Path, scale: str) -> dict[str, list[Polygon]]:
    """The polygons of every country, by alpha-2 code; the few areas without one under ``-``."""
    topology = json.loads((atlas / f"countries-{scale}.json").read_text("utf-8"))
    arcs = [_arc(arc, topology["transform"]) for arc in topology["arcs"]]
    held: dict[str, list[Polygon]] = {}
    for one in topology["objects"]["countries"]["geometries"]:
        number, name = one.get("id"), one["properties"]["name"]
        country = countries_by_numeric.get(number) or countries_by_name.get(name.upper())
        parts = one["arcs"] if one["type"] == "MultiPolygon" else [one["arcs"]]
        held.setdefault(country.alpha2 if country else "-", []).extend(
            piece for part in parts for piece in _cut([_ring(ring, arcs) for ring in part])
        )
    return held


def _arc(arc: list[list[int]], transform: dict[str, list[float]]) -> list[tuple[float, float]]:
    """Arcs are kept as steps from point to point in whole units."""
    (across, up), (x0, y0) = transform["scale"], transform["translate"]
    x = y = 0
    points = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append((x * across + x0, y * up + y0))
    return points


def _ring(numbers: list[int], arcs: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """A ring of joined arcs; ``~n`` is arc n backwards. Longitudes go on beyond 180 where it crosses."""
    joined: list[tuple[float, float]] = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        joined += arc[1:] if joined else arc
    turn, whole = 0, joined[:1]
    for (before, _), (lon, lat) in pairwise(joined):
        turn -= 360 * round((lon - before) / 360)
        whole.append((lon + turn, lat))
    if turn:  # it goes round the pole, which closes it
        pole = math.copysign(90, whole[0][1])
        whole += [(whole[-1][0], pole), (whole[0][0], pole), whole[0]]
    return whole


def _cut(rings: list[list[tuple[float, float]]]) -> list[Polygon]:
    """Pieces of a polygon between the map's edges; rounding left a few islands no area."""
    if len(rings[0]) < 4:
        return []
    shape = make_valid(Polygon(rings[0], rings[1:]))
    pieces = []
    for turn in (-360, 0, 360):
        inside = translate(shape, turn).intersection(box(WEST, -90, WEST + 360, 90))
        pieces += [one for one in _polygons(inside) if one.area > 1e-6]
    return pieces


def _polygons(shape: Any) -> list[Polygon]:
    if isinstance(shape, Polygon):
        return [shape]
    return [one for part in getattr(shape, "geoms", ()) for one in _polygons(part)]


def point(parts: list[Polygon]) -> list[float]:
    """The centroid of the largest part, or where that is too near its outline the place farthest from it."""
    largest = max(parts, key=lambda one: one.area * math.cos(math.radians(one.centroid.y)))
    middle = largest.centroid
    if not largest.buffer(-0.15).contains(middle):
        middle = polylabel(largest, 0.05)
    return [round((middle.x + 180) % 360 - 180, 1), round(middle.y, 1)]


def flat(ring: Any) -> list[float]:
    """Longitude, latitude, longitude, …: rounded, and no place twice in a row."""
    kept: list[tuple[float, float]] = []
    for lon, lat in ring.coords:
        place = (round(lon, 1), round(lat, 1))
        if not kept or place != kept[-1]:
            kept.append(place)
    return [value for place in kept[:-1] for value in place]


def main(atlas: Path, out: Path) -> None:
    """Write the file; refuse to if a country is without a point."""
    coarse, middle, fine = (shapes(atlas, scale) for scale in ("110m", "50m", "10m"))
    points = {code: [lon, lat] for code, (_, lon, lat) in PARTS.items()}
    for code, (owner, lon, lat) in PARTS.items():
        far = MultiPolygon(fine[owner]).distance(Point((lon - WEST) % 360 + WEST, lat))
        assert far < 1, (code, far)
    for held in (fine, middle, coarse):
        points |= {code: point(parts) for code, parts in held.items() if parts and code != "-"}
    missing = [one.alpha2 for one in countries if one.alpha2 not in points]
    if missing:
        raise SystemExit(f"no point for {', '.join(missing)}: add them to PARTS")
    # The largest first: an enclave is drawn upon the country round it.
    order = sorted(coarse, key=lambda code: -max(part.area for part in coarse[code]))
    outlines = {
        code: [ring for part in coarse[code] if len(ring := flat(part.exterior)) >= 6] for code in order
    }
    told = {
        "source": "Natural Earth 4.1.0 (public domain), by world-atlas 2.0.2 (ISC)",
        "made by": "tests/benchmarks/make_worldmap.py",
        "west": WEST,
        "points": dict(sorted(points.items())),
        "outlines": outlines,
    }
    out.write_text(json.dumps(told, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
