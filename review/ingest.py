"""Files into the corpus, with an account of every row."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.errors import InputError
from corpora.formats.base import Row
from corpora.formats.detect import open_file
from corpora.progress import Progress, silent
from corpora.record import source_name
from corpora.registry import load
from corpora.run import Account, Run
from review import protocol as protocols
from review.intake import take
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
        total = take(workspace, part, rows, origin=path.name, kind=item.kind, ranked=False)
        run.account.promised = total
        if item.hits is not None and item.hits != total:
            run.notes.append(f"{path.name}: {item.hits} hits were stated, the file holds {total} rows")
        if source == "unknown":
            run.notes.append(f"{path.name}: source unknown; say it with --source")
    return Outcome(path.name, run, tuple(run.notes))


def imported(workspace: Workspace, sha: str) -> Run | None:
    """The run that imported a file of this content, if any did."""
    for part in workspace.parts("records"):
        if part.run.command == "import" and part.run.input_hash == sha:
            return part.run
    return None


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


def _counted(rows: Iterable[Row], what: str, progress: Progress) -> Iterator[Row]:
    done = 0
    for row in rows:
        yield row
        done += 1
        if done % 500 == 0:
            progress(what, done)
    progress(what, done, done)
