"""A figure on disk: the drawing in every format, its table, and what it was made from."""

import io
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from corpora import cells
from corpora.errors import InputError
from corpora.files import write_whole
from review.analysis.tidy import Tidy
from review.figures.base import FigureSpec, drawn
from review.figures.presets import Preset, formats_for

# No dates and no random ids: the same input gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Producer": "litscale"},
    "svg": {"Date": None, "Creator": "litscale"},
}


@dataclass(frozen=True, slots=True)
class SavedFigure:
    """Which files a figure was written to."""

    name: str
    title: str
    files: tuple[Path, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "name": self.name,
            "title": self.title,
            "files": [str(path) for path in self.files],
            "notes": list(self.notes),
        }


def save(
    spec: FigureSpec,
    tidy: Tidy,
    folder: Path,
    preset: Preset,
    formats: tuple[str, ...] = (),
    inputs: dict[str, Any] | None = None,
) -> SavedFigure:
    """Write ``NAME.pdf|svg|png|tiff``, ``NAME.csv`` and ``NAME.json``, each at once or not at all.

    The JSON is written last: a figure whose JSON is there is complete.

    Raises:
        InputError: the journal does not take the format, or the file is larger than it takes.
        DiskError: the disk refused the write.

    """
    wanted = formats_for(preset, formats)
    figure = drawn(spec, tidy, preset)
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
    return SavedFigure(spec.name, spec.title, tuple(folder / name for name in bodies), tidy.notes)


def render(figure: Figure, kind: str, preset: Preset) -> bytes:
    """One format of a drawn figure; PNG and TIFF have no transparency, TIFF is LZW-compressed."""
    buffer = io.BytesIO()
    dpi = _dpi(figure, preset)
    with rc_context(preset.rc()):
        if kind in ("pdf", "svg"):
            figure.savefig(buffer, format=kind, metadata=_METADATA[kind])
            return buffer.getvalue()
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


def _dpi(figure: Figure, preset: Preset) -> float:
    """The journal's resolution, less if a side would exceed its pixels."""
    if preset.pixels is None:
        return float(preset.dpi)
    longest = float(max(figure.get_size_inches()))
    return min(float(preset.dpi), (preset.pixels - 1) / longest)


def escaped(frame: pd.DataFrame) -> pd.DataFrame:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe.

    >>> escaped(pd.DataFrame({"a": ["=1+1", "b"]}))["a"].tolist()
    ["'=1+1", 'b']
    """
    return frame.map(lambda cell: cells.safe(cell) if isinstance(cell, str) else cell)
