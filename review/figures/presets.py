"""What journals ask of a figure, as data.

Nature and the npj journals: 89 and 183 mm wide, 170 mm high so that the legend has room, Arial or
Helvetica of 5 to 7 pt, fonts embedded (https://research-figure-guide.nature.com). The Lancet: 75 and
154 mm, Times New Roman. JMIR: PNG only, at most 1,200 px a side and 5 MB, no transparency. PLOS: at
most 2,250 by 2,625 px at 300 dpi, Arial of 8 to 12 pt, TIFF or EPS without transparency, fonts
embedded, under 10 MB (https://journals.plos.org/plosone/s/figures). Elsevier: 90 and 190 mm, 7 pt,
PDF or EPS, or TIFF of 500 dpi where lines meet shades (elsevier.com, artwork sizing and artwork types).
"""

from dataclasses import dataclass
from typing import Any

from matplotlib.font_manager import get_font_names

from corpora.errors import InputError
from corpora.registry import unknown

MM = 1 / 25.4
"""Inches in a millimetre."""

# Okabe & Ito's palette, told apart by most colour-blind readers
# (https://jfly.uni-koeln.de/color/), with hatches and markers so that colour is never alone.
COLOURS = {
    "Generative LLM only": "#D55E00",
    "Both": "#F0E442",
    "Traditional NLP only": "#0072B2",
    "No method stated": "#BBBBBB",
}
HATCHES = {
    "Generative LLM only": "",
    "Both": "xxxx",
    "Traditional NLP only": "////",
    "No method stated": "....",
}
MARKERS = {"Generative LLM only": "o", "Both": "s", "Traditional NLP only": "^"}
_SANS = ("Arial", "Helvetica", "Liberation Sans", "DejaVu Sans")
_SERIF = ("Times New Roman", "Liberation Serif", "DejaVu Serif")


@dataclass(frozen=True, slots=True)
class Preset:
    """One journal's frame: sizes in mm, text in pt, resolution in dpi, formats.

    ``pixels`` a side and ``bytes`` a file are the most it takes. No text of a figure is smaller
    than ``smallest``.
    """

    name: str
    single: float
    double: float
    tallest: float
    fonts: tuple[str, ...]
    text: float
    smallest: float
    dpi: int
    formats: tuple[str, ...]
    allowed: tuple[str, ...]
    pixels: int | None = None
    bytes: int | None = None

    def rc(self) -> Any:
        """Settings of matplotlib for this journal; fonts are embedded as TrueType."""
        return {
            "font.family": _installed(self.fonts),
            "font.size": self.text,
            "axes.labelsize": self.text,
            "axes.titlesize": self.text,
            "xtick.labelsize": self.text,
            "ytick.labelsize": self.text,
            "legend.fontsize": self.text,
            "axes.linewidth": 0.5,
            "xtick.major.width": 0.5,
            "ytick.major.width": 0.5,
            "xtick.major.size": 2.0,
            "ytick.major.size": 2.0,
            "lines.linewidth": 1.0,
            "lines.markersize": 3.0,
            "hatch.linewidth": 0.4,
            "patch.linewidth": 0.4,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            # A dollar sign in a title is a dollar sign.
            "text.parse_math": False,
            "pdf.fonttype": 42,
            "ps.fonttype": 42,
            "svg.fonttype": "none",
            "svg.hashsalt": "litscale",
            "savefig.facecolor": "white",
            "figure.facecolor": "white",
        }


def _installed(names: tuple[str, ...]) -> list[str]:
    """Those that are here, in order: asking for others makes matplotlib complain at every word.

    DejaVu comes with matplotlib, so the list is never empty.
    """
    here = set(get_font_names())
    return [name for name in names if name in here]


_ALL = ("pdf", "svg", "png", "tiff")
_NATURE = (*_ALL, "eps")
_USUAL = ("pdf", "svg", "png")
PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("nature", 89, 183, 170, _SANS, 6.5, 5, 450, _USUAL, _NATURE),
        Preset("npj", 89, 183, 170, _SANS, 6.5, 5, 450, _USUAL, _NATURE),
        Preset("lancet", 75, 154, 220, _SERIF, 7.5, 6, 300, _USUAL, _ALL),
        # 1,200 px at 180 dpi are 169 mm: text of 7.5 pt stays legible on the page.
        Preset("jmir", 105, 169, 169, _SANS, 7.5, 6, 180, ("png",), ("png",), 1200, 5_000_000),
        Preset("plos", 132, 190.5, 222, _SANS, 9, 8, 300, ("tiff",), ("tiff", "eps"), 2625, 10_000_000),
        Preset("elsevier", 90, 190, 240, _SANS, 8, 7, 500, ("pdf", "tiff"), ("pdf", "tiff", "eps")),
    )
}
"""By name."""


def preset(name: str) -> Preset:
    """A journal's preset; an unknown name lists the known ones.

    >>> preset("nature").double
    183
    """
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    return PRESETS[name]


def formats_for(chosen: Preset, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The formats to write; one that the journal does not take is refused."""
    refused = [name for name in wanted if name not in chosen.allowed]
    if refused:
        raise InputError(
            f"figures: {chosen.name} does not take {', '.join(refused)}; it takes {', '.join(chosen.allowed)}"
        )
    return wanted or chosen.formats
