"""A document as DOCX, the same bytes for the same document.

Rows are written as XML at once: through the library's cells a table of a thousand rows takes
minutes.
"""

import io
from typing import Any
from xml.sax.saxutils import escape

import docx
from docx.enum.section import WD_ORIENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

from review.report.document import Block, Code, Document, Grid, Heading, Items, Picture, Text, clean
from review.steady import docx_bytes


def word(document: Document) -> bytes:
    """The file's bytes."""
    made = docx.Document()
    _page(made, document)
    made.add_heading(clean(document.title), 0)
    if document.subtitle:
        made.add_paragraph(clean(document.subtitle))
    for banner in document.banners:
        _notice(made, banner, bold=True)
    for block in document.blocks:
        _block(made, block)
    if document.foot:
        _small(made, document.foot)
    return docx_bytes(made, clean(document.title))


def _page(made: Any, document: Document) -> None:
    section = made.sections[0]
    width, height = (Mm(297), Mm(210)) if document.broad() else (Mm(210), Mm(297))
    if width > height:
        section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = width, height
    section.left_margin = section.right_margin = Mm(18)
    section.top_margin = section.bottom_margin = Mm(20)
    made.styles["Normal"].font.size = Pt(10.5)


def _block(made: Any, block: Block) -> None:
    if isinstance(block, Heading):
        made.add_heading(clean(block.text), block.level - 1)
    elif isinstance(block, Text):
        _notice(made, block.text) if block.notice else made.add_paragraph(clean(block.text))
    elif isinstance(block, Items):
        for line in block.lines:
            made.add_paragraph(clean(line), style="List Bullet")
    elif isinstance(block, Code):
        run = made.add_paragraph().add_run(clean(block.text))
        run.font.name, run.font.size = "Courier New", Pt(8.5)
    elif isinstance(block, Grid):
        _grid(made, block)
    else:
        _picture(made, block)


def _notice(made: Any, text: str, *, bold: bool = False) -> None:
    run = made.add_paragraph().add_run(clean(text))
    run.bold, run.font.color.rgb = bold, RGBColor(0x8A, 0x1C, 0x1C)


def _small(made: Any, text: str) -> None:
    made.add_paragraph().add_run(clean(text)).font.size = Pt(8.5)


def _grid(made: Any, grid: Grid) -> None:
    made.add_paragraph(clean(grid.caption), style="Caption").paragraph_format.keep_with_next = True
    table = made.add_table(rows=1, cols=len(grid.columns), style="Table Grid")
    element = table._tbl
    element.remove(element.tr_lst[0])
    widths = _widths(made, grid)
    for width, column in zip(widths, element.tblGrid.gridCol_lst, strict=True):
        column.w = width
    element.append(_row(grid.columns, widths, head=True))
    for row in grid.rows:
        element.append(_row(row, widths))
    for note in grid.notes:
        _small(made, note)


def _widths(made: Any, grid: Grid) -> list[int]:
    """Columns share the page by their longest texts, none below a word's and none above all others'."""
    section = made.sections[0]
    room = section.page_width - section.left_margin - section.right_margin
    lengths = [
        min(max([len(column), *(len(row[k]) for row in grid.rows[:500])]), 60)
        for k, column in enumerate(grid.columns)
    ]
    weights = [max(length, 7) for length in lengths]
    return [int(room * weight / sum(weights)) for weight in weights]


def _row(cells: tuple[str, ...], widths: list[int], *, head: bool = False) -> Any:
    """A row; ``widths`` are EMU, of which 635 are a twentieth of a point."""
    look = f'<w:rPr>{"<w:b/>" if head else ""}<w:sz w:val="17"/></w:rPr>'
    marks = "<w:trPr><w:cantSplit/>" + ("<w:tblHeader/>" if head else "") + "</w:trPr>"
    close = '<w:pPr><w:spacing w:after="20"/></w:pPr>'
    body = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width // 635}" w:type="dxa"/></w:tcPr><w:p>{close}<w:r>{look}'
        f'<w:t xml:space="preserve">{escape(clean(cell))}</w:t></w:r></w:p></w:tc>'
        for cell, width in zip(cells, widths, strict=True)
    )
    return parse_xml(f"<w:tr {nsdecls('w')}>{marks}{body}</w:tr>")


def _picture(made: Any, picture: Picture) -> None:
    section = made.sections[0]
    room = section.page_width - section.left_margin - section.right_margin
    inline = made.add_picture(io.BytesIO(picture.png))
    broad = room if picture.wide else min(room, Mm(115))
    scale = min(broad / inline.width, Mm(215) / inline.height)
    inline.width, inline.height = int(inline.width * scale), int(inline.height * scale)
    shape = inline._inline.find(qn("wp:docPr"))
    shape.set("descr", clean(picture.alt))
    made.paragraphs[-1].paragraph_format.keep_with_next = True
    made.add_paragraph(clean(picture.caption), style="Caption")
    for note in picture.notes:
        _small(made, note)
