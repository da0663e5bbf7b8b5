"""How a query is cut so that no result limit bites.

PubMed answers at most 9,999 records a search and says nothing about the rest. A query is halved
by Entrez date, then by PMID, until every slice lies under the limit. Every record has exactly one
Entrez date, so the halves tile; publication dates would not (a record may have two, and
year-only records pile up on 1 January). The halves of every cut are counted and must add up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from corpora.errors import HarvestError
from corpora.words import counted

Count = Callable[[str], int]
"""Asks the service how many records a term finds."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A term that finds ``count`` records."""

    term: str
    count: int


@dataclass(frozen=True, slots=True)
class _Scale:
    """Whole numbers from ``low`` to ``high`` along which a query can be cut."""

    low: int
    high: int
    write: Callable[[int, int], str]


def _days(low: int, high: int) -> str:
    ends = (date.fromordinal(day).strftime("%Y/%m/%d") for day in (low, high))
    return ":".join(ends) + "[EDAT]"


def _pmids(low: int, high: int) -> str:
    return f"{low}:{high}[UID]"


ENTREZ_DATES = _Scale(date(1900, 1, 1).toordinal(), date(2100, 12, 31).toordinal(), _days)
PMIDS = _Scale(1, 999_999_999, _pmids)


def cut(query: str, total: int, count: Count, cap: int) -> list[Slice]:
    """Slices of at most ``cap`` records that together find all ``total`` of a query.

    >>> cut("cats", 3, lambda term: 3, cap=9999)
    [Slice(term='cats', count=3)]

    Raises:
        HarvestError: the halves of a cut do not add up to the whole.

    """
    if total <= cap:
        return [Slice(query, total)] if total else []
    return list(_along((ENTREZ_DATES, PMIDS), f"({query})", total, count, cap))


def _along(scales: tuple[_Scale, ...], base: str, total: int, count: Count, cap: int) -> Iterator[Slice]:
    """Cut ``base`` along the first scale; a point that is still too full, along the next."""
    scale, finer = scales[0], scales[1:]

    def part(low: int, high: int) -> Slice:
        term = f"{base} AND {scale.write(low, high)}"
        return Slice(term, count(term))

    def halves(low: int, high: int, whole: Slice) -> Iterator[Slice]:
        if whole.count <= cap:
            if whole.count:
                yield whole
            return
        if low == high:
            if not finer:
                raise HarvestError(
                    f"{whole.term}: {counted(whole.count, 'record')}, and it cannot be cut further"
                )
            yield from _along(finer, whole.term, whole.count, count, cap)
            return
        middle = (low + high) // 2
        left, right = part(low, middle), part(middle + 1, high)
        _add_up(whole, left, right, count)
        yield from halves(low, middle, left)
        yield from halves(middle + 1, high, right)

    whole = part(scale.low, scale.high)
    if whole.count != total:
        raise HarvestError(
            f"{base}: finds {counted(total, 'record')}, but {whole.term} finds {whole.count:,}; some have "
            "no place "
            "on that scale and would be lost, so nothing was fetched; try again"
        )
    yield from halves(scale.low, scale.high, whole)


def _add_up(whole: Slice, left: Slice, right: Slice, count: Count) -> None:
    """The service changes while it is counted: the whole is asked again before it is an error."""
    found = left.count + right.count
    if found != whole.count and found != count(whole.term):
        raise HarvestError(
            f"{whole.term}: finds {counted(whole.count, 'record')}, its halves {left.count:,} + "
            f"{right.count:,}; "
            "the service contradicts itself, nothing was fetched; try again later"
        )
