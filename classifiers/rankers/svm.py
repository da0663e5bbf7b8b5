"""A linear SVM on a view: fitted on the labelled rows, all records scored by one product."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from classifiers.features import VIEWS, Document, Features
from classifiers.rank import Labels, Rows

POSITIVES_FOR_CRITERIA = 5
"""With fewer included records the criteria count as one more (a pseudo-positive)."""

MOST_EXCLUDED = 5_000
"""Of more excluded records than this a random choice teaches: a ranking takes no longer than a second."""

TOLERANCE = 0.01
"""Of the solver: the scores correlate above .999999 with those of scikit-learn's 1e-4, at half the cost."""


class LinearView:
    """One view, one SVM: squared hinge, C and the ratio of the classes' weights as given.

    ``ratio`` is the total weight of the excluded against that of the included ones; 9.8 and
    C = .11 are those of ASReview's ELAS u4 (asreview 3, ``models/models.py``).
    """

    def __init__(self, view: str, *, cost: float, ratio: float, seed: int, criteria: bool) -> None:
        self.view, self._cost, self._ratio = view, cost, ratio
        self._seed, self._criteria = seed, criteria
        self._weights: NDArray[np.float32] = np.empty(0, dtype=np.float32)
        self._features: Features | None = None

    def fit(self, features: Features, rows: Rows, labels: Labels) -> bool:
        """Learn; False if there is only one class, and nothing was learnt."""
        from sklearn.svm import LinearSVC

        taught = some(labels, self._seed)
        known = features.rows(self.view, rows[taught])
        target = labels[taught].astype(np.int64)
        query = features.query(self.view) if self._criteria else None
        if query is not None and labels.sum() < POSITIVES_FOR_CRITERIA:
            known, target = sp.vstack([known, query], format="csr"), np.append(target, 1)
        if not 0 < target.sum() < len(target):
            return False
        self._features = features
        model = LinearSVC(C=self._cost, random_state=self._seed, tol=TOLERANCE, max_iter=2000)
        model.fit(known, target, sample_weight=sample_weights(target, self._ratio))
        self._weights = model.coef_.ravel().astype(np.float32)
        return True

    def scores(self, features: Features) -> NDArray[np.float32]:
        """Distances from the plane, (N,), without the intercept."""
        return features.product(self.view, self._weights)

    def reasons(self, document: Document) -> dict[str, float]:
        """Term → what it adds to the score of this document."""
        if self._features is None:
            return {}
        row = self._features.rows_of(self.view, [document])
        added = dict(zip(row.indices.tolist(), (row.data * self._weights[row.indices]).tolist(), strict=True))
        columns = self._features.columns(self.view)
        terms = VIEWS[self.view].terms(document)
        return {term: added[columns[code]] for term, code in terms if added.get(int(columns[code]))}


def some(labels: Labels, seed: int) -> NDArray[np.int64]:
    """Places of all included and at most `MOST_EXCLUDED` excluded labels, ascending.

    >>> len(some(np.arange(9_000) < 30, seed=1))
    5030
    """
    excluded = np.flatnonzero(~labels)
    if len(excluded) <= MOST_EXCLUDED:
        return np.arange(len(labels))
    drawn = np.random.default_rng(seed).choice(excluded, MOST_EXCLUDED, replace=False)
    return np.sort(np.concatenate([np.flatnonzero(labels), drawn]))


def sample_weights(target: NDArray[np.int64], ratio: float) -> NDArray[np.float64]:
    """The included weigh 1 each before scaling, the excluded together 1/ratio of them all.

    >>> sample_weights(np.array([1, 0, 0]), 2).tolist()
    [2.0, 0.5, 0.5]
    """
    included = target.sum()
    weights = np.where(target == 1, 1.0, included / (ratio * (len(target) - included)))
    return np.asarray(weights * len(target) / weights.sum())


def strongest(found: dict[str, float], n: int) -> list[tuple[str, float]]:
    """The n terms that say most, either way; ties by the term."""
    listed = sorted(found.items(), key=lambda item: (-abs(item[1]), item[0]))[:n]
    return [(term, round(weight, 6)) for term, weight in listed]
