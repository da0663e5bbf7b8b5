"""Bytes into lines of text: the encoding is found line by line, and every repair is said.

Exports are often pasted together, so one file can hold several encodings. UTF-8 is strict: bytes
that are not valid UTF-8 are hardly ever meant as it, so such a line is read as Windows-1252.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import ftfy
from ftfy.badness import is_bad

# What UTF-8 looks like when it was read as Latin-1 or Windows-1252: only such lines are examined.
_SUSPECT = re.compile("[ÂÃâÎÏÐÑ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_BLOCK = 1 << 20
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class Line(NamedTuple):
    """One line without its end, and what was mended in it ("" if nothing)."""

    text: str
    repaired: str


def lines(path: Path) -> Iterator[Line]:
    """The lines of a text file, whatever its encoding and line ends; nothing is dropped."""
    with path.open("rb") as handle:
        start = handle.read(4096)
        handle.seek(0)
        wide = _wide(start)
        if wide:
            yield from _wide_lines(path, wide)
            return
        if start.startswith(_BOMS[0][0]):
            handle.read(3)
        yield from map(_decoded, _byte_lines(handle))


def pieces(path: Path, end: bytes) -> Iterator[str | Iterator[Line]]:
    """A text file in pieces: text where nothing needs mending, else lines as `lines` gives them.

    A piece of text ends with a line that begins with ``end`` (a line break and the start of the
    line), so that no record spans two pieces, and each line in it ends with a line break alone.
    """
    with path.open("rb") as handle:
        start = handle.read(4096)
        if _wide(start):
            yield lines(path)
            return
        handle.seek(3 if start.startswith(_BOMS[0][0]) else 0)
        rest = b""
        while block := handle.read(_BLOCK):
            block = rest + block
            cut = block.rfind(end)
            stop = block.find(b"\n", cut + 1) + 1 if cut >= 0 else 0
            if stop:
                yield _piece(block[:stop])
            rest = block[stop:]
        if rest:
            yield _piece(rest)


def _piece(block: bytes) -> str | Iterator[Line]:
    """Text, if it is plain UTF-8 with ordinary line ends; else its lines."""
    plain = block.isascii()
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    odd = b"\r" in block or b"\x00" in block or not block.endswith(b"\n")
    try:
        text = block.decode("ascii" if plain else "utf-8")
    except UnicodeDecodeError:
        odd = True
    if odd or (not plain and _SUSPECT.search(text)):
        return map(_decoded, _byte_lines(io.BytesIO(block)))
    return text


def head(path: Path, size: int = 8192) -> bytes:
    """The start of a file as UTF-8 bytes, for sniffing."""
    with path.open("rb") as handle:
        start = handle.read(size)
    wide = _wide(start)
    if wide:
        return start.decode(wide, "ignore").lstrip("\ufeff").encode()
    return start.removeprefix(_BOMS[0][0])


def _wide(start: bytes) -> str | None:
    for mark, name in _BOMS[1:]:
        if start.startswith(mark):
            return name
    # UTF-16 without a mark: every second byte of Western text is zero.
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = start[offset::2]
        if len(half) > 8 and half.count(0) > 0.7 * len(half):
            return name
    return None


def _wide_lines(path: Path, encoding: str) -> Iterator[Line]:
    with path.open(encoding=encoding, errors="replace", newline=None) as handle:
        for number, raw in enumerate(handle):
            text = raw.rstrip("\n").lstrip("\ufeff" if number == 0 else "")
            yield Line(text, "an unreadable UTF-16 character" if "\ufffd" in text else "")


def _byte_lines(handle: BinaryIO) -> Iterator[bytes]:
    for raw in handle:
        body = raw.rstrip(b"\r\n")
        # Old Macintosh files end lines by CR alone.
        yield from body.split(b"\r") if b"\r" in body else (body,)


def _decoded(raw: bytes) -> Line:
    repaired = ""
    if raw.isascii() and b"\x00" not in raw:  # most lines, and the quickest to settle
        return Line(raw.decode("ascii"), "")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        repaired = "not UTF-8: read as Windows-1252"
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            text, repaired = raw.decode("latin-1"), "not UTF-8: read as Latin-1"
    if "\x00" in text:
        text, repaired = text.replace("\x00", ""), "NUL bytes taken out"
    if _SUSPECT.search(text) and is_bad(text):
        mended = ftfy.fix_encoding(text)
        if mended != text:
            return Line(mended, "mojibake mended")
    return Line(text, repaired)
