"""The comparable form of a record: what matching looks at, and nothing else."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

COLUMNS = [
    "record_id", "source", "doi", "pmid", "title", "abstract", "year", "venue", "volume", "pages",
    "publication_types", "authors", "retraction", "nct_ids",
]  # fmt: skip

_PREPRINT = re.compile(r"arxiv|medrxiv|biorxiv|research ?square|preprint|ssrn", re.IGNORECASE)
_PREPRINT_DOI = ("10.48550/", "10.1101/", "10.21203/", "10.2139/ssrn", "10.36227/", "10.20944/")
_PART = re.compile(r"\b(?:part|volume|chapter|paper|no|study|phase)\s+([ivx]+|\d+|one|two|three)\b")
_TAIL_NUMBER = re.compile(r"\b([ivx]{1,4}|\d{1,4})$")
_NOTICE = re.compile(
    r"^\W*(?P<kind>retraction|retracted|erratum|corrigendum|correction|expression of concern|"
    r"reply|response|comment|commentary|author'?s? reply|letter|re|editorial)\b"
    r"(?:\s+(?:notice|to|on|of|for))*\W*",
)
# What databases add to a title: "[Review] [33 refs]", "[Erratum appears in …]".
_ADDED = re.compile(
    r"\[[^\]]*\b(?:refs?|review|erratum|comment|corrected|retract\w*)\b[^\]]*\]", re.IGNORECASE
)
_PROTOCOL = re.compile(r"\b(?:study |trial |review )?protocol\b")


@dataclass(frozen=True, slots=True)
class Comparable:
    """One record for matching; text is folded, absent values are empty or None."""

    record_id: str
    source: str
    doi: str
    pmid: str
    title: str
    core: str
    notice: str
    abstract: str
    year: int | None
    venue: str
    volume: str
    start_page: str
    families: tuple[str, ...]
    people: tuple[frozenset[str], ...]
    part: str
    numbers: str
    registration: bool
    preprint: bool
    protocol: bool


def fold(text: str | None) -> str:
    """Words in lower case without accents, punctuation and markup.

    >>> fold("<i>Naïve</i> Bayes: a study &amp; more.")
    'naive bayes a study more'
    """
    plain = re.sub(r"<[^>]{1,40}>|&[a-z]+;", " ", text or "")
    spread = unicodedata.normalize("NFKD", plain)
    letters = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[\W_]+", " ", letters).lower().split())


def comparables(records: pa.Table) -> list[Comparable]:
    """All records in the order of their ids."""
    rows = records.select(COLUMNS).to_pylist()
    return sorted((_comparable(row) for row in rows), key=lambda one: one.record_id)


def _comparable(row: dict[str, Any]) -> Comparable:
    title = fold(_ADDED.sub(" ", row["title"] or ""))
    found = _NOTICE.match(title)
    notice = found.group("kind") if found and len(title) > found.end() else ""
    types = " ".join(row["publication_types"] or ()).lower()
    if row["retraction"] == "notice" or "retraction of publication" in types:
        notice = "retraction"
    elif "erratum" in types or "correction" in types:
        notice = notice or "erratum"
    doi = row["doi"] or ""
    place = f"{row['source']} {row['venue'] or ''} {types}"
    part = _PART.search(title) or _TAIL_NUMBER.search(title)
    return Comparable(
        record_id=row["record_id"],
        source=row["source"],
        doi=doi,
        pmid=row["pmid"] or "",
        title=title,
        core=title[found.end() :] if found and notice else title,
        notice=notice,
        abstract=fold(row["abstract"])[:400],
        year=row["year"],
        venue=fold(row["venue"]),
        volume=fold(row["volume"]),
        start_page=_start_page(row["pages"]),
        families=tuple(fold(author["family"]) for author in row["authors"] or ()),
        people=tuple(_person(author) for author in row["authors"] or ()),
        part=part.group(1) if part else "",
        numbers=" ".join(re.findall(r"\d+", title)),
        registration="registry" in types or "clinicaltrials" in place.lower(),
        preprint=bool(_PREPRINT.search(place)) or doi.startswith(_PREPRINT_DOI),
        protocol=bool(_PROTOCOL.search(title)),
    )


def _person(author: dict[str, Any]) -> frozenset[str]:
    """The words of a name without initials: exports swap family and given names."""
    given = [word for word in fold(author["given"]).split() if len(word) > 2]
    return frozenset([*fold(author["family"]).split(), *given])


def _start_page(pages: str | None) -> str:
    """``e123-e130`` and ``123-30`` start at 123.

    >>> _start_page("E0123-30"), _start_page("S12"), _start_page(None)
    ('123', '12', '')
    """
    found = re.search(r"\d+", pages or "")
    return found.group().lstrip("0") if found else ""
