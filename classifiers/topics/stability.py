"""Which topics are solid: the clustering made again on parts of the documents, and with other seeds.

A topic is *solid* if, over subsamples of 80 %, the best Jaccard similarity of its members there with any
cluster of the subsample is .6 or more on average (Hennig 2007, doi 10.1016/j.csda.2006.11.025). Every
subsample is clustered wholly anew, outliers taken in as in the fit. The *null* is the same number after
the subsample's cluster labels were shuffled over its documents: what sizes alone would give.

How much of a fit is its seed is told by the adjusted Rand index between fits with different seeds
(Hubert & Arabie 1985), once with the outliers as a class of their own, once over the documents that
are outliers in neither.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifiers.topics.clusters import Labels, Recipe, Vectors, clustered
from corpora.errors import InputError
from corpora.progress import Progress, silent

SHARE = 0.8
SOLID = 0.6
SEEDS = 4
"""Fits with other seeds; with the fit itself they make ten pairs."""


class Pair(NamedTuple):
    """Two seeds, and how far their fits agree (adjusted Rand index: 0 by chance, 1 the same)."""

    first: int
    second: int
    with_outliers: float
    without_outliers: float


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """``jaccard`` and ``null`` (subsamples, topics), NaN where a topic has no member in the subsample."""

    jaccard: NDArray[np.float64]
    null: NDArray[np.float64]
    pairs: list[Pair]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean best Jaccard of each topic."""
        return _mean(self.jaccard)

    @property
    def chance(self) -> NDArray[np.float64]:
        """The same by chance: mean of the null of each topic."""
        return _mean(self.null)

    @property
    def solid(self) -> NDArray[np.bool_]:
        """Which topics are."""
        return self.mean >= SOLID


def stability(
    vectors: Vectors, labels: Labels, recipe: Recipe, repeats: int = 20, progress: Progress = silent
) -> Stability:
    """How well a fit of these vectors (in the fit's order, with its settled recipe) comes out again."""
    whole = repeats + SEEDS
    jaccard, null = [], []
    for number, (chosen, again) in enumerate(_subsamples(vectors, recipe, repeats), 1):
        shuffled = np.random.default_rng([recipe.seed, number, 1]).permutation(again)
        jaccard.append(best_jaccard(labels[chosen], again, int(labels.max()) + 1))
        null.append(best_jaccard(labels[chosen], shuffled, int(labels.max()) + 1))
        progress("stability of topics", number, whole)
    fits = {recipe.seed: labels}
    for number in range(1, SEEDS + 1):
        other = replace(recipe, seed=recipe.seed + number)
        fits[other.seed] = _or_outliers(vectors, other, 1.0)
        progress("stability of topics", repeats + number, whole)
    pairs = [Pair(a, b, *_agreement(fits[a], fits[b])) for a, b in combinations(fits, 2)]
    return Stability(np.array(jaccard), np.array(null), pairs)


def best_jaccard(labels: Labels, again: Labels, topics: int) -> NDArray[np.float64]:
    """For each topic, the best Jaccard similarity with a cluster; outliers (-1) are no cluster.

    >>> best_jaccard(np.array([0, 0, 0, 1, 1, -1]), np.array([0, 0, 1, 1, 1, -1]), 2).round(2).tolist()
    [0.67, 0.67]
    """
    clusters = int(again.max()) + 1
    sizes = np.bincount(labels[labels >= 0], minlength=topics).astype(float)
    if clusters == 0:
        return np.where(sizes > 0, 0.0, np.nan)
    both = (labels >= 0) & (again >= 0)
    shared = np.zeros((topics, clusters))
    np.add.at(shared, (labels[both], again[both]), 1.0)
    theirs = np.bincount(again[again >= 0], minlength=clusters)
    best = (shared / np.maximum(sizes[:, None] + theirs[None, :] - shared, 1.0)).max(axis=1)
    return np.where(sizes > 0, best, np.nan)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the subsamples that had a member of the topic; 0 where none had."""
    there = ~np.isnan(values)
    return np.asarray(np.nansum(values, axis=0) / np.maximum(there.sum(axis=0), 1), dtype=np.float64)


def _subsamples(vectors: Vectors, recipe: Recipe, repeats: int) -> Iterator[tuple[NDArray[np.int64], Labels]]:
    for number in range(1, repeats + 1):
        draw = np.random.default_rng([recipe.seed, number])
        chosen = np.sort(draw.choice(len(vectors), round(SHARE * len(vectors)), replace=False))
        yield chosen, _or_outliers(vectors[chosen], recipe, SHARE)


def _or_outliers(vectors: Vectors, recipe: Recipe, share: float) -> Labels:
    """A refit in which nothing was found is one in which all are outliers."""
    try:
        return clustered(vectors, recipe, share).labels
    except InputError:
        return np.full(len(vectors), -1, dtype=np.int64)


def _agreement(first: Labels, second: Labels) -> tuple[float, float]:
    from sklearn.metrics import adjusted_rand_score

    inside = (first >= 0) & (second >= 0)
    both = float(adjusted_rand_score(first, second))
    return both, float(adjusted_rand_score(first[inside], second[inside]))
