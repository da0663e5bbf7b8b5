"""A language model's answers on disk: one line each, appended and synced as it comes.

``<folder>/<key>/asked.json`` holds model, prompt, schema and parameters, whose hash is the key;
``answers.jsonl`` one object a text: its hash and every reply as it came. A line that a kill cut short
is skipped, and asked for again.
"""

import json
import os
from pathlib import Path
from typing import Any, Self

from corpora.errors import StoreError
from corpora.record import digest

Replies = list[dict[str, Any]]


class Answers:
    """Replies by the hash of the text they are about; only their places are held in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "answers.jsonl"
        self._places: dict[str, tuple[int, int]] = {}
        self._torn = False
        if not self._path.exists():
            return
        try:
            with self._path.open("rb") as file:
                start = 0
                for line in file:
                    name = _name(line)
                    if name is not None:
                        self._places[name] = start, len(line)
                    start += len(line)
                    self._torn = not line.endswith(b"\n")
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be read: {error}") from error

    @classmethod
    def of(cls, root: Path, asked: dict[str, Any]) -> Self:
        """The answers to one question; ``asked`` is kept beside them, whole."""
        told = json.dumps(asked, sort_keys=True, ensure_ascii=False)
        folder = root / digest(told)
        path = folder / "asked.json"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            temporary = folder / f".tmp-{os.getpid()}.json"
            temporary.write_text(json.dumps(asked, indent=1, ensure_ascii=False), "utf-8")
            temporary.rename(path)
        return cls(folder)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __len__(self) -> int:
        return len(self._places)

    def get(self, name: str) -> Replies | None:
        """The replies about a text; None if it was not asked about."""
        if name not in self._places:
            return None
        start, size = self._places[name]
        with self._path.open("rb") as file:
            file.seek(start)
            replies: Replies = json.loads(file.read(size))["replies"]
        return replies

    def add(self, name: str, replies: Replies) -> None:
        """Keep replies for good: once this returns, no kill loses them."""
        line = json.dumps({"text": name, "replies": replies}, ensure_ascii=False).encode() + b"\n"
        with self._path.open("ab") as file:
            if self._torn:
                file.write(b"\n")
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
            self._places[name] = file.tell() - len(line), len(line)
        self._torn = False


def _name(line: bytes) -> str | None:
    """Whose replies a line holds; None for what a kill left of one."""
    try:
        told = json.loads(line)
        return str(told["text"]) if isinstance(told["replies"], list) else None
    except (ValueError, KeyError, TypeError):
        return None
