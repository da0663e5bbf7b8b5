"""The ledger's tables, and the named steps that bring any older ledger to them.

A step is never changed once released: a change is a new step at the end. Each runs in the
transaction that also notes it as applied. `TABLES` is what the code reads and writes; a test
compares it with what the steps make.
"""

import sqlalchemy as sa

_ROW = "seq {sequence}, uuid TEXT NOT NULL UNIQUE, at TEXT NOT NULL"

MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "0001-first-tables",
        (
            f"""CREATE TABLE runs ({_ROW}, kind TEXT NOT NULL, command TEXT NOT NULL,
                outcome TEXT NOT NULL, parameters TEXT NOT NULL, account TEXT NOT NULL,
                files TEXT NOT NULL)""",
            f"""CREATE TABLE protocols ({_ROW}, version INTEGER NOT NULL UNIQUE,
                hash TEXT NOT NULL, text TEXT NOT NULL, reason TEXT)""",
            f"""CREATE TABLE decisions ({_ROW}, record_id TEXT NOT NULL, stage TEXT NOT NULL,
                verdict TEXT NOT NULL, reason TEXT, reviewer TEXT NOT NULL,
                protocol_version INTEGER, text_hash TEXT, generation INTEGER, rank INTEGER,
                supersedes TEXT UNIQUE)""",
            f"""CREATE TABLE links ({_ROW}, left_id TEXT NOT NULL, right_id TEXT NOT NULL,
                kind TEXT NOT NULL, verdict TEXT NOT NULL, person TEXT NOT NULL, reason TEXT,
                supersedes TEXT UNIQUE)""",
            f"""CREATE TABLE annotations ({_ROW}, record_id TEXT NOT NULL,
                dimension TEXT NOT NULL, label TEXT NOT NULL, value TEXT NOT NULL,
                annotator TEXT NOT NULL, codebook_hash TEXT NOT NULL, text_hash TEXT,
                supersedes TEXT UNIQUE)""",
            f"""CREATE TABLE patches ({_ROW}, record_id TEXT NOT NULL, field TEXT NOT NULL,
                value TEXT NOT NULL, person TEXT NOT NULL, supersedes TEXT UNIQUE)""",
        ),
    ),
    (
        "0002-imports-taken-back-and-completed",
        (
            f"""CREATE TABLE withdrawals ({_ROW}, run TEXT NOT NULL, reason TEXT NOT NULL,
                person TEXT NOT NULL, supersedes TEXT UNIQUE)""",
            f"""CREATE TABLE statements ({_ROW}, run TEXT NOT NULL, field TEXT NOT NULL,
                value TEXT NOT NULL, person TEXT NOT NULL, supersedes TEXT UNIQUE)""",
        ),
    ),
)


def _table(name: str, *columns: str, integers: tuple[str, ...] = ()) -> sa.Table:
    made = [
        sa.Column(column, sa.Integer if column in ("seq", *integers) else sa.Text)
        for column in ("seq", "uuid", "at", *columns)
    ]
    return sa.Table(name, sa.MetaData(), *made)


TABLES: dict[str, sa.Table] = {
    table.name: table
    for table in (
        _table("runs", "kind", "command", "outcome", "parameters", "account", "files"),
        _table("protocols", "version", "hash", "text", "reason", integers=("version",)),
        _table(
            "decisions", "record_id", "stage", "verdict", "reason", "reviewer", "protocol_version",
            "text_hash", "generation", "rank", "supersedes",
            integers=("protocol_version", "generation", "rank"),
        ),
        _table("links", "left_id", "right_id", "kind", "verdict", "person", "reason", "supersedes"),
        _table(
            "annotations", "record_id", "dimension", "label", "value", "annotator",
            "codebook_hash", "text_hash", "supersedes",
        ),
        _table("patches", "record_id", "field", "value", "person", "supersedes"),
        _table("withdrawals", "run", "reason", "person", "supersedes"),
        _table("statements", "run", "field", "value", "person", "supersedes"),
    )
}  # fmt: skip
