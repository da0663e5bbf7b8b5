"""Hashed TF-IDF features of many texts, built chunk by chunk and read from disk without loading.

A *view* is one way to look at a text: words and word pairs of title and abstract, those of the title
alone, or letters (runs of letters within words). Each view is a sparse float32 matrix of n rows, kept
as plain arrays in a folder (no pickle) that is committed by one rename and memory-mapped on reading;
weights are those of scikit-learn's `TfidfVectorizer` with sublinear term frequency, but for the power
of the inverse document frequency. A row has length 1 with all its terms; those that only one record
has tell nothing about another and are not kept. Terms are hashed (`classifiers.terms`); the hashes that are
in use are numbered one after the other.
"""

import hashlib
import json
import mmap
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from classifiers.matrices import COMMON, RARE_FROM, Growing, rarest, weighted
from classifiers.terms import Cut, letter_names, letters, names, words_and_pairs, words_of
from corpora.errors import InputError, StoreError
from corpora.progress import Progress, silent

CHUNK = 1000
"""Documents that are held in memory at a time."""

_ROWS = 10_000
"""Rows of a memory-mapped view that are read at a time; those of a smaller view stay in memory."""

_META = "features.json"


@dataclass(frozen=True, slots=True)
class Document:
    """What a ranker reads of a record; empty strings where there is nothing."""

    title: str
    abstract: str
    keywords: str = ""
    venue: str = ""


@dataclass(frozen=True)
class View:
    """How a document becomes terms: title alone or title and abstract, counted how, by how many hashes.

    ``power`` is that of the inverse document frequency: with .5 common terms weigh more than is usual,
    since they tell of designs and populations; that ranked better on real reviews than 1 and than 0.
    """

    name: str
    whole: bool
    counted: Callable[[Cut, int], sp.csr_matrix]
    named: Callable[[Sequence[str], int], list[tuple[str, int]]]
    bits: int
    power: float

    @property
    def hashes(self) -> int:
        """Number of hashes, a power of two."""
        return 1 << self.bits

    def text(self, document: Document) -> str:
        """What of a document the view reads."""
        return f"{document.title} {document.abstract}" if self.whole else document.title

    def terms(self, document: Document) -> list[tuple[str, int]]:
        """The terms of a document, each once, with their hashes."""
        return self.named(words_of(self.text(document)), self.bits)


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View("words", True, words_and_pairs, names, 21, 0.5),
        View("title", False, words_and_pairs, names, 19, 0.5),
        View("letters", True, letters, letter_names, 18, 0.5),
        View("tfidf", True, words_and_pairs, names, 21, 1.0),
    )
}

USUAL = ("words", "title", "letters")
"""Views that are built unless others are asked for."""


SIGNATURE = hashlib.sha256(
    repr(("2", COMMON, RARE_FROM, *((v.name, v.bits, v.power) for v in VIEWS.values()))).encode()
).hexdigest()[:8]
"""Names how features are made here; belongs into the name of a folder of them. Count up its first part."""


def counts(documents: Sequence[Document], views: Iterable[View]) -> dict[str, sp.csr_matrix]:
    """Sublinear term frequencies, 1 + ln(count), one row a document and one column a hash, by view.

    Texts are cut into words once for all views.
    """
    titles = [words_of(one.title) for one in documents]
    whole = Cut.of([[*title, *words_of(one.abstract)] for title, one in zip(titles, documents, strict=True)])
    short = Cut.of(titles)
    found = {view.name: view.counted(whole if view.whole else short, view.bits) for view in views}
    for matrix in found.values():
        np.log(matrix.data, out=matrix.data)
        matrix.data += 1
    return found


