"""The one thread that ranks: it takes the newest labels and posts (generation, order).

The screen never waits for it. Until the features are built the order is random by the protocol's
seed, and is called generation 0. Features are kept in ``cache/features/`` under the hash of what
they were made from. A ranker that reads embeddings has them made in a child process, kept in
``cache/embeddings/``; until they are there the default ranks in its stead, and every order says by
what it was made.
"""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError, LitscaleError, StoreError
from corpora.record import digest
from corpora.registry import load
from review.screening.texts import Texts

RANDOM = "random"

_SMALL = 2_000
"""Reports up to which features are built in this process."""


@dataclass(frozen=True, slots=True)
class Order:
    """Rows of `Texts` in the order in which they should be screened, and how that came about."""

    generation: int
    ranker: str
    rows: NDArray[np.int64]
    parameters: dict[str, Any] = field(default_factory=dict)


def random_order(count: int, seed: int) -> Order:
    """Generation 0."""
    rows = np.random.default_rng(seed).permutation(count).astype(np.int64)
    return Order(0, RANDOM, rows, {"seed": seed, "why": "no ranking yet"})


def features_for(texts: Texts, cache: Path, query: str, views: tuple[str, ...] = ()) -> Any:
    """The features of all reports, kept under the hash of what they are made from.

    ``views`` are built besides the usual ones. A child process keeps the screen quick and gives its
    memory back; a small review is read sooner than a child starts.
    """
    from classifiers import features

    build = features.build if len(texts) < _SMALL else features.build_in_child
    more = [view for view in views if view not in features.USUAL]
    name = "-".join([texts.fingerprint, digest(query), features.SIGNATURE, *more])
    return build(_documents(texts), cache / "features" / name, views=(*features.USUAL, *more), query=query)


def _documents(texts: Texts) -> Iterator[Any]:
    from classifiers.features import Document

    return (Document(*one) for one in texts.documents())


class Trainer(threading.Thread):
    """Ranks in the background. `post` labels, read `latest`; `problem` says why there is none."""

    def __init__(self, texts: Texts, cache: Path, ranker: str, *, seed: int, query: str, first: int) -> None:
        super().__init__(daemon=True, name="ranker")
        self._texts, self._seed, self._query = texts, seed, query
        self._cache = cache
        self._name = ranker
        self._ready = threading.Condition()
        self._labels: tuple[NDArray[np.int64], NDArray[np.bool_]] | None = None
        self._closing = False
        self._generation = first
        self.latest = random_order(len(texts), seed)
        self.problem = ""
        self.model: Any = None
        self._child: subprocess.Popen[bytes] | None = None

    def post(self, rows: NDArray[np.int64], labels: NDArray[np.bool_]) -> None:
        """Hand over all labels; older ones that were not looked at yet are forgotten."""
        with self._ready:
            self._labels = rows, labels
            self._ready.notify()

    def close(self, wait: float = 0.0) -> None:
        """End after the ranking that is under way; wait for it so many seconds.

        A process that ends while a ranking is in compiled code can be aborted by it.
        """
        with self._ready:
            self._closing = True
            self._ready.notify()
        if wait and self.is_alive():
            self.join(wait)

    def run(self) -> None:
        """Build the features, then rank whenever labels came."""
        try:
            maker = load("rankers", self._name)
            held = features_for(self._texts, self._cache, self._query, maker.views)
            if getattr(maker, "embeds", False):
                self._embed(held)
            while (newest := self._wait()) is not None:
                self._rank(held, *newest)
        except (LitscaleError, OSError, MemoryError) as error:
            # The order stays as it is; the screen shows why, and screening goes on.
            self.problem = str(error)
        finally:
            if self._child is not None:  # what it has finished is kept
                self._child.terminate()
                self._child.communicate()

    def _embed(self, held: Any) -> None:
        """Start to embed the texts unless that is done."""
        from classifiers import encode

        if encode.attached(held) is None:
            documents = _documents(self._texts)
            self._child = encode.attach_in_child(documents, held, self._cache / "embeddings")

    def _ranker(self, held: Any) -> tuple[str, str]:
        """The ranker's name, or the default's and why.

        Raises:
            StoreError: the texts could not be embedded.

        """
        from classifiers import encode, rank

        if self._child is None or encode.attached(held) is not None:
            return self._name, ""
        if self._child.poll():
            told = self._child.communicate()[1].decode(errors="replace").strip()[-500:]
            raise StoreError(f"{self._name}: the texts could not be embedded: {told}")
        return rank.DEFAULT, f"{self._name} waits for embeddings"

    def _wait(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
        with self._ready:
            while self._labels is None and not self._closing:
                self._ready.wait()
            newest, self._labels = self._labels, None
            return None if self._closing else newest

    def _rank(self, held: Any, rows: NDArray[np.int64], labels: NDArray[np.bool_]) -> None:
        from classifiers import rank

        if not labels.any() and not self._query:
            return  # nothing to go by: the random order stays
        name, why = self._ranker(held)
        model = load("rankers", name)(seed=self._seed)
        try:
            model.fit(held, rows, labels)
        except InputError as error:  # too few labels for this ranker; more will come
            self.problem = str(error)
            return
        order = rank.order(model.scores(held))
        self._generation += 1
        self.model, self.problem = model, ""
        told: dict[str, Any] = {"seed": self._seed, "labels": len(rows), "included": int(labels.sum())}
        told |= {"features": held.folder.name, **({"why": why} if why else {})}
        self.latest = Order(self._generation, name, order, told)
