"""RIS, as Scopus, Embase, Ovid, ProQuest, Zotero, Mendeley and EndNote write it.

Our own line reader: rispy gives neither the raw rows nor their account, and keeps the whole file.
Tags: https://en.wikipedia.org/wiki/RIS_(file_format) and the exports themselves.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

from corpora import identifiers
from corpora.errors import FormatError
from corpora.formats import people
from corpora.formats.base import Format, Row
from corpora.formats.encoding import pieces
from corpora.words import counted

_LINE = re.compile(r"^\s{0,2}([A-Z][A-Z0-9])\s{1,2}-(?:\s(.*))?$")
_PAIR = re.compile(r"^([A-Z][A-Z0-9])  -(?: (.*))?$", re.MULTILINE)
_END = b"\nER  -"
_VALUE = itemgetter(1)
_HEAD = re.compile(rb"^\s{0,2}TY\s{1,2}-", re.MULTILINE)

# The first tag that has a value gives the field.
_FIRST = {
    "title": ("TI", "T1", "CT"),
    "abstract": ("AB", "N2"),
    "venue": ("JF", "T2", "JO", "JA", "J2", "BT"),
    "volume": ("VL",),
    "issue": ("IS",),
    "language": ("LA",),
    "accession": ("AN",),
    "url": ("UR", "L2"),
    "doi": ("DO",),
    "year": ("PY", "Y1", "DA"),
    "publication_date": ("DA", "Y1", "PY"),
}
_AUTHORS = ("AU", "A1")
_USED = {tag for tags in _FIRST.values() for tag in tags} | {
    *_AUTHORS,
    "KW",
    "SP",
    "EP",
    "TY",
    "ER",
}
_MAY_HIDE_A_DOI = ("UR", "M3", "L3", "N1", "ID")


@dataclass(slots=True)
class _Open:
    """The record that is being read."""

    tags: dict[str, list[str]] = field(default_factory=dict)
    raw: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    last: str = ""

    def take(self, text: str, found: re.Match[str] | None) -> None:
        self.raw.append(text)
        if found:
            self.last = found.group(1)
            self.tags.setdefault(self.last, []).append((found.group(2) or "").strip())
        elif text.strip() and self.last:
            values = self.tags[self.last]
            values[-1] = f"{values[-1]} {text.strip()}".strip()


def read(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows of a RIS file; a last record without its ``ER`` line is refused as cut off.

    Lines between ``ER`` and the next ``TY`` (record counters, link texts of Ovid) are no record:
    they are counted on the row that follows them, or on the last one.
    """
    del mapping
    rows = _rows(path)
    held = next(rows, None)
    if held is None:
        raise FormatError(f"{path}: no RIS record (no line 'TY  - …') in it")
    for row in rows:
        if row.number < 0:  # what stood behind the last record
            held = replace(held, repaired=(*held.repaired, *row.repaired))
        else:
            yield held
            held = row
    yield held


def _rows(path: Path) -> Iterator[Row]:
    """Records that stand as they should are cut out whole; all others are read line by line."""
    reader = _Reader()
    for piece in pieces(path, _END):
        if isinstance(piece, str):
            for text in _ended(piece):
                row = reader.whole(text)
                yield from (row,) if row else reader.lines(text.split("\n")[:-1])
        else:
            yield from filter(None, (reader.line(text, mended) for text, mended in piece))
    yield from reader.end()


def _ended(text: str) -> Iterator[str]:
    """Parts that end with an ER line, and what is left."""
    start = 0
    while (place := text.find("\nER  -", start)) >= 0:
        stop = text.find("\n", place + 1) + 1
        yield text[start:stop]
        start = stop
    if start < len(text):
        yield text[start:]


