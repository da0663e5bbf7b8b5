"""The ledger: what people decided, and which runs there were. Append-only.

One code for SQLite (the default) and PostgreSQL (a team). Order is the ledger's own sequence,
never the clock. The client makes each row's UUID and a repeated insert is ignored, so a retry is
safe; an undo is a new row that names the one it supersedes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from corpora.errors import LedgerError, LitscaleError, MissingExtraError, VersionError
from corpora.run import Run, now
from review.migrations import MIGRATIONS, TABLES

_WRITE = "litscale_write"

_STATE = sa.union_all(
    *(
        sa.select(sa.literal(name), sa.func.count(), sa.func.coalesce(sa.func.max(table.c.seq), 0))
        for name, table in TABLES.items()
    )
)


class Ledger:
    """A connection to one review's ledger; opening it applies the migrations that are due."""

    def __init__(self, url: str) -> None:
        self.url = sa.engine.make_url(url)
        self._engine = _engine(self.url)
        try:
            self._migrate()
        except LitscaleError:
            self.close()
            raise

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    # ------------------------------------------------------------------ transactions

    @contextmanager
    def _begin(self, *, write: bool) -> Iterator[sa.Connection]:
        try:
            with (
                self._engine.connect().execution_options(**{_WRITE: write}) as connection,
                connection.begin(),
            ):
                yield connection
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError) as error:
            raise LedgerError(
                f"the ledger {self.url.render_as_string(hide_password=True)} cannot be used: "
                f"{error.orig}; nothing was written, try again when it answers"
            ) from error

    def _migrate(self) -> None:
        with self._begin(write=True) as connection:
            create = sa.text(
                "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied TEXT NOT NULL)"
            )
            if self._engine.dialect.name == "postgresql":
                # Two members of a team may open a new ledger in the same moment.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(6837402)"))
            connection.execute(create)
            done = set(connection.scalars(sa.text("SELECT name FROM migrations")))
            newer = done - {name for name, _ in MIGRATIONS}
            if newer:
                raise VersionError(
                    f"the ledger {self.url.render_as_string(hide_password=True)} was written by a "
                    f"newer litscale (steps {', '.join(sorted(newer))}); upgrade litscale"
                )
            for name, statements in MIGRATIONS:
                if name not in done:
                    for statement in statements:
                        connection.execute(sa.text(_for_dialect(statement, self._engine.dialect.name)))
                    connection.execute(
                        sa.text("INSERT INTO migrations VALUES (:name, :applied)"),
                        {"name": name, "applied": now()},
                    )

    # ------------------------------------------------------------------ writing

    def append(self, table: str, row: Mapping[str, Any]) -> str:
        """Add one row and return its UUID (made here unless the client brought one).

        The same UUID twice adds nothing.
        """
        return self.append_all(table, [row])[0]

    def append_all(self, table: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add rows in one transaction, all or none; gives their UUIDs. All name the same columns."""
        values = [{"uuid": str(uuid4()), "at": now(), **row} for row in rows]
        if not values:
            return []
        try:
            with self._begin(write=True) as connection:
                connection.execute(self._insert(table), values)
        except sa.exc.IntegrityError as error:
            raise LedgerError(
                f"ledger table {table!r}: the row was refused ({error.orig}); most likely somebody "
                "superseded the same row before; look at the present state and decide again"
            ) from error
        return [str(row["uuid"]) for row in values]

    def replace(self, table: str, row: Mapping[str, Any], key: Sequence[str]) -> str:
        """Add a row that supersedes the present one with the same ``key`` columns; gives its UUID.

        Finding that row and adding the new one are one transaction in which nobody else replaces
        a row of this key, so that two terminals of one person leave one present row.
        """
        made = {"uuid": str(uuid4()), "at": now(), **row}
        columns = TABLES[table]
        with self._begin(write=True) as connection:
            if self._engine.dialect.name == "postgresql":
                name = "/".join([table, *(str(made[column]) for column in key)])
                connection.execute(
                    sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name}
                )
            gone = sa.select(columns.c.supersedes).where(columns.c.supersedes.is_not(None))
            same = [columns.c[column] == made[column] for column in key]
            present = connection.scalars(
                sa.select(columns.c.uuid).where(*same, columns.c.uuid.not_in(gone)).order_by(columns.c.seq)
            ).all()
            if made["uuid"] not in present:
                made["supersedes"] = present[-1] if present else None
                connection.execute(self._insert(table), [made])
        return str(made["uuid"])

    def claim(self, row: Mapping[str, Any]) -> bool:
        """Take a place in a queue; False if somebody was faster, or this person holds one already."""
        made = {"uuid": str(uuid4()), "at": now(), **row}
        try:
            with self._begin(write=True) as connection:
                connection.execute(sa.insert(TABLES["claims"]), [made])
        except sa.exc.IntegrityError:
            return False
        return True

    def _insert(self, table: str) -> Any:
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        return insert(TABLES[table]).on_conflict_do_nothing(index_elements=["uuid"])

    def add_run(self, kind: str, run: Run) -> None:
        """List a run and its file hashes; a run that is listed already stays as it is."""
        row = {
            "uuid": run.id,
            "kind": kind,
            "command": run.command,
            "outcome": run.outcome,
            "parameters": json.dumps(run.parameters, sort_keys=True),
            "account": json.dumps(asdict(run.account), sort_keys=True),
            "files": json.dumps({n: e.sha256 for n, e in run.files.items()}, sort_keys=True),
            "at": run.ended or run.started,
        }
        self.append("runs", row)

    # ------------------------------------------------------------------ reading

    def rows(self, table: str, after: int = 0, columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """All rows of a table in the ledger's order, or those with a higher sequence than ``after``.

        ``columns`` names those that are read: all, unless some are given.
        """
        held = TABLES[table].c
        with self._begin(write=False) as connection:
            wanted = sa.select(*(held[name] for name in columns or held.keys()))
            found = connection.execute(wanted.where(held.seq > after).order_by(held.seq))
            # Twice as fast as the rows' own mappings: a ledger may hold 100,000 decisions.
            names = tuple(found.keys())
            return [dict(zip(names, row, strict=True)) for row in found]

    def current(self, table: str) -> list[dict[str, Any]]:
        """Rows that no later row supersedes, in the ledger's order."""
        rows = self.rows(table)
        gone = {row["supersedes"] for row in rows if row["supersedes"]}
        return [row for row in rows if row["uuid"] not in gone]

    def arrow(self, table: str) -> pa.Table:
        """`current` rows as a narrow Arrow table, to hand to DuckDB or pandas."""
        names = [column.name for column in TABLES[table].columns]
        types = [pa.int64() if isinstance(c.type, sa.Integer) else pa.string() for c in TABLES[table].columns]
        return pa.Table.from_pylist(self.current(table), pa.schema(zip(names, types, strict=True)))

    def state(self) -> dict[str, tuple[int, int]]:
        """(count, last sequence) per table: what a snapshot of the ledger is."""
        with self._begin(write=False) as connection:
            return {name: (int(count), int(last)) for name, count, last in connection.execute(_STATE)}

    def marks(self, *tables: str) -> list[tuple[str, int, str]]:
        """Name, count and last UUID of tables: no other ledger or state of this one has the same."""
        found, state = [], self.state()
        for table in tables:
            count, last = state[table]
            newest = self.rows(table, after=last - 1, columns=("uuid",))
            found.append((table, count, "".join(row["uuid"] for row in newest[:1])))
        return found


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(f"ledger URL {url.drivername!r}: only sqlite and postgresql are known")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        # No pool: a connection is opened for each transaction and closed after it, so that a
        # server that restarts, a fork or a forgotten `close` leaves nothing behind.
        engine = sa.create_engine(url, poolclass=sa.NullPool)
    except ImportError as error:
        raise MissingExtraError(
            "a PostgreSQL ledger needs the extra: pip install 'litscale[postgres]'"
        ) from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _sqlite_connect)
        sa.event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connect(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions of its own: `_sqlite_begin` does, and a write takes
    # its lock at once, or two writers that both read first would collide.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get(_WRITE, True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _for_dialect(statement: str, dialect: str) -> str:
    sequence = {
        "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "postgresql": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    }[dialect]
    return statement.replace("{sequence}", sequence)
