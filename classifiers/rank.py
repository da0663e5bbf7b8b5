"""Rankers for screening: labels in, one score a record out; the highest is screened next.

A ranker behind the entry-point group ``litscale.rankers`` is a class made from a seed. It is
deterministic: the same features, labels, seed and versions give the same scores on one machine.
"""

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from classifiers.features import Document, Features
from corpora.registry import load

Rows = NDArray[np.int64]
Labels = NDArray[np.bool_]
Floats = NDArray[np.float32]

DEFAULT = "blend"


class Ranker(Protocol):
    """Learns from screened records; n of them labelled, N in all.

    ``views`` names the features it needs. A class with a true attribute ``embeds`` also needs embeddings
    beside them (`classifiers.encode.attach`).
    """

    name: str
    views: tuple[str, ...]

    def __init__(self, *, seed: int) -> None: ...

    def fit(self, features: Features, rows: Rows, labels: Labels) -> Self:
        """Learn from ``labels`` (n,) of ``rows`` (n,); the criteria stand in for what is missing.

        Raises:
            InputError: nothing to go by: no included record and no criteria.

        """
        ...

    def scores(self, features: Features) -> Floats:
        """One score a record, (N,), higher is likelier to be relevant; scale and zero mean nothing."""
        ...

    def reasons(self, document: Document, n: int = 8) -> list[tuple[str, float]]:
        """Terms of this text that speak most for (above 0) or against inclusion, strongest first."""
        ...


def make(name: str, *, seed: int) -> Ranker:
    """A ranker by its name.

    >>> make("tfidf-svm", seed=1).name
    'tfidf-svm'

    Raises:
        UnknownNameError: lists the known names and the closest.

    """
    made: Ranker = load("rankers", name)(seed=seed)
    return made


def order(scores: Floats, exclude: Rows | None = None) -> Rows:
    """Rows from the highest score to the lowest: scores rounded to 1e-6, ties by row.

    ``exclude`` names rows that are left out.

    >>> order(np.array([0.1, 0.3, 0.3000000001, 0.2], dtype=np.float32), np.array([3])).tolist()
    [1, 2, 0]
    """
    rounded = np.round(scores.astype(np.float64), 6)
    ranked = np.argsort(-rounded, kind="stable").astype(np.int64)
    if exclude is None or not len(exclude):
        return ranked
    out = np.zeros(len(scores), dtype=bool)
    out[exclude] = True
    return ranked[~out[ranked]]
