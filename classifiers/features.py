"""Hashed TF-IDF features of many texts, built chunk by chunk and read from disk without loading.

A *view* is one way to look at a text: words and word pairs of title and abstract, those of the title
alone, or letters (character n-grams within words). Each view is a sparse float32 matrix of n rows,
kept as plain arrays in a folder (no pickle) that is committed by one rename and memory-mapped on
reading; rows have length 1. Weights are those of scikit-learn's `TfidfVectorizer` with sublinear
term frequency; columns are hashes, so that no vocabulary is held (Weinberger et al. 2009,
doi 10.1145/1553374.1553516).
"""

import hashlib
import json
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

from corpora.errors import InputError, StoreError
from corpora.progress import Progress, silent

CHUNK = 1000
"""Documents that are held in memory at a time."""

COMMON = 0.95
"""A column that more than this share of the documents has says nothing and is left out."""

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
    """How a document becomes terms: which text, which n-grams, how many columns."""

    name: str
    text: Callable[[Document], str]
    analyzer: str
    ngrams: tuple[int, int]
    bits: int

    @property
    def columns(self) -> int:
        """Number of columns, a power of two."""
        return 1 << self.bits

    @cached_property
    def vectorizer(self) -> Any:
        """Counts of hashed terms."""
        from sklearn.feature_extraction.text import HashingVectorizer

        return HashingVectorizer(
            analyzer=self.analyzer, ngram_range=self.ngrams, n_features=self.columns,
            alternate_sign=False, norm=None, dtype=np.float32,
        )  # fmt: skip

    def counts(self, documents: Sequence[Document]) -> sp.csr_matrix:
        """Sublinear term frequencies, 1 + ln(count), one row a document."""
        found: sp.csr_matrix = self.vectorizer.transform([self.text(one) for one in documents]).tocsr()
        found.sum_duplicates()
        np.log(found.data, out=found.data)
        found.data += 1
        return found

    def terms(self, document: Document) -> list[tuple[str, int]]:
        """The terms of a document, each once, with their columns."""
        from sklearn.utils import murmurhash3_32

        found = dict.fromkeys(self.vectorizer.build_analyzer()(self.text(document)))
        # The column as scikit-learn's FeatureHasher takes it.
        return [(term, abs(int(murmurhash3_32(term, 0))) % self.columns) for term in found]


def _whole(document: Document) -> str:
    return f"{document.title} {document.abstract}"


def _title(document: Document) -> str:
    return document.title


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View("words", _whole, "word", (1, 2), 21),
        View("title", _title, "word", (1, 2), 19),
        View("letters", _whole, "char_wb", (4, 4), 18),
    )
}


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
            data, indices, indptr = parts
            shape = (self.n, VIEWS[view].columns)
            held: sp.csr_matrix = sp.csr_matrix((data, indices, indptr), shape=shape, copy=False)
            self._matrices[view] = held
        return self._matrices[view]

    @cached_property
    def _matrices(self) -> dict[str, sp.csr_matrix]:
        return {}

    def idf(self, view: str) -> NDArray[np.float32]:
        """Inverse document frequency of each column; 0 where the column is too common."""
        return np.asarray(np.load(self.folder / f"{view}.idf.npy", mmap_mode="r"))

    def rows_of(self, view: str, documents: Sequence[Document]) -> sp.csr_matrix:
        """Other documents (a query, one record) in the same columns and weights."""
        return _weighted(VIEWS[view].counts(documents), self.idf(view))

    def query(self, view: str) -> sp.csr_matrix | None:
        """The criteria as one row; None if there are none."""
        if not self.query_text.strip():
            return None
        return (
            self.rows_of(view, [Document("", self.query_text)])
            if view != "title"
            else self.rows_of(view, [Document(self.query_text, "")])
        )


def open_(folder: Path) -> Features:
    """Features that were built before."""
    return Features(folder)


