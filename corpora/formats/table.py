"""Tables: CSV and TSV (the delimiter is found), and Parquet; columns are guessed by their names.

What a column is called differs from tool to tool; `ALIASES` is that knowledge as data. A column
that is not known is kept under its own name, never dropped.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpora import identifiers
from corpora.errors import FormatError
from corpora.formats import people
from corpora.formats.base import Format, Row
from corpora.formats.encoding import lines
from corpora.words import counted

# Names are compared without case, spaces and punctuation; the first one present wins.
ALIASES: dict[str, tuple[str, ...]] = {
    "title": ("title", "displayname", "articletitle", "primarytitle", "documenttitle", "originaltitle", "ti"),
    "abstract": ("abstract", "abstractnote", "abstracttext", "notesabstract", "ab"),
    "authors": (
        "authors", "author", "authornames", "firstauthors", "authorfullnames", "au",
        "authorshipsauthordisplayname", "authorshipsrawauthorname",
    ),
    "year": ("year", "publicationyear", "pubyear", "yearpublished", "py"),
    "publication_date": ("publicationdate", "datepublished", "createdate", "date"),
    "doi": ("doi", "digitalobjectidentifier", "di", "articledoi"),
    "pmid": ("pmid", "pubmedid", "pm", "idspmid"),
    "pmcid": ("pmcid", "idspmcid"),
    "openalex_id": ("openalexid", "openalex", "idsopenalex"),
    "venue": (
        "venue", "journal", "journalbook", "publicationtitle", "sourcetitle", "journaltitle",
        "secondarytitle", "source", "so", "primarylocationsourcedisplayname", "t2",
    ),
    "volume": ("volume", "vl", "bibliovolume"),
    "issue": ("issue", "number", "is", "issuenumber", "biblioissue"),
    "pages": ("pages", "pagerange"),
    "language": ("language", "languageoforiginaldocument", "la"),
    "keywords": ("keywords", "authorkeywords", "manualtags", "de"),
    "publication_types": (
        "publicationtype", "publicationtypes", "documenttype", "itemtype", "type",
    ),
    "citation_count": (
        "citedby", "citedbycount", "citationcount", "timescited", "citingworkscount",
    ),
    "url": ("url", "link", "urls", "sourceurls"),
    "licence": ("licence", "license"),
    "accession": (
        "accession", "accessionnumber", "sourceid", "eid", "ut", "uniqueid", "lensid", "pui",
    ),
}  # fmt: skip
_LISTS = ("keywords", "publication_types")
LABEL = "asreview:label"
"""Where a label column of ASReview stands among a row's extra fields."""

_ASREVIEW = ("included", "labelincluded", "asreviewlabel", "finalincluded", "asreviewlabelincluded")
_DELIMITERS = (",", ";", "\t", "|")


