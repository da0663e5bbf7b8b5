"""What is derived from a review and kept in ``cache/derived/``, which may be deleted at any time.

A part is a folder, named by a hash of everything that it was made from: it is written aside and renamed
when it is whole, so that a command that is killed leaves none, and what a name holds never changes.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from corpora.store import fsync
from review.workspace import Workspace

_KEPT = 3
"""How many of each kind are kept: the newest, for states that somebody looks at by turns."""

_ABANDONED = 24 * 3600
"""Seconds after which a part half written was left by a command that was killed."""


def derived(workspace: Workspace, kind: str, key: Sequence[Any], write: Callable[[Path], None]) -> Path:
    """The folder of the part that ``key`` names; ``write`` fills it unless that is done."""
    cache = workspace.root / "cache" / "derived"
    named = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache / f"{kind}-{named}"
    if not folder.exists():
        aside = cache / f".tmp-{uuid4().hex}"
        aside.mkdir(parents=True)
        try:
            write(aside)
            for path in aside.iterdir():
                fsync(path)
            _place(aside, folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        _forget_older(workspace, kind, folder)
    return folder


def _place(aside: Path, folder: Path) -> None:
    try:
        aside.rename(folder)
    except OSError:
        # Another command may have been faster; its part is the same.
        if not folder.exists():
            raise


def _forget_older(workspace: Workspace, kind: str, made: Path) -> None:
    held = sorted(made.parent.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime_ns)
    gone = [path for path in held if path != made][: -(_KEPT - 1)]
    late = time.time() - _ABANDONED
    gone += [path for path in made.parent.glob(".tmp-*") if path.stat().st_mtime < late]
    # Before there were parts, the facts of each state lay in a folder of their own.
    gone += [path.parent for path in workspace.root.glob("cache/*/facts.json")]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
