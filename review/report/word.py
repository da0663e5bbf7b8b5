"""A document as DOCX, the same bytes for the same document.

Rows are written as XML at once: through the library's cells a table of a thousand rows takes
minutes. A table whose words an upright page would part stands on a broad one.
"""

import io
from typing import Any
from xml.sax.saxutils import escape

import docx
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

from review.report.columns import needs, numeric, spread
from review.report.document import Block, Code, Document, Grid, Heading, Items, Picture, Text, clean
from review.steady import docx_bytes

_FONT = "Arial"
_SIZES = (8.5, 7.5, 6.5)
"""Points of a table's text: the largest at which no word is parted."""

_CELL = 11.5
"""Points beside the text of a cell."""

_SHORT, _LONG, _SIDE = Mm(210), Mm(297), Mm(18)
_POINT = 12700
"""A point in the library's unit."""


def word(document: Document) -> bytes:
    """The file's bytes."""
    made = docx.Document()
    _styles(made)
    broad = document.broad()
    _page(made.sections[0], broad=broad)
    made.add_heading(clean(document.title), 0)
    if document.subtitle:
        made.add_paragraph(clean(document.subtitle))
    for banner in document.banners:
        _notice(made, banner, bold=True)
    for block in document.blocks:
        _turn(made, block, broad=broad)
        _block(made, block)
    if document.foot:
        _small(made, document.foot)
    return docx_bytes(made, clean(document.title))


def _styles(made: Any) -> None:
    """Black, in a font that every office has: the library's own would be replaced by whatever is there."""
    made.styles["Normal"].font.size = Pt(10.5)
    for style in made.styles:
        if style.type == WD_STYLE_TYPE.PARAGRAPH:
            style.font.name, style.font.color.rgb = _FONT, RGBColor(0, 0, 0)
            fonts = style.element.rPr.rFonts
            for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(qn(f"w:{name}"), None)
    made.styles["Caption"].paragraph_format.space_before = Pt(8)


def _page(section: Any, *, broad: bool) -> None:
    section.orientation = WD_ORIENT.LANDSCAPE if broad else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (_LONG, _SHORT) if broad else (_SHORT, _LONG)
    section.left_margin = section.right_margin = _SIDE
    section.top_margin = section.bottom_margin = Mm(20)


def _turn(made: Any, block: Block, *, broad: bool) -> None:
    """A new page, turned, where a table needs it or the one before has needed it."""
    room = (_SHORT - 2 * _SIDE) / _POINT
    wide = isinstance(block, Grid) and sum(needs(block.columns, block.rows, _SIZES[-2], _CELL)) > room
    turned = made.sections[-1].orientation == WD_ORIENT.LANDSCAPE
    if turned != (broad or wide):
        _page(made.add_section(WD_SECTION.NEW_PAGE), broad=broad or wide)


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


def _small(made: Any, text: str, *, above: float = 0) -> None:
    paragraph = made.add_paragraph()
    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(above), Pt(2)
    paragraph.add_run(clean(text)).font.size = Pt(8.5)


def _grid(made: Any, grid: Grid) -> None:
    made.add_paragraph(clean(grid.caption), style="Caption").paragraph_format.keep_with_next = True
    table = made.add_table(rows=1, cols=len(grid.columns), style="Table Grid")
    table.autofit = False
    element = table._tbl
    element.remove(element.tr_lst[0])
    section = made.sections[-1]
    room = (section.page_width - 2 * _SIDE) / _POINT
    fitting = (size for size in _SIZES if sum(needs(grid.columns, grid.rows, size, _CELL)) <= room)
    size = next(fitting, _SIZES[-1])
    widths = spread(grid.columns, grid.rows, room, size, _CELL)
    for width, column in zip(widths, element.tblGrid.gridCol_lst, strict=True):
        column.w = Pt(width)
    right = [numeric(grid.rows, place) for place in range(len(widths))]
    shape = list(zip(widths, right, strict=True))
    element.append(_row(grid.columns, shape, size, head=True))
    for row in grid.rows:
        element.append(_row(row, shape, size))
    for place, note in enumerate(grid.notes):
        _small(made, note, above=0 if place else 3)


def _row(cells: tuple[str, ...], shape: list[tuple[float, bool]], size: float, *, head: bool = False) -> Any:
    """A row; ``shape`` is each column's width in points, and whether its text stands right."""
    look = f'<w:rPr>{"<w:b/>" if head else ""}<w:sz w:val="{round(2 * size)}"/></w:rPr>'
    marks = "<w:trPr><w:cantSplit/>" + ("<w:tblHeader/>" if head else "") + "</w:trPr>"
    body = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{round(20 * width)}" w:type="dxa"/></w:tcPr><w:p><w:pPr>'
        f"{'<w:keepNext/>' if head else ''}"
        '<w:spacing w:before="10" w:after="20" w:line="240" w:lineRule="auto"/>'
        f"{'<w:jc w:val=' + chr(34) + 'right' + chr(34) + '/>' if right else ''}</w:pPr><w:r>{look}"
        f'<w:t xml:space="preserve">{escape(clean(cell))}</w:t></w:r></w:p></w:tc>'
        for cell, (width, right) in zip(cells, shape, strict=True)
    )
    return parse_xml(f"<w:tr {nsdecls('w')}>{marks}{body}</w:tr>")


def _picture(made: Any, picture: Picture) -> None:
    section = made.sections[-1]
    room = section.page_width - 2 * _SIDE
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
