"""Presets: the saved files are measured against what the journal asks."""

import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from corpora.errors import InputError
from corpora.registry import entries, load
from review.analysis.tidy import Tidy
from review.figures.base import drawn
from review.figures.presets import PRESETS, Preset, preset
from review.figures.save import save, see_through
from tests.review.test_figures import CASES, CONTEXT, data_for

# One figure of each width; npj is drawn once, for it asks what nature asks.
MEASURED = [
    (name, journal)
    for journal in PRESETS
    for name in ("records-per-year", "task-by-family")
    if (name, journal) != ("task-by-family", "npj")
]
MM_OF_A_POINT = 25.4 / 72


def saved(name: str, journal: Preset, folder: Path) -> dict[str, Path]:
    spec = load("figures", name)
    tidy = spec.compute(data_for(spec, *CASES["many"]), CONTEXT)
    return {path.suffix[1:]: path for path in save(spec, tidy, folder, journal, journal.allowed).files}


def width_of(name: str, journal: Preset) -> float:
    return journal.double if load("figures", name).wide else journal.single


@pytest.mark.parametrize(("name", "journal"), MEASURED)
def test_saved_files_are_as_the_journal_asks(name: str, journal: str, tmp_path: Path) -> None:
    wanted = preset(journal)
    files = saved(name, wanted, tmp_path)
    assert set(wanted.allowed) <= set(files)
    if "pdf" in files:
        pdf_is(files["pdf"], width_of(name, wanted), wanted)
    if "svg" in files:
        svg_is(files["svg"], width_of(name, wanted), wanted)
    if "eps" in files:
        eps_is(files["eps"], width_of(name, wanted), wanted)
    for kind in {"png", "tiff"} & set(files):
        picture_is(files[kind], kind, width_of(name, wanted), wanted)


def pdf_is(path: Path, width: float, wanted: Preset) -> None:
    body = path.read_bytes()
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", body)
    assert box is not None
    assert float(box.group(1)) * MM_OF_A_POINT == pytest.approx(width, abs=0.1)
    assert float(box.group(2)) * MM_OF_A_POINT <= wanted.tallest + 0.1
    named = {name.decode() for name in re.findall(rb"/BaseFont /(?:[A-Z]{6}\+)?([\w-]+)", body)}
    first = wanted.rc()["font.family"][0].replace(" ", "")
    assert named, "a PDF without fonts has its text as outlines"
    assert all(name.startswith(first) for name in named), named
    # Every font described is embedded, and as TrueType (Type 42), never as drawings (Type 3).
    assert body.count(b"/FontFile2 ") == body.count(b"/Type /FontDescriptor") > 0
    assert b"/Type3" not in body
    sizes = [float(size) for size in re.findall(rb"/F\d+ ([\d.]+) Tf", streams(body))]
    assert sizes
    assert min(sizes) >= wanted.smallest - 0.01


def streams(body: bytes) -> bytes:
    parts = re.findall(rb"/FlateDecode.*?>>\s*stream\r?\n(.*?)\r?\nendstream", body, re.DOTALL)
    return b"\n".join(zlib.decompress(part) for part in parts)


def svg_is(path: Path, width: float, wanted: Preset) -> None:
    text = path.read_text("utf-8")
    size = re.search(r'<svg [^>]*?width="([\d.]+)pt"', text)
    assert size is not None
    assert float(size.group(1)) * MM_OF_A_POINT == pytest.approx(width, abs=0.1)
    fonts = re.findall(r"<text style=\"[^\"]*?font(?:-size)?: (?:[\w]+ )*?([\d.]+)px", text)
    assert len(fonts) == text.count("<text "), "every text keeps its font, so that it can be edited"
    assert min(map(float, fonts)) >= wanted.smallest - 0.01


