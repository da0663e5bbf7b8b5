"""Links among more records than memory should hold: kept, blocked and joined on disk by DuckDB.

The very blocks, rules and links of the small way (`block.pairs`, `match.match`): records are put
down as they come, their keys are joined on disk, titles are compared in streamed batches, and only
the pairs that could be one are read back whole.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from corpora.dedupe import block
from corpora.dedupe.match import Match, hopeful, match
from corpora.dedupe.normalise import COLUMNS, comparables
from corpora.progress import Progress

SLICE = 20_000
"""Records, and pairs, that are in memory at a time."""

_MEMORY = "2GB"

# Blocks within the cap are joined whole; in a giant one each record meets its next neighbours.
_PAIRS = """
CREATE TABLE sizes AS SELECT hash, count(*) AS size FROM keys GROUP BY hash HAVING count(*) > 1;
CREATE TABLE giants AS
  SELECT hash, seq, record_id,
    row_number() OVER (PARTITION BY hash ORDER BY title, coalesce(year, 0), record_id) AS place
  FROM keys JOIN sizes USING (hash) JOIN narrow USING (seq) WHERE size > $cap;
CREATE TABLE pairs AS
  SELECT DISTINCT one, two FROM (
    SELECT a.seq AS one, b.seq AS two
    FROM keys a JOIN sizes USING (hash) JOIN keys b USING (hash)
    WHERE size <= $cap AND a.seq < b.seq
    UNION ALL
    SELECT least(a.seq, b.seq), greatest(a.seq, b.seq)
    FROM giants a, range(1, $neighbours + 1) step(n)
    JOIN giants b ON a.hash = b.hash AND b.place = a.place + n
  );
"""
_TITLES = """
SELECT one, two, a.core AS left_core, b.core AS right_core,
  (a.doi <> '' AND a.doi = b.doi) OR (a.pmid <> '' AND a.pmid = b.pmid)
    OR (a.page <> '' AND a.page = b.page) AS agree
FROM pairs JOIN narrow a ON a.seq = one JOIN narrow b ON b.seq = two
"""


def matches(tables: Iterable[pa.Table], folder: Path, progress: Progress) -> Iterator[Match]:
    """All links, in no order. ``folder`` takes the database; it must be empty and is not cleared."""
    base = duckdb.connect(
        str(folder / "dedupe.duckdb"),
        config={
            "memory_limit": _MEMORY,
            "threads": 2,
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        },
    )
    script = _PAIRS
    try:
        _keep(base, tables, progress)
        for name, number in (("$cap", block.CAP), ("$neighbours", block.NEIGHBOURS)):
            script = script.replace(name, str(number))
        base.execute(script)
        _choose(base, progress)
        yield from _judged(base, progress)
    finally:
        base.close()


def _keep(base: duckdb.DuckDBPyConnection, tables: Iterable[pa.Table], progress: Progress) -> None:
    """Put down each record: what is compared (``whole``), what is joined (``narrow``), its keys."""
    base.execute("CREATE TABLE keys (hash UBIGINT, seq BIGINT)")
    base.execute(
        "CREATE TABLE narrow (seq BIGINT, record_id VARCHAR, title VARCHAR, core VARCHAR, year INTEGER,"
        " doi VARCHAR, pmid VARCHAR, page VARCHAR)"
    )
    count = 0
    for table in _slices(tables):
        ordered = table.sort_by("record_id").append_column(
            "seq", pa.array(range(count, count + table.num_rows), pa.int64())
        )
        listed = comparables(table)  # in the order of their ids, as the sorted table is
        narrow = pa.table({
            "seq": ordered["seq"],
            **{name: [getattr(one, name) for one in listed] for name in ("record_id", "title", "core")},
            "year": pa.array([one.year for one in listed], pa.int32()),
            **{name: [getattr(one, name) for one in listed] for name in ("doi", "pmid")},
            "page": [one.start_page for one in listed],
        })  # fmt: skip
        _insert(base, "narrow", narrow, "*")
        for name, key in block.KEYS.items():
            found = [(value, count + place) for place, one in enumerate(listed) if (value := key(one))]
            values, places = zip(*found, strict=True) if found else ((), ())
            held = pa.table({"value": pa.array(values, pa.string()), "seq": pa.array(places, pa.int64())})
            _insert(base, "keys", held, f"hash('{name}' || value), seq")
        base.register("batch", ordered)
        if count == 0:
            base.execute("CREATE TABLE whole AS SELECT * FROM batch LIMIT 0")
        base.execute("INSERT INTO whole SELECT * FROM batch")
        base.unregister("batch")
        count += table.num_rows
        progress("putting records down", count, 0)


def _slices(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    for table in tables:
        for start in range(0, table.num_rows, SLICE):
            yield table.slice(start, SLICE).select(COLUMNS)


def _insert(base: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, what: str) -> None:
    base.register("batch", rows)
    base.execute(f"INSERT INTO {name} SELECT {what} FROM batch")  # noqa: S608  (names of ours)
    base.unregister("batch")


def _choose(base: duckdb.DuckDBPyConnection, progress: Progress) -> None:
    """Keep of all pairs those that could be one, by title or an identifier or a page."""
    base.execute("CREATE TABLE chosen (one BIGINT, two BIGINT)")
    cursor = base.cursor()
    done = 0
    for batch in cursor.sql(_TITLES).to_arrow_reader(10 * SLICE):
        table = pa.Table.from_batches([batch])
        fits = hopeful(table["left_core"].to_pylist(), table["right_core"].to_pylist())
        fits |= np.asarray(table["agree"].to_numpy(zero_copy_only=False), bool)
        _insert(base, "chosen", table.filter(pa.array(fits)).select(["one", "two"]), "*")
        done += table.num_rows
        progress("comparing titles", done, 0)
    cursor.close()


def _judged(base: duckdb.DuckDBPyConnection, progress: Progress) -> Iterator[Match]:
    chosen = base.execute("SELECT one, two FROM chosen ORDER BY one, two").fetchall()
    for start in range(0, len(chosen), SLICE):
        pairs = chosen[start : start + SLICE]
        wanted = pa.table({"seq": pa.array(sorted({end for pair in pairs for end in pair}), pa.int64())})
        base.register("wanted", wanted)
        held = base.sql("SELECT whole.* FROM whole JOIN wanted USING (seq)").to_arrow_table()
        base.unregister("wanted")
        listed = comparables(held)
        place = {one.record_id: at for at, one in enumerate(listed)}
        ids = dict(zip(held["seq"].to_pylist(), held["record_id"].to_pylist(), strict=True))
        ends = [sorted((place[ids[one]], place[ids[two]])) for one, two in pairs]
        yield from match(listed, [(one, two) for one, two in ends])
        progress("judging pairs", start + len(pairs), len(chosen))
