"""Decisions on their way to the ledger: on this machine's disk first, so that nothing is lost.

A row is appended to ``spool/<person>.jsonl`` and synced before it is sent. When the server is away
the rows wait there; the UUIDs are the client's, so sending one twice adds nothing.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpora.errors import StoreError
from corpora.run import now
from review.workspace import Workspace

FOLDER = "spool"


class Spool:
    """One person's rows that the ledger has not confirmed yet."""

    def __init__(self, root: Path, person: str) -> None:
        self._path = root / FOLDER / f"{re.sub(r'[^a-zA-Z0-9]', lambda m: f'_{ord(m[0]):x}', person)}.jsonl"
        self._waiting = self._read()

    def __len__(self) -> int:
        return len(self._waiting)

    def _read(self) -> list[dict[str, Any]]:
        """Rows that an earlier session left; a line that a kill cut off was never confirmed."""
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

    def keep(self, table: str, row: Mapping[str, Any], key: Sequence[str]) -> None:
        """Write a row to disk; it is safe when this returns."""
        held = {"table": table, "key": list(key), "row": {"at": now(), **row}}
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("ab") as file:
            if file.tell() and not self._ends_whole():
                file.truncate(self._whole())
            file.write(json.dumps(held, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._waiting.append(held)

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
        sent = 0
        while self._waiting:
            held = self._waiting[0]
            workspace.ledger.replace(held["table"], held["row"], held["key"])
            self._waiting.pop(0)
            sent += 1
        if sent:
            self._path.unlink(missing_ok=True)
        return sent
