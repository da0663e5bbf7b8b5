"""Which pairs are compared: only records that share a key, so that a literature stays feasible."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from corpora.dedupe.normalise import Comparable

CAP = 200
"""Records above which a block is cut to neighbours in title order; cuts are counted."""

NEIGHBOURS = 20


def _words(title: str) -> list[str]:
    return [word for word in title.split() if len(word) > 3]


def _first(record: Comparable) -> str:
    return record.families[0] if record.families else ""


# Each gives a key, or "" for none. Names show in benchmarks and in tests.
KEYS: dict[str, Callable[[Comparable], str]] = {
    "doi": lambda r: r.doi,
    "pmid": lambda r: r.pmid,
    "title start": lambda r: r.core.replace(" ", "")[:24] if len(r.core) >= 12 else "",
    "title end": lambda r: r.core.replace(" ", "")[-24:] if len(r.core) >= 24 else "",
    "title words": lambda r: (
        " ".join(sorted(_words(r.core), key=lambda w: (-len(w), w))[:4]) if len(_words(r.core)) >= 4 else ""
    ),
    "author, year, page": lambda r: (
        f"{_first(r)} {r.year} {r.start_page}" if _first(r) and r.year and r.start_page else ""
    ),
    "author, title start": lambda r: (
        f"{_first(r)} {r.core.replace(' ', '')[:8]}" if _first(r) and r.core else ""
    ),
    "venue, volume, page": lambda r: (
        f"{r.venue[:10]} {r.volume} {r.start_page}" if r.venue and r.volume and r.start_page else ""
    ),
    "abstract start": lambda r: r.abstract[:60] if len(r.abstract) >= 60 else "",
}


def shared(one: Comparable, two: Comparable) -> list[str]:
    """Names of the keys that bring two records together; empty if they are never compared."""
    return [name for name, key in KEYS.items() if key(one) and key(one) == key(two)]


def pairs(records: Sequence[Comparable]) -> tuple[list[tuple[int, int]], int]:
    """Pairs of positions (smaller first, sorted, each once), and how many blocks were cut."""
    found: set[tuple[int, int]] = set()
    cut = 0
    for key in KEYS.values():
        blocks: dict[str, list[int]] = {}
        for position, record in enumerate(records):
            value = key(record)
            if value:
                blocks.setdefault(value, []).append(position)
        for members in blocks.values():
            if len(members) > CAP:
                cut += 1
                found.update(_neighbours(records, members))
            elif len(members) > 1:
                found.update(combinations(members, 2))
    return sorted(found), cut


def _neighbours(records: Sequence[Comparable], members: list[int]) -> Iterator[tuple[int, int]]:
    """In a giant block each record meets those next to it by title and year."""
    ordered = sorted(members, key=lambda p: (records[p].title, records[p].year or 0, p))
    for place, one in enumerate(ordered):
        for two in ordered[place + 1 : place + 1 + NEIGHBOURS]:
            yield (one, two) if one < two else (two, one)
