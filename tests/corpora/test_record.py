"""Records: identifiers, keys, versions; nothing that a source wrote is lost."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import identifiers
from corpora.record import Author, MeshHeading, Record, build, settle
from corpora.schema import RECORDS, from_table, to_table

CASES = [
    ("doi", "HTTPS://DX.DOI.ORG/10.1000/ABC", "10.1000/abc"),
    ("doi", "10.1016/S0140-6736(96)07492-2", "10.1016/s0140-6736(96)07492-2"),
    ("doi", "(doi: 10.1000/abc)", "10.1000/abc"),
    ("doi", "10.1000%2Fabc", "10.1000/abc"),
    ("doi", "10.1002/(SICI)1097&lt;1::AID-X&gt;3.0", "10.1002/(sici)1097<1::aid-x>3.0"),
    ("doi", "forthcoming", None),
    ("pmid", "https://www.ncbi.nlm.nih.gov/pubmed/123", "123"),
    ("pmid", "123.0", "123"),
    ("pmid", "1234567890", None),
    ("pmcid", "PMC0042.1", "PMC42"),
    ("openalex_id", "A5023888391", None),
    ("nct_ids", "see nct00000102.", "NCT00000102"),
    ("nct_ids", "NCT123", None),
    ("year", "c2019", "2019"),
    ("year", "in press", None),
    ("year", "20224", None),
    ("year", "1450", None),
    ("publication_date", "2021-02-30", "2021-02-30"),
    ("publication_date", "1998 Dec-1999 Jan", "1998-12"),
]


@pytest.mark.parametrize(("field", "raw", "expected"), CASES, ids=[f"{f}={r}" for f, r, _ in CASES])
def test_identifiers(field: str, raw: str, expected: str | None) -> None:
    assert identifiers.NORMALISERS[field](raw) == expected


def test_what_cannot_be_read_is_kept_and_counted() -> None:
    record = build(
        {"title": "T", "year": "20224", "doi": "n/a", "citation_count": "many", "odd": ["a", "b"]},
        source="Scopus",
    )
    assert record.year is None
    assert record.doi is None
    assert set(record.unread) == {("year", "20224"), ("doi", "n/a"), ("citation_count", "many")}
    assert record.extra == (("odd", "a; b"),)


def test_the_year_comes_from_the_date_if_need_be() -> None:
    assert build({"publication_date": "2020 Jan 3"}, source="x").year == 2020


texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
records = st.builds(
    Record,
    source=st.sampled_from(["pubmed", "openalex"]),
    source_key=st.sampled_from(["", "1", "2"]),
    title=texts,
    abstract=texts,
    venue=texts,
    year=st.none() | st.integers(1500, 2099),
    keywords=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    authors=st.lists(st.builds(Author, family=st.text(max_size=8), given=texts), max_size=2).map(tuple),
    mesh=st.lists(
        st.builds(MeshHeading, descriptor=st.text(max_size=8), major=st.booleans()), max_size=2
    ).map(tuple),
    extra=st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=2).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(records, max_size=5))
def test_tables_round_trip(made: list[Record]) -> None:
    table = to_table(made)
    assert table.schema == RECORDS
    assert from_table(table) == made
    assert table["content_hash"].to_pylist() == [record.content_hash for record in made]


@settings(max_examples=60, deadline=None)
@given(st.lists(records, max_size=8), st.randoms(use_true_random=False))
def test_a_shuffled_file_gives_the_same_ids(made: list[Record], shuffle: random.Random) -> None:
    def ids(listed: list[Record]) -> list[tuple[str, str]]:
        return sorted((record.record_id, record.content_hash) for record in settle(listed))

    other = made.copy()
    shuffle.shuffle(other)
    assert ids(made) == ids(other)


def test_an_accession_number_is_the_key_whatever_else_differs() -> None:
    one = build({"title": "A", "accession": "L1"}, source="Embase")
    two = build({"title": "B", "accession": "L1"}, source="Embase")
    assert one.record_id == two.record_id
    assert one.content_hash != two.content_hash
    assert build({"title": "A", "accession": "L1"}, source="Scopus").record_id != one.record_id


def test_rows_with_nothing_in_them_are_told_apart() -> None:
    first, second = settle([build({"odd": "1"}, source="x"), build({"odd": "2"}, source="x")])
    assert first.record_id != second.record_id
