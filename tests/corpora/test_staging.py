"""Staging: what comes in any order leaves sorted, once, compared with what is held."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora import schema
from corpora.record import Author, MeshHeading, Record
from corpora.staging import Staging

KEY = st.sampled_from(["1", "2", "10", "11", "a", "b"])
RECORD = st.builds(
    Record,
    source=st.sampled_from(["pubmed", "openalex"]),
    source_key=KEY,
    title=st.none() | st.text(max_size=5),
    year=st.none() | st.integers(1900, 2030),
    authors=st.lists(st.builds(Author, family=st.text(min_size=1, max_size=3)), max_size=2).map(tuple),
    mesh=st.lists(st.builds(MeshHeading, descriptor=st.just("d"), major=st.booleans()), max_size=1).map(
        tuple
    ),
    extra=st.just((("a", "b"),)) | st.just(()),
)


def none_held() -> pa.Table:
    return schema.RECORDS.empty_table().select(["record_id", "content_hash"])


def staged(
    records: list[Record], held: pa.Table | None = None
) -> tuple[dict[str, int], list[Record], list[dict]]:
    with TemporaryDirectory() as folder, Staging(Path(folder), held or none_held()) as staging:
        for start in range(0, len(records), 3):
            batch = records[start : start + 3]
            staging.add(batch, range(start, start + len(batch)))
        counts = staging.settle()
        fresh = [record for table in staging.fresh() for record in schema.from_table(table)]
        retrievals = [row for table in staging.retrievals(ranked=True) for row in table.to_pylist()]
    return counts, fresh, retrievals


@settings(max_examples=25, deadline=None)
@given(st.lists(RECORD, max_size=12))
def test_each_version_leaves_once_and_sorted(records: list[Record]) -> None:
    counts, fresh, retrievals = staged(records)
    assert {(r.record_id, r.content_hash) for r in fresh} == {(r.record_id, r.content_hash) for r in records}
    assert (
        len(fresh)
        == counts["new"] + counts["new versions"]
        == len({r.content_hash + r.record_id for r in fresh})
    )
    assert counts["new"] == len({record.record_id for record in records})
    assert sum(counts.values()) == len(records) == len(retrievals)
    assert [(r.source, r.source_key) for r in fresh] == sorted((r.source, r.source_key) for r in fresh)
    assert [row["row"] for row in retrievals] == list(range(len(records)))


def test_what_is_held_is_not_written_again() -> None:
    old = Record(source="x", source_key="1", title="old")
    same = Record(source="x", source_key="2", title="same")
    held = schema.to_table([old, same]).select(["record_id", "content_hash"])
    new = Record(source="x", source_key="1", title="new")
    other = Record(source="x", source_key="3")
    counts, fresh, retrievals = staged([other, same, new], held)
    assert counts == {"new": 1, "new versions": 1, "unchanged": 1}
    assert fresh == [new, other]
    assert len(retrievals) == 3


def test_the_order_of_arrival_does_not_matter() -> None:
    records = [Record(source="x", source_key=str(k), title="t" * k) for k in range(1, 60)]
    _, one, rows = staged(records)
    _, two, again = staged(records[::-1])
    assert one == two
    assert rows == again
