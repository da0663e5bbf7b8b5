"""Words, letters and keyword evidence, linearly: the strong model that needs no PyTorch.

The features and the ridge regression are those of `lexical`. Heads other than the gate's learn on the
records that pass the gate and are multiplied by the probability of passing. Slopes, intercepts and
thresholds come from the out-of-fold scores of this very recipe.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from classifiers.blend import Blend, Crossfit, crossfit, fit_blend
from classifiers.codebook import Codebook
from classifiers.evidence import Evidence
from classifiers.folds import grouped_folds
from classifiers.lexical import Lexical
from classifiers.tagger import Bools, Codes, Floats, Texts, fitting, lacking, mapped, passing
from classifiers.thresholds import NEVER
from corpora.errors import InputError
from corpora.progress import Progress, silent

FOLDS = 4
MIN_LEARNT = 4
"""Positives below which a label gets no head: it is never predicted, and the card says so."""

_BATCH = 2000


class LinearTagger:
    """The linear tagger; see the module.

    ``random`` marks rows of a random sample, see `calibrate`; with ``recall`` thresholds keep that share
    of the positives, else they are of best F1.
    """

    name = "linear"

    def __init__(self, codebook: Codebook, random: Bools | None = None, recall: float | None = None) -> None:
        self.codebook = codebook
        self.own = codebook
        """The codebook of the heads; the one asked for may have further dimensions."""
        self.random, self.recall = random, recall
        self.learnt: Bools = np.zeros(len(codebook.label_ids()), np.bool_)
        self.folds: NDArray[np.int64] | None = None
        self.sources: list[Floats] = []
        """Out-of-fold scores, one array (n, L), after `fit`."""
        self._evidence: Any = None
        self._model: Any = None
        self._blend: Blend | None = None

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
        self._evidence = self._clues()
        clues = self._evidence.scores(texts, progress)
        self.learnt = (codes == 1).sum(axis=0) >= MIN_LEARNT
        asked = passing(self.codebook, codes)
        self.folds = grouped_folds(codes, groups, k=FOLDS, seed=seed)
        margins = np.zeros(codes.shape, np.float32)
        for fold in range(FOLDS):
            progress("training the linear tagger", fold, FOLDS + 1)
            inside, outside = np.flatnonzero(self.folds != fold), np.flatnonzero(self.folds == fold)
            model = self._new().fit(texts.take(inside).joined(), clues[inside], asked[inside])
            margins[outside] = model.margins(texts.take(outside).joined(), clues[outside])
        progress("training the linear tagger", FOLDS, FOLDS + 1)
        self.sources = [margins]
        self._blend = fit_blend(self.codebook, self.sources, codes, self.random, self.recall)
        self._blend.thresholds[~self.learnt] = NEVER
        self._model = self._new().fit(texts.joined(), clues, asked)
        progress("training the linear tagger", FOLDS + 1, FOLDS + 1)
        return self

    def _clues(self) -> Any:
        """What the model sees besides the texts."""
        return Evidence(self.codebook)

    def _new(self) -> Any:
        """A model that has learnt nothing."""
        return Lexical()

    def _read(self, folder: Path) -> None:
        """Model and clues as `save` left them."""
        self._model, self._evidence = Lexical.load(folder), Evidence.load(folder, self.own)

    def crossfitted(self, codes: Codes) -> Crossfit:
        """Honest out-of-fold probabilities and thresholds of what `fit` learnt from."""
        if self.folds is None:
            raise InputError("out-of-fold scores are there only after training, not in a loaded model")
        return crossfit(self.codebook, self.sources, codes, self.folds, self.random, self.recall)

    # ------------------------------------------------------------------ predicting

    def predict_proba(self, texts: Texts, progress: Progress = silent) -> Floats:
        """Shape (n, L), in [0, 1]."""
        if self._model is None or self._blend is None or self._evidence is None:
            raise InputError("the linear tagger has learnt nothing yet; run: review train")
        out = np.zeros((len(texts), len(self.learnt)), np.float32)
        for start in range(0, len(texts), _BATCH):
            rows = range(start, min(start + _BATCH, len(texts)))
            part = texts.take(rows)
            margins = self._model.margins(part.joined(), self._evidence.scores(part))
            out[rows.start : rows.stop] = self._blend.probabilities(self.own, [margins])
            progress("linear tagger", rows.stop, len(texts))
        out[:, ~self.learnt] = 0.0
        return mapped(self.own, self.codebook, out, 0.0)

    def thresholds(self) -> Floats:
        """Shape (L,); 2 for labels that were never learnt."""
        if self._blend is None:
            return np.full(len(self.codebook.label_ids()), NEVER, np.float32)
        limits: Floats = mapped(self.own, self.codebook, self._blend.thresholds[None], NEVER)[0]
        return limits

    def lacking(self) -> list[str]:
        """Dimensions of the codebook that the model has no heads for."""
        return lacking(self.own, self.codebook)

    # ------------------------------------------------------------------ keeping

    def save(self, folder: Path) -> None:
        """``linear.json``, ``linear.npz``, ``lexical.*`` and the keyword rules."""
        if self._model is None or self._blend is None or self._evidence is None:
            raise InputError("the linear tagger has learnt nothing yet; run: review train")
        self._model.save(folder)
        self._evidence.save(folder)
        write_linear(folder, self.own, self._blend, self.learnt, self.name)

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
        made = cls(codebook)
        made.own = Codebook.model_validate(told["book"])
        fitting(made.own, codebook, folder)
        made.learnt = held.pop("learnt")
        made._blend = Blend.of(held)
        made._read(folder)
        return made


def write_linear(folder: Path, codebook: Codebook, blend: Blend, learnt: Bools, name: str = "linear") -> None:
    """The decisions of the linear model alone; the model itself is in ``lexical.*``."""
    arrays: dict[str, Any] = {**blend.arrays(), "learnt": learnt}
    np.savez_compressed(folder / "linear.npz", **arrays)
    told = {"tagger": name, "codebook": codebook.hash, "book": codebook.model_dump(mode="json")}
    (folder / "linear.json").write_text(json.dumps(told, ensure_ascii=False) + "\n", "utf-8")
