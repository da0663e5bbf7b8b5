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
    (
        "0003-screening",
        (
            # The records of the report when it was decided, and the block it was decided in.
            "ALTER TABLE decisions ADD COLUMN members TEXT",
            "ALTER TABLE decisions ADD COLUMN block TEXT",
            "CREATE INDEX decisions_record ON decisions (record_id)",
            f"""CREATE TABLE team ({_ROW}, stage TEXT NOT NULL, reviewer TEXT NOT NULL,
                state TEXT NOT NULL, person TEXT NOT NULL)""",
            f"""CREATE TABLE claims ({_ROW}, record_id TEXT NOT NULL, stage TEXT NOT NULL,
                reviewer TEXT NOT NULL, place TEXT NOT NULL UNIQUE, holder TEXT NOT NULL UNIQUE)""",
            f"""CREATE TABLE remarks ({_ROW}, record_id TEXT NOT NULL, stage TEXT NOT NULL,
                kind TEXT NOT NULL, text TEXT NOT NULL, person TEXT NOT NULL,
                supersedes TEXT UNIQUE)""",
            f"""CREATE TABLE resolutions ({_ROW}, record_id TEXT NOT NULL, stage TEXT NOT NULL,
                verdict TEXT NOT NULL, reason TEXT, how TEXT NOT NULL, votes TEXT NOT NULL,
                note TEXT, person TEXT NOT NULL, protocol_version INTEGER,
                supersedes TEXT UNIQUE)""",
            f"""CREATE TABLE blocks ({_ROW}, name TEXT NOT NULL UNIQUE, stage TEXT NOT NULL,
                kind TEXT NOT NULL, records TEXT NOT NULL, parameters TEXT NOT NULL,
                person TEXT NOT NULL, protocol_version INTEGER)""",
            f"""CREATE TABLE fulltexts ({_ROW}, record_id TEXT NOT NULL, status TEXT NOT NULL,
                place TEXT, sha256 TEXT, note TEXT, person TEXT NOT NULL,
                supersedes TEXT UNIQUE)""",
            f"""CREATE TABLE stops ({_ROW}, stage TEXT NOT NULL, rule TEXT NOT NULL,
                state TEXT NOT NULL, outcome TEXT NOT NULL, sentence TEXT NOT NULL,
                person TEXT NOT NULL, protocol_version INTEGER, supersedes TEXT UNIQUE)""",
            f"""CREATE TABLE rankings ({_ROW}, stage TEXT NOT NULL, reviewer TEXT NOT NULL,
                generation INTEGER NOT NULL, ranker TEXT NOT NULL, parameters TEXT NOT NULL)""",
            f"""CREATE TABLE suggestions ({_ROW}, record_id TEXT NOT NULL, stage TEXT NOT NULL,
                verdict TEXT NOT NULL, reason TEXT, model TEXT NOT NULL, prompt TEXT NOT NULL,
                parameters TEXT NOT NULL, raw TEXT NOT NULL, text_hash TEXT,
                person TEXT NOT NULL)""",
        ),
    ),
    (
        "0004-annotation",
        (
            # The record's words for a field; the audit it was coded in; a coder's own, or consensus.
            "ALTER TABLE annotations ADD COLUMN quote TEXT",
            "ALTER TABLE annotations ADD COLUMN block TEXT",
            "ALTER TABLE annotations ADD COLUMN role TEXT",
        ),
    ),
    (
        "0005-removals-and-releases",
        (
            # What a removal took out is listed by record: what comes later is not removed by it.
            f"""CREATE TABLE removals ({_ROW}, condition TEXT NOT NULL, reason TEXT NOT NULL,
                how TEXT NOT NULL, records TEXT NOT NULL, person TEXT NOT NULL,
                protocol_version INTEGER, supersedes TEXT UNIQUE)""",
            f"""CREATE TABLE releases ({_ROW}, tag TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
                snapshot TEXT NOT NULL, runs TEXT NOT NULL, studies TEXT NOT NULL,
                unsettled TEXT NOT NULL, flow TEXT NOT NULL, person TEXT NOT NULL,
                protocol_version INTEGER)""",
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
            "text_hash", "generation", "rank", "supersedes", "members", "block",
            integers=("protocol_version", "generation", "rank"),
        ),
        _table("links", "left_id", "right_id", "kind", "verdict", "person", "reason", "supersedes"),
        _table(
            "annotations", "record_id", "dimension", "label", "value", "annotator",
            "codebook_hash", "text_hash", "supersedes", "quote", "block", "role",
        ),
        _table("patches", "record_id", "field", "value", "person", "supersedes"),
        _table("withdrawals", "run", "reason", "person", "supersedes"),
        _table("statements", "run", "field", "value", "person", "supersedes"),
        _table("team", "stage", "reviewer", "state", "person"),
        _table("claims", "record_id", "stage", "reviewer", "place", "holder"),
        _table("remarks", "record_id", "stage", "kind", "text", "person", "supersedes"),
        _table(
            "resolutions", "record_id", "stage", "verdict", "reason", "how", "votes", "note",
            "person", "protocol_version", "supersedes", integers=("protocol_version",),
        ),
        _table(
            "blocks", "name", "stage", "kind", "records", "parameters", "person",
            "protocol_version", integers=("protocol_version",),
        ),
        _table("fulltexts", "record_id", "status", "place", "sha256", "note", "person", "supersedes"),
        _table(
            "stops", "stage", "rule", "state", "outcome", "sentence", "person", "protocol_version",
            "supersedes", integers=("protocol_version",),
        ),
        _table(
            "rankings", "stage", "reviewer", "generation", "ranker", "parameters",
            integers=("generation",),
        ),
        _table(
            "suggestions", "record_id", "stage", "verdict", "reason", "model", "prompt",
            "parameters", "raw", "text_hash", "person",
        ),
        _table(
            "removals", "condition", "reason", "how", "records", "person", "protocol_version",
            "supersedes", integers=("protocol_version",),
        ),
        _table(
            "releases", "tag", "state", "snapshot", "runs", "studies", "unsettled", "flow", "person",
            "protocol_version", integers=("protocol_version",),
        ),
    )
}  # fmt: skip