def eps_is(path: Path, width: float, wanted: Preset) -> None:
    body = path.read_bytes()
    assert body.startswith(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    box = re.search(rb"%%HiResBoundingBox: 0\.0+ 0\.0+ ([\d.]+) ([\d.]+)\n", body)
    assert box is not None
    assert float(box.group(1)) * MM_OF_A_POINT == pytest.approx(width, abs=0.1)
    assert float(box.group(2)) * MM_OF_A_POINT <= wanted.tallest + 0.1
    # Whole points for old readers: no less than what is drawn.
    whole = re.search(rb"%%BoundingBox: 0 0 (\d+) (\d+)\n", body)
    assert whole is not None
    assert int(whole.group(1)) >= float(box.group(1)) > int(whole.group(1)) - 1
    first = wanted.rc()["font.family"][0].replace(" ", "").encode()
    named = re.findall(rb"/FontName /(\S+) def", body)
    assert named, "an EPS without fonts has its text as outlines"
    assert all(name.startswith(first) for name in named), named
    # Every font is there whole, as TrueType (Type 42).
    assert re.findall(rb"/FontType (\d+) def", body) == [b"42"] * len(named)
    assert body.count(b"/sfnts") == len(named)
    sizes = [float(size) for size in re.findall(rb" ([\d.]+) selectfont", body)]
    assert sizes
    assert min(sizes) >= wanted.smallest - 0.01
    assert b"CreationDate" not in body, "the same input gives the same bytes"


def test_what_is_see_through_is_not_written_as_eps(tmp_path: Path) -> None:
    spec = load("figures", "records-per-year")
    tidy = spec.compute(data_for(spec, *CASES["many"]), CONTEXT)

    def veil(tidy: Tidy, figure: Figure) -> None:
        figure.add_subplot().plot([0, 1], [0, 1], alpha=0.5)

    def holes(tidy: Tidy, figure: Figure) -> None:
        figure.add_subplot().imshow([[0.5, np.nan]])

    def box(tidy: Tidy, figure: Figure) -> None:
        figure.text(0.5, 0.5, "A", bbox={"facecolor": (1, 1, 1, 0.5)})

    for draw, what in ((veil, "Line2D"), (holes, "AxesImage"), (box, "FancyBboxPatch")):
        with pytest.raises(InputError, match=rf"has some \({what}\); plos also takes tiff"):
            save(replace(spec, draw=draw), tidy, tmp_path, preset("plos"), ("eps",))
    assert not list(tmp_path.iterdir())


def picture_is(path: Path, kind: str, width: float, wanted: Preset) -> None:
    with Image.open(path) as picture:
        assert picture.mode == "RGB", "no transparency"
        dpi = [float(value) for value in picture.info["dpi"]]
        assert dpi == pytest.approx([wanted.dpi, wanted.dpi], abs=1)
        across, down = picture.size
    assert across / dpi[0] * 25.4 == pytest.approx(width, abs=0.2)
    assert down / dpi[1] * 25.4 <= wanted.tallest + 0.2
    body = path.read_bytes()
    if wanted.pixels:
        assert max(across, down) <= wanted.pixels
    if wanted.bytes:
        assert len(body) <= wanted.bytes
    if kind == "png":
        told = body.index(b"pHYs")
        metres = struct.unpack(">IIB", body[told + 4 : told + 13])
        assert metres == (round(wanted.dpi / 0.0254), round(wanted.dpi / 0.0254), 1)


@pytest.mark.parametrize("name", entries("figures"))
def test_no_figure_has_text_below_the_minimum_or_lets_shine_through(name: str) -> None:
    spec = load("figures", name)
    tidy = spec.compute(data_for(spec, *CASES["many"]), CONTEXT)
    # The journal with the largest minimum.
    wanted = preset("plos")
    figure = drawn(spec, tidy, wanted)
    texts = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    assert texts
    small = [one.get_text() for one in texts if one.get_fontsize() < wanted.smallest - 0.01]
    assert not small
    assert not see_through(figure)
    assert figure.get_figheight() * 25.4 <= wanted.tallest + 0.2


def test_text_that_a_figure_asks_too_small_is_enlarged() -> None:
    spec = load("figures", "records-per-year")
    tidy = spec.compute(data_for(spec, *CASES["many"]), CONTEXT)

    def draw(tidy: Tidy, figure: Figure) -> None:
        figure.text(0.5, 0.5, "tiny", fontsize=2)

    texts = drawn(replace(spec, draw=draw), tidy, preset("plos")).findobj(Text)
    assert [one.get_fontsize() for one in texts if one.get_text() == "tiny"] == [8]
