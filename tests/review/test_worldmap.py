"""The map of countries: places against published values, every country drawn, areas as the numbers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from iso3166 import countries_by_alpha2
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path as Outline

from corpora import places as affiliations
from corpora.registry import load
from review.analysis.places import LINKS, country_map
from review.analysis.tidy import Context, Tidy
from review.figures import worldmap
from review.figures.base import drawn
from review.figures.presets import preset
from review.figures.save import save
from review.figures.worldmap import equal_earth, world

CONTEXT = Context("all of them")
EARTH = 6378137.0


def studies(countries: list[list[str] | None]) -> pd.DataFrame:
    return pd.DataFrame({"study_id": [f"S{i}" for i in range(len(countries))], "countries": countries})


MANY = studies(
    [["US"]] * 50 + [["GB", "US"]] * 20 + [["DE", "US"]] * 5 + [["SG", "MT"]] * 2 + [["BH"], ["HK"], None]
)


def test_places_are_those_of_proj() -> None:
    # Values of PROJ's own tests of eqearth on a sphere of this radius, in metres.
    published = {
        (0, 0): (0, 0),
        (-180, 90): (-10227908.09, 8402320.16),
        (180, 45): (14795421.79, 5486671.72),
        (180, 0): (17263256.84, 0),
    }
    found = EARTH * equal_earth(list(published))
    assert found == pytest.approx(np.array(list(published.values())), abs=0.01)


@pytest.mark.parametrize(("code", "millions"), [("BR", 8.51), ("AU", 7.69), ("RU", 17.0), ("US", 9.4)])
def test_outlines_have_their_countries_areas(code: str, millions: float) -> None:
    """Square kilometres as atlases give them; the projection keeps areas and no piece is lost or torn."""
    total = 0.0
    for ring in world().outlines[code]:
        (x, y), (u, v) = ring.T, np.roll(ring, -1, axis=0).T
        total += abs(float((x * v - u * y).sum())) / 2
    assert total * 6371.0**2 / 1e6 == pytest.approx(millions, rel=0.03)


def test_every_country_has_a_point() -> None:
    codes = set(countries_by_alpha2) | {"XK"} | set(affiliations._NAMES.values())
    assert codes <= set(world().points)
    assert {"SG", "HK", "MT", "BH"}.isdisjoint(world().outlines), "too small for an outline at this scale"


def test_a_point_lies_in_its_country_and_no_outline_crosses_the_map() -> None:
    for code, rings in world().outlines.items():
        # Antarctica alone reaches from edge to edge.
        assert all(code == "AQ" or np.abs(np.diff(ring[:, 0])).max() < 0.3 for ring in rings), code
        if code != "-":
            assert any(Outline(ring).contains_point(world().points[code]) for ring in rings), code


def test_full_and_fractional_counting() -> None:
    tidy = country_map(MANY, CONTEXT)
    assert list(tidy.frame) == [
        "country", "partner", "code", "partner_code", "n", "fractional", "single_country", "denominator",
        "drawn",
    ]  # fmt: skip
    own = tidy.frame[tidy.frame["code"] == tidy.frame["partner_code"]].set_index("code")
    assert own["n"].to_dict() == {"US": 75, "GB": 20, "DE": 5, "MT": 2, "SG": 2, "BH": 1, "HK": 1}
    assert own.loc["US", "fractional"] == 50 + 25 / 2
    assert own["fractional"].sum() == own.loc["US", "denominator"] == 79
    assert own["drawn"].all()
    assert "Countries on the map: 7. Studies that name none: 1, not drawn." in tidy.notes
    pairs = tidy.frame[tidy.frame["code"] != tidy.frame["partner_code"]]
    assert pairs[["code", "partner_code", "n", "drawn"]].to_numpy().tolist() == [
        ["US", "GB", 20, True], ["US", "DE", 5, True], ["MT", "SG", 2, False]
    ]  # fmt: skip
    assert "Lines: the 2 of 3 pairs with at least 3 studies in common." in tidy.notes
    shuffled = country_map(MANY.sample(frac=1, random_state=3), CONTEXT)
    pd.testing.assert_frame_equal(shuffled.frame, tidy.frame)


def test_a_code_of_no_country_is_counted_and_said() -> None:
    tidy = country_map(studies([["ZZ", "US"], ["ZZ"], ["us"]]), CONTEXT)
    told = next(note for note in tidy.notes if "ISO 3166-1" in note)
    assert told.startswith("Codes that ISO 3166-1 does not know, not drawn: 2")
    assert "ZZ (2), us (1)" in told
    figure = drawn(load("figures", "country-map"), tidy, preset("nature"))
    assert "Unknown country codes, not drawn: 2." in " ".join(figure.get_supxlabel().split())
    assert len(circles(figure)) == 1
    nowhere = country_map(studies([["ZZ"]]), CONTEXT)
    assert not len(circles(drawn(load("figures", "country-map"), nowhere, preset("nature"))))


def test_pairs_that_are_level_are_drawn_together() -> None:
    level = [["US", code] for code in sorted(countries_by_alpha2)[:LINKS] if code != "US"]
    tidy = country_map(studies(level + [["FR", "IT"]] * 3 + [["FR", "ES"]] * 2), CONTEXT)
    apart = tidy.frame[tidy.frame["code"] != tidy.frame["partner_code"]]
    assert set(apart.loc[apart["drawn"], "partner_code"]) == {"IT", "ES"}
    alone = country_map(studies(level * 2 + [["US", "FR"], ["US", "IT"]]), CONTEXT).frame
    assert alone.loc[(alone["code"] != alone["partner_code"]) & alone["drawn"], "n"].eq(2).all()
    # However many have most in common, they are drawn.
    assert country_map(studies([["US", *sorted(countries_by_alpha2)[:12]]]), CONTEXT).frame["drawn"].all()


def circles(figure: Figure) -> Any:
    """Diameters in points of blue, the white rim left off."""
    (found,) = [one for one in figure.axes[0].collections if isinstance(one, PathCollection)]
    return np.sqrt(found.get_sizes()) - worldmap._RIM if len(found.get_offsets()) else np.empty(0)


@pytest.mark.parametrize(("journal", "wide"), [("nature", True), ("nature", False), ("plos", True)])
def test_areas_and_widths_go_with_the_numbers_and_the_key_with_them(journal: str, wide: bool) -> None:
    tidy = country_map(MANY, CONTEXT)
    figure = drawn(replace(load("figures", "country-map"), wide=wide), tidy, preset(journal))
    n = np.array([75, 20, 5, 2, 2, 1, 1])
    area = circles(figure) ** 2
    assert len(area) == len(n)
    per_study = area[0] / 75
    seen = n * per_study > worldmap._SMALLEST**2
    assert area[seen] == pytest.approx(n[seen] * per_study)
    assert area[~seen] == pytest.approx(worldmap._SMALLEST**2)
    assert ("are enlarged" in figure.get_supxlabel()) == (not seen.all())
    in_key = [one for one in figure.axes[0].findobj(Circle) if one.get_visible()]
    assert [(2 * one.radius) ** 2 / per_study for one in in_key] == pytest.approx([5, 50])
    drawn_lines = [one for one in figure.axes[0].patches if isinstance(one, PathPatch)]
    lines = [one.get_linewidth() for one in drawn_lines if to_hex(one.get_edgecolor()) != "#ffffff"]
    assert [width / worldmap._WIDEST for width in lines] == pytest.approx([5 / 20, 1])
    codes = [text.get_text() for text in figure.axes[0].texts]
    assert codes[:3] == ["US", "GB", "DE"]


def test_alt_text_and_table_are_saved(tmp_path: Path) -> None:
    spec = load("figures", "country-map")
    tidy: Tidy = spec.compute(MANY, CONTEXT)
    assert "a circle for each of 7 countries" in spec.alt(tidy)
    assert "United States and United Kingdom (20)" in spec.alt(tidy)
    save(spec, tidy, tmp_path, preset("jmir"))
    read = pd.read_csv(tmp_path / "country-map.csv")
    assert read.loc[read["code"] == "SG", ["country", "n"]].to_numpy().tolist() == [["Singapore", 2]]
