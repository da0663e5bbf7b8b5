"""PubMed XML as a file: what ``Save → XML`` or EFetch wrote, unpacked; also one record alone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lxml import etree

from corpora.errors import FormatError
from corpora.formats.base import Format, Row

_LACKS = re.compile(r"cannot be read: '(\w+)'")


def read(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows of a PubmedArticleSet, in constant memory."""
    # Here, not above: the sources import the formats' `Row`.
    from corpora.sources import pubmed_xml

    del mapping
    number = 0
    alone = _alone(path, pubmed_xml.RECORDS)
    if alone is not None:
        yield _told(pubmed_xml.row(alone, 0))
        return
    try:
        with path.open("rb") as stream:
            for row in pubmed_xml.rows(stream):
                yield _told(row)
                number = row.number + 1
    except FormatError as error:
        if not number:
            raise FormatError(f"{path}: {error}") from error
        yield Row(number, refused=f"the file ends inside this record: cut off? ({error})")
        return
    if not number:
        raise FormatError(f"{path}: no PubMed record (no element 'PubmedArticle') in it")


def _alone(path: Path, records: tuple[str, ...]) -> Any:
    """The root, if it is itself a record: some tools save one without a set around it."""
    safe: dict[str, Any] = {
        "resolve_entities": False,
        "load_dtd": False,
        "no_network": True,
        "huge_tree": True,
    }
    try:
        with path.open("rb") as stream:
            _, first = next(iter(etree.iterparse(stream, events=("start",), **safe)))
            if first.tag not in records:
                return None
        return etree.parse(path, etree.XMLParser(**safe)).getroot()
    except (etree.XMLSyntaxError, StopIteration):
        return None  # the reader of sets says what is wrong and where


def _told(row: Row) -> Row:
    """A refusal in words: the reader names only the element that it looked for."""
    found = _LACKS.fullmatch(row.refused or "")
    if not found:
        return row
    return replace(row, refused=f"the record is incomplete: it has no element '{found.group(1)}'")


FORMAT = Format("pubmed-xml", (".xml",), lambda start: b"<Pubmed" in start, read, source="pubmed")
