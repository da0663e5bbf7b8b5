"""The flow diagram as an editable DOCX: a table whose bordered cells are the boxes.

A journal that redraws figures gets text that it can change; nothing in it is a picture. Lists are
folded until all rows stand on one page, for a row higher than a page would lose its end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from xml.sax.saxutils import escape

import docx
from docx.enum.section import WD_ORIENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Mm, Pt, RGBColor

from review.analysis.tidy import Tidy
from review.figures.prisma_boxes import FOLDED, Box, Diagram, diagram
from review.figures.prisma_layout import last_fitting
from review.flow import Flow
from review.report.columns import em
from review.steady import docx_bytes

_PAGE = (297, 210)
_MARGIN = 12
_NEW, _GREY, _PHASE = "F2C14E", "D5D5D5", "A9CCE3"
_ROWS = 54
"""Rows of 8 pt on the page."""

_TWIPS = 56.7
"""Twentieths of a point in a millimetre."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the grid; ``span`` columns wide. A box has a border, an arrow has none."""

    lines: Box = ()
    border: bool = False
    fill: str = ""
    bold: bool = False
    centred: bool = False
    span: int = 1
    phase: str = ""


EMPTY = Cell()


def prisma_docx(tidy: Tidy) -> bytes:
    """The file's bytes, the same for the same flow."""
    flow: Flow = tidy.frame.attrs["flow"]
    made = fitting(flow)
    document = docx.Document()
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = (Mm(side) for side in _PAGE)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(_MARGIN)
    document.styles["Normal"].font.size, document.styles["Normal"].font.name = Pt(8), "Arial"
    _say(document, flow.title, bold=True)
    if tidy.simulated:
        _say(document, "SIMULATED LITERATURE: these numbers mean nothing.", red=True)
    if made.interim:
        _say(document, made.interim, bold=True, red=True)
    document.paragraphs[-1]._p.addnext(parse_xml(_table(made)))
    for place, note in enumerate(made.notes):
        _say(document, note, above=0 if place else 6)
    return docx_bytes(document, flow.title)


def fitting(flow: Flow) -> Diagram:
    """The diagram with the longest lists that one page holds, and a note if any is folded."""
    whole = diagram(flow)
    longest = max(len(box) for _, arm in whole.arms for level in arm for box in (level.main, level.side))
    most = last_fitting(range(1, longest + 1), lambda length: _rows(diagram(flow, length, length)) <= _ROWS)
    lengths = range(most, longest + 1)
    reasons = last_fitting(lengths, lambda length: _rows(diagram(flow, most, length)) <= _ROWS)
    made = diagram(flow, most, reasons)
    return made if made == whole else replace(made, notes=(FOLDED, *made.notes))


def _rows(made: Diagram) -> int:
    """Rows of text on the page, with its title, heading and marks; notes may go on to another."""
    widths = _widths(made)
    tall = 8
    for row in _grid(made):
        place, most = 0, 1
        for cell in row:
            room = (sum(widths[place : place + cell.span]) - 2) / 25.4 * 72 / 8
            most = max(most, sum(ceil(em(text) / (room - 0.9 * depth)) for depth, text in cell.lines))
            place += cell.span
        tall += most
    return tall


def _say(
    document: "docx.document.Document", text: str, *, bold: bool = False, red: bool = False, above: int = 0
) -> None:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(above), Pt(3)
    run = paragraph.add_run(text)
    run.bold = bold
    if red:
        run.font.color.rgb = RGBColor(0xB0, 0x00, 0x00)


# ---------------------------------------------------------------- the grid


def _widths(made: Diagram) -> list[float]:
    """Millimetres of the columns: phase, the previous version, then box, arrow, side box of every arm."""
    room = _PAGE[0] - 2 * _MARGIN - 9
    before = [32.0, 7.0] if made.previous else []
    each = (room - sum(before)) / len(made.arms)
    arms = [width for _ in made.arms for width in ((each - 12) * 0.47, 6.0, (each - 12) * 0.53, 6.0)]
    return [9.0, *before, *arms[:-1]]


def _grid(made: Diagram) -> Iterator[list[Cell]]:
    """Rows of cells from top to bottom; between two rows of boxes stands one of arrows."""
    lead = [EMPTY, EMPTY] if made.previous else []
    heads = [Cell(((0, name),), True, _GREY if k else _NEW, bold=True, centred=True, span=3)
             for k, (name, _) in enumerate(made.arms)]  # fmt: skip
    before = [Cell(((0, "Previous version"),), True, _GREY, bold=True, centred=True), EMPTY] if lead else []
    yield [EMPTY, *before, *_between([[head] for head in heads])]
    yield [EMPTY, *lead, *_between([[Cell(span=3)] for _ in heads])]
    steps = list(zip(*(levels for _, levels in made.arms), strict=True))
    for number, step in enumerate(steps):
        left = [Cell(made.previous, border=True), EMPTY] if lead and number == 0 else lead
        parts = [[Cell(level.main, True), _arrow("→") if level.side else EMPTY,
                  Cell(level.side, True) if level.side else EMPTY] for level in step]  # fmt: skip
        yield [Cell(phase=step[0].phase), *left, *_between(parts)]
        last = number + 1 == len(steps)
        below = [_down([_arrow("↓")]) if k == 0 or not last else _down([EMPTY]) for k in range(len(parts))]
        phase = "" if last else step[0].phase
        waits = [_arrow("↓"), EMPTY] if lead else []
        yield [Cell(phase=phase), *waits, *_between(below)]
    yield from _included(made)