def _csv_rows(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    repairs: list[str] = []

    def texts() -> Iterator[str]:
        for text, mended in lines(path):
            if mended and mended not in repairs:
                repairs.append(mended)
            yield text + "\n"

    csv.field_size_limit(2**31 - 1)
    stream = texts()
    first = next(stream, "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(_chained(first, stream), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        places = columns(header, mapping, path)
        repairs.clear()
        number = 0
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _csv_row(number, cells, header, places, delimiter, tuple(repairs))
                number += 1
            repairs.clear()
    except csv.Error as error:
        # An open quotation mark runs to the end of the file: everything behind it is one cell.
        reason = f"line {reader.line_num}: {error}; a quotation mark is never closed: cut off?"
        yield Row(number, refused=reason, raw="")


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _csv_row(
    number: int,
    cells: list[str],
    header: list[str],
    places: dict[str, int],
    delimiter: str,
    repaired: tuple[str, ...],
) -> Row:
    raw = delimiter.join(cells)
    surplus = cells[len(header) :]
    if len(cells) < len(header) - 1 or any(surplus):
        reason = f"{counted(len(cells), 'cell')} where the header has {counted(len(header), 'column')}"
        return Row(number, refused=reason, raw=raw)
    if len(cells) < len(header):
        repaired = (*repaired, "the last cell is missing")
        cells = [*cells, ""]
    return Row(number, fields_of(header, cells, places), repaired=repaired, raw=raw)


def _parquet_rows(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    try:
        with pq.ParquetFile(path) as file:
            header = list(file.schema_arrow.names)
            places = columns(header, mapping, path)
            number = 0
            for batch in file.iter_batches(1000):
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    yield Row(number, fields_of(header, cells, places))
                    number += 1
    except (OSError, pa.ArrowInvalid) as error:
        raise FormatError(f"{path}: cannot be read as Parquet: {error}") from error


def columns(header: Sequence[str], mapping: Mapping[str, str], path: Path) -> dict[str, int]:
    """Which column holds which field; ``mapping`` (field → column name) overrides the guess.

    Raises:
        FormatError: a mapped column or field does not exist, or no column is known at all.

    """
    plain = [_key(name) for name in header]
    places: dict[str, int] = {}
    for field, names in ALIASES.items():
        found = next((plain.index(name) for name in names if name in plain), None)
        if found is not None and found not in places.values():
            places[field] = found
    for field, name in mapping.items():
        if name not in header or field not in ALIASES:
            raise FormatError(
                f"{path}: --map {field}={name}: columns are {', '.join(header)}; "
                f"fields are {', '.join(ALIASES)}"
            )
        places = {known: place for known, place in places.items() if place != header.index(name)}
        places[field] = header.index(name)
    if not {"title", "abstract", "doi", "pmid"} & places.keys():
        raise FormatError(
            f"{path}: no column for title, abstract, DOI or PMID; columns are "
            f"{', '.join(header) or 'none'}; name one with --map title=COLUMN"
        )
    return places


def _key(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def fields_of(header: Sequence[str], cells: Sequence[Any], places: dict[str, int]) -> dict[str, Any]:
    """One data row as fields; a column that is not known is kept under its own name."""
    made: dict[str, Any] = {}
    for field, place in places.items():
        value = cells[place]
        if field == "authors":
            made["authors"] = people.authors(_names(value))
        elif field in _LISTS:
            made[field] = _items(value)
        else:
            made[field] = _cell(value)
    used = set(places.values())
    for place, name in enumerate(header):
        if place not in used and (text := _cell(cells[place])):
            made[name if name not in ALIASES and name != "mesh" else f"column:{name}"] = text
    _pages(made)
    _labels(made)
    _accession(made)
    return made


def _pages(made: dict[str, Any]) -> None:
    """Scopus, Lens and OpenAlex give the first and the last page apart."""
    ends = {_key(name): name for name in made}
    first = next((ends[name] for name in ("pagestart", "startpage", "bibliofirstpage") if name in ends), None)
    last = next((ends[name] for name in ("pageend", "endpage", "bibliolastpage") if name in ends), None)
    if first and not made.get("pages"):
        start, end = made.pop(first), made.pop(last) if last else None
        made["pages"] = f"{start}-{end}" if end and end != start else start


def is_label(column: str) -> bool:
    """Whether a column's name is one that ASReview gives to its labels.

    >>> is_label("label_included"), is_label("title")
    (True, False)
    """
    return _key(column) in _ASREVIEW


def _labels(made: dict[str, Any]) -> None:
    """ASReview's label of a record, under whichever name it was exported: 1, 0, or nothing."""
    for name in [name for name in made if is_label(name)]:
        made[LABEL] = made.pop(name)


_NO_NUMBER = re.compile(r"(?i)(?:[a-z]+:)?\s*(?:n/?a|none|nan|null|unknown|[-–0.]*)\s*")


def _accession(made: dict[str, Any]) -> None:
    """``PMID:123`` is a PubMed id; a PMID or OpenAlex id serves as accession number.

    A cell that names no number (``PMID:``, ``N/A``) is none: as a key it would make one record of
    all the rows that hold it.
    """
    given = made.get("accession")
    if given and _NO_NUMBER.fullmatch(given):
        made["column:accession"] = made.pop("accession")
        given = None
    if given and re.match(r"(?i)pmid", given) and not made.get("pmid"):
        made["pmid"] = identifiers.pmid(given)
    if not given and made.get("openalex_id"):
        made["accession"] = identifiers.openalex(made["openalex_id"])


def _cell(value: Any) -> str | None:
    if value is None or value != value:  # NaN is not equal to itself
        return None
    if isinstance(value, list | tuple):
        return "; ".join(str(item) for item in value if item is not None) or None
    return str(value).strip() or None


def _items(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(item) for item in value if item is not None]
    return [part.strip() for part in re.split(r"[;|]", _cell(value) or "") if part.strip()]


def _names(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(item) for item in value if item is not None]
    return people.split(_cell(value) or "")


def _looks_like_csv(start: bytes) -> bool:
    if b"\x00" in start:
        return False
    first = start.decode("utf-8", "replace").lstrip("\ufeff").strip().splitlines()[0]
    delimiter = max(_DELIMITERS, key=first.count)
    names = [_key(cell) for cell in next(csv.reader([first], delimiter=delimiter), [])]
    known = {name for aliases in ALIASES.values() for name in aliases}
    return len(names) > 1 and bool(known & set(names))


CSV = Format("csv", (".csv", ".tsv", ".tab"), _looks_like_csv, _csv_rows, maps=True)
PARQUET = Format("parquet", (".parquet",), lambda start: start.startswith(b"PAR1"), _parquet_rows, maps=True)
