"""Raw answers as they came: compressed, complete or absent, never half. They are the checkpoint."""

import gzip
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora.sources.base import Fetched

_END = "fetched.json.gz"
_LEVEL = 5
"""Of gzip: XML and JSON pages come out 4 % larger than at level 9, in a third of the time."""


def keep(path: Path, body: bytes) -> None:
    """Write a gzip file at once: to a temporary name, fsynced, renamed.

    The header carries no time, so the same answer gives the same bytes.
    """
    temporary = path.with_name(f".tmp-{path.name}")
    with temporary.open("wb") as handle:
        handle.write(gzip.compress(body, _LEVEL, mtime=0))
        handle.flush()
        os.fsync(handle.fileno())
    temporary.rename(path)


def held(path: Path) -> bytes | None:
    """What `keep` wrote; None if there is nothing."""
    return gzip.decompress(path.read_bytes()) if path.exists() else None


def keep_json(path: Path, value: Any) -> None:
    """`keep` a plain value as JSON."""
    keep(path, json.dumps(value, ensure_ascii=False).encode())


def held_json(path: Path) -> Any:
    """What `keep_json` wrote; None if there is nothing."""
    body = held(path)
    return None if body is None else json.loads(body)


def close(archive: Path, fetched: Fetched) -> None:
    """Mark an archive as whole."""
    keep_json(archive / _END, asdict(fetched))


def closed(archive: Path) -> Fetched | None:
    """What a whole archive holds; None while it is still being fetched."""
    told = held_json(archive / _END)
    return None if told is None else Fetched(**told)
