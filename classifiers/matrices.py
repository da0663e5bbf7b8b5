"""The matrix of a view while it grows on disk: counted by hash, then numbered, weighed, normalised."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

COMMON = 0.95
"""A term that more than this share of the documents has says nothing and is left out."""

RARE_FROM = 100
"""From so many documents on, a term that only one of them has is left out too."""

OFTEN, RARE = -1, -2
"""In place of a column: the term is too common, or rare."""


class Growing:
    """The arrays of one view while they grow on disk, by hash and not yet weighed."""

    def __init__(self, folder: Path, name: str, *, hashes: int, power: float) -> None:
        self._folder, self._name, self._power = folder, name, power
        self._data = (folder / f"{name}.data.raw").open("wb")
        self._hashes = (folder / f"{name}.hashes.raw").open("wb")
        self._lengths: list[NDArray[np.int64]] = []
        self._frequency = np.zeros(hashes, dtype=np.int32)

    def __enter__(self) -> "Growing":
        return self

    def __exit__(self, *_: object) -> None:
        self._data.close()
        self._hashes.close()

    def add(self, found: sp.csr_matrix) -> None:
        """Add the counts of some documents, one column a hash."""
        self._data.write(found.data.tobytes())
        self._hashes.write(found.indices.astype(np.int32).tobytes())
        self._lengths.append(np.diff(found.indptr).astype(np.int64))
        hashes, times = np.unique(found.indices, return_counts=True)
        self._frequency[hashes] += times.astype(np.int32)

    def finish(self, n: int, chunk: int) -> None:
        """Number the columns, weigh and normalise, ``chunk`` documents at a time, once all were added."""
        name, lengths = self._name, np.concatenate(self._lengths)
        least = 2 if n >= RARE_FROM else 1
        common = self._frequency > max(COMMON * n, 1)
        kept = np.flatnonzero((self._frequency >= least) & ~common)
        columns = np.full(len(self._frequency), RARE, dtype=np.int32)
        columns[common] = OFTEN
        columns[kept] = np.arange(len(kept))
        idf = ((np.log((1 + n) / (1 + self._frequency[kept])) + 1) ** self._power).astype(np.float32)
        total, sizes = int(self._frequency[kept].sum(dtype=np.int64)), [np.zeros(1, dtype=np.int64)]
        raw = [(self._folder / f"{name}.{kind}.raw").open("rb") for kind in ("data", "hashes")]
        out = [
            _Array(self._folder / f"{name}.{kind}.npy", dtype, total)
            for kind, dtype in (("data", np.float32), ("indices", np.int32))
        ]
        with ExitStack() as stack:
            for file in raw:
                stack.enter_context(file)
            for array in out:
                stack.enter_context(array)
            for start in range(0, n, chunk):
                rows = lengths[start : start + chunk]
                data, hashes = (
                    np.fromfile(file, dtype, int(rows.sum()))
                    for file, dtype in zip(raw, (np.float32, np.int32), strict=True)
                )
                part = sp.csr_matrix(
                    (data, hashes, np.concatenate([[0], np.cumsum(rows)])),
                    shape=(len(rows), len(self._frequency)),
                )
                done = weighted(part, columns, idf, rarest(n, self._power))
                out[0].write(done.data)
                out[1].write(done.indices)
                sizes.append(np.diff(done.indptr).astype(np.int64))
        np.save(self._folder / f"{name}.indptr.npy", np.cumsum(np.concatenate(sizes)))
        np.save(self._folder / f"{name}.idf.npy", idf)
        np.save(self._folder / f"{name}.columns.npy", columns)
        for kind in ("data", "hashes"):
            (self._folder / f"{name}.{kind}.raw").unlink()


class _Array:
    """An array file of a length known beforehand, written bit by bit: no page of it stays in memory."""

    def __init__(self, path: Path, dtype: type, length: int) -> None:
        self._file, self._dtype = path.open("wb"), np.dtype(dtype)
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (length,),
        }
        np.lib.format.write_array_header_1_0(self._file, header)

    def __enter__(self) -> "_Array":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, part: NDArray[Any]) -> None:
        self._file.write(part.astype(self._dtype).tobytes())


def rarest(n: int, power: float) -> float:
    """The weight of a term that one of n documents has."""
    return float((np.log((1 + n) / 2) + 1) ** power)


def weighted(
    counted: sp.csr_matrix, columns: NDArray[np.int32], idf: NDArray[np.float32], rare: float
) -> sp.csr_matrix:
    """TF times IDF, divided by the length of the row with its rare terms; these are then left out.

    ``columns`` turns the hashes of ``counted`` into columns. A rare term, or one that no document had,
    weighs ``rare``: without it in the length, a text of odd words would look like its common ones.
    """
    places = columns[counted.indices]
    kept, weights = places >= 0, np.zeros(len(places), dtype=np.float32)
    weights[kept], weights[places == RARE] = idf[places[kept]], rare
    data = counted.data * weights
    rows = np.repeat(np.arange(counted.shape[0]), np.diff(counted.indptr))
    length = np.sqrt(np.bincount(rows, weights=data.astype(np.float64) ** 2, minlength=counted.shape[0]))
    length[length == 0] = 1
    data = (data / length[rows]).astype(np.float32)
    indptr = np.concatenate([[0], np.cumsum(kept)])[counted.indptr]
    return sp.csr_matrix((data[kept], places[kept], indptr), shape=(counted.shape[0], len(idf)))
