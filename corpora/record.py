"""`Record`: one bibliographic record as its source gave it.

``id = hash(source, source key)``. The source key is the accession number the source gave (PMID,
UT, EID, AN, OpenAlex id); a row without one gets a hash of title, year, first author, venue and
pages and its count among equals, never a file name or row number (`settle`).
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from corpora import identifiers

USABLE_ABSTRACT = 100
"""Characters below which an abstract cannot be judged or ranked (method rules, stopping)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """One author, or a collective (then only ``family`` is set)."""

    family: str
    given: str | None = None
    orcid: str | None = None
    affiliations: tuple[str, ...] = ()
    country: str | None = None

    def __str__(self) -> str:
        return f"{self.family}, {self.given}" if self.given else self.family


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshHeading:
    """One MeSH heading; ``major`` if the descriptor or one of its qualifiers is a major topic."""

    descriptor: str
    qualifiers: tuple[str, ...] = ()
    major: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record. ``unread`` holds (field, value) pairs that could not be read: kept, counted.

    ``year`` lies in 1500-2099; ``publication_date`` is as much of YYYY-MM-DD as is known;
    ``references`` are prefixed identifiers (``doi:…``, ``pmid:…``, ``openalex:…``);
    ``retraction`` is ``retracted``, ``notice`` (the record is itself a retraction notice),
    ``concern`` or None; ``extra`` keeps the source's own fields that have no place here.
    """

    source: str
    source_key: str = ""
    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None
    openalex_id: str | None = None
    nct_ids: tuple[str, ...] = ()
    title: str | None = None
    abstract: str | None = None
    year: int | None = None
    publication_date: str | None = None
    venue: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    publication_types: tuple[str, ...] = ()
    language: str | None = None
    authors: tuple[Author, ...] = ()
    keywords: tuple[str, ...] = ()
    mesh: tuple[MeshHeading, ...] = ()
    citation_count: int | None = None
    references: tuple[str, ...] = ()
    retraction: str | None = None
    url: str | None = None
    licence: str | None = None
    unread: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def record_id(self) -> str:
        """``R`` and 16 hex digits; the letter keeps spreadsheets from reading a number.

        >>> Record(source="pubmed", source_key="1").record_id
        'R969833fc310e61e3'
        """
        return "R" + digest(self.source, self.source_key)

    @property
    def content_hash(self) -> str:
        """Names this version: same content, same hash."""
        # Empty fields are left out, so that a field added later changes no older hash.
        plain = {name: value for name in _NAMES if (value := getattr(self, name)) not in (None, (), "")}
        for name in ("authors", "mesh"):
            if name in plain:
                plain[name] = [[getattr(one, slot) for slot in one.__slots__] for one in plain[name]]
        return digest(json.dumps(plain, ensure_ascii=False))

    def text(self) -> str:
        """Title and abstract, one line between them: what people screen and models read."""
        return text_of(self.title, self.abstract)


def text_of(title: str | None, abstract: str | None) -> str:
    """Join title and abstract as `Record.text` does.

    >>> text_of("A title", None), text_of(None, "An abstract.")
    ('A title', 'An abstract.')
    """
    return "\n".join(part for part in (title, abstract) if part)


def text_hash(title: str | None, abstract: str | None) -> str:
    """16 hex digits that name the text a person or model saw."""
    return digest(text_of(title, abstract))


def digest(*parts: str) -> str:
    """16 hex digits (64 bits) of SHA-256 over the parts; the separator cannot occur in them."""
    joined = "\x1f".join(part.replace("\x1f", " ") for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def key_text(text: str | None) -> str:
    """Letters and digits only, lower case, accents folded: for keys, not for display.

    >>> key_text("Naïve  Bayes: a Study.")
    'naivebayesastudy'
    """
    plain = text or ""
    if not plain.isascii():
        spread = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return re.sub(r"[\W_]", "", plain).lower()


def source_name(raw: str) -> str:
    """A source's name as it is kept: lower case, words joined by dashes.

    >>> source_name(" Web of Science ")
    'web-of-science'
    """
    return re.sub(r"[^\w]+", "-", raw.strip().lower()).strip("-") or "unknown"


_NAMES = tuple(f.name for f in fields(Record))

# ---------------------------------------------------------------- from a reader's fields

_TEXTS = (
    "title", "abstract", "venue", "volume", "issue", "pages", "language", "retraction", "url",
    "licence",
)  # fmt: skip
_LISTS = ("publication_types", "keywords", "references")
_IDS = ("doi", "pmid", "pmcid", "openalex_id", "publication_date")
_KNOWN = {*_TEXTS, *_LISTS, *_IDS, "nct_ids", "year", "citation_count", "authors", "mesh"}


def build(values: Mapping[str, Any], *, source: str) -> Record:
    """Make a `Record` of what a reader found; nothing is dropped.

    ``values`` maps field names of `Record` to text, or lists of text; ``authors`` to a list of
    `Author`, ``mesh`` of `MeshHeading`; ``accession`` (if present) becomes the source key.
    Values that cannot be read go to ``unread``; names that `Record` does not know, to ``extra``.

    >>> record = build({"title": " A ", "doi": "doi:10.1/x", "year": "20224"}, source="Scopus")
    >>> record.title, record.doi, record.unread
    ('A', None, (('doi', 'doi:10.1/x'), ('year', '20224')))
    """
    unread: list[tuple[str, str]] = []
    made: dict[str, Any] = {name: _text(values.get(name)) for name in _TEXTS}
    made |= {name: _texts(values.get(name)) for name in _LISTS}
    for name in _IDS:
        made[name] = _read(name, values.get(name), unread)
    trials = {_read("nct_ids", raw, unread) for raw in _texts(values.get("nct_ids"))}
    made["nct_ids"] = tuple(sorted(trial for trial in trials if trial))
    year = _read("year", values.get("year"), unread)
    made["year"] = int(year) if year else None
    if made["year"] is None and made["publication_date"]:
        made["year"] = int(made["publication_date"][:4])
    made["citation_count"] = _count(values.get("citation_count"), unread)
    made["authors"] = tuple(values.get("authors") or ())
    made["mesh"] = tuple(values.get("mesh") or ())
    unknown = [name for name in values if name not in _KNOWN and name != "accession"]
    extra = tuple((name, text) for name in sorted(unknown) if (text := _joined(values[name])))
    return Record(
        source=source_name(source),
        source_key=_text(values.get("accession")) or "",
        unread=tuple(unread),
        extra=extra,
        **made,
    )


def settle(records: Iterable[Record]) -> list[Record]:
    """Give every record of one file or search its source key, whatever their order.

    Rows without an accession number are keyed by title, year, first author, venue and pages;
    equals are counted, those of like content first by their content, so that a shuffled file
    gives the same ids.

    >>> a, b = settle([Record(source="x", title="T"), Record(source="x", title="T")])
    >>> a.source_key[-2:], b.source_key[-2:]
    ('-0', '-1')
    """
    listed = list(records)
    groups: dict[tuple[str, str], list[int]] = {}
    for position, record in enumerate(listed):
        if not record.source_key:
            groups.setdefault((record.source, _field_key(record)), []).append(position)
    for (_, key), positions in groups.items():
        if len(positions) > 1:
            positions.sort(key=lambda position: listed[position].content_hash)
        for count, position in enumerate(positions):
            listed[position] = replace(listed[position], source_key=f"{key}-{count}")
    return listed


def _field_key(record: Record) -> str:
    first = record.authors[0] if record.authors else None
    parts = [record.title, first.family if first else None, record.venue, record.pages]
    if not any(parts):
        # Nothing to tell it by: the content itself is the key.
        return "c" + record.content_hash
    return "k" + digest(str(record.year or ""), *map(key_text, parts))


def _text(value: Any) -> str | None:
    return None if value is None else (str(value).strip() or None)


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    items = [value] if isinstance(value, str) else value
    return tuple(text for item in items if (text := _text(item)))


def _joined(value: Any) -> str | None:
    return _text("; ".join(_texts(value))) if isinstance(value, list | tuple) else _text(value)


def _read(name: str, value: Any, unread: list[tuple[str, str]]) -> str | None:
    raw = _text(value)
    if raw is None:
        return None
    found = identifiers.NORMALISERS[name](raw)
    if found is None:
        unread.append((name, raw))
    return found


def _count(value: Any, unread: list[tuple[str, str]]) -> int | None:
    raw = _text(value)
    if raw is None:
        return None
    try:
        count = int(float(raw))
    except (ValueError, OverflowError):
        count = -1
    if count < 0:
        unread.append(("citation_count", raw))
        return None
    return count
