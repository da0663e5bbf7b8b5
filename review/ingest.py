"""Files and services into the corpus, with an account of every row."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpora import schema
from corpora.errors import InputError, UnaccountedError
from corpora.formats.base import Row
from corpora.formats.detect import open_file
from corpora.progress import Progress, silent
from corpora.record import Record, build, settle, source_name
from corpora.registry import load, unknown
from corpora.run import Account, Run
from corpora.sources.base import Search
from corpora.store import PartWriter
from review import protocol as protocols
from review.workspace import Workspace

_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one import or harvest did; ``run`` is None when nothing new was there to do."""

    what: str
    run: Run | None
    notes: tuple[str, ...] = ()

    def sentence(self) -> str:
        """One line for a person, with every count of the account."""
        if self.run is None:
            return f"{self.what}: nothing to do"
        account = self.run.account
        counts = [f"{account.delivered:,} delivered"]
        if account.promised is not None:
            counts.insert(0, f"{account.promised:,} promised")
        if account.refused:
            counts.append(f"{account.refused:,} refused (kept raw)")
        counts += [f"{count:,} {name}" for name, count in account.counts.items()]
        return f"{self.what}: {', '.join(counts)}"

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        account = self.run.account if self.run else Account()
        return {
            "what": self.what,
            "run": self.run.id if self.run else None,
            "promised": account.promised,
            "delivered": account.delivered,
            "refused": account.refused,
            "counts": account.counts,
            "notes": list(self.notes),
        }


def import_file(workspace: Workspace, item: protocols.Import, progress: Progress = silent) -> Outcome:
    """Import one file; the same file (by content) twice adds nothing.

    Raises:
        InputError: the file is missing or unreadable.
        FormatError: no known format, or not the one named.

    """
    path = Path(item.file)
    path = path if path.is_absolute() else workspace.root / path
    sha = file_hash(path)
    known = imported(workspace, sha)
    if known:
        note = f"{path.name}: imported already as run {known.id}; nothing was added"
        return Outcome(path.name, None, (note,))
    reading = open_file(path, format_name=item.format, mapping=dict(item.map) or None)
    implied = load("formats", reading.format).source
    source = item.source or implied or "unknown"
    run = Run.begin(
        "import",
        {
            **item.model_dump(exclude={"file", "map"}, exclude_none=True),
            "file": path.name,
            "source": source_name(source),
            "source_title": source,
            "format": reading.format,
            "search": f"{path.name}:{sha[:8]}",
        },
        input_hash=sha,
        libraries=("pyarrow",),
    )
    rows = _counted(reading.rows, f"reading {path.name}", progress)
    with workspace.writing("records", run) as part:
        total = _take(workspace, part, rows, origin=path.name, kind=item.kind)
        run.account.promised = total
        if item.hits is not None and item.hits != total:
            run.notes.append(f"{path.name}: {item.hits} hits were stated, the file holds {total} rows")
        if source == "unknown":
            run.notes.append(f"{path.name}: source unknown; say it with --source")
    return Outcome(path.name, run, tuple(run.notes))


def harvest(workspace: Workspace, item: protocols.Search, progress: Progress = silent) -> Outcome:
    """Run one search of the protocol against its service; resumes what a kill interrupted.

    Raises:
        TransportError: the service failed for good.
        HarvestError: promised and delivered do not add up.

    """
    source = load("sources", item.source)()
    base_url = item.base_url or os.environ.get(f"LITSCALE_{item.source.upper()}_URL")
    search = Search(item.name, item.source, item.query, base_url, accept_warnings=item.accept_warnings)
    key = search_hash(item)
    archive = workspace.corpus.root / "raw" / f"{source_name(item.name)}-{key[:8]}"
    archive.mkdir(parents=True, exist_ok=True)
    run = Run.begin(
        "harvest",
        {**item.model_dump(exclude={"base_url"}, exclude_none=True), "search": item.name},
        input_hash=key,
        libraries=("httpx", "pyarrow"),
    )
    with source.transport(search) as transport:
        found = source.harvest(search, transport, archive, progress)
    run.parameters["details"] = found.details
    run.account.promised = found.promised
    run.notes.extend(found.notes)
    with workspace.writing("records", run) as part:
        _take(workspace, part, found.rows, origin=item.name, kind=item.kind)
        if run.account.unaccounted:
            raise UnaccountedError(
                f"{item.name}: {item.source} promised {found.promised} records, "
                f"{run.account.delivered} came and {run.account.refused} were refused"
            )
    return Outcome(item.name, run, tuple(run.notes))


