"""EndNote XML, as EndNote, Mendeley, Zotero and Bookends write it; read record by record.

Elements: EndNote's ``RSXML.dtd``; text may stand in ``style`` elements, so all text within counts.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from corpora import identifiers
from corpora.errors import FormatError
from corpora.formats import people
from corpora.formats.base import Format, Row

_HEAD = re.compile(rb"<records?[\s>]", re.IGNORECASE)
_TEXTS = {
    "title": "titles/title",
    "abstract": "abstract",
    "volume": "volume",
    "issue": "number",
    "pages": "pages",
    "language": "language",
    "accession": "accession-num",
    "database": "remote-database-name",
    "url": "urls/related-urls/url",
}
_VENUE = ("periodical/full-title", "titles/secondary-title", "periodical/abbr-1", "titles/alt-title")
_KNOWN = {
    "titles", "abstract", "volume", "number", "issue", "pages", "language", "accession-num",
    "remote-database-name", "urls", "contributors", "keywords", "dates", "periodical", "ref-type",
    "electronic-resource-num", "database", "source-app", "rec-number", "foreign-keys",
}  # fmt: skip


def read(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows of an EndNote XML file; a file that ends inside a record says so."""
    del mapping
    number = 0
    try:
        with path.open("rb") as stream:
            events = etree.iterparse(
                stream,
                events=("end",),
                tag="record",
                resolve_entities=False,
                load_dtd=False,
                no_network=True,
                huge_tree=True,
            )
            for _, record in events:
                yield _row(number, record)
                number += 1
                record.clear()
    except etree.XMLSyntaxError as error:
        if not number:
            raise FormatError(f"{path}: not EndNote XML: {error}") from error
        yield Row(number, refused=f"the file ends inside this record: cut off? ({error})")
        return
    if not number:
        raise FormatError(f"{path}: no EndNote XML record (no element 'record') in it")


def _row(number: int, record: Any) -> Row:
    made = _fields(record)
    if not made:
        raw = etree.tostring(record, encoding="unicode")
        return Row(number, refused="the record has no value in any field", raw=raw)
    return Row(number, made)


def _fields(record: Any) -> dict[str, Any]:
    made: dict[str, Any] = {name: _text(record.find(path)) for name, path in _TEXTS.items()}
    made["issue"] = made["issue"] or _text(record.find("issue"))
    made["venue"] = next((text for path in _VENUE if (text := _text(record.find(path)))), None)
    made["authors"] = people.authors(_all(record, "contributors/authors/author"))
    made["keywords"] = _all(record, "keywords/keyword")
    kind = record.find("ref-type")
    made["publication_types"] = [kind.get("name")] if kind is not None and kind.get("name") else []
    made["year"] = _text(record.find("dates/year"))
    made["publication_date"] = _date(record, made["year"])
    number = _text(record.find("electronic-resource-num"))
    made["doi"] = number if number and identifiers.doi(number) else None
    database = (made["database"] or "").lower()
    if made["accession"] and ("medline" in database or "pubmed" in database):
        made["pmid"] = identifiers.pmid(made["accession"])
    made |= {
        f"endnote:{child.tag}": text
        for child in record
        if isinstance(child.tag, str) and child.tag not in _KNOWN and (text := _text(child))
    }
    if number and not made["doi"]:
        made["endnote:electronic-resource-num"] = number
    return {name: value for name, value in made.items() if value}


def _date(record: Any, year: str | None) -> str | None:
    """``dates/pub-dates/date`` often lacks the year: ``May 12``."""
    day = _text(record.find("dates/pub-dates/date"))
    if not day:
        return None
    found = identifiers.date(day) or identifiers.date(f"{year} {day}" if year else day)
    return found if found and len(found) > 4 else None


def _all(record: Any, path: str) -> list[str]:
    return [text for one in record.iterfind(path) if (text := _text(one))]


def _text(element: Any) -> str | None:
    """All text within, white space folded."""
    return None if element is None else " ".join("".join(element.itertext()).split()) or None


def _sniff(start: bytes) -> bool:
    return start.lstrip().startswith(b"<") and bool(_HEAD.search(start)) and b"<PubmedArticle" not in start


FORMAT = Format("endnote-xml", (".xml",), _sniff, read)