def build(
    documents: Iterable[Document],
    folder: Path,
    *,
    views: Sequence[str] = tuple(VIEWS),
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
        files = {view: stack.enter_context(_Raw(temporary, VIEWS[view])) for view in views}
        source, n = iter(documents), 0
        while chunk := list(islice(source, CHUNK)):
            for raw in files.values():
                raw.add(chunk)
            n += len(chunk)
            progress("reading texts", n)
    if not n:
        shutil.rmtree(temporary)
        raise InputError("no document to make features of")
    for raw in files.values():
        raw.finish(n)
    meta = {"n": n, "views": list(views), "query": query}
    (temporary / _META).write_text(json.dumps(meta), "utf-8")
    try:
        temporary.rename(folder)
    except OSError:  # somebody else built the same in the meantime
        shutil.rmtree(temporary)
    return Features(folder)


def build_in_child(
    documents: Iterable[Document], folder: Path, *, views: Sequence[str] = tuple(VIEWS), query: str = ""
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


def fingerprint(documents: Iterable[Document], query: str = "") -> str:
    """16 hex digits that name documents, query and the views as they are made here."""
    digest = hashlib.sha256(repr([(v.name, v.analyzer, v.ngrams, v.bits) for v in VIEWS.values()]).encode())
    digest.update(query.encode("utf-8", "surrogatepass"))
    for document in documents:
        digest.update(json.dumps(asdict(document)).encode())
    return digest.hexdigest()[:16]


class _Raw:
    """The arrays of one view while they grow on disk."""

    def __init__(self, folder: Path, view: View) -> None:
        self.view, self._folder = view, folder
        self._data = (folder / f"{view.name}.data.raw").open("wb")
        self._indices = (folder / f"{view.name}.indices.raw").open("wb")
        self._lengths: list[NDArray[np.int64]] = []
        self._frequency = np.zeros(view.columns, dtype=np.int32)

    def __enter__(self) -> "_Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self._data.close()
        self._indices.close()

    def add(self, chunk: Sequence[Document]) -> None:
        found = self.view.counts(chunk)
        self._data.write(found.data.astype(np.float32).tobytes())
        self._indices.write(found.indices.astype(np.int32).tobytes())
        self._lengths.append(np.diff(found.indptr).astype(np.int64))
        self._frequency += np.bincount(found.indices, minlength=self.view.columns).astype(np.int32)

    def finish(self, n: int) -> None:
        """Weigh and normalise chunk by chunk, once the raw arrays are closed."""
        indptr = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths))]).astype(np.int64)
        idf = (np.log((1 + n) / (1 + self._frequency)) + 1).astype(np.float32)
        idf[self._frequency > max(COMMON * n, 1)] = 0
        name, total = self.view.name, int(indptr[-1])
        raw = {
            part: np.memmap(self._folder / f"{name}.{part}.raw", dtype=kind, mode="r")
            if total
            else np.empty(0, dtype=kind)
            for part, kind in (("data", np.float32), ("indices", np.int32))
        }
        out = np.lib.format.open_memmap(
            self._folder / f"{name}.data.npy", mode="w+", dtype=np.float32, shape=(total,)
        )
        columns = np.lib.format.open_memmap(
            self._folder / f"{name}.indices.npy", mode="w+", dtype=np.int32, shape=(total,)
        )
        for start in range(0, n, CHUNK):
            low, high = indptr[start], indptr[min(start + CHUNK, n)]
            part = sp.csr_matrix(
                (raw["data"][low:high], raw["indices"][low:high], indptr[start : start + CHUNK + 1] - low),
                shape=(min(CHUNK, n - start), self.view.columns),
            )
            out[low:high] = _weighted(part, idf).data
            columns[low:high] = raw["indices"][low:high]
        del raw
        np.save(self._folder / f"{name}.indptr.npy", indptr)
        np.save(self._folder / f"{name}.idf.npy", idf)
        for kind in ("data", "indices"):
            (self._folder / f"{name}.{kind}.raw").unlink()


def _weighted(counts: sp.csr_matrix, idf: NDArray[np.float32]) -> sp.csr_matrix:
    """TF times IDF, every row of length 1 (or 0, if it has no term); the same places stay filled."""
    data = counts.data * idf[counts.indices]
    sizes = np.diff(counts.indptr)
    rows = np.repeat(np.arange(counts.shape[0]), sizes)
    length = np.sqrt(np.bincount(rows, weights=data.astype(np.float64) ** 2, minlength=counts.shape[0]))
    length[length == 0] = 1
    data = (data / length[rows]).astype(np.float32)
    return sp.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)


def _documents(path: Path) -> Iterator[Document]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Document(**json.loads(line))


if __name__ == "__main__":
    build(_documents(Path(sys.argv[1])), Path(sys.argv[2]), query=sys.argv[3], views=sys.argv[4:])
