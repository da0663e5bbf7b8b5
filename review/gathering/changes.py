"""`review changes`: what the newest run of a search brought, against the run before it.

Nothing is removed from the corpus: a record that no longer matches is listed and kept, a changed
one is a new version of the same id, and whoever decided on the old text is named to look again.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpora import cells
from corpora.errors import InputError
from corpora.registry import unknown
from corpora.run import Run
from review.workspace import Workspace

KINDS = ("came", "changed", "retracted", "no longer matches")
_QUIET = ("citation_count", "references", "unread", "extra")
"""Fields that change all the time and change no judgement: a change of these alone is "counts only"."""


@dataclass(frozen=True, slots=True)
class Change:
    """One record and what became of it; ``fields`` are those that differ."""

    search: str
    record_id: str
    kind: str
    fields: tuple[str, ...]
    decided: bool
    title: str | None

    def to_dict(self) -> dict[str, Any]:
        """For ``--json`` and CSV."""
        return {
            "search": self.search,
            "record_id": self.record_id,
            "change": self.kind,
            "fields": ", ".join(self.fields),
            "decided": self.decided,
            "title": self.title,
        }


@dataclass(frozen=True, slots=True)
class Update:
    """A search's newest run beside the one before; ``hits`` is all it found, ``new`` what was not held."""

    search: str
    before: str
    after: str
    hits: int
    new: int
    window: str | None
    counts_only: int
    changes: list[Change]

    def counts(self) -> dict[str, int]:
        """How many of each kind."""
        return {kind: sum(change.kind == kind for change in self.changes) for kind in KINDS}

    def warnings(self) -> list[str]:
        """Decisions that a person should look at again."""
        return [
            f"{change.record_id} was decided and is {change.kind}: {change.title or 'no title'}"
            for change in self.changes
            if change.decided and change.kind != "came"
        ]

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "search": self.search, "before": self.before, "after": self.after, "hits": self.hits,
            "not_held_before": self.new, "window": self.window, "counts_only": self.counts_only,
            "counts": self.counts(), "changes": [change.to_dict() for change in self.changes],
        }  # fmt: skip


def changes(workspace: Workspace, name: str | None = None) -> list[Update]:
    """The updates of one search, or of every search that was run more than once.

    Raises:
        InputError: nothing was run twice.

    """
    runs = _runs(workspace)
    if name is not None and name not in runs:
        raise unknown("search", name, runs)
    chosen = {name: runs[name]} if name else runs
    twice = {search: held for search, held in chosen.items() if len(held) > 1}
    if not twice:
        raise InputError(
            "no search was run more than once, so there is nothing to compare; "
            "review harvest runs the whole strategy again"
        )
    decided = {row["record_id"] for row in workspace.ledger.current("decisions")}
    return [_update(workspace, search, held[-2], held[-1], decided) for search, held in sorted(twice.items())]


def table(updates: list[Update]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows for a terminal: a row a search."""
    columns = ["search", "hits", "not held before", *KINDS, "counts only"]
    rows = [(u.search, u.hits, u.new, *u.counts().values(), u.counts_only) for u in updates]
    return columns, rows


def to_csv(updates: list[Update], path: Path) -> None:
    """Write every changed record, for a spreadsheet."""
    rows = [change.to_dict() for update in updates for change in update.changes]
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, ("search", "record_id", "change", "fields", "decided", "title"))
        writer.writeheader()
        writer.writerows({name: cells.safe(str(value or "")) for name, value in row.items()} for row in rows)


def _runs(workspace: Workspace) -> dict[str, list[Run]]:
    """Whole and windowed runs by search, oldest first."""
    found: dict[str, list[Run]] = {}
    for part in workspace.parts("records"):
        if part.run.command == "harvest":
            found.setdefault(part.run.parameters["search"], []).append(part.run)
    return found


def _update(workspace: Workspace, search: str, before: Run, after: Run, decided: set[str]) -> Update:
    old, new = (_versions(workspace, run) for run in (before, after))
    window = after.parameters.get("since")
    came = sorted(new.keys() - old.keys())
    # A window says nothing of records outside it.
    gone = [] if window else sorted(old.keys() - new.keys())
    other = sorted(key for key in new.keys() & old.keys() if new[key] != old[key])
    contents = _contents(workspace, [*came, *gone, *other])
    listed = [
        Change(search, key, kind, (), key in decided, contents[key, version[key]]["title"])
        for kind, keys, version in (("came", came, new), ("no longer matches", gone, old))
        for key in keys
    ]
    quiet = 0
    for key in other:
        fields = _differing(contents[key, old[key]], contents[key, new[key]])
        loud = tuple(field for field in fields if field not in _QUIET)
        if not loud:
            quiet += 1
            continue
        row = contents[key, new[key]]
        kind = "retracted" if "retraction" in loud and row["retraction"] == "retracted" else "changed"
        listed.append(Change(search, key, kind, loud, key in decided, row["title"]))
    return Update(
        search,
        before.id,
        after.id,
        len(new),
        after.account.counts.get("new", 0),
        window,
        quiet,
        listed,
    )


def _versions(workspace: Workspace, run: Run) -> dict[str, str]:
    """Record id → the content that a run met."""
    table = workspace.corpus.table("records", "retrievals", ["record_id", "content_hash"], run_id=run.id)
    return dict(zip(table["record_id"].to_pylist(), table["content_hash"].to_pylist(), strict=True))


def _contents(workspace: Workspace, keys: list[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """(record, content) → its fields, for the records that matter."""
    whole = workspace.corpus.table("records", "records")
    wanted = whole.filter(pc.is_in(whole["record_id"], pa.array(keys, pa.string())))
    return {(row["record_id"], row["content_hash"]): row for row in _rows(wanted)}


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=1_000):
        yield from batch.to_pylist()


def _differing(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [name for name in new if name != "content_hash" and new[name] != old[name]]
