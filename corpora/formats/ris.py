"""RIS, as Scopus, Embase, Ovid, ProQuest, Zotero, Mendeley and EndNote write it.

Our own line reader: rispy gives neither the raw rows nor their account, and keeps the whole file.
Tags: https://en.wikipedia.org/wiki/RIS_(file_format) and the exports themselves.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from corpora import identifiers
from corpora.errors import FormatError
from corpora.formats import people
from corpora.formats.base import Format, Row
from corpora.formats.encoding import lines

_LINE = re.compile(r"^\s{0,2}([A-Z][A-Z0-9])\s{1,2}-(?:\s(.*))?$")
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
    number = unended = outside = 0
    record: _Open | None = None
    typed: bool | None = None  # whether this file opens its records by TY
    for text, mended in lines(path):
        found = _LINE.match(text)
        tag = found.group(1) if found else None
        if record is not None and tag == "TY":
            record.repaired.append("no ER line before the next record")
            unended += 1
            yield _row(number, record)
            number, record = number + 1, None
        if record is None:
            if tag in (None, "ER") or (typed and tag != "TY"):
                outside += bool(text.strip())
                continue
            typed = tag == "TY" if typed is None else typed
            record = _Open(repaired=_outside(outside) + ([] if tag == "TY" else ["no TY line"]))
            outside = 0
        record.take(text, found)
        if mended and mended not in record.repaired:
            record.repaired.append(mended)
        if tag == "ER":
            yield _row(number, record)
            number, record = number + 1, None
    if record is None:
        if number and outside:
            yield Row(-1, repaired=tuple(_outside(outside)))
    elif number and unended == number:
        record.repaired.append("no ER line")  # a dialect that never writes one
        yield _row(number, record)
    else:
        reason = "the file ends inside this record (no ER line): cut off?"
        yield Row(number, refused=reason, raw="\n".join(record.raw))


def _outside(count: int) -> list[str]:
    return [f"{count} lines outside any record"] if count else []


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
