"""Rows of a file or a service into a part of the corpus, with an account of every one."""

import itertools
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from corpora import schema
from corpora.formats.base import Row
from corpora.record import Record, build, settle
from corpora.staging import Staging
from corpora.store import PartWriter
from review.workspace import Workspace

_BATCH = 1_000
_SHOWN = 5
"""Refused rows that are told one by one."""

DATABASES = (
    "database", "db", "database name", "source database", "remote-database-name", "library catalog",
    "provider", "corpus", "source", "dp",
)  # fmt: skip
"""Names of fields in which exports say where a row came from, the surest first."""


def take(
    workspace: Workspace, part: PartWriter, rows: Iterable[Row], *, origin: str, kind: str, ranked: bool
) -> int:
    """Write records, retrievals and refused rows of one run; fill its account.

    A record that is held already in the same content adds a retrieval and no record. ``ranked``
    numbers the rows by source key, for services that deliver in no order of their own. Gives the
    number of rows read.
    """
    run = part.run
    held = workspace.corpus.table("records", "records", ["record_id", "content_hash"], everything=True)
    counts: Counter[str] = Counter()
    refused: list[Row] = []
    with Staging(part.path / ".staging", held) as staging:
        source = None if run.parameters.get("mixed") else run.parameters["source"]
        delivered = _stage(staging, rows, source, refused, counts, ranked=ranked)
        counts.update(staging.settle())
        _write(part, "records", staging.fresh())
        retrieved = staging.retrievals(ranked=ranked)
        named = (_named(table, run.parameters["search"], origin, kind) for table in retrieved)
        _write(part, "retrievals", named)
    shutil.rmtree(part.path / ".staging")
    if refused:
        table = _refused(refused, origin, delivered if ranked else None)
        part.add("refused", table)
        run.notes.extend(_told(table, part))
    run.account.delivered, run.account.refused = delivered, len(refused)
    run.account.counts |= {name: count for name, count in sorted(counts.items()) if count}
    return delivered + len(refused)


def _told(table: pa.Table, part: PartWriter) -> Iterator[str]:
    """Place and reason of the first refused rows, and where the others stand."""
    for row in table.slice(0, _SHOWN).to_pylist():
        yield f"{row['origin']}: row {row['row']}: {row['reason']}"
    if table.num_rows > _SHOWN:
        where = f"corpus/records/run={part.run.id}/refused.parquet"
        yield f"and {table.num_rows - _SHOWN:,} more refused rows, all kept raw in {where}"


def _stage(
    staging: Staging,
    rows: Iterable[Row],
    source: str | None,
    refused: list[Row],
    counts: Counter[str],
    *,
    ranked: bool,
) -> int:
    """Build and stage; gives how many were delivered.

    Records that have an accession number pass in batches; those without wait for the end, since
    their keys depend on their equals in the whole file. Without ``source`` each row names its own.
    """
    batch: list[tuple[Record, int]] = []
    keyless: list[tuple[Record, int]] = []
    delivered = 0
    for row in rows:
        if row.refused is not None:
            refused.append(row)
            continue
        record = build(row.fields, source=source or _origin(row, counts))
        _count(counts, record, row)
        number = delivered if ranked else row.number
        (batch if record.source_key else keyless).append((record, number))
        delivered += 1
        if len(batch) == _BATCH:
            staging.add(*zip(*batch, strict=True))
            batch.clear()
    settled = settle([record for record, _ in keyless])
    batch += [(record, number) for record, (_, number) in zip(settled, keyless, strict=True)]
    for start in range(0, len(batch), _BATCH):
        staging.add(*zip(*batch[start : start + _BATCH], strict=True))
    return delivered


def _origin(row: Row, counts: Counter[str]) -> str:
    """The source that a row of a mixed library names."""
    named = {name.rpartition(":")[2].lower(): value for name, value in row.fields.items()}
    for field in DATABASES:
        value = named.get(field)
        text = value[0] if isinstance(value, list | tuple) and value else value
        if isinstance(text, str) and text.strip():
            return text.strip()
    counts["source unknown"] += 1
    return "unknown"


def _count(counts: Counter[str], record: Record, row: Row) -> None:
    counts["repaired"] += bool(row.repaired)
    counts["without title"] += record.title is None
    counts["without abstract"] += record.abstract is None
    counts["without year"] += record.year is None
    counts.update(f"unread {name}" for name, _ in record.unread)


def _write(part: PartWriter, name: str, tables: Iterator[pa.Table]) -> None:
    """Add tables; if there are none, an empty one: that nothing came is then on record."""
    for table in itertools.chain([next(tables, schema.KINDS["records"][name].empty_table())], tables):
        part.add(name, table)


def _named(table: pa.Table, search: str, origin: str, kind: str) -> pa.Table:
    same = {"search": search, "kind": kind, "origin": origin}
    for name, value in same.items():
        table = table.append_column(name, pa.repeat(pa.scalar(value, pa.string()), table.num_rows))
    return table.select(schema.RETRIEVALS.names)


def _refused(rows: list[Row], origin: str, first: int | None) -> pa.Table:
    """Refused rows; those of a service come by key, numbered after what was delivered."""
    ordered = rows if first is None else sorted(rows, key=lambda row: (row.key, row.refused or "", row.raw))
    made: list[dict[str, Any]] = [
        {
            "origin": origin,
            "row": row.number if first is None else first + place,
            "reason": row.refused,
            "raw": row.raw,
        }
        for place, row in enumerate(ordered)
    ]
    return pa.Table.from_pylist(made, schema.REFUSED)
