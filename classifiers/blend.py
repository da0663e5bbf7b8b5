"""Two models as one: a weight per dimension, then calibration and thresholds, all cross-fitted.

Each model's out-of-fold scores are first put on one scale (a slope and an intercept per label), then
averaged with the weight of the dimension that ranks best, and calibrated as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from classifiers.calibrate import Calibration, calibrate
from classifiers.codebook import Codebook
from classifiers.tagger import Bools, Codes, Floats, passing
from classifiers.thresholds import choose, promise

STEPS = 11
"""Weights that are tried: 0, .1, …, 1."""


@dataclass(frozen=True, slots=True)
class Blend:
    """What turns the scores of M models into probabilities, and those into decisions."""

    slopes: Floats
    """Shape (M, L); ``intercepts`` and ``weights`` likewise, weights summing to 1 over M."""
    intercepts: Floats
    weights: Floats
    calibration: Calibration
    thresholds: Floats

    def margins(self, sources: Sequence[Floats]) -> Floats:
        """Blended scores (n, L), before calibration."""
        return _mixed(sources, self.slopes, self.intercepts, self.weights)

    def probabilities(self, codebook: Codebook, sources: Sequence[Floats]) -> Floats:
        """Shape (n, L), in [0, 1], with gate and conditions."""
        return self.calibration.apply(codebook, self.margins(sources))

    def arrays(self) -> dict[str, Floats]:
        """Plain arrays, for a file."""
        own = {"slopes": self.slopes, "intercepts": self.intercepts, "weights": self.weights}
        return {**own, "thresholds": self.thresholds, **self.calibration.arrays()}

    @classmethod
    def of(cls, arrays: dict[str, Floats]) -> "Blend":
        """From what `arrays` gave."""
        return cls(
            arrays["slopes"],
            arrays["intercepts"],
            arrays["weights"],
            Calibration.of(arrays),
            arrays["thresholds"],
        )


def _mixed(sources: Sequence[Floats], slopes: Floats, intercepts: Floats, weights: Floats) -> Floats:
    out = np.zeros_like(sources[0], np.float32)
    for one, slope, intercept, weight in zip(sources, slopes, intercepts, weights, strict=True):
        out += weight * np.clip(one * slope + intercept, -12, 12)
    return out


def fit_blend(
    codebook: Codebook,
    sources: Sequence[Floats],
    codes: Codes,
    random: Bools | None = None,
    recall: float | None = None,
) -> Blend:
    """Weights, calibration and thresholds from out-of-fold scores of one or two models.

    ``random`` marks rows of a simple random sample; see `calibrate`. Thresholds are for F1, or for a
    promised ``recall``.
    """
    asked = passing(codebook, codes)
    fits = [calibrate(codebook, one, asked, bend=False) for one in sources]
    slopes = np.stack([fit.slope for fit in fits])
    intercepts = np.stack([fit.intercept for fit in fits])
    weights = np.full_like(slopes, 1 / len(sources))
    if len(sources) == 2:
        scaled = [np.clip(x * s + b, -12, 12) for x, s, b in zip(sources, slopes, intercepts, strict=True)]
        for dimension in codebook.dimensions:
            columns = codebook.columns(dimension.id)
            best = _weight(scaled[0][:, columns], scaled[1][:, columns], asked[:, columns])
            weights[0, columns], weights[1, columns] = best, 1 - best
    mixed = _mixed(sources, slopes, intercepts, weights)
    calibration = calibrate(codebook, mixed, asked, random)
    chances = calibration.apply(codebook, mixed)
    thresholds = (
        choose(codebook, chances, codes) if recall is None else promise(codebook, chances, codes, recall)
    )
    return Blend(slopes, intercepts, weights, calibration, thresholds)


def _weight(one: Floats, two: Floats, asked: Codes) -> float:
    """The first model's weight of best mean average precision; half and half where nothing can be told."""
    found = np.zeros(STEPS)
    for step in range(STEPS):
        share = step / (STEPS - 1)
        mixed = share * one + (1 - share) * two
        values = []
        for column in range(one.shape[1]):
            rows = asked[:, column] >= 0
            true = asked[rows, column] == 1
            if 5 <= true.sum() < len(true):
                values.append(average_precision_score(true, mixed[rows, column]))
        found[step] = np.mean(values) if values else 0.0
    if not found.any():
        return 0.5
    # The curve is flat at its top: the middle of what comes within a thousandth is the steadier choice.
    return float(np.mean(np.flatnonzero(found >= found.max() - 0.001)) / (STEPS - 1))


@dataclass(frozen=True, slots=True)
class Crossfit:
    """Out-of-fold probabilities and thresholds (n, L); no row helped to calibrate itself."""

    scores: Floats
    thresholds: Floats


def crossfit(
    codebook: Codebook,
    sources: Sequence[Floats],
    codes: Codes,
    folds: NDArray[np.int64],
    random: Bools | None = None,
    recall: float | None = None,
) -> Crossfit:
    """For each fold the blend, the calibration and the thresholds that the other folds give."""
    scores = np.zeros_like(sources[0], np.float32)
    limits = np.zeros_like(scores)
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        made = fit_blend(
            codebook,
            [one[inside] for one in sources],
            codes[inside],
            None if random is None else random[inside],
            recall,
        )
        scores[outside] = made.probabilities(codebook, [one[outside] for one in sources])
        limits[outside] = made.thresholds
    return Crossfit(scores, limits)
