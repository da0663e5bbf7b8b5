"""Raw answers as they came: compressed, complete or absent, never half."""

import gzip
import os
from pathlib import Path


def keep(path: Path, body: bytes) -> None:
    """Write a gzip file at once: to a temporary name, fsynced, renamed.

    The header carries no time, so the same answer gives the same bytes.
    """
    temporary = path.with_name(f".tmp-{path.name}")
    with temporary.open("wb") as handle:
        handle.write(gzip.compress(body, mtime=0))
        handle.flush()
        os.fsync(handle.fileno())
    temporary.rename(path)


def held(path: Path) -> bytes | None:
    """What `keep` wrote; None if there is nothing."""
    return gzip.decompress(path.read_bytes()) if path.exists() else None