class Features:
    """Features in a folder; ``n`` documents, matrices by the name of their view."""

    def __init__(self, folder: Path) -> None:
        try:
            meta = json.loads((folder / _META).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{folder}: no features there ({error}); delete the folder to build them anew"
            ) from error
        self.folder = folder
        self.n = int(meta["n"])
        self.views: tuple[str, ...] = tuple(meta["views"])
        self.query_text: str = meta["query"]

    def matrix(self, view: str) -> sp.csr_matrix:
        """The rows of a view, memory-mapped.

        Raises:
            InputError: the view was not built.

        """
        if view not in self._matrices:
            if view not in self.views:
                raise InputError(
                    f"{self.folder}: view {view!r} was not built; there are {', '.join(self.views)}"
                )
            parts = [
                np.load(self.folder / f"{view}.{n}.npy", mmap_mode="r") for n in ("data", "indices", "indptr")
            ]
            held: sp.csr_matrix = sp.csr_matrix(tuple(parts), shape=(self.n, len(self.idf(view))), copy=False)
            self._matrices[view], self._maps[view] = held, parts[:2]
        return self._matrices[view]

    def rows(self, view: str, rows: NDArray[np.int64]) -> sp.csr_matrix:
        """Some rows of a view, in memory."""
        matrix, parts = self.matrix(view), []
        for start in range(0, len(rows), CHUNK):
            parts.append(matrix[rows[start : start + CHUNK]])
            self._forget(view)
        return sp.vstack(parts, format="csr") if parts else matrix[:0]

    def product(self, view: str, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """The matrix of a view times weights, one a column, (n,)."""
        matrix, out = self.matrix(view), np.empty(self.n, dtype=np.float32)
        for start in range(0, self.n, _ROWS):
            places = matrix.indptr[start : start + _ROWS + 1]
            low, high = places[0], places[-1]
            shape = (len(places) - 1, matrix.shape[1])
            part = sp.csr_matrix((matrix.data[low:high], matrix.indices[low:high], places - low), shape=shape)
            out[start : start + _ROWS] = part @ weights
            self._forget(view)
        return out

    def _forget(self, view: str) -> None:
        """Let go of the pages of a large view, lest all of it count as memory of this process."""
        if self.n <= _ROWS:
            return
        for part in self._maps[view]:
            held: Any = part.base
            if isinstance(held, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
                held.madvise(mmap.MADV_DONTNEED)

    @cached_property
    def _matrices(self) -> dict[str, sp.csr_matrix]:
        return {}

    @cached_property
    def _maps(self) -> dict[str, list[NDArray[Any]]]:
        return {}

    def idf(self, view: str) -> NDArray[np.float32]:
        """Inverse document frequency of each column, to the power of the view."""
        return np.asarray(np.load(self.folder / f"{view}.idf.npy", mmap_mode="r"))

    def columns(self, view: str) -> NDArray[np.int32]:
        """The column of each hash of the view; below 0 where it is in too few or too many documents."""
        return np.asarray(np.load(self.folder / f"{view}.columns.npy", mmap_mode="r"))

    def rows_of(self, view: str, documents: Sequence[Document]) -> sp.csr_matrix:
        """Other documents (a query, one record) in the same columns and weights."""
        found = counts(documents, [VIEWS[view]])[view]
        rare = rarest(self.n, VIEWS[view].power)
        return weighted(found, self.columns(view), self.idf(view), rare)

    def query(self, view: str) -> sp.csr_matrix | None:
        """The criteria as one row; None if there are none."""
        if view not in self._queries:
            text = Document("", self.query_text) if VIEWS[view].whole else Document(self.query_text, "")
            self._queries[view] = self.rows_of(view, [text]) if self.query_text.strip() else None
        return self._queries[view]

    @cached_property
    def _queries(self) -> dict[str, sp.csr_matrix | None]:
        return {}


def open_(folder: Path) -> Features:
    """Features that were built before."""
    return Features(folder)


def build(
    documents: Iterable[Document],
    folder: Path,
    *,
    views: Sequence[str] = USUAL,
    query: str = "",
    progress: Progress = silent,
) -> Features:
    """Build and commit the features of documents, or open what is there already.

    Memory is that of one chunk and one array of document frequencies a view.

    Raises:
        InputError: no document, or a view that is not known.

    """
    if (folder / _META).exists():
        return Features(folder)
    for view in views:
        if view not in VIEWS:
            raise InputError(f"view {view!r}: views are {', '.join(VIEWS)}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two builders of the same features must not meet.
    temporary = Path(tempfile.mkdtemp(prefix=f".tmp-{folder.name}-", dir=folder.parent))
    with ExitStack() as stack:
        files = {
            view: stack.enter_context(
                Growing(temporary, view, hashes=VIEWS[view].hashes, power=VIEWS[view].power)
            )
            for view in views
        }
        source, n = iter(documents), 0
        while chunk := list(islice(source, CHUNK)):
            for view, found in counts(chunk, [VIEWS[name] for name in views]).items():
                files[view].add(found)
            n += len(chunk)
            progress("reading texts", n)
    if not n:
        shutil.rmtree(temporary)
        raise InputError("no document to make features of")
    for raw in files.values():
        raw.finish(n, CHUNK)
    meta = {"n": n, "views": list(views), "query": query}
    (temporary / _META).write_text(json.dumps(meta), "utf-8")
    try:
        temporary.rename(folder)
    except OSError:  # somebody else built the same in the meantime
        shutil.rmtree(temporary)
    return Features(folder)


def build_in_child(
    documents: Iterable[Document], folder: Path, *, views: Sequence[str] = USUAL, query: str = ""
) -> Features:
    """`build` in a process of its own: the screen stays quick, and the memory goes back.

    Raises:
        StoreError: the child failed; says why.

    """
    if (folder / _META).exists():
        return Features(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".tmp-{folder.name}-", suffix=".jsonl", dir=folder.parent)
    texts = Path(name)
    with open(handle, "w", encoding="utf-8", errors="surrogatepass") as file:
        for document in documents:
            file.write(json.dumps(asdict(document)) + "\n")
    command = [sys.executable, "-m", "classifiers.features", str(texts), str(folder), query, *views]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    finally:
        texts.unlink(missing_ok=True)
    if done.returncode:
        raise StoreError(f"{folder}: features could not be built: {done.stderr.strip()[-500:]}")
    return Features(folder)


def _documents(path: Path) -> Iterator[Document]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Document(**json.loads(line))


if __name__ == "__main__":
    build(_documents(Path(sys.argv[1])), Path(sys.argv[2]), query=sys.argv[3], views=sys.argv[4:])
