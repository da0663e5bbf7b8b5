"""The append-only Parquet corpus.

A run's output is one folder, ``<kind>/run=<id>/``: written as ``.tmp-<id>``, fsynced and renamed
once; the rename is the commit. Nothing committed is ever rewritten. Readers take the list of
folders and check every file's row count against its ``run.json``, so a part that vanished or was
cut is an error, never a smaller number.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from corpora.errors import DiskError, LockedError, StoreError, VersionError
from corpora.run import FileEntry, Run
from corpora.schema import KINDS, SCHEMA_VERSION

_RUN = "run.json"
_CODED = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Part:
    """One committed folder and the run that made it."""

    path: Path
    run: Run

    def file_hash(self) -> str:
        """Names the part's content: hash over its files' hashes."""
        joined = json.dumps({n: e.sha256 for n, e in sorted(self.run.files.items())})
        return hashlib.sha256(joined.encode()).hexdigest()[:16]


class Corpus:
    """All parts under one folder; one process writes at a time, any number read.

    ``withdrawn`` names runs that a person took back: their parts stay, and are read no more.
    """

    def __init__(self, root: Path, withdrawn: frozenset[str] = frozenset()) -> None:
        self.root = root
        self.withdrawn = withdrawn

    # ------------------------------------------------------------------ writing

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the corpus for writing; released by the kernel even after ``kill -9``.

        Raises:
            LockedError: another process holds it.

        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LockedError(
                    f"{self.root}: another litscale command is writing here; "
                    "wait until it ends, then run this again"
                ) from error
            yield

    def writer(self, kind: str, run: Run) -> "PartWriter":
        """Open a new part; use as ``with corpus.writer(...) as part``, then ``part.commit()``."""
        return PartWriter(self, kind, run)

    # ------------------------------------------------------------------ reading

    def parts(self, kind: str) -> list[Part]:
        """Committed parts of a kind in the order of their commits.

        Raises:
            VersionError: a part was written by a newer litscale.
            StoreError: a ``run.json`` is missing or cannot be read.

        """
        folder = self.root / kind
        found = [_open_part(path) for path in sorted(folder.glob("run=*"))]
        return sorted(found, key=lambda part: (part.run.sequence, part.run.id))

    def live(self, kind: str) -> list[Part]:
        """`parts` without those that were withdrawn."""
        return [part for part in self.parts(kind) if part.run.id not in self.withdrawn]

    def table(
        self,
        kind: str,
        name: str,
        columns: Sequence[str] | None = None,
        run_id: str | None = None,
        *,
        everything: bool = False,
        coded: Sequence[str] = (),
    ) -> pa.Table:
        """One table over all live parts of a kind (or of one run), rows in order of commit.

        Columns that an older part lacks are null; ``everything`` reads withdrawn parts too. Text columns
        in ``coded`` come as dictionaries: where few values stand in many rows, that is read far faster.
        """
        parts = self.parts(kind) if everything else self.live(kind)
        chosen = [part for part in parts if run_id in (None, part.run.id)]
        wanted = list(columns or KINDS[kind][name].names)
        fields = [KINDS[kind][name].field(column) for column in wanted]
        schema = pa.schema([one.with_type(_CODED) if one.name in coded else one for one in fields])
        pieces = [_read(part, name, schema) for part in chosen if name in part.run.files]
        return pa.concat_tables(pieces) if pieces else schema.empty_table()

    def records(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Every record in the version that was retrieved last, sorted by record id."""
        wanted = list(columns or KINDS["records"]["records"].names)
        read = list(dict.fromkeys(["record_id", "content_hash", *wanted]))
        # Another run may have met a version that a withdrawn one had brought: it is still there.
        versions = self.table("records", "records", read, everything=True)
        retrieved = self._retrieved()
        places = pa.array(range(versions.num_rows), pa.int64())
        known = versions.select(["record_id", "content_hash"]).append_column("place", places)
        shown = _last(retrieved).join(known, ["record_id", "content_hash"], join_type="inner")
        return versions.take(shown.sort_by("record_id")["place"]).select(wanted)

    def _retrieved(self) -> pa.Table:
        """Which version of which record was met, in order; a part without retrievals met its records."""
        schema = pa.schema([KINDS["records"]["records"].field(n) for n in ("record_id", "content_hash")])
        pieces = []
        for part in self.live("records"):
            name = next((name for name in ("retrievals", "records") if name in part.run.files), None)
            if name:
                pieces.append(_read(part, name, schema))
        return pa.concat_tables(pieces) if pieces else schema.empty_table()

    def versions(self, record_id: str) -> pa.Table:
        """Every version of one record, oldest first."""
        whole = self.table("records", "records", everything=True)
        return whole.filter(pa.compute.equal(whole["record_id"], record_id))


