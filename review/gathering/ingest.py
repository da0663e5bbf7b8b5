"""Files into the corpus, with an account of every row."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.errors import FormatError, InputError
from corpora.formats.base import Row
from corpora.formats.detect import open_file
from corpora.progress import Progress, silent
from corpora.record import source_name
from corpora.registry import load
from corpora.run import Account, Run
from corpora.words import counted
from review import protocol as protocols
from review.gathering.intake import take
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
        counts += [f"{count:,} {reason}" for reason, count in account.explained.items()]
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
            "explained": account.explained,
            "counts": account.counts,
            "notes": list(self.notes),
        }


def import_file(
    workspace: Workspace, item: protocols.Import, progress: Progress = silent, *, strict: bool = False
) -> Outcome:
    """Import one file; the same file (by content) twice adds nothing.

    A ``mixed`` library takes the source of each row from the row; rows that name none are "source
    unknown", counted apart.

    Raises:
        InputError: the file is missing or unreadable.
        FormatError: no known format, or not the one named; or, if strict, a row was refused.

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
    rows = _none_refused(rows, path) if strict else rows
    with workspace.writing("records", run) as part:
        total = take(workspace, part, rows, origin=path.name, kind=item.kind, ranked=False)
        run.account.promised = total
        if item.hits is not None and item.hits != total:
            run.notes.append(
                f"{path.name}: {counted(item.hits, 'hit was')} stated, the file holds {counted(total, 'row')}"
            )
        if source == "unknown" and not item.mixed:
            run.notes.append(f"{path.name}: source unknown; say it with --source")
    return Outcome(path.name, run, tuple(run.notes))


def imported(workspace: Workspace, sha: str) -> Run | None:
    """The run that imported a file of this content, if any did."""
    for part in workspace.parts("records"):
        if part.run.command == "import" and part.run.input_hash == sha:
            return part.run
    return None


def withdraw(workspace: Workspace, run_id: str, reason: str, person: str) -> Outcome:
    """Take an import or harvest back: its rows count no more, decisions on them stay.

    What another run has met too stays as well. Importing the file again brings it back.

    Raises:
        InputError: no such run, or withdrawn already.

    """
    found = [part.run for part in workspace.corpus.parts("records") if part.run.id == run_id]
    if not found:
        known = ", ".join(part.run.id for part in workspace.parts("records")[-5:])
        raise InputError(
            f"--undo {run_id}: no such run of an import or harvest; the newest: {known or 'none'}"
        )
    if run_id in workspace.corpus.withdrawn:
        raise InputError(f"--undo {run_id}: was taken back already")
    before = set(workspace.corpus.records(["record_id"])["record_id"].to_pylist())
    workspace.ledger.append("withdrawals", {"run": run_id, "reason": reason, "person": person})
    workspace.corpus.withdrawn |= {run_id}
    after = set(workspace.corpus.records(["record_id"])["record_id"].to_pylist())
    decided = {row["record_id"] for row in workspace.ledger.current("decisions")} & (before - after)
    run = Run.begin("withdraw", {"run": run_id, "reason": reason}).finish()
    run.account.counts = {
        "records gone": len(before - after),
        "of them decided (decisions are kept)": len(decided),
    }
    return Outcome(f"{found[0].parameters['search']} taken back", run)


STATED = ("platform", "searched", "strategy", "limits", "hits", "deduplicated", "source_title", "kind")
"""What can be said of a search after its file was imported."""


def state(workspace: Workspace, run_id: str, said: Mapping[str, str], person: str) -> None:
    """Add what is known of a search later; the report of searches shows it.

    Raises:
        InputError: no such run, or a field that cannot be stated.

    """
    if run_id not in {part.run.id for part in workspace.corpus.parts("records")}:
        raise InputError(f"--add-to {run_id}: no such run of an import or harvest")
    unknown = sorted(set(said) - set(STATED))
    if unknown or not said:
        raise InputError(
            f"--add-to {run_id}: say one of {', '.join(STATED)}; got {', '.join(unknown) or 'none'}"
        )
    rows = [
        {"run": run_id, "field": field, "value": value, "person": person} for field, value in said.items()
    ]
    workspace.ledger.append_all("statements", rows)


def statements(workspace: Workspace) -> dict[str, dict[str, str]]:
    """Run → what people said of its search afterwards, by field; the last word counts."""
    said: dict[str, dict[str, str]] = {}
    for row in workspace.ledger.current("statements"):
        said.setdefault(row["run"], {})[row["field"]] = row["value"]
    return said


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


def _none_refused(rows: Iterable[Row], path: Path) -> Iterator[Row]:
    """Stop at the first row that cannot be read: nothing of the file is taken."""
    for row in rows:
        if row.refused is not None:
            raise FormatError(
                f"{path}: row {row.number}: {row.refused}; --strict takes nothing of a file with such a row "
                f"(as it stands: {row.raw[:120]!r})"
            )
        yield row


def _counted(rows: Iterable[Row], what: str, progress: Progress) -> Iterator[Row]:
    done = 0
    for row in rows:
        yield row
        done += 1
        if done % 500 == 0:
            progress(what, done)
    progress(what, done, done)