def _included(made: Diagram) -> Iterator[list[Cell]]:
    rest = 1 + 4 * (len(made.arms) - 1) + 1
    other = "← from other methods" if len(made.arms) > 1 else ""
    waits = [_arrow("↓"), EMPTY] if made.previous else []
    yield [Cell(phase="Included"), *waits, Cell(made.included, True), Cell(((0, other),), span=rest)]
    if made.total:
        yield [Cell(phase="Included"), *waits, _arrow("↓"), Cell(span=rest)]
        last = [Cell(((0, "previous version"),), centred=True), _arrow("→")]
        yield [Cell(phase="Included"), *last, Cell(made.total, True), Cell(span=rest)]


def _down(cells: list[Cell]) -> list[Cell]:
    return [*cells, EMPTY, EMPTY]


def _between(parts: list[list[Cell]]) -> list[Cell]:
    """The cells of all arms, with a gap between two."""
    return [cell for number, part in enumerate(parts) for cell in ([EMPTY] if number else []) + part]


def _arrow(sign: str) -> Cell:
    return Cell(((0, sign),), centred=True)


# ---------------------------------------------------------------- its XML


def _table(made: Diagram) -> str:
    widths = _widths(made)
    columns = "".join(f'<w:gridCol w:w="{round(width * _TWIPS)}"/>' for width in widths)
    rows = list(_grid(made))
    body = "".join(_row(row, rows[k - 1] if k else None, widths) for k, row in enumerate(rows))
    return (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="0" w:type="auto"/><w:tblLayout w:type="fixed"/>'
        '<w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="40" w:type="dxa"/></w:tblCellMar>'
        "</w:tblPr>"
        f"<w:tblGrid>{columns}</w:tblGrid>{body}</w:tbl>"
    )


def _row(row: list[Cell], above: list[Cell] | None, widths: list[float]) -> str:
    cells, place = [], 0
    for number, cell in enumerate(row):
        width = sum(widths[place : place + cell.span])
        goes_on = number == 0 and bool(cell.phase) and above is not None and above[0].phase == cell.phase
        cells.append(_cell(cell, width, goes_on=goes_on))
        place += cell.span
    starts = row[0].phase and (above is None or above[0].phase != row[0].phase)
    # The name of a phase stands upright and must fit the first of its rows.
    height = f'<w:trHeight w:val="{20 * _upright(row[0].phase)}" w:hRule="atLeast"/>' if starts else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{height}</w:trPr>{''.join(cells)}</w:tr>"


def _upright(phase: str) -> int:
    """Points that a name of bold 8 pt takes."""
    return 5 * len(phase) + 8


def _cell(cell: Cell, width: float, *, goes_on: bool) -> str:
    merge, turn, fill, lines = "", "", cell.fill, cell.lines
    if cell.phase:
        merge = "<w:vMerge/>" if goes_on else '<w:vMerge w:val="restart"/>'
        turn, fill = '<w:textDirection w:val="btLr"/>', _PHASE
        lines = () if goes_on else ((0, cell.phase),)
    edge = "single" if cell.border or cell.phase else "nil"
    borders = "".join(f'<w:{side} w:val="{edge}" w:sz="4"/>' for side in ("top", "left", "bottom", "right"))
    shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
    bold = cell.bold or bool(cell.phase)
    middle = cell.centred or bool(cell.phase)
    text = "".join(_line(line, bold=bold, middle=middle) for line in lines or ((0, ""),))
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{round(width * _TWIPS)}" w:type="dxa"/><w:gridSpan w:val="{cell.span}"/>'
        f"{merge}<w:tcBorders>{borders}</w:tcBorders>{shade}{turn}"
        f"{'<w:vAlign w:val=' + chr(34) + 'center' + chr(34) + '/>' if middle else ''}</w:tcPr>{text}</w:tc>"
    )


def _line(line: tuple[int, str], *, bold: bool, middle: bool) -> str:
    depth, text = line
    indent = f'<w:ind w:left="{depth * 140}"/>' if depth else ""
    side = '<w:jc w:val="center"/>' if middle else ""
    look = f'<w:rPr>{"<w:b/>" if bold else ""}<w:sz w:val="16"/></w:rPr>'
    return (
        f'<w:p><w:pPr><w:spacing w:before="0" w:after="0" w:line="240" w:lineRule="auto"/>'
        f"{indent}{side}</w:pPr>"
        f'<w:r>{look}<w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
    )