def _last(retrieved: pa.Table) -> pa.Table:
    """The last row of each record id."""
    order = pa.array(range(retrieved.num_rows), pa.int64())
    keyed = pa.table({"record_id": retrieved["record_id"], "position": order})
    last = keyed.group_by("record_id").aggregate([("position", "max")])
    return retrieved.take(last["position_max"])


def _open_part(path: Path) -> Part:
    try:
        run = Run.from_json((path / _RUN).read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path / _RUN}: cannot be read ({error}); restore the folder from a backup, or move "
            "it away and run the command that made it again"
        ) from error
    if run.schema_version > SCHEMA_VERSION:
        raise VersionError(
            f"{path}: written in schema version {run.schema_version}, this litscale reads up to "
            f"{SCHEMA_VERSION}; upgrade litscale"
        )
    return Part(path, run)


def _read(part: Part, name: str, schema: pa.Schema) -> pa.Table:
    path = part.path / f"{name}.parquet"
    try:
        coded = [field.name for field in schema if field.type == _CODED]
        with pq.ParquetFile(path, read_dictionary=coded) as file:
            rows, held = file.metadata.num_rows, set(file.schema_arrow.names)
            table = file.read([column for column in schema.names if column in held])
    except (OSError, pa.ArrowInvalid) as error:
        raise StoreError(f"{path}: missing or damaged ({error}); restore it from a backup") from error
    promised = part.run.files[name].rows
    if rows != promised:
        raise StoreError(f"{path}: holds {rows} rows, its run.json says {promised}; restore it from a backup")
    columns = [
        table[field.name].cast(field.type) if field.name in held else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


class PartWriter:
    """Writes one part; without `commit` nothing of it is ever seen.

    Rows may be added in many batches; each table goes to one Parquet file, ``files`` beside them
    are archived as they are (raw answers, models).
    """

    def __init__(self, corpus: Corpus, kind: str, run: Run) -> None:
        self.kind, self.run = kind, run
        self._corpus = corpus
        self._folder = corpus.root / kind
        self.path = self._folder / f".tmp-{run.id}"
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._rows: dict[str, int] = {}
        self._committed = False

    def __enter__(self) -> "PartWriter":
        with _disk(self.path):
            self._sweep()
            self.path.mkdir(parents=True)
        return self

    def add(self, name: str, table: pa.Table) -> None:
        """Append rows to one of the kind's tables; the schema must be exactly its own."""
        schema = KINDS[self.kind][name]
        with _disk(self.path):
            if name not in self._writers:
                self._writers[name] = pq.ParquetWriter(
                    self.path / f"{name}.parquet", schema, compression="zstd"
                )
                self._rows[name] = 0
            self._writers[name].write_table(table.cast(schema))
        self._rows[name] += table.num_rows

    def commit(self) -> Part:
        """Close, fsync, write ``run.json`` and rename: from here on the part exists."""
        with _disk(self.path):
            for writer in self._writers.values():
                writer.close()
            self.run.sequence = 1 + max(
                (part.run.sequence for part in self._corpus.parts(self.kind)), default=0
            )
            self.run.schema_version = SCHEMA_VERSION
            if self.run.ended is None:
                self.run.finish()
            for path in sorted(p for p in self.path.rglob("*") if p.is_file()):
                name = path.relative_to(self.path).as_posix().removesuffix(".parquet")
                self.run.files[name] = FileEntry(self._rows.get(name), _sha256(path))
                fsync(path)
            (self.path / _RUN).write_text(self.run.to_json(), "utf-8")
            fsync(self.path / _RUN)
            fsync(self.path)
            final = self._folder / f"run={self.run.id}"
            self.path.rename(final)
            fsync(self._folder)
        self._committed = True
        return Part(final, self.run)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer in self._writers.values():
            # Closing writes a footer; on a full disk that fails too, and the cause is on its way.
            try:
                writer.close()
            except OSError:
                if error is None:
                    raise
        if not self._committed:
            shutil.rmtree(self.path, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what killed runs left; the lock makes sure that nobody is writing it."""
        for left in self._folder.glob(".tmp-*"):
            shutil.rmtree(left)


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else f"the disk refused ({error})"
        raise DiskError(
            f"{path}: {reason}; nothing of this run was committed and nothing earlier was "
            "touched; free some space and run the command again"
        ) from error


def fsync(path: Path) -> None:
    """Make a file's content, or a new name in a folder, outlive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
