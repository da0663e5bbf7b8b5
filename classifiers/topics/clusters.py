"""Vectors into clusters, the same way every time.

UMAP (McInnes et al. 2018, doi 10.21105/joss.00861) and HDBSCAN (Campello et al. 2013, doi
10.1007/978-3-642-37456-2_14), or PCA and k-means. BERTopic runs them with a random seed and on all
cores, so that two runs differ; here the seed is fixed, UMAP, HDBSCAN and the linear algebra under them
run on one thread, and rows come sorted from `classifiers.topics.model`.
"""

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError, MissingExtraError
from corpora.registry import unknown
from corpora.words import counted

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]
Mode = Literal["umap-hdbscan", "kmeans"]

MODES: tuple[str, ...] = get_args(Mode)
LEAST = 40
"""Documents below which a clustering says nothing."""

KMEANS_TOPICS = 40
"""How many k-means makes unless told: as many as the published analysis began with."""

_FARTHEST = 10
"""Per cent of a topic's own members that may lie farther from its centre than an outlier it takes in."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How vectors become topics.

    ``topics``: how many; None lets HDBSCAN say, and means `KMEANS_TOPICS` for k-means. ``min_size``:
    documents that make a topic (HDBSCAN); None is one in 200, at least 10. ``neighbours`` and
    ``dimensions`` are UMAP's, ``components`` those of the PCA before k-means.
    """

    mode: Mode = "umap-hdbscan"
    topics: int | None = None
    min_size: int | None = None
    seed: int = 42
    neighbours: int = 15
    dimensions: int = 5
    components: int = 50

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise unknown("mode of topics", self.mode, MODES)
        if self.topics is not None and self.topics < 2:
            raise InputError(f"topics: at least 2 can be asked for, got {self.topics}")
        if self.min_size is not None and self.min_size < 2:
            raise InputError(f"topics: a topic has at least 2 documents, got min size {self.min_size}")

    def settled(self, count: int) -> "Recipe":
        """With every number that depends on how many documents there are.

        >>> Recipe().settled(8_000).min_size, Recipe("kmeans").settled(8_000).topics
        (40, 40)
        """
        if self.mode == "kmeans":
            return replace(self, topics=self.topics or min(KMEANS_TOPICS, count // 10))
        return replace(self, min_size=self.min_size or max(10, count // 200))


class Clustering(NamedTuple):
    """``labels``: 0 is the largest cluster, -1 an outlier; ``first``: before outliers were taken in."""

    labels: Labels
    first: Labels


def need_libraries() -> None:
    """Refuse in plain words where the topics extra is not installed."""
    missing = [name for name in ("bertopic", "umap", "hdbscan") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"topics need {', '.join(missing)}: pip install 'litscale[topics]'")


def clustered(vectors: Vectors, recipe: Recipe, share: float = 1.0) -> Clustering:
    """Cluster rows of length 1; ``share``: of the documents that ``recipe`` was settled for.

    HDBSCAN leaves outliers. One is taken into the topic with the nearest centre if it lies no
    farther from it than all but a tenth of the topic's own members; the others stay outliers.

    Raises:
        InputError: fewer than `LEAST` rows, or no cluster was found.

    """
    if len(vectors) < LEAST:
        raise InputError(f"topics need at least {LEAST} documents with a text, there are {len(vectors)}")
    with _one_thread():
        if recipe.mode == "kmeans":
            found = _kmeans(vectors, recipe)
            labels = _places(found)[found]
            return Clustering(labels, labels)
        size = max(2, round((recipe.min_size or 2) * share))
        first = _hdbscan(reduced(vectors, recipe, recipe.dimensions, 0.0), size)
    if first.max() < 0:
        raise InputError(
            f"topics: no group of at least {size} alike among {counted(len(vectors), 'document')}; "
            "take a smaller --min-size, or --mode kmeans"
        )
    if recipe.topics is not None:
        first = _merged(vectors, first, recipe.topics)
    labels = taken_in(vectors, first)
    place = _places(labels)
    return Clustering(place[labels], place[first])


def reduced(vectors: Vectors, recipe: Recipe, dimensions: int, distance: float) -> NDArray[np.float32]:
    """Rows in few dimensions by UMAP (cosine), which are only good for neighbourhoods."""
    with imports():
        from umap import UMAP

    with warnings.catch_warnings():
        # Far groups make a graph in pieces, which UMAP lays out one by one and warns of.
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        model = UMAP(
            n_neighbors=min(recipe.neighbours, len(vectors) - 1), n_components=dimensions,
            min_dist=distance, metric="cosine", random_state=recipe.seed, n_jobs=1,
        )  # fmt: skip
        return np.nan_to_num(np.asarray(model.fit_transform(vectors), dtype=np.float32))


def centres(vectors: Vectors, labels: Labels) -> Vectors:
    """The mean direction of each cluster, (clusters, size), length 1."""
    made = np.stack([vectors[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(made / np.maximum(lengths, 1e-12), dtype=np.float32)


def taken_in(vectors: Vectors, first: Labels) -> Labels:
    """Outliers given to the nearest centre where they lie as near as the topic's own members."""
    middle = centres(vectors, first)
    near = vectors @ middle.T
    outside = np.flatnonzero(first < 0)
    inside = np.flatnonzero(first >= 0)
    own = near[inside, first[inside]]
    least = np.array([np.percentile(own[first[inside] == label], _FARTHEST) for label in range(len(middle))])
    best = near[outside].argmax(axis=1)
    fits = near[outside, best] >= least[best]
    made = first.copy()
    made[outside[fits]] = best[fits]
    return made


def _kmeans(vectors: Vectors, recipe: Recipe) -> Labels:
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    wanted = recipe.settled(len(vectors)).topics or 2
    size = min(recipe.components, *vectors.shape)
    flat = PCA(size, svd_solver="covariance_eigh", random_state=recipe.seed).fit_transform(vectors)
    model = KMeans(min(wanted, len(vectors)), n_init=5, random_state=recipe.seed)
    return np.asarray(model.fit_predict(flat), dtype=np.int64)


def _hdbscan(points: NDArray[np.float32], size: int) -> Labels:
    with imports():
        from hdbscan import HDBSCAN

    model = HDBSCAN(
        min_cluster_size=size, min_samples=min(size, 10), core_dist_n_jobs=1, approx_min_span_tree=False
    )
    return np.asarray(model.fit_predict(points.astype(np.float64)), dtype=np.int64)


def _merged(vectors: Vectors, labels: Labels, wanted: int) -> Labels:
    """The most alike clusters joined until ``wanted`` are left (average linkage, cosine)."""
    from sklearn.cluster import AgglomerativeClustering

    middle = centres(vectors, labels)
    if len(middle) <= wanted:
        return labels
    joined = AgglomerativeClustering(wanted, metric="cosine", linkage="average").fit_predict(middle)
    return np.where(labels < 0, -1, joined[labels]).astype(np.int64)


def _places(labels: Labels) -> Labels:
    """Number → new number, the largest first, of equal ones that whose first row comes first; -1 stays.

    >>> labels = np.array([2, 0, 0, -1, 1])
    >>> _places(labels)[labels].tolist()
    [1, 0, 0, -1, 2]
    """
    found, start, counts = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    made = np.full(labels.max() + 2, -1, dtype=np.int64)  # the last is where -1 looks
    made[found[np.lexsort((start, -counts))]] = np.arange(len(found))
    return made


@contextmanager
def imports() -> Iterator[None]:
    """Around imports that warn of what we do not need, and silence warnings of the whole process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order: threads that add up as they finish give other last digits each time."""
    import sklearn.cluster  # noqa: F401 (the limit holds for libraries that are loaded)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
