"""Rankers that read a transformer's embeddings: better where words differ and the meaning does not.

Embedding costs minutes of CPU where `blend` costs seconds, so neither is the default; both raise
`StoreError` until the embeddings are attached to the features (`classifiers.encode`).
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from classifiers import encode
from classifiers.features import Document, Features
from classifiers.rank import Floats, Labels, Rows
from classifiers.rankers.blend import Blend, standard
from classifiers.rankers.svm import POSITIVES_FOR_CRITERIA, sample_weights
from corpora.errors import InputError

COST, RATIO = 1.0, 9.8
"""C and the classes' weight ratio of the SVM on embeddings."""

SHARE = 0.5
"""What embeddings count beside `Blend`, both standardised."""


class EmbeddingLinear:
    """A linear SVM on embeddings; until five records are included the criteria stand in as one more.

    Without any excluded record the similarity to what is known ranks.
    """

    name = "embedding-linear"
    views: tuple[str, ...] = ()
    embeds = True

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._weights: NDArray[np.float32] = np.zeros(encode.SIZE, dtype=np.float32)

    def fit(self, features: Features, rows: Rows, labels: Labels) -> Self:
        """Learn from labelled rows; see `classifiers.rank.Ranker`.

        Raises:
            StoreError: the embeddings are not there yet.

        """
        from sklearn.svm import LinearSVC

        vectors, query = encode.needed(features)
        known, target = np.asarray(vectors[rows], dtype=np.float64), labels.astype(np.int64)
        if query is not None and target.sum() < POSITIVES_FOR_CRITERIA:
            known, target = np.vstack([known, query]), np.append(target, 1)
        if not target.any():
            raise InputError(f"{self.name}: no included record and no criteria, so there is nothing to go by")
        if target.all():
            self._weights = known.mean(axis=0).astype(np.float32)
            return self
        model = LinearSVC(C=COST, random_state=self._seed, max_iter=5000)
        model.fit(known, target, sample_weight=sample_weights(target, RATIO))
        self._weights = model.coef_.ravel().astype(np.float32)
        return self

    def scores(self, features: Features) -> Floats:
        """One score a record."""
        vectors, _ = encode.needed(features)
        return np.asarray(vectors @ self._weights)

    def reasons(self, document: Document, n: int = 8) -> list[tuple[str, float]]:  # noqa: ARG002
        """None: an embedding does not say which words made it."""
        return []


class BlendEmbedding:
    """`Blend` and `EmbeddingLinear`, standardised and added; the reasons are those of `Blend`."""

    name = "blend-embedding"
    views = Blend.views
    embeds = True

    def __init__(self, *, seed: int) -> None:
        self._words, self._vectors = Blend(seed=seed), EmbeddingLinear(seed=seed)

    def fit(self, features: Features, rows: Rows, labels: Labels) -> Self:
        """Learn from labelled rows; see `EmbeddingLinear.fit`."""
        self._vectors.fit(features, rows, labels)
        self._words.fit(features, rows, labels)
        return self

    def scores(self, features: Features) -> Floats:
        """One score a record."""
        words, vectors = standard(self._words.scores(features)), standard(self._vectors.scores(features))
        return np.asarray(words + SHARE * vectors)

    def reasons(self, document: Document, n: int = 8) -> list[tuple[str, float]]:
        """Words of title and abstract that speak most for or against."""
        return self._words.reasons(document, n)
