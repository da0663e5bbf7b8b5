"""Decisions on their way to the ledger: on this machine's disk first, so that nothing is lost.

A row is appended to ``spool/<person>.jsonl`` and synced before it is sent. When the server is away
the rows wait there; the UUIDs are the client's, so sending one twice adds nothing.

The file is what waits, not this process's memory: two terminals of one person share it, and one
that reaches the ledger sends the other's rows too. A lock keeps them from removing what the other
has just written.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpora.errors import StoreError
from corpora.run import now
from corpora.store import fsync
from review.workspace import Workspace

FOLDER = "spool"


class Spool:
    """One person's rows that the ledger has not confirmed yet."""

    def __init__(self, root: Path, person: str) -> None:
        name = re.sub(r"[^a-zA-Z0-9]", lambda m: f"_{ord(m[0]):x}", person)
        self._path = root / FOLDER / f"{name}.jsonl"
        self._count = len(self._read())

    def __len__(self) -> int:
        return self._count

    def _read(self) -> list[dict[str, Any]]:
        """Rows that wait; a last line that a kill cut off was never confirmed."""
        if not self._path.exists():
            return []
        lines = self._path.read_bytes().split(b"\n")
        rows = []
        for number, line in enumerate(lines):
            try:
                rows.append(json.loads(line)) if line else None
            except ValueError as error:
                if number < len(lines) - 1:
                    raise StoreError(
                        f"{self._path}: line {number + 1} cannot be read ({error}); it holds a decision "
                        "that the ledger may lack: mend the line or move the file away"
                    ) from error
        return rows

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time: the folder is locked, for the file comes and goes."""
        new = not self._path.parent.exists()
        self._path.parent.mkdir(exist_ok=True)
        if new:
            fsync(self._path.parent.parent)
        handle = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def keep(self, table: str, row: Mapping[str, Any], key: Sequence[str]) -> None:
        """Write a row to disk; it is safe when this returns."""
        held = {"table": table, "key": list(key), "row": {"at": now(), **row}}
        with self._locked():
            new = not self._path.exists()
            with self._path.open("ab") as file:
                if file.tell() and not self._ends_whole():
                    file.truncate(self._whole())
                file.write(json.dumps(held, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            if new:
                fsync(self._path.parent)  # else a power cut could take the file's name with it
        self._count += 1

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _whole(self) -> int:
        """Bytes up to the end of the last whole line."""
        return self._path.read_bytes().rfind(b"\n") + 1

    def flush(self, workspace: Workspace) -> int:
        """Send what waits, in order; gives how many rows were sent.

        Raises:
            LedgerError: the server is away; what was not sent stays.

        """
        if not self._path.exists():
            self._count = 0
            return 0
        with self._locked():
            rows = self._read()
            self._count = len(rows)
            for held in rows:
                workspace.ledger.replace(held["table"], held["row"], held["key"])
            self._path.unlink(missing_ok=True)
        self._count = 0
        return len(rows)