class _Reader:
    """What was read so far; each method gives the rows that it completes."""

    def __init__(self) -> None:
        self.number = self.unended = self.outside = 0
        self.record: _Open | None = None
        self.typed: bool | None = None  # whether this file opens its records by TY

    def whole(self, text: str) -> Row | None:
        """A record from TY to ER with a tag on each line; None if it is anything else."""
        text = text.strip("\n")
        pairs = _PAIR.findall(text)
        if self.record is not None or self.outside or len(pairs) != text.count("\n") + 1:
            return None
        if len(pairs) < 3 or pairs[0][0] != "TY" or "\nTY  -" in text or not any(map(_VALUE, pairs[1:-1])):
            return None
        self.typed = True
        row = Row(self.number, Tagged(pairs), raw=text)
        self.number += 1
        return row

    def lines(self, texts: list[str]) -> Iterator[Row]:
        yield from filter(None, (self.line(text, "") for text in texts))

    def line(self, text: str, mended: str) -> Row | None:
        """One line; a row if it ends a record, or shows that the one before was never ended."""
        found = _LINE.match(text)
        tag = found.group(1) if found else None
        ended = None
        if self.record is not None and tag == "TY":
            self.record.repaired.append("no ER line before the next record")
            self.unended += 1
            ended = self._close()
        if self.record is None:
            if tag in (None, "ER") or (self.typed and tag != "TY"):
                self.outside += bool(text.strip())
                return ended
            self.typed = tag == "TY" if self.typed is None else self.typed
            self.record = _Open(repaired=_outside(self.outside) + ([] if tag == "TY" else ["no TY line"]))
            self.outside = 0
        self.record.take(text, found)
        if mended and mended not in self.record.repaired:
            self.record.repaired.append(mended)
        return self._close() if tag == "ER" else ended

    def end(self) -> Iterator[Row]:
        """What the end of the file leaves."""
        if self.record is None:
            if self.number and self.outside:
                yield Row(-1, repaired=tuple(_outside(self.outside)))
        elif self.number and self.unended == self.number:
            self.record.repaired.append("no ER line")  # a dialect that never writes one
            yield _row(self.number, self.record)
        else:
            reason = "the file ends inside this record (no ER line): cut off?"
            yield Row(self.number, refused=reason, raw="\n".join(self.record.raw))

    def _close(self) -> Row:
        assert self.record is not None
        row = _row(self.number, self.record)
        self.number, self.record = self.number + 1, None
        return row


class Tagged(Mapping[str, Any]):
    """The fields of a record, made of its tags when they are first asked for."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._made: dict[str, Any] | None = None

    def _fields(self) -> dict[str, Any]:
        if self._made is None:
            tags: dict[str, list[str]] = {}
            for tag, value in self._pairs:
                tags.setdefault(tag, []).append(value.strip())
            self._made = _fields(tags)
        return self._made

    def __getitem__(self, name: str) -> Any:
        return self._fields()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())


def _outside(count: int) -> list[str]:
    return [f"{counted(count, 'line')} outside any record"] if count else []


def _row(number: int, record: _Open) -> Row:
    raw = "\n".join(record.raw)
    if not any(any(values) for tag, values in record.tags.items() if tag not in ("TY", "ER")):
        return Row(number, refused="the record has no value in any field", raw=raw)
    return Row(number, _fields(record.tags), repaired=tuple(record.repaired), raw=raw)


def _fields(tags: dict[str, list[str]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, candidates in _FIRST.items():
        values = [value for tag in candidates for value in tags.get(tag, ()) if value]
        if values:
            made[name] = values[0]
    if made.get("publication_date"):
        # "2019/05/12/" and "2019///" pad by slashes; a season or page range is no date.
        made["publication_date"] = made["publication_date"].strip("/ ")
        if identifiers.date(made["publication_date"]) is None:
            del made["publication_date"]
    if "doi" not in made:
        hidden = (identifiers.doi(v) for tag in _MAY_HIDE_A_DOI for v in tags.get(tag, ()))
        made["doi"] = next((doi for doi in hidden if doi), None)
    made["authors"] = people.authors([v for tag in _AUTHORS for v in tags.get(tag, ())])
    made["keywords"] = [value for value in tags.get("KW", ()) if value]
    made["publication_types"] = [value for value in tags.get("TY", ()) if value]
    made["pages"] = _pages(tags)
    accession = made.get("accession", "")
    if "medline" in " ".join(tags.get("DB", ())).lower() or accession.lower().startswith("pmid"):
        made["pmid"] = identifiers.pmid(accession)
    shown = {value.strip("/ ") for value in made.values() if isinstance(value, str)}
    for tag, values in tags.items():
        kept = [value for value in values if value]
        if kept and _unshown(tag, kept, shown):
            made[f"ris:{tag}"] = kept
    return made


def _unshown(tag: str, values: list[str], shown: set[str]) -> bool:
    """Whether a tag's values are not already the value of a field: then they are kept apart."""
    if tag in ("TY", "ER", "KW", "SP", "EP", *_AUTHORS):
        return False
    return tag not in _USED or any(value.strip("/ ") not in shown for value in values)


def _pages(tags: dict[str, list[str]]) -> str | None:
    start = next((value for value in tags.get("SP", ()) if value), None)
    end = next((value for value in tags.get("EP", ()) if value), None)
    return f"{start}-{end}" if start and end and end != start else start or end


FORMAT = Format("ris", (".ris", ".txt"), lambda start: bool(_HEAD.search(start)), read)
