"""A figure on disk: the drawing in every format, its table, and what it was made from."""

import io
import json
import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from corpora import cells
from corpora.errors import InputError
from corpora.files import write_whole
from review.analysis.tidy import Tidy
from review.figures.base import FigureSpec, drawn
from review.figures.presets import Preset, formats_for

_DATED = re.compile(rb"%%CreationDate: .*\n")
# No dates and no random ids: the same input gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Producer": "litscale"},
    "svg": {"Date": None, "Creator": "litscale"},
    "eps": {"Creator": "litscale"},
}


@dataclass(frozen=True, slots=True)
class SavedFigure:
    """Which files a figure was written to; ``shortened`` says what its page had no room for, else empty."""

    name: str
    title: str
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    shortened: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "name": self.name,
            "title": self.title,
            "files": [str(path) for path in self.files],
            "notes": list(self.notes),
            "shortened": self.shortened,
        }


def save(
    spec: FigureSpec,
    tidy: Tidy,
    folder: Path,
    preset: Preset,
    formats: tuple[str, ...] = (),
    inputs: dict[str, Any] | None = None,
) -> SavedFigure:
    """Write ``NAME.pdf|svg|png|tiff|eps``, ``NAME.csv`` and ``NAME.json``, each at once or not at all.

    The JSON is written last: a figure whose JSON is there is complete.

    Raises:
        InputError: the journal does not take the format, the file is larger than it takes, or the figure
            is see-through and the format is not.
        DiskError: the disk refused the write.

    """
    wanted = formats_for(preset, formats)
    figure = drawn(spec, tidy, preset)
    if "eps" in wanted and (where := see_through(figure)):
        others = ", ".join(one for one in preset.allowed if one != "eps")
        raise InputError(
            f"{spec.name}.eps: EPS has no transparency, and this figure has some ({where}); "
            f"{preset.name} also takes {others}"
        )
    # A drawing that has no room for all says so in its figure's label.
    shortened = str(figure.get_label())
    bodies = {f"{spec.name}.{kind}": render(figure, kind, preset) for kind in wanted}
    for name, body in bodies.items():
        if preset.bytes and len(body) > preset.bytes:
            raise InputError(f"{name}: {len(body):,} bytes, {preset.name} takes {preset.bytes:,}")
    bodies[f"{spec.name}.csv"] = escaped(tidy.frame).to_csv(index=False).encode()
    told = {
        "name": spec.name,
        "title": spec.title,
        "alt": spec.alt(tidy),
        "unit": tidy.unit,
        "denominator": tidy.denominator,
        "population": tidy.population,
        "notes": list(tidy.notes),
        "shortened": shortened,
        "simulated": tidy.simulated,
        "reads": list(spec.reads),
        "inputs": inputs or {},
        "preset": preset.name,
        "formats": list(wanted),
        "versions": {name: version(name) for name in ("litscale", "matplotlib")},
    }
    bodies[f"{spec.name}.json"] = json.dumps(told, indent=1, ensure_ascii=False).encode()
    for name, body in bodies.items():
        write_whole(folder / name, body)
    return SavedFigure(spec.name, spec.title, tuple(folder / name for name in bodies), tidy.notes, shortened)


def render(figure: Figure, kind: str, preset: Preset) -> bytes:
    """One format of a drawn figure; PNG and TIFF have no transparency, TIFF is LZW-compressed."""
    buffer = io.BytesIO()
    dpi = _dpi(figure, preset)
    with rc_context(preset.rc()):
        if kind in _METADATA:
            figure.savefig(buffer, format=kind, metadata=_METADATA[kind], dpi=dpi)
            return _DATED.sub(b"", buffer.getvalue()) if kind == "eps" else buffer.getvalue()
        # Matplotlib keeps a transparent layer in its pixels, even a wholly opaque one.
        figure.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 0})
    pixels = Image.open(buffer).convert("RGB")
    written = io.BytesIO()
    if kind == "png":
        software = PngInfo()
        software.add_text("Software", "litscale")
        pixels.save(written, "png", dpi=(dpi, dpi), pnginfo=software, optimize=False)
    else:
        pixels.save(written, "tiff", dpi=(dpi, dpi), compression="tiff_lzw")
    return written.getvalue()


_COLOURS = ("facecolor", "edgecolor", "color", "markerfacecolor", "markeredgecolor")


def see_through(figure: Figure) -> str:
    """The kind of the first thing in a figure that lets shine through what is below it; empty if none does.

    An EPS would hold it as opaque, and a picture's missing pixels as black.
    """
    shown = [one for one in figure.findobj() if one.get_visible()]
    boxes = (one.get_bbox_patch() for one in shown if isinstance(one, Text))
    for one in (*shown, *filter(None, boxes)):
        colours = [to_rgba_array(get()) for name in _COLOURS if (get := getattr(one, f"get_{name}", None))]
        if isinstance(one, AxesImage) and (pixels := one.get_array()) is not None:
            # Unlike a shape, a picture is see-through where it has nothing at all.
            colours.append(np.maximum(one.to_rgba(pixels).reshape(-1, 4), 1e-9))
        alphas = np.concatenate([np.ravel(one.get_alpha() or 1.0), *(rows[:, 3] for rows in colours)])
        if bool(((alphas > 0) & (alphas < 1)).any()):
            return type(one).__name__
    return ""


def _dpi(figure: Figure, preset: Preset) -> float:
    """The journal's resolution, less if a side would exceed its pixels."""
    if preset.pixels is None:
        return float(preset.dpi)
    longest = float(max(figure.get_size_inches()))
    return min(float(preset.dpi), (preset.pixels - 1) / longest)


def escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe; yes and no as R reads them.

    >>> escaped(pd.DataFrame({"a": ["=1+1", "b"], "c": [True, False]})).to_numpy().tolist()
    [["'=1+1", 'TRUE'], ['b', 'FALSE']]
    """
    return frame.map(_cell)


def _cell(cell: Any) -> Any:
    if isinstance(cell, str):
        return cells.safe(cell)
    return str(cell).upper() if isinstance(cell, bool | np.bool_) else cell
