"""One explicit Arrow schema a noun. Fields are only ever added, always nullable.

A change that adds a field raises `SCHEMA_VERSION`; ``tests/corpora/parts/`` keeps one part of
every past version and a test reads them all. Nothing here is inferred from data.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import pyarrow as pa

from corpora.record import Author, MeshHeading, Record

SCHEMA_VERSION = 1

_text = pa.string()
_texts = pa.list_(pa.string())
_pair = pa.struct([("field", _text), ("value", _text)])
_author = pa.struct(
    [
        ("family", _text),
        ("given", _text),
        ("orcid", _text),
        ("affiliations", _texts),
        ("country", _text),
    ]
)
_mesh = pa.struct([("descriptor", _text), ("qualifiers", _texts), ("major", pa.bool_())])

RECORDS = pa.schema(
    [
        ("record_id", _text),
        ("content_hash", _text),
        ("source", _text),
        ("source_key", _text),
        ("doi", _text),
        ("pmid", _text),
        ("pmcid", _text),
        ("openalex_id", _text),
        ("nct_ids", _texts),
        ("title", _text),
        ("abstract", _text),
        ("year", pa.int16()),
        ("publication_date", _text),
        ("venue", _text),
        ("volume", _text),
        ("issue", _text),
        ("pages", _text),
        ("publication_types", _texts),
        ("language", _text),
        ("authors", pa.list_(_author)),
        ("keywords", _texts),
        ("mesh", pa.list_(_mesh)),
        ("citation_count", pa.int64()),
        ("references", _texts),
        ("retraction", _text),
        ("url", _text),
        ("licence", _text),
        ("unread", pa.list_(_pair)),
        ("extra", pa.list_(_pair)),
    ]
)

# This run or file (origin), this row, brought that version of that record, by that search.
RETRIEVALS = pa.schema(
    [
        ("record_id", _text),
        ("content_hash", _text),
        ("search", _text),
        ("source", _text),
        ("kind", _text),
        ("origin", _text),
        ("row", pa.int64()),
    ]
)

# Rows that could not become a record: kept raw, with the reason.
REFUSED = pa.schema([("origin", _text), ("row", pa.int64()), ("reason", _text), ("raw", _text)])

# A field filled by a machine; it never overwrites the source's own value.
PATCHES = pa.schema([("record_id", _text), ("field", _text), ("value", _text), ("origin", _text)])

LINKS = pa.schema(
    [
        ("left_id", _text),
        ("right_id", _text),
        ("kind", _text),
        ("verdict", _text),
        ("rule", _text),
        ("score", pa.float32()),
        ("reason", _text),
    ]
)

LABELS = pa.schema(
    [
        ("record_id", _text),
        ("dimension", _text),
        ("label", _text),
        ("probability", pa.float32()),
        ("value", pa.bool_()),
        ("unsure", pa.bool_()),
        ("text_hash", _text),
    ]
)

# A study (by the id of a record of its) and its topic; null: an outlier, or left out for a reason.
# ``core``: in it before outliers were taken in; x and y: its place on the map.
TOPIC_STUDIES = pa.schema(
    [
        ("record_id", _text),
        ("topic", _text),
        ("core", pa.bool_()),
        ("x", pa.float32()),
        ("y", pa.float32()),
        ("left_out", _text),
        ("text_hash", _text),
    ]
)

TOPICS = pa.schema(
    [
        ("topic", _text),
        ("words", _texts),
        ("weights", pa.list_(pa.float32())),
        ("examples", _texts),
        ("studies", pa.int64()),
        ("core", pa.int64()),
        ("jaccard", pa.float32()),
        ("null", pa.float32()),
        ("solid", pa.bool_()),
        ("earlier", pa.float32()),
    ]
)

# A node joins two others, which are topics or nodes, at a distance.
TOPIC_HIERARCHY = pa.schema(
    [("node", _text), ("left", _text), ("right", _text), ("distance", pa.float32()), ("words", _texts)]
)

TOPIC_STABILITY = pa.schema(
    [("topic", _text), ("subsample", pa.int32()), ("jaccard", pa.float32()), ("null", pa.float32())]
)

TOPIC_SEEDS = pa.schema(
    [
        ("first", pa.int64()),
        ("second", pa.int64()),
        ("with_outliers", pa.float32()),
        ("without_outliers", pa.float32()),
    ]
)

# What people call a topic: topics of one name are one; a removed one is left out of shares.
TOPIC_GROUPS = pa.schema([("topic", _text), ("name", _text), ("removed", pa.bool_()), ("named_by", _text)])

KINDS: dict[str, dict[str, pa.Schema]] = {
    "records": {
        "records": RECORDS,
        "retrievals": RETRIEVALS,
        "refused": REFUSED,
        "patches": PATCHES,
    },
    "links": {"links": LINKS},
    "labels": {"labels": LABELS},
    "models": {},
    "topics": {
        "studies": TOPIC_STUDIES,
        "topics": TOPICS,
        "hierarchy": TOPIC_HIERARCHY,
        "stability": TOPIC_STABILITY,
        "seeds": TOPIC_SEEDS,
        "groups": TOPIC_GROUPS,
    },
}
"""Kind of part → the tables a part of it may hold (a model is only files)."""

_NAMES = [f.name for f in fields(Record)]
_PAIRS = ("unread", "extra")


def to_table(records: Iterable[Record]) -> pa.Table:
    """Records as a table of schema `RECORDS`, in their order."""
    columns: dict[str, list[Any]] = {name: [] for name in RECORDS.names}
    for record in records:
        columns["record_id"].append(record.record_id)
        columns["content_hash"].append(record.content_hash)
        for name in _NAMES:
            columns[name].append(_cell(name, getattr(record, name)))
    return pa.table(columns, schema=RECORDS)


def from_table(table: pa.Table) -> list[Record]:
    """Records back from a table; the inverse of `to_table`.

    >>> record = Record(source="x", title="T", extra=(("note", "n"),))
    >>> from_table(to_table([record])) == [record]
    True
    """
    return [_record(row) for row in table.to_pylist()]


def _cell(name: str, value: Any) -> Any:
    if name in _PAIRS:
        return [{"field": field, "value": text} for field, text in value]
    if name in ("authors", "mesh"):
        return [{slot: getattr(item, slot) for slot in item.__slots__} for item in value]
    return list(value) if isinstance(value, tuple) else value


def _record(row: dict[str, Any]) -> Record:
    made = {name: row.get(name) for name in _NAMES}
    for name in _PAIRS:
        made[name] = tuple((pair["field"], pair["value"]) for pair in made[name] or ())
    made["authors"] = tuple(
        Author(**{**author, "affiliations": tuple(author["affiliations"] or ())})
        for author in made["authors"] or ()
    )
    made["mesh"] = tuple(
        MeshHeading(**{**heading, "qualifiers": tuple(heading["qualifiers"] or ())})
        for heading in made["mesh"] or ()
    )
    for name in ("nct_ids", "publication_types", "keywords", "references"):
        made[name] = tuple(made[name] or ())
    return Record(**made)  # type: ignore[arg-type]
