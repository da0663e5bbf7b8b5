"""A document before it has a format: headings, sentences, tables, pictures.

`review.report.page` makes HTML of it, `review.report.word` DOCX, `plain` Markdown. Text is text:
nothing in it is markup, whoever wrote it.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from corpora.record import key_text

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Heading:
    """``level`` is 2 for a part, 3 for a section."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph; a ``notice`` stands out."""

    text: str
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """What must be shown letter by letter, such as a search strategy."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; every row is as long as ``columns``."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: PNG for DOCX, SVG for HTML where it is not too large (else None); ``wide`` fills the page."""

    caption: str
    alt: str
    png: bytes
    svg: bytes | None
    notes: tuple[str, ...] = ()
    wide: bool = True


Block = Heading | Text | Items | Code | Grid | Picture


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ledger says on a checklist's item, and the section of the report that tells it in full."""

    text: str
    where: str


@dataclass(slots=True)
class Document:
    """A title, banners that nobody may miss, and blocks; ``foot`` says what made it."""

    title: str
    subtitle: str = ""
    banners: tuple[str, ...] = ()
    blocks: list[Block] = field(default_factory=list)
    foot: str = ""

    def numbered(self) -> "Document":
        """The same with ``Table 1.``, ``Figure 1.`` before the captions."""
        counts = {"Table": 0, "Figure": 0}
        made: list[Block] = []
        for block in self.blocks:
            if isinstance(block, Grid):
                counts["Table"] += 1
                caption = f"Table {counts['Table']}. {block.caption}"
                made.append(replace(block, caption=caption))
            elif isinstance(block, Picture):
                counts["Figure"] += 1
                caption = f"Figure {counts['Figure']}. {block.caption}"
                made.append(replace(block, caption=caption))
            else:
                made.append(block)
        return Document(self.title, self.subtitle, self.banners, made, self.foot)

    def broad(self) -> bool:
        """Whether it is all tables, one of them of seven columns or more: then it needs a wide page."""
        grids = [block for block in self.blocks if isinstance(block, Grid)]
        bare = all(isinstance(block, Grid | Text | Heading) for block in self.blocks)
        return bare and any(len(grid.columns) > 6 for grid in grids)

    def sections(self) -> dict[str, str]:
        """Section → hash of its words and tables (pictures by their alternative text)."""
        words: dict[str, list[str]] = {"Title": [self.title, self.subtitle, *self.banners]}
        part = section = ""
        for block in self.blocks:
            if isinstance(block, Heading):
                part = block.text if block.level == 2 else part
                section = part if block.level == 2 else f"{part}: {block.text}"
            words.setdefault(section or "Title", []).extend(_words(block))
        return {
            name: hashlib.sha256("\x1f".join(held).encode("utf-8", "surrogatepass")).hexdigest()[:16]
            for name, held in words.items()
        }


def _words(block: Block) -> Iterable[str]:
    if isinstance(block, Heading | Text | Code):
        return [block.text]
    if isinstance(block, Items):
        return block.lines
    if isinstance(block, Grid):
        cells = (cell for row in block.rows for cell in row)
        return [block.caption, *block.columns, *cells, *block.notes]
    return [block.caption, block.alt, *block.notes]


def clean(text: str) -> str:
    """Text without the characters that neither XML nor HTML can hold.

    >>> clean("a\\x00b")
    'ab'
    """
    return _NO_XML.sub("", text)


def anchor(text: str, place: int) -> str:
    """A name for a link to the heading at this place of the document."""
    return f"s{place}-{key_text(text)[:40]}"


def markdown(document: Document) -> str:
    """Markdown of a document; pictures are told by their alternative text."""
    parts = [f"# {_inline(document.title)}", _inline(document.subtitle)]
    parts += [f"> **{_inline(banner)}**" for banner in document.banners]
    for block in document.blocks:
        if isinstance(block, Heading):
            parts.append(f"{'#' * block.level} {_inline(block.text)}")
        elif isinstance(block, Text):
            parts.append(f"> {_inline(block.text)}" if block.notice else _inline(block.text))
        elif isinstance(block, Items):
            parts.append("\n".join(f"- {_inline(line)}" for line in block.lines))
        elif isinstance(block, Code):
            parts.append("\n".join(f"    {line}" for line in clean(block.text).splitlines()))
        elif isinstance(block, Grid):
            parts += [f"**{_inline(block.caption)}**", _pipes(block.columns, block.rows)]
            parts += map(_inline, block.notes)
        else:
            parts += [f"**{_inline(block.caption)}** {_inline(block.alt)}", *map(_inline, block.notes)]
    return "\n\n".join(part for part in [*parts, _inline(document.foot)] if part) + "\n"


def _pipes(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(_inline(cell).replace('|', chr(92) + '|') for cell in line)} |"
                     for line in lines)  # fmt: skip


def _inline(text: str) -> str:
    """One line in which no letter is markup: HTML and Markdown signs are escaped."""
    plain = " ".join(clean(text).split())
    return re.sub(r"([\\`*_\[\]])", r"\\\1", plain).replace("&", "&amp;").replace("<", "&lt;")
