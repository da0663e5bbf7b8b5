"""The comparable form of a record: what matching looks at, and nothing else."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from corpora import identifiers

COLUMNS = [
    "record_id", "source", "doi", "pmid", "title", "abstract", "year", "venue", "volume", "pages",
    "publication_types", "authors", "retraction", "nct_ids", "issue",
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
# Embase and Medline say in brackets at the end in which language the text is.
_LANGUAGE = re.compile(r"\s*\[(?:article )?(?:in )?[A-Z][a-z]{3,10}(?:, [A-Z][a-z]+)*\]\s*\.?\s*$")
# "Overview of the third shared task" is not that of the fifth.
_NUMBERS = re.compile(
    r"\d+|\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)\b", re.IGNORECASE
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
    issue: str
    start_page: str
    span: int
    families: tuple[str, ...]
    people: tuple[frozenset[str], ...]
    part: str
    numbers: str
    registration: bool
    preprint: bool
    protocol: bool


_MARKUP = re.compile(r"<[^>]{1,40}>|&[a-z]+;")
_COMBINING = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_NO_WORD = re.compile(r"[\W_]+")
ABSTRACT = 800
"""Characters of an abstract that are read; half as many are compared, since folding takes some away."""


def fold(text: str | None) -> str:
    """Words in lower case without accents, punctuation and markup.

    >>> fold("<i>Naïve</i> Bayes: a study &amp; more.")
    'naive bayes a study more'
    """
    plain = text or ""
    if "<" in plain or "&" in plain:
        plain = _MARKUP.sub(" ", plain)
    if not plain.isascii():
        plain = _COMBINING.sub("", unicodedata.normalize("NFKD", plain))
    return " ".join(_NO_WORD.sub(" ", plain).lower().split())


# Names of people and journals come again and again.
_known = lru_cache(maxsize=200_000)(fold)


def comparables(records: pa.Table) -> list[Comparable]:
    """All records in the order of their ids."""
    rows = records.select(COLUMNS).to_pylist()
    return sorted((_comparable(row) for row in rows), key=lambda one: one.record_id)


def _comparable(row: dict[str, Any]) -> Comparable:
    title = fold(_LANGUAGE.sub("", _ADDED.sub(" ", row["title"] or "")))
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
        abstract=fold((row["abstract"] or "")[:ABSTRACT])[: ABSTRACT // 2],
        year=row["year"],
        venue=_known(row["venue"]),
        volume=_volume(row["volume"]),
        issue=_volume(row["issue"]),
        start_page=_start_page(row["pages"]),
        span=_span(row["pages"]),
        families=tuple(_known(author["family"]) for author in row["authors"] or ()),
        people=tuple(_person(author) for author in row["authors"] or ()),
        part=part.group(1) if part else "",
        numbers=" ".join(_NUMBERS.findall(title)),
        registration="registry" in types or "clinicaltrials" in place.lower(),
        preprint=bool(_PREPRINT.search(place)) or doi.startswith(_PREPRINT_DOI),
        protocol=bool(_PROTOCOL.search(title)),
    )


def shortened(one: str, two: str) -> bool:
    """Whether one folded name of a journal or conference is the other's abbreviation or acronym.

    >>> shortened("j clin inform", "journal of clinical informatics")
    True
    >>> shortened("icis transforming society", "international conference on information systems")
    True
    >>> shortened("nature", "nature medicine"), shortened("ann surg", "annals of oncology")
    (False, False)
    """
    short, full = sorted((one, two), key=len)
    shorts, fulls = ([word for word in name.split() if word not in _SMALL] for name in (short, full))
    if len(shorts) == len(fulls) >= 2 and all(map(str.startswith, fulls, shorts)):
        return True
    for words, others in ((shorts, fulls), (fulls, shorts)):
        initials = "".join(word[0] for word in words)
        if len(initials) >= 4 and initials in others:
            return True
    return False


_SMALL = {
    "of",
    "the",
    "and",
    "for",
    "on",
    "in",
    "de",
    "der",
    "et",
    "und",
    "la",
    "des",
    "annual",
    "proceedings",
}


def _person(author: dict[str, Any]) -> frozenset[str]:
    """The words of a name without initials: exports swap family and given names."""
    given = [word for word in _known(author["given"]).split() if len(word) > 2]
    return frozenset([*_known(author["family"]).split(), *given])


def _volume(raw: str | None) -> str:
    """The number of a volume; its supplement is told by the page.

    A month in its place is no volume.

    >>> _volume("35 Suppl 1"), _volume("B"), _volume("(Jul)"), _volume(None)
    ('35', 'b', '', '')
    """
    folded = fold(raw)
    found = re.search(r"\d+", folded)
    if found:
        return found.group().lstrip("0")
    return "" if identifiers.date(f"2000 {folded}") != "2000" else folded


def _span(pages: str | None) -> int:
    """How many pages; 0 if the last is not known.

    >>> _span("123-30"), _span("S12--S15"), _span("7"), _span("e1-e200000")
    (8, 4, 0, 0)
    """
    found = re.search(r"(\d+)\s*[-–]+\s*[a-z]*(\d+)", pages or "", re.IGNORECASE)
    if not found:
        return 0
    first, last = found.groups()
    # 123-30 means 123-130.
    last = first[: len(first) - len(last)] + last
    count = int(last) - int(first) + 1
    return count if 0 < count < 2_000 else 0


def _start_page(pages: str | None) -> str:
    """``e123-e130`` and ``123-30`` start at 123; ``Suppl-87`` names no first page.

    >>> _start_page("E0123-30"), _start_page("S12"), _start_page("Suppl-87"), _start_page(None)
    ('123', '12', '', '')
    """
    first = re.match(r"[^-–—]*", (pages or "").strip())
    found = re.search(r"\d+", first.group() if first else "")
    return found.group().lstrip("0") if found else ""
