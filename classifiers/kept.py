"""Arrays that cost minutes, kept on disk under a name that tells what they were made from.

A stopped training is taken up from them; one of other inputs, or by another recipe, never is.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.tagger import Floats


def digest(*parts: object) -> str:
    """Ten hex digits of a SHA-256 over arrays (their bytes) and other values (their ``repr``).

    >>> digest(1, "a") == digest(1, "a") != digest("1", "a")
    True
    """
    made = hashlib.sha256()
    for part in parts:
        whole = np.ascontiguousarray(part).tobytes() if isinstance(part, np.ndarray) else repr(part).encode()
        made.update(hashlib.sha256(whole).digest())
    return made.hexdigest()[:10]


def kept(folder: Path | None, name: str, key: str, make: Callable[[], Floats]) -> Floats:
    """The array ``name`` of this ``key``, from ``folder`` if it is there, else made and kept."""
    if folder is None:
        return make()
    path = folder / f"{name}-{key}.npy"
    if path.is_file():
        held: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return held
    made = make()
    with path.with_suffix(".tmp").open("wb") as file:
        np.save(file, made)
        file.flush()
        os.fsync(file.fileno())
    path.with_suffix(".tmp").rename(path)
    return made
