"""The recipe of ASReview's ELAS u4, for comparison: TF-IDF of words and word pairs, linear SVM."""

from typing import Self

from classifiers.features import Document, Features
from classifiers.rank import Floats, Labels, Rows
from classifiers.rankers.svm import LinearView, strongest
from corpora.errors import InputError


class TfidfSvm:
    """Title and abstract as one text; C .11, class weights 9.8, no criteria.

    ASReview holds a vocabulary where we hash, keeps the words that one record alone has, and drops
    words over 95 % as we do.
    """

    name = "tfidf-svm"
    views = ("tfidf",)

    def __init__(self, *, seed: int) -> None:
        self._model = LinearView("tfidf", cost=0.11, ratio=9.8, seed=seed, criteria=False)

    def fit(self, features: Features, rows: Rows, labels: Labels) -> Self:
        """Learn from labelled rows; see `classifiers.rank.Ranker`."""
        if not self._model.fit(features, rows, labels):
            raise InputError("tfidf-svm: needs at least one included and one excluded record")
        return self

    def scores(self, features: Features) -> Floats:
        """One score a record."""
        return self._model.scores(features)

    def reasons(self, document: Document, n: int = 8) -> list[tuple[str, float]]:
        """Terms that speak most for or against."""
        return strongest(self._model.reasons(document), n)
