"""Slicing: the slices of a query tile it, whatever the dates are."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.errors import HarvestError
from corpora.sources.slices import cut

RECORD = st.tuples(
    st.dates(date(1900, 1, 1), date(2100, 12, 31)) | st.just(date(2024, 1, 1)), st.integers(1, 999_999_999)
)


def answering(records: list[tuple[date, int]], seen: list[str] | None = None):
    """A service over (Entrez date, PMID) pairs that understands the terms that slicing makes."""

    def found(term: str) -> set[int]:
        kept = records
        for low, high, tag in re.findall(r"([\d/]+):([\d/]+)\[(EDAT|UID)\]", term):
            if tag == "EDAT":
                ends = [date(*map(int, end.split("/"))) for end in (low, high)]
                kept = [one for one in kept if ends[0] <= one[0] <= ends[1]]
            else:
                kept = [one for one in kept if int(low) <= one[1] <= int(high)]
        return {number for _, number in kept}

    def count(term: str) -> int:
        if seen is not None:
            seen.append(term)
        return len(found(term))

    return found, count


@settings(max_examples=40, deadline=None)
@given(st.lists(RECORD, unique_by=lambda one: one[1], max_size=60), st.integers(1, 7))
def test_slices_tile_the_query(records: list[tuple[date, int]], cap: int) -> None:
    found, count = answering(records)
    slices = cut("q", len(records), count, cap)
    assert all(0 < one.count <= cap for one in slices)
    parts = [found(one.term) for one in slices]
    assert sum(map(len, parts)) == len(records)
    assert set().union(*parts) == {number for _, number in records}


def test_a_day_over_the_limit_is_cut_by_pmid() -> None:
    records = [(date(2024, 1, 1), number) for number in range(1, 21)]
    _, count = answering(records)
    slices = cut("q", 20, count, 6)
    assert sum(one.count for one in slices) == 20
    assert all("2024/01/01:2024/01/01[EDAT]" in one.term and "[UID]" in one.term for one in slices)


def test_few_questions_are_asked() -> None:
    records = [(date(2000, 1, 1) + timedelta(days=k % 9000), k + 1) for k in range(2_000)]
    seen: list[str] = []
    _, count = answering(records, seen)
    slices = cut("q", 2_000, count, 100)
    assert len(slices) >= 20
    assert len(seen) < 6 * len(slices)


def test_publication_dates_of_the_query_stay_as_they_are() -> None:
    records = [(date(2024, 1, 1) + timedelta(days=k), k + 1) for k in range(20)]
    _, count = answering(records)
    assert all(
        "(cats AND 2020:2026[pdat])" in one.term for one in cut("cats AND 2020:2026[pdat]", 20, count, 9)
    )


def test_halves_that_do_not_add_up_stop_the_run() -> None:
    _, count = answering([(date(2024, 1, 1) + timedelta(days=k), k + 1) for k in range(20)])

    def losing(term: str) -> int:
        return count(term) - ("2000/07/01:" in term or "1900/01/01:2000" in term)

    with pytest.raises(HarvestError, match="its halves"):
        cut("q", 20, lambda term: losing(term) if "[EDAT]" in term else count(term), 6)
    with pytest.raises(HarvestError, match="no place on that scale"):
        cut("q", 21, count, 6)


def test_a_whole_that_grew_while_it_was_counted_is_no_error() -> None:
    records = [(date(2024, 1, 1) + timedelta(days=k), k + 1) for k in range(20)]
    _, count = answering(records)
    asked: list[str] = []

    def growing(term: str) -> int:
        asked.append(term)
        if len(asked) == 2:
            records.append((date(2024, 6, 1), 99))
        return count(term)

    slices = cut("q", 20, growing, 6)
    assert sum(one.count for one in slices) == 21
