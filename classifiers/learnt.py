"""Which papers a model learnt from, kept beside it so that an audit can set them apart.

Kept are 64 bits of the SHA-256 of each title's letters and digits (`corpora.record.key_text`): enough
to know a title that was learnt from (that one of 100,000 others is taken for one by chance happens once
in some 10^10 corpora), and no text that could not be passed on.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError
from corpora.record import key_text

FILE = "learnt.npz"


def _hashed(titles: Iterable[str | None]) -> NDArray[np.uint64]:
    """One number a title, 0 where there is none."""
    keys = (key_text(title) for title in titles)
    numbers = [
        int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little") if key else 0 for key in keys
    ]
    return np.array(numbers, np.uint64)


def write(folder: Path, titles: Iterable[str | None]) -> None:
    """Keep the titles of a model's training records in its folder."""
    found = np.unique(_hashed(titles))
    np.savez_compressed(folder / FILE, titles=found[found > 0])


def among(folder: Path, titles: Iterable[str | None]) -> NDArray[np.bool_]:
    """Shape (n,): whether the model of this folder learnt from a paper of this title.

    Raises:
        InputError: the model does not say what it learnt from.

    """
    try:
        with np.load(folder / FILE, allow_pickle=False) as arrays:
            known = arrays["titles"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder / FILE}: cannot be read, so which studies the model learnt from cannot be told: {error}"
        ) from error
    return np.isin(_hashed(titles), known)
