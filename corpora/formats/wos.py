"""Web of Science: plain text (``FN … VR … PT … ER … EF``) and the tab-delimited export.

Field tags: https://images.webofknowledge.com/images/help/WOS/hs_wos_fieldtags.html
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpora import identifiers
from corpora.errors import FormatError
from corpora.formats import people
from corpora.formats.base import Format, Row
from corpora.formats.encoding import lines
from corpora.words import counted

_LINE = re.compile(r"^([A-Z][A-Z0-9]) ?(.*)$")
_FIRST = {
    "title": ("TI",),
    "abstract": ("AB",),
    "venue": ("SO", "BS", "SE"),
    "volume": ("VL",),
    "issue": ("IS",),
    "language": ("LA",),
    "year": ("PY",),
    "doi": ("DI", "D2"),
    "pmid": ("PM",),
    "accession": ("UT",),
    "citation_count": ("TC", "Z9"),
}
_JOINED = ("TI", "AB", "SO", "BS", "SE", "C1", "RP", "EM", "FX", "CT", "LA")
"""Fields that go on over lines; in the others each line is a value of its own."""

_HIDDEN = ("PT", "AU", "AF", "BP", "EP", "AR", "PS", "DE", "ID", "DT", "CR", "PD", "ER", "EF", "FN", "VR")

Tags = dict[str, list[str]]


def read(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows of a plain-text export; a record without its ``ER`` line is refused as cut off."""
    del mapping
    number, last = 0, ""
    tags: Tags = {}
    raw: list[str] = []
    repaired: list[str] = []
    for text, mended in lines(path):
        found = _LINE.match(text)
        if found and found.group(1) in ("FN", "VR", "EF"):
            continue
        if found and found.group(1) == "ER":
            if tags:
                yield _row(number, tags, raw, repaired)
                number += 1
            tags, raw, repaired, last = {}, [], [], ""
            continue
        if found and not text.startswith("   "):
            last = found.group(1)
            tags.setdefault(last, []).append(found.group(2).strip())
        elif text.strip() and last:
            if last in _JOINED:
                tags[last][-1] = f"{tags[last][-1]} {text.strip()}".strip()
            else:
                tags[last].append(text.strip())
        if text.strip():
            raw.append(text)
        if mended and mended not in repaired:
            repaired.append(mended)
    if tags:
        yield Row(
            number, refused="the file ends inside this record (no ER line): cut off?", raw="\n".join(raw)
        )
    elif not number:
        raise FormatError(f"{path}: no Web of Science record (no line 'ER') in it")


def _row(number: int, tags: Tags, raw: list[str], repaired: list[str]) -> Row:
    text = "\n".join(raw)
    if not any(any(values) for tag, values in tags.items() if tag != "PT"):
        return Row(number, refused="the record has no value in any field", raw=text)
    return Row(number, _fields(tags), repaired=tuple(repaired), raw=text)


def _fields(tags: Tags) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, candidates in _FIRST.items():
        values = [value for tag in candidates for value in tags.get(tag, ()) if value]
        if values:
            made[name] = values[0]
    made["authors"] = people.authors(_listed(tags, "AF") or _listed(tags, "AU"))
    made["keywords"] = [*_listed(tags, "DE"), *_listed(tags, "ID")]
    made["publication_types"] = _listed(tags, "DT")
    made["pages"] = _pages(tags)
    day = " ".join(tags.get("PD", ()))
    made["publication_date"] = identifiers.date(f"{made.get('year', '')} {day.split('-')[0].title()}".strip())
    cited = (identifiers.doi(one) for one in tags.get("CR", ()) if "DOI " in one)
    made["references"] = [f"doi:{doi}" for doi in cited if doi]
    accession = made.get("accession", "")
    if accession.upper().startswith("MEDLINE:"):
        made["pmid"] = identifiers.pmid(accession.partition(":")[2])
    used = {tag for candidates in _FIRST.values() for tag in candidates} | set(_HIDDEN)
    made |= {
        f"wos:{tag}": "; ".join(values) for tag, values in tags.items() if tag not in used and any(values)
    }
    return {name: value for name, value in made.items() if value}


def _listed(tags: Tags, tag: str) -> list[str]:
    """Values of a list: by line in plain text, by semicolon in tables and in keywords."""
    return [part.strip() for value in tags.get(tag, ()) for part in value.split(";") if part.strip()]


def _pages(tags: Tags) -> str | None:
    first, last, article, range_ = (next(iter(tags.get(tag, [])), "") for tag in ("BP", "EP", "AR", "PS"))
    if first:
        return f"{first}-{last}" if last and last != first else first
    return article or range_ or None


def read_table(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows of the tab-delimited export: the heads are the field tags."""
    del mapping
    stream = (text + "\n" for text, _ in lines(path))
    reader = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
    header = [name.strip() for name in next(reader, [])]
    if not {"TI", "DI", "PM"} & set(header):
        raise FormatError(f"{path}: no Web of Science table (its heads are field tags: PT, AU, TI …)")
    for number, cells in enumerate(cells for cells in reader if any(cell.strip() for cell in cells)):
        raw = "\t".join(cells)
        if len(cells) < len(header) - 1:
            reason = f"{counted(len(cells), 'cell')} where the header has {counted(len(header), 'column')}"
            yield Row(number, refused=reason, raw=raw)
            continue
        tags = {tag: [cell.strip()] for tag, cell in zip(header, cells, strict=False) if tag and cell.strip()}
        yield _row(number, tags, [raw], [])


def _sniff(start: bytes) -> bool:
    return bool(re.match(rb"\s*FN |\s*PT [JBSP]\r?\n", start)) and not start.startswith(b"PMID")


def _sniff_table(start: bytes) -> bool:
    first = start.split(b"\n", 1)[0].split(b"\t")
    return len(first) > 5 and {b"PT", b"AU", b"TI", b"SO"} <= {name.strip() for name in first}


FORMAT = Format("wos", (".txt", ".ciw", ".isi"), _sniff, read)
TABLE = Format("wos-tab", (".txt", ".tsv", ".tab"), _sniff_table, read_table)
