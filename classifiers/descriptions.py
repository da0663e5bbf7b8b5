"""Labels by their descriptions alone: a codebook of one's own, with no labelled record or few of them.

Without training a label's probability grows with its likeness to a record (zero-shot): the cosine between
the embeddings of the record and of the label's title and definition, and the share of the title's and of
the definition's words that stand in the record, words of few labels counting more. Training adds ridge
regression on the same embeddings to that prior, so that few examples move it and many outvote it. The
constants of the zero-shot probability were fitted once on the labels of the shipped codebook. It is a
first sorting, not a tagger to count with: on those labels it ranks about as well as hand-made keyword
rules do (``tests/benchmarks/bench_tagger_few.py`` measures it).
"""

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from classifiers.codebook import Codebook
from classifiers.linear import LinearTagger
from classifiers.tagger import Codes, Floats, Texts, conditioned
from corpora.errors import InputError
from corpora.progress import Progress, silent

SLOPE, INTERCEPT = 8.45, -5.46
"""Zero-shot probability = sigmoid(SLOPE · likeness + INTERCEPT): pooled over 55 labels of 1,600 records."""

CUT = 0.45
"""The likeness at and above which a label is given without training: of best macro-F1 there."""

PENALTY, PRIOR = 0.3, 0.3

WORDS = 0.4
"""Weight of each of the two word matches beside the cosine; between .1 and .4 little changes."""

STEM = 6
"""Letters by which words are compared: a crude stem."""

_BATCH = 32


class Described:
    """What the model sees of texts: embeddings (n, d), of length 1, then likenesses to the labels (n, L)."""

    def __init__(self, codebook: Codebook) -> None:
        from classifiers.neural.bundle import descriptions
        from classifiers.neural.encoders import locate, need_torch, open_encoder
        from classifiers.neural.model import describe

        need_torch("tagging by descriptions")
        self._tokenizer, encoder = open_encoder(locate().folder)
        self._encoder = encoder.eval()
        self._labels: Floats = describe(self._encoder, self._tokenizer, descriptions(codebook)).numpy()
        self._words = Matching(codebook)

    def scores(self, texts: Texts, progress: Progress = silent) -> Floats:
        """Shape (n, d + L)."""
        from classifiers.neural.model import describe

        joined = [f"{text.strip() or '-'}" for text in texts.joined()]
        order = sorted(range(len(joined)), key=lambda row: len(joined[row]))
        out = np.zeros((len(joined), self._labels.shape[1]), np.float32)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            part = [joined[row] for row in rows]
            out[rows] = describe(self._encoder, self._tokenizer, part, 384).numpy()
            progress("embedding texts", min(start + _BATCH, len(order)), len(order))
        likeness = out @ self._labels.T + WORDS * self._words.scores(joined)
        return np.concatenate([out, likeness], axis=1)

    def save(self, folder: Path) -> None:
        """Nothing: the encoder comes by name and revision."""


class Matching:
    """How much of a label's own words stands in a text."""

    def __init__(self, codebook: Codebook) -> None:
        labels = [label for dimension in codebook.dimensions for label in dimension.labels]
        self._parts = [(stems(label.title), stems(label.definition)) for label in labels]
        held = Counter(word for title, definition in self._parts for word in {*title, *definition})
        self._rarity = {word: math.log(1 + len(labels) / count) for word, count in held.items()}

    def scores(self, texts: list[str]) -> Floats:
        """Shape (n, L), 0 to 2: a share of the title's words and one of the definition's, by rarity.

        A word that stands there c times counts c / (c + 1).
        """
        out = np.zeros((len(texts), len(self._parts)), np.float32)
        for row, text in enumerate(texts):
            found = Counter(stems(text))
            worth = {word: rarity * found[word] / (found[word] + 1)
                     for word, rarity in self._rarity.items() if word in found}  # fmt: skip
            for column, parts in enumerate(self._parts):
                out[row, column] = sum(self._share(part, worth) for part in parts)
        return out

    def _share(self, words: list[str], worth: dict[str, float]) -> float:
        whole = sum(self._rarity[word] for word in set(words))
        return sum(worth.get(word, 0.0) for word in set(words)) / whole if whole else 0.0


