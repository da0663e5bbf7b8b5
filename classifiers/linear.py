"""TF-IDF and one linear head per label: the baseline that everything else has to beat.

Features are word 1-2-grams of title and abstract (Salton & Buckley 1988) and the evidence of the
keyword rules; heads are linear SVMs whose out-of-fold margins are turned into probabilities by
Platt's sigmoid (Platt 1999). Heads other than the gate's learn on records that pass the gate and
are multiplied by its probability. Thresholds come from the out-of-fold probabilities of this very
recipe, shrunk to the dimension's pooled threshold where positives are few.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from classifiers.codebook import Codebook
from classifiers.folds import grouped_folds
from classifiers.keywords import KeywordTagger
from classifiers.tagger import Bools, Codes, Floats, Texts
from corpora.errors import InputError
from corpora.progress import Progress, silent

FOLDS = 3
MIN_LEARNT = 4
"""Positives below which a label gets no head: it is never predicted, and the card says so."""

_SHRINK = 50
_WORDS = 60_000
_COST = 0.25
_EVIDENCE = 0.3


class LinearTagger:
    """The linear tagger; see the module."""

    name = "linear"

    def __init__(self, codebook: Codebook) -> None:
        self.codebook = codebook
        self._rules = KeywordTagger(codebook)
        self._words: TfidfVectorizer | None = None
        size = len(codebook.label_ids())
        self._weights = np.zeros((size, 0), np.float32)
        self._bias = np.zeros(size, np.float32)
        self._platt = np.zeros((size, 2), np.float32)
        self._thresholds = np.full(size, 2.0, np.float32)
        self.learnt: Bools = np.zeros(size, np.bool_)

    # ------------------------------------------------------------------ learning

    def fit(
        self,
        texts: Texts,
        codes: Codes,
        groups: Sequence[Sequence[str]] = (),
        *,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Self:
        """Learn from ``codes`` (n, L), with `FOLDS` folds in which no group is split."""
        evidence = self._evidence(texts, progress)
        folds = grouped_folds(codes, groups, k=FOLDS, seed=seed)
        margins = np.zeros(codes.shape, np.float64)
        self.learnt = (codes == 1).sum(axis=0) >= MIN_LEARNT
        steps = FOLDS + 1
        for fold in range(FOLDS):
            progress("training the linear tagger", fold, steps)
            inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            words = self._vectorizer()
            seen = _stack(words.fit_transform(texts.take(inside).joined()), evidence[inside])
            weights, bias = self._heads(seen, codes[inside], seed)
            unseen = _stack(words.transform(texts.take(outside).joined()), evidence[outside])
            margins[outside] = unseen @ weights.T + bias
        progress("training the linear tagger", FOLDS, steps)
        self._words = self._vectorizer()
        whole = _stack(self._words.fit_transform(texts.joined()), evidence)
        self._weights, self._bias = self._heads(whole, codes, seed)
        self._platt = self._sigmoids(margins, codes)
        self._thresholds = self._choose(self._probabilities(margins), codes)
        progress("training the linear tagger", steps, steps)
        return self

    def _vectorizer(self) -> TfidfVectorizer:
        return TfidfVectorizer(
            ngram_range=(1, 2),
            min_df=2,
            max_features=_WORDS,
            sublinear_tf=True,
            strip_accents="unicode",
            dtype=np.float32,
        )

    def _heads(self, features: Any, codes: Codes, seed: int) -> tuple[Floats, Floats]:
        passing = self._passing(codes)
        weights = np.zeros((codes.shape[1], features.shape[1]), np.float32)
        bias = np.full(codes.shape[1], -1.0, np.float32)
        gate = self._gate_columns()
        for column in np.flatnonzero(self.learnt):
            rows = codes[:, column] >= 0
            if column not in gate:
                rows &= passing
            true = codes[rows, column] == 1
            if true.sum() < 2 or true.all():
                continue
            # Rare labels weigh more, but less than "balanced", which calls far too many.
            boost = min(float(np.sqrt((~true).sum() / true.sum())), 8.0)
            head = LinearSVC(C=_COST, class_weight={True: boost, False: 1.0}, random_state=seed)
            head.fit(features[np.flatnonzero(rows)], true)
            weights[column], bias[column] = head.coef_[0], head.intercept_[0]
        return weights, bias

    def _sigmoids(self, margins: NDArray[np.float64], codes: Codes) -> Floats:
        """Platt's slope and intercept per label, (L, 2), from out-of-fold margins."""
        platt = np.zeros((codes.shape[1], 2), np.float32)
        platt[:, 1] = -10.0
        passing = self._passing(codes)
        for column in np.flatnonzero(self.learnt):
            rows = codes[:, column] >= 0
            if column not in self._gate_columns():
                rows &= passing
            true = codes[rows, column] == 1
            if true.any() and not true.all():
                fit = LogisticRegression(C=100.0).fit(margins[rows, column][:, None], true)
                platt[column] = max(float(fit.coef_[0, 0]), 0.0), fit.intercept_[0]
        return platt

    def _choose(self, scores: Floats, codes: Codes) -> Floats:
        """The threshold of best F1 per label, shrunk to the pooled one of its dimension."""
        chosen = np.full(codes.shape[1], 2.0, np.float32)
        for dimension in self.codebook.dimensions:
            columns = [c for c in self.codebook.columns(dimension.id) if self.learnt[c]]
            if not columns:
                continue
            pooled = best_threshold(scores[:, columns], codes[:, columns])
            for column in columns:
                own = best_threshold(scores[:, [column]], codes[:, [column]])
                trust = min(int((codes[:, column] == 1).sum()) / _SHRINK, 1.0)
                chosen[column] = trust * own + (1 - trust) * pooled
        return chosen

    # ------------------------------------------------------------------ predicting

    def predict_proba(self, texts: Texts, progress: Progress = silent) -> Floats:
        """Shape (n, L), in [0, 1]."""
        if self._words is None:
            raise InputError("the linear tagger has learnt nothing yet; run: review train")
        margins = np.zeros((len(texts), len(self._bias)), np.float64)
        batch = 2000
        for start in range(0, len(texts), batch):
            rows = range(start, min(start + batch, len(texts)))
            part = texts.take(rows)
            features = _stack(self._words.transform(part.joined()), self._evidence(part, silent))
            margins[rows.start : rows.stop] = features @ self._weights.T + self._bias
            progress("linear tagger", rows.stop, len(texts))
        return self._probabilities(margins)

    def thresholds(self) -> Floats:
        """Shape (L,); 2 for labels that were never learnt."""
        return self._thresholds

    def _probabilities(self, margins: NDArray[np.float64]) -> Floats:
        scores = 1 / (1 + np.exp(-(margins * self._platt[:, 0] + self._platt[:, 1])))
        if self.codebook.gate:
            gate = self.codebook.label_ids().index(self.codebook.gate)
            others = np.ones(scores.shape[1], np.bool_)
            others[list(self._gate_columns())] = False
            scores[:, others] *= 1 - scores[:, [gate]]
        return scores.astype(np.float32)

    def _passing(self, codes: Codes) -> Bools:
        if not self.codebook.gate:
            return np.ones(len(codes), np.bool_)
        passing: Bools = codes[:, self.codebook.label_ids().index(self.codebook.gate)] != 1
        return passing

    def _gate_columns(self) -> set[int]:
        gate = self.codebook.gate
        return set(self.codebook.columns(gate.split(".")[0])) if gate else set()

    def _evidence(self, texts: Texts, progress: Progress) -> Floats:
        return self._rules.predict_proba(texts, progress) * _EVIDENCE

    # ------------------------------------------------------------------ keeping

    def save(self, folder: Path) -> None:
        """``linear.npz`` (weights, float32) and ``linear.json`` (vocabulary, codebook)."""
        if self._words is None:
            raise InputError("the linear tagger has learnt nothing yet; run: review train")
        np.savez_compressed(
            folder / "linear.npz",
            weights=self._weights.astype(np.float16),
            bias=self._bias,
            platt=self._platt,
            thresholds=self._thresholds,
            idf=self._words.idf_.astype(np.float32),
            learnt=self.learnt,
        )
        words = sorted(self._words.vocabulary_, key=self._words.vocabulary_.__getitem__)
        told = {"tagger": self.name, "codebook": self.codebook.hash, "words": words}
        (folder / "linear.json").write_text(json.dumps(told, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, folder: Path, codebook: Codebook) -> Self:
        """Read a saved model.

        Raises:
            InputError: no model there, or one of another codebook.

        """
        try:
            told = json.loads((folder / "linear.json").read_text("utf-8"))
            with np.load(folder / "linear.npz", allow_pickle=False) as arrays:
                held = {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError) as error:
            raise InputError(f"{folder}: no linear model can be read here: {error}") from error
        if told["codebook"] != codebook.hash:
            raise InputError(
                f"{folder}: trained for codebook {told['codebook']}, the present "
                f"{codebook.name} is {codebook.hash}; train it anew with: review train"
            )
        made = cls(codebook)
        made._weights = held["weights"].astype(np.float32)
        made._bias, made._platt = held["bias"], held["platt"]
        made._thresholds, made.learnt = held["thresholds"], held["learnt"]
        made._words = made._vectorizer()
        made._words.vocabulary_ = {word: place for place, word in enumerate(told["words"])}
        made._words.idf_ = held["idf"]
        return made


def best_threshold(scores: Floats, codes: Codes) -> float:
    """The threshold of best F1 over all cells that were asked; .5 without positives.

    >>> best_threshold(np.array([[.2], [.6], [.9]], np.float32), np.array([[0], [1], [1]], np.int8))
    0.4000000059604645
    """
    asked = codes >= 0
    flat, true = scores[asked], codes[asked] == 1
    if not true.any():
        return 0.5
    order = np.argsort(-flat, kind="stable")
    hits = np.cumsum(true[order])
    f1 = 2 * hits / (np.arange(1, len(flat) + 1) + true.sum())
    # Only where the score really falls can a threshold be put.
    falls = np.append(np.diff(flat[order]) < 0, True)
    best = int(np.argmax(np.where(falls, f1, -1)))
    below = flat[order][best + 1] if best + 1 < len(flat) else 0.0
    return float((flat[order][best] + below) / 2)


def _stack(words: Any, evidence: Floats) -> Any:
    return sparse.hstack([words, sparse.csr_matrix(evidence)], format="csr")
