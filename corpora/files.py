"""A small file, written as a whole or not at all."""

import os
from pathlib import Path

from corpora.errors import DiskError


def write_whole(path: Path, body: bytes) -> None:
    """Write ``body`` beside ``path`` under another name, fsync it, and rename: the rename is the commit.

    Folders that lack are made.

    Raises:
        DiskError: the disk refused the write; what was there before is untouched.

    """
    temporary = path.with_name(f".tmp-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            handle.write(body)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.rename(path)
    except OSError as error:
        raise DiskError(f"{path}: cannot be written: {error.strerror or error}") from error
