"""The flow as files: a diagram in any format, its numbers, and the tables of reports behind its boxes."""

from pathlib import Path

from corpora.errors import InputError
from corpora.files import write_whole
from review.analysis.tidy import Context
from review.export import is_simulated
from review.figures.base import drawn
from review.figures.presets import preset
from review.figures.prisma import PRISMA_FLOW
from review.figures.prisma_boxes import FOLDED
from review.figures.prisma_docx import fitting, prisma_docx
from review.figures.prisma_layout import SHORTENED
from review.figures.save import escaped, render
from review.flow import Flow
from review.flow.fields import prisma_fields
from review.flow.tables import tables
from review.workspace import Workspace

_PICTURES = ("svg", "pdf", "png", "tiff")
SUFFIXES = (*_PICTURES, "docx", "csv")


def write(workspace: Workspace, flow: Flow, path: Path, preset_name: str | None = None) -> str:
    """Write the diagram (SVG, PDF, PNG, TIFF at a journal's size, or an editable DOCX) or its rows (CSV).

    Gives what the picture had to shorten, empty if nothing. Any format may be had with any journal's
    sizes; `review figures` holds to what the journal takes.

    Raises:
        InputError: another suffix.
        DiskError: the disk refused the write.

    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in SUFFIXES:
        raise InputError(f"{path}: the flow is written as {', '.join(f'.{one}' for one in SUFFIXES)}")
    context = Context("all records that were identified", simulated=is_simulated(workspace))
    tidy = PRISMA_FLOW.compute(flow, context)
    shortened = ""
    if kind == "csv":
        body = escaped(tidy.frame).to_csv(index=False).encode()
    elif kind == "docx":
        body = prisma_docx(tidy)
        shortened = SHORTENED if FOLDED in fitting(flow).notes else ""
    else:
        journal = preset(preset_name or workspace.protocol.figures.preset)
        figure = drawn(PRISMA_FLOW, tidy, journal)
        body, shortened = render(figure, kind, journal), str(figure.get_label())
    write_whole(path, body)
    return shortened


def write_fields(flow: Flow, path: Path) -> list[str]:
    """Write the CSV that the PRISMA2020 package reads; gives what its layout cannot show."""
    frame, lost = prisma_fields(flow)
    # Numbers stand beside texts and gaps: an integer column would turn them into fractions.
    write_whole(path, escaped(frame.astype(object)).to_csv(index=False, na_rep="NA").encode())
    return lost


def write_tables(workspace: Workspace, folder: Path) -> dict[Path, int]:
    """Write one CSV a table, formulas escaped; gives each file with its number of reports."""
    written = {}
    for name, frame in tables(workspace).items():
        path = folder / f"{name}.csv"
        # A year beside a gap would be written as a fraction.
        write_whole(path, escaped(frame.convert_dtypes()).to_csv(index=False).encode())
        written[path] = len(frame)
    return written
