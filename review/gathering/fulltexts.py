"""`review fulltext`: which full texts were sought, retrieved, or not to be had, and where they are.

Append-only like every decision; the newest word on a report holds. A file is copied into the
workspace's ``fulltexts/`` under its hash, so that what was assessed can be shown again.
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpora.errors import InputError
from review.workspace import Workspace

STATES = ("sought", "retrieved", "not-retrieved")
FOLDER = "fulltexts"


def standing(workspace: Workspace, reports: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Report id → the newest row about its full text.

    A file that is at hand beats a later "not retrieved" of another record of the same report.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in workspace.ledger.current("fulltexts"):
        report = reports.get(row["record_id"])
        if report is None:
            continue
        before = found.get(report)
        other = before is not None and before["record_id"] != row["record_id"]
        if not (other and before is not None and before["status"] == "retrieved"):
            found[report] = row
    return found


def note(
    workspace: Workspace,
    record_id: str,
    status: str,
    person: str,
    *,
    place: str | None = None,
    sha256: str | None = None,
    why: str | None = None,
) -> str:
    """Append what is known of a report's full text; gives the row's UUID.

    Raises:
        InputError: an unknown state; retrieved without a file or link; not retrieved without
            where it was tried and why.

    """
    if status not in STATES:
        raise InputError(f"full text of {record_id}: {status!r}: states are {', '.join(STATES)}")
    if status == "retrieved" and not place:
        raise InputError(f"full text of {record_id}: retrieved, but no file or link is named")
    if status == "not-retrieved" and not (why and place):
        raise InputError(
            f"full text of {record_id}: not retrieved: say where it was tried and why it could not be had"
        )
    row = {"record_id": record_id, "status": status, "place": place, "sha256": sha256, "note": why,
           "person": person}  # fmt: skip
    return workspace.ledger.replace("fulltexts", row, ("record_id",))


def attach(workspace: Workspace, record_id: str, file: Path, person: str) -> str:
    """Copy a file into the workspace under its hash and note the report as retrieved."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    folder = workspace.root / FOLDER
    folder.mkdir(exist_ok=True)
    target = folder / f"{digest}{file.suffix.lower()}"
    if not target.exists():
        temporary = folder / f".tmp-{digest}"
        shutil.copyfile(file, temporary)
        temporary.rename(target)
    return note(
        workspace,
        record_id,
        "retrieved",
        person,
        place=f"{FOLDER}/{target.name}",
        sha256=digest,
        why=file.name,
    )