def stems(text: str) -> list[str]:
    """The words of a text that say something, by their first letters.

    >>> stems("Use of Large Language Models")
    ['use', 'large', 'langua', 'models']
    """
    words = re.findall(r"[^\W_]{3,}", text.lower())
    return [word[:STEM] for word in words if word not in ENGLISH_STOP_WORDS]


class Near:
    """Ridge regression on embeddings, added to the descriptions' likenesses."""

    def __init__(self) -> None:
        self.weights: Floats = np.zeros((0, 0), np.float32)
        self.bias: Floats = np.zeros(0, np.float32)

    def fit(self, texts: list[str], clues: Floats, codes: Codes) -> Self:
        """Learn from clues (n, d + L) and codes (n, L), -1 masked."""
        del texts
        size = codes.shape[1]
        seen = clues[:, :-size].astype(np.float64)
        self.weights = np.zeros((seen.shape[1], size), np.float32)
        self.bias = np.zeros(size, np.float32)
        for column in range(size):
            asked = codes[:, column] >= 0
            target = (codes[asked, column] == 1).astype(float)
            if not target.any():
                continue
            features = seen[asked]
            gram = features.T @ features + PENALTY * np.eye(seen.shape[1])
            self.weights[:, column] = np.linalg.solve(gram, features.T @ (target - target.mean()))
            self.bias[column] = target.mean()
        return self

    def margins(self, texts: list[str], clues: Floats) -> Floats:
        """Scores (n, L), not calibrated."""
        del texts
        size = len(self.bias)
        out: Floats = clues[:, :-size] @ self.weights + self.bias + PRIOR * clues[:, -size:]
        return out

    def save(self, folder: Path) -> None:
        """``near.npz``."""
        np.savez_compressed(folder / "near.npz", weights=self.weights, bias=self.bias)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        made = cls()
        with np.load(folder / "near.npz", allow_pickle=False) as arrays:
            made.weights, made.bias = arrays["weights"], arrays["bias"]
        return made


class DescriptionTagger(LinearTagger):
    """The tagger; see the module."""

    name = "descriptions"

    def _clues(self) -> Any:
        return Described(self.own)

    def _new(self) -> Any:
        return Near()

    def _read(self, folder: Path) -> None:
        self._model, self._evidence = Near.load(folder), self._clues()

    def predict_proba(self, texts: Texts, progress: Progress = silent) -> Floats:
        """Shape (n, L), in [0, 1]; zero-shot until `fit` was called."""
        if self._model is not None:
            return super().predict_proba(texts, progress)
        if self._evidence is None:
            self._evidence = self._clues()
        likeness = self._evidence.scores(texts, progress)[:, -len(self.learnt) :]
        margins = SLOPE * likeness + INTERCEPT
        out = 1 / (1 + np.exp(-margins))
        for dimension in self.codebook.dimensions:
            if dimension.kind == "one":
                columns = self.codebook.columns(dimension.id)
                part = np.exp(margins[:, columns] - margins[:, columns].max(axis=1, keepdims=True))
                out[:, columns] = part / part.sum(axis=1, keepdims=True)
        return conditioned(self.codebook, out.astype(np.float32))

    def thresholds(self) -> Floats:
        """Shape (L,)."""
        if self._blend is not None:
            return super().thresholds()
        return np.full(len(self.learnt), 1 / (1 + np.exp(-(SLOPE * CUT + INTERCEPT))), np.float32)

    def save(self, folder: Path) -> None:
        """A trained model as the linear one is kept; untrained only a note of the codebook."""
        if self._model is not None:
            super().save(folder)
            return
        told = {"tagger": self.name, "codebook": self.codebook.hash}
        (folder / "zero.json").write_text(json.dumps(told) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path, codebook: Codebook) -> Self:
        """Read a saved model, trained or not."""
        if (folder / "zero.json").is_file():
            return cls(codebook)
        made = super().load(folder, codebook)
        if made.name != cls.name:
            raise InputError(f"{folder}: holds another tagger's model")
        return made
