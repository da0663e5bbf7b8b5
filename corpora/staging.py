"""Records of one run on their way into the corpus: spilled to disk, sorted, compared with what is held.

However many come and in whatever order, memory stays bounded and the same records give the same
bytes. DuckDB sorts; it reads only files and tables that are handed to it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from corpora import schema
from corpora.record import Record

_BATCH = 5_000
_STAGED = schema.RECORDS.append(pa.field("row", pa.int64()))
_MEMORY = "256MB"

_MARK = """
CREATE TABLE marks AS SELECT row, record_id, content_hash, source, source_key,
  row_number() OVER (PARTITION BY record_id, content_hash ORDER BY row) = 1
    AND (record_id, content_hash) NOT IN (SELECT (record_id, content_hash) FROM held) AS fresh,
  row_number() OVER (PARTITION BY record_id ORDER BY row) > 1
    OR record_id IN (SELECT record_id FROM held) AS known
FROM staged
"""


def connect(temporary: Path) -> Any:
    """A DuckDB that spills to ``temporary`` and neither loads nor downloads extensions."""
    return duckdb.connect(
        config={
            "memory_limit": _MEMORY,
            "threads": 2,
            "temp_directory": str(temporary),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )


class Staging:
    """Use as a context: `add` in any order, then `settle`, then read.

    ``held`` has the columns record_id and content_hash of every version that the corpus holds.
    """

    def __init__(self, folder: Path, held: pa.Table) -> None:
        self._folder = folder
        self._held = held
        self._path = folder / "staged.parquet"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._path, _STAGED, compression="lz4")
        self._connection = connect(self._folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        self._connection.close()
        self._path.unlink(missing_ok=True)

    def add(self, records: Sequence[Record], rows: Sequence[int]) -> None:
        """Add records; ``rows`` are their numbers, each used once in the run."""
        table = schema.to_table(records)
        self._writer.write_table(table.append_column(_STAGED.field("row"), pa.array(rows, pa.int64())))

    def settle(self) -> dict[str, int]:
        """Close the adding and compare; gives how many are new, new versions and unchanged."""
        self._writer.close()
        self._connection.register("held", self._held)
        self._connection.read_parquet(str(self._path)).create_view("staged")
        self._connection.execute(_MARK)
        counted = self._connection.execute(
            "SELECT count(*) FILTER (fresh AND NOT known), count(*) FILTER (fresh AND known), "
            "count(*) FILTER (NOT fresh) FROM marks"
        ).fetchall()[0]
        return dict(zip(("new", "new versions", "unchanged"), counted, strict=True))

    def fresh(self) -> Iterator[pa.Table]:
        """Records that are not held in this content, each once, sorted by source and source key."""
        names = ", ".join(f'staged."{name}"' for name in schema.RECORDS.names)
        return self._batches(
            f"SELECT {names} FROM staged JOIN marks USING (row) WHERE fresh "  # noqa: S608
            "ORDER BY marks.source, marks.source_key, row",
            schema.RECORDS,
        )

    def retrievals(self, *, ranked: bool) -> Iterator[pa.Table]:
        """record_id, content_hash, source and row of everything that was added.

        Ranked: sorted by source key, the rows numbered anew in that order, so that they do not
        depend on the order in which a service delivered.
        """
        order = "source, source_key, row" if ranked else "row"
        number = f"row_number() OVER (ORDER BY {order}) - 1" if ranked else "row"
        wanted = pa.schema(
            [schema.RETRIEVALS.field(n) for n in ("record_id", "content_hash", "source", "row")]
        )
        return self._batches(
            f"SELECT record_id, content_hash, source, {number} AS row FROM marks ORDER BY {order}",  # noqa: S608
            wanted,
        )

    def _batches(self, query: str, wanted: pa.Schema) -> Iterator[pa.Table]:
        """Batches of always the same size, so that the same rows give the same file."""
        for batch in self._connection.sql(query).to_arrow_reader(_BATCH):
            yield pa.Table.from_batches([batch]).cast(wanted)