def harvest_all(
    workspace: Workspace,
    name: str | None = None,
    *,
    again: bool = False,
    progress: Progress = silent,
) -> list[Outcome]:
    """Run one search of the protocol, or all; one that was run before is skipped unless again."""
    searches = {search.name: search for search in workspace.protocol.search}
    if name is not None and name not in searches:
        raise unknown("search", name, searches)
    if not searches:
        raise InputError(
            f"{workspace.protocol_path}: no [[search]] in the protocol, so there is nothing to "
            "harvest; add one, or import files"
        )
    outcomes = []
    for search in [searches[name]] if name else searches.values():
        before = None if again else harvested(workspace, search)
        if before:
            note = f"{search.name}: harvested already as run {before.id}; --again runs it anew"
            outcomes.append(Outcome(search.name, None, (note,)))
        else:
            outcomes.append(harvest(workspace, search, progress))
    return outcomes


def imported(workspace: Workspace, sha: str) -> Run | None:
    """The run that imported a file of this content, if any did."""
    for part in workspace.parts("records"):
        if part.run.command == "import" and part.run.input_hash == sha:
            return part.run
    return None


def harvested(workspace: Workspace, item: protocols.Search) -> Run | None:
    """The newest run of exactly this search (name, source, query), if there is one."""
    for part in reversed(workspace.parts("records")):
        if part.run.command == "harvest" and part.run.input_hash == search_hash(item):
            return part.run
    return None


def search_hash(item: protocols.Search) -> str:
    """Names a search by what is asked of whom."""
    return hashlib.sha256(f"{item.source}\n{item.name}\n{item.query}".encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        InputError: it cannot be read.

    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _take(workspace: Workspace, part: PartWriter, rows: Iterable[Row], *, origin: str, kind: str) -> int:
    """Write records, retrievals and refused rows of one run; fill its account.

    A record that is held already in the same content adds a retrieval and no record. Gives the
    number of rows read.
    """
    run = part.run
    counts: Counter[str] = Counter()
    kept: list[Record] = []
    numbers: list[int] = []
    refused: list[dict[str, Any]] = []
    for row in rows:
        if row.refused is not None:
            refused.append({"origin": origin, "row": row.number, "reason": row.refused, "raw": row.raw})
            continue
        record = build(row.fields, source=run.parameters["source"])
        counts["repaired"] += bool(row.repaired)
        counts["without title"] += record.title is None
        counts["without abstract"] += record.abstract is None
        counts["without year"] += record.year is None
        counts.update(f"unread {name}" for name, _ in record.unread)
        kept.append(record)
        numbers.append(row.number)
    settled = settle(kept)
    ids = [(record.record_id, record.content_hash) for record in settled]
    for batch in _batches(_fresh(workspace, settled, ids, counts)):
        part.add("records", schema.to_table(batch))
    part.add("retrievals", _retrievals(settled, ids, numbers, run, origin, kind))
    if refused:
        part.add("refused", pa.Table.from_pylist(refused, schema.REFUSED))
    run.account.delivered, run.account.refused = len(settled), len(refused)
    run.account.counts |= {name: count for name, count in sorted(counts.items()) if count}
    return len(settled) + len(refused)


def _fresh(
    workspace: Workspace, records: list[Record], ids: list[tuple[str, str]], counts: Counter[str]
) -> list[Record]:
    """The records that are new or of changed content, each once; counts the others."""
    held = workspace.corpus.table("records", "records", ["record_id", "content_hash"])
    versions: dict[str, set[str]] = {}
    for record_id, content in zip(
        held["record_id"].to_pylist(), held["content_hash"].to_pylist(), strict=True
    ):
        versions.setdefault(record_id, set()).add(content)
    fresh = []
    for record, (record_id, content) in zip(records, ids, strict=True):
        seen = versions.setdefault(record_id, set())
        if content in seen:
            counts["unchanged"] += 1
            continue
        counts["new versions" if seen else "new"] += 1
        seen.add(content)
        fresh.append(record)
    return fresh


def _batches(records: list[Record]) -> Iterator[list[Record]]:
    for start in range(0, max(len(records), 1), _BATCH):
        yield records[start : start + _BATCH]


def _retrievals(
    records: list[Record],
    ids: list[tuple[str, str]],
    numbers: list[int],
    run: Run,
    origin: str,
    kind: str,
) -> pa.Table:
    columns = {
        "record_id": [record_id for record_id, _ in ids],
        "content_hash": [content for _, content in ids],
        "search": [run.parameters["search"]] * len(ids),
        "source": [record.source for record in records],
        "kind": [kind] * len(ids),
        "origin": [origin] * len(ids),
        "row": numbers,
    }
    return pa.table(columns, schema=schema.RETRIEVALS)


def _counted(rows: Iterable[Row], what: str, progress: Progress) -> Iterator[Row]:
    done = 0
    for row in rows:
        yield row
        done += 1
        if done % 500 == 0:
            progress(what, done)
    progress(what, done, done)
