"""Words and letters, linearly: ridge regression for all labels at once.

Features are TF-IDF of word 1-2-grams and of letter 3-5-grams within words (which meet new model names
and inflections half-way) and the keyword rules' scores; each block has length 1. Ridge regression is
solved in its dual form, (K + λI) a = Y (Saunders et al. 1998), so that one factorisation of the n × n
matrix K serves every label that was asked of the same rows. On the shipped labels it ranks as well as
linear SVMs do, at a small part of their time.
"""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from classifiers.tagger import Codes, Floats
from corpora.errors import InputError

WORDS = 60_000
LETTERS = 60_000
PENALTY = 1.0
EVIDENCE = 0.3
DUAL = 12_000
"""Rows above which the n × n matrix would be unreasonable (0.6 GB); more are refused with a hint."""


class Lexical:
    """The model of one training; ``width`` labels."""

    def __init__(self) -> None:
        self._words = _words()
        self._letters = _letters()
        self.weights: Floats = np.zeros((0, 0), np.float32)
        """Shape (features, L); the last rows are the evidence's."""
        self.bias: Floats = np.zeros(0, np.float32)

    def fit(self, texts: list[str], evidence: Floats, codes: Codes) -> Self:
        """Learn from texts (n), evidence (n, E) and codes (n, L), -1 masked."""
        if len(texts) > DUAL:
            raise InputError(
                f"{len(texts):,} labelled records: the linear model learns from at most {DUAL:,}; "
                "label a random sample of them"
            )
        words = self._words.fit_transform(texts)
        letters = self._letters.fit_transform(texts)
        features = _joined(words, letters, evidence)
        kernel = np.asarray((features @ features.T).todense(), np.float32)
        size = codes.shape[1]
        self.weights = np.zeros((features.shape[1], size), np.float32)
        self.bias = np.zeros(size, np.float32)
        asked = codes >= 0
        for columns in _alike(asked):
            rows = np.flatnonzero(asked[:, columns[0]])
            if not len(rows):
                continue
            target = (codes[rows][:, columns] == 1).astype(np.float32)
            mean = target.mean(axis=0)
            ridge = kernel[np.ix_(rows, rows)] + PENALTY * np.eye(len(rows), dtype=np.float32)
            dual = linalg.solve(ridge, target - mean, assume_a="pos", overwrite_a=True)
            self.weights[:, columns] = features[rows].T @ dual.astype(np.float32)
            self.bias[columns] = mean
        return self

    def margins(self, texts: list[str], evidence: Floats) -> Floats:
        """Scores (n, L), about 0 to 1, not calibrated."""
        features = _joined(self._words.transform(texts), self._letters.transform(texts), evidence)
        out: Floats = np.asarray(features @ self.weights + self.bias, np.float32)
        return out

    # ------------------------------------------------------------------ keeping

    def compact(self, most: int | None = None) -> Self:
        """Round the model to what `save` keeps of it, so that what is measured is what is loaded."""
        self._take(self._small(most))
        return self

    def _small(self, most: int | None) -> dict[str, NDArray[Any]]:
        split = len(self._words.vocabulary_) + len(self._letters.vocabulary_)
        strength = np.abs(self.weights).max(axis=1)
        strength[split:] = np.inf
        kept = np.sort(np.argsort(-strength, kind="stable")[: most or len(strength)])
        scale = np.abs(self.weights[kept]).max(axis=0) / (127 if most else 1) + 1e-12
        held = self.weights[kept[kept < split]] / scale
        return {
            "kept": kept[kept < split].astype(np.int32),
            "small": np.round(held).astype(np.int8) if most else held.astype(np.float16),
            "scale": scale.astype(np.float32),
            "evidence": self.weights[split:].astype(np.float32),
            "bias": self.bias,
            "idf_words": self._words.idf_.astype(np.float16),
            "idf_letters": self._letters.idf_.astype(np.float16),
        }

    def _take(self, held: dict[str, NDArray[Any]]) -> None:
        split = len(held["idf_words"]) + len(held["idf_letters"])
        self._words.idf_ = held["idf_words"].astype(np.float32)
        self._letters.idf_ = held["idf_letters"].astype(np.float32)
        self.weights = np.zeros((split + len(held["evidence"]), len(held["bias"])), np.float32)
        self.weights[held["kept"]] = held["small"].astype(np.float32) * held["scale"]
        self.weights[split:] = held["evidence"]
        self.bias = held["bias"]

    def save(self, folder: Path, *, most: int | None = None) -> None:
        """``lexical.npz`` (weights) and ``lexical.json`` (the n-grams).

        With ``most`` only the weights of the n-grams that matter most are kept, in 8 bits with a
        scale a label; else all of them in float16.
        """
        np.savez_compressed(folder / "lexical.npz", **self._small(most))  # type: ignore[arg-type]
        told = {"words": _in_order(self._words), "letters": _in_order(self._letters)}
        (folder / "lexical.json").write_text(
            json.dumps(told, ensure_ascii=False, separators=(",", ":")), "utf-8"
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: it is not there or cannot be read.

        """
        try:
            told = json.loads((folder / "lexical.json").read_text("utf-8"))
            with np.load(folder / "lexical.npz", allow_pickle=False) as arrays:
                held = {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError) as error:
            raise InputError(f"{folder}: no linear model can be read here: {error}") from error
        made = cls()
        for vectorizer, name in ((made._words, "words"), (made._letters, "letters")):
            vectorizer.vocabulary_ = {word: place for place, word in enumerate(told[name])}
        made._take(held)
        return made


def _words() -> TfidfVectorizer:
    return TfidfVectorizer(
        ngram_range=(1, 2),
        min_df=2,
        max_features=WORDS,
        sublinear_tf=True,
        strip_accents="unicode",
        dtype=np.float32,
    )


def _letters() -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(3, 5),
        min_df=4,
        max_features=LETTERS,
        sublinear_tf=True,
        dtype=np.float32,
    )


def _joined(words: Any, letters: Any, evidence: Floats) -> Any:
    return sparse.hstack([words, letters, sparse.csr_matrix(evidence * EVIDENCE)], format="csr")


def _alike(asked: NDArray[np.bool_]) -> list[list[int]]:
    """Columns grouped by the rows they were asked of.

    >>> _alike(np.array([[True, True, False], [True, True, True]]))
    [[0, 1], [2]]
    """
    groups: dict[bytes, list[int]] = {}
    for column in range(asked.shape[1]):
        groups.setdefault(asked[:, column].tobytes(), []).append(column)
    return list(groups.values())


def _in_order(vectorizer: TfidfVectorizer) -> list[str]:
    return sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
