"""Our default: three views of a text, a linear SVM each, and the criteria as the first example."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from classifiers.features import Document, Features
from classifiers.rank import Floats, Labels, Rows
from classifiers.rankers.svm import LinearView, strongest
from corpora.errors import InputError

WEIGHTS = {"words": 1.0, "letters": 1.0, "title": 0.3}
"""What the standardised scores of the views count, once enough is known."""

SURE = 20
"""Included records from which on letters count in full: from few examples they learn what is by chance."""


class Blend:
    """Standardised scores of one SVM a view, added up.

    Words say what a text is about, letters hold what words miss (inflections, compounds, names of
    drugs) and count the more the more was included, the title counts again. Until five records are
    included the published criteria stand in as one more. Without any excluded record the similarity
    to what is known ranks.
    """

    name = "blend"
    views = tuple(WEIGHTS)

    def __init__(self, *, seed: int, weights: Mapping[str, float] = WEIGHTS, criteria: bool = True) -> None:
        self._weights, self._criteria = dict(weights), criteria
        self._models = {
            view: LinearView(view, cost=0.11, ratio=9.8, seed=seed, criteria=criteria) for view in weights
        }
        self._similar: Floats | None = None
        self._share = 0.0

    def fit(self, features: Features, rows: Rows, labels: Labels) -> Self:
        """Learn from labelled rows; see `classifiers.rank.Ranker`."""
        self._share = min(1.0, float(labels.sum()) / SURE)
        learnt = [model.fit(features, rows, labels) for model in self._models.values()]
        self._similar = None if all(learnt) else self._similarity(features, rows, labels)
        return self

    def _similarity(self, features: Features, rows: Rows, labels: Labels) -> Floats:
        """Cosine to the mean of the included records and the criteria, over the views."""
        total = np.zeros(features.n, dtype=np.float32)
        for view, weight in self._weights.items():
            query = features.query(view) if self._criteria else None
            known = [features.rows(view, rows[labels])] if labels.any() else []
            known += [] if query is None else [query]
            if not known:
                raise InputError("blend: no included record and no criteria, so there is nothing to go by")
            centre = np.asarray(sum(part.sum(axis=0) for part in known)).ravel().astype(np.float32)
            total += weight * standard(features.product(view, centre))
        return total

    def scores(self, features: Features) -> Floats:
        """One score a record."""
        if self._similar is not None:
            return self._similar
        total = np.zeros(features.n, dtype=np.float32)
        for view, model in self._models.items():
            share = self._share if view == "letters" and len(self._models) > 1 else 1.0
            total += share * self._weights[view] * standard(model.scores(features))
        return total

    def reasons(self, document: Document, n: int = 8) -> list[tuple[str, float]]:
        """Words of title and abstract that speak most for or against."""
        return strongest(self._models["words"].reasons(document), n)


def standard(scores: Floats) -> Floats:
    """Mean 0 and standard deviation 1; all 0 where the scores do not differ."""
    spread = float(scores.std())
    return np.asarray((scores - scores.mean()) / (spread or 1.0), dtype=np.float32)
