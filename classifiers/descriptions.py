"""Labels by their descriptions alone: a codebook of one's own, with no labelled record or few of them.

Without training a label's probability grows with the cosine between the embeddings of a record and of
the label's title and definition (zero-shot). Training adds ridge regression on the same embeddings to
that prior, so that few examples move it and many outvote it. The constants of the zero-shot probability
were fitted once on the labels of the shipped codebook. It is a first sorting, not a tagger to count
with: on those labels it ranks far above chance and below hand-made keyword rules
(``tests/benchmarks/bench_tagger_few.py`` measures it).
"""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np

from classifiers.codebook import Codebook
from classifiers.linear import LinearTagger
from classifiers.tagger import Codes, Floats, Texts, conditioned
from corpora.errors import InputError
from corpora.progress import Progress, silent

SLOPE, INTERCEPT = 11.2, -5.57
"""Zero-shot probability = sigmoid(SLOPE · cosine + INTERCEPT): pooled over 55 labels of 4,900 records."""

CUT = 0.3
"""The cosine at and above which a label is given without training: of best pooled macro-F1 there."""

PENALTY, PRIOR = 0.3, 0.3

_BATCH = 32


class Described:
    """What the model sees of texts: embeddings (n, d), of length 1, then cosines to the labels (n, L)."""

    def __init__(self, codebook: Codebook) -> None:
        from classifiers.neural.bundle import descriptions
        from classifiers.neural.encoders import locate, need_torch, open_encoder
        from classifiers.neural.model import describe

        need_torch("tagging by descriptions")
        self._tokenizer, encoder = open_encoder(locate().folder)
        self._encoder = encoder.eval()
        self._labels: Floats = describe(self._encoder, self._tokenizer, descriptions(codebook)).numpy()

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
        return np.concatenate([out, out @ self._labels.T], axis=1)

    def save(self, folder: Path) -> None:
        """Nothing: the encoder comes by name and revision."""


class Near:
    """Ridge regression on embeddings, added to the descriptions' cosines."""

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
        cosines = self._evidence.scores(texts, progress)[:, -len(self.learnt) :]
        margins = SLOPE * cosines + INTERCEPT
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
