"""From scores to probabilities, by out-of-fold scores.

A label's probability is sigmoid(slope · score + intercept): a temperature and an intercept (Platt
1999; Guo et al. 2017, arXiv:1706.04599). Within a dimension of kind ``one`` the slope is common and a
softmax follows. Only above `ISOTONIC` positives a monotone curve (Zadrozny & Elkan 2002) may bend it,
and only where it lowers the cross-fitted Brier score. Intercepts are fitted on a random sample where
one is known, for the shares of an enriched sample are not the literature's. Slopes of labels with under
`FEW` positives are shrunk towards their dimension's pooled one.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from classifiers.codebook import Codebook
from classifiers.tagger import Bools, Codes, Floats, conditioned

FEW = 50
ISOTONIC = 200
_KNOTS = 24


@dataclass(frozen=True, slots=True)
class Calibration:
    """Per label: slope, intercept and, for some, the knots (x, y) of a monotone curve."""

    slope: Floats
    intercept: Floats
    curves: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)

    def apply(self, codebook: Codebook, scores: Floats) -> Floats:
        """Probabilities (n, L) from scores (n, L), with gate and conditions of the codebook."""
        return conditioned(codebook, self.plain(codebook, scores))

    def plain(self, codebook: Codebook, scores: Floats) -> Floats:
        """The same before gate and conditions: P(label | the record was asked)."""
        margins = np.clip(scores * self.slope + self.intercept, -30, 30)
        out = 1 / (1 + np.exp(-margins))
        for column, (x, y) in self.curves.items():
            out[:, column] = np.interp(out[:, column], x, y)
        for dimension in codebook.dimensions:
            if dimension.kind == "one":
                columns = codebook.columns(dimension.id)
                part = margins[:, columns] - margins[:, columns].max(axis=1, keepdims=True)
                out[:, columns] = np.exp(part) / np.exp(part).sum(axis=1, keepdims=True)
        held: Floats = out.astype(np.float32)
        return held

    def arrays(self) -> dict[str, Floats]:
        """Plain arrays, for a file."""
        held = {"slope": self.slope, "intercept": self.intercept}
        for column, (x, y) in self.curves.items():
            held[f"curve_{column}"] = np.stack([x, y]).astype(np.float32)
        return held

    @classmethod
    def of(cls, arrays: dict[str, Floats]) -> "Calibration":
        """From what `arrays` gave."""
        curves = {
            int(n.removeprefix("curve_")): (a[0], a[1]) for n, a in arrays.items() if n.startswith("curve_")
        }
        return cls(arrays["slope"], arrays["intercept"], curves)


def calibrate(
    codebook: Codebook, scores: Floats, codes: Codes, random: Bools | None = None, *, bend: bool = True
) -> Calibration:
    """Fit on out-of-fold scores (n, L) and the codes that were asked (n, L; -1 masked).

    ``random`` marks the rows of a simple random sample, (n,), on which intercepts are fitted.
    """
    size = scores.shape[1]
    slope, intercept = np.ones(size), np.full(size, -10.0)
    curves: dict[int, tuple[Floats, Floats]] = {}
    random = np.ones(len(codes), np.bool_) if random is None or not random.any() else random
    for dimension in codebook.dimensions:
        columns = codebook.columns(dimension.id)
        pooled = _pooled_slope(scores[:, columns], codes[:, columns])
        if dimension.kind == "one":
            given = codes[:, columns]
            told = (given >= 0).all(axis=1) & (given == 1).any(axis=1)
            if told.any():
                rows = random[told] if (told & random).sum() >= FEW else np.ones(int(told.sum()), np.bool_)
                truth = given[told].argmax(axis=1).astype(np.int64)
                slope[columns], intercept[columns] = _temper(scores[told][:, columns], truth, rows, pooled)
            continue
        for column in columns:
            asked = codes[:, column] >= 0
            true = codes[asked, column] == 1
            if not true.any():
                continue
            if true.all():
                intercept[column] = 10.0
                continue
            own = _slope(scores[asked, column], true)
            trust = min(int(true.sum()) / FEW, 1.0)
            slope[column] = trust * own + (1 - trust) * pooled
            rows = asked & random
            margins = slope[column] * scores[:, column]
            intercept[column] = _intercept(margins, codes[:, column] == 1, asked, rows)
            if bend and true.sum() > ISOTONIC:
                chance = 1 / (1 + np.exp(-(margins[asked] + intercept[column])))
                curve = _curve(chance, true, rows[asked])
                if curve is not None:
                    curves[column] = curve
    return Calibration(slope.astype(np.float32), intercept.astype(np.float32), curves)


def _slope(scores: NDArray[Any], true: Bools) -> float:
    return max(logistic(scores, true)[0], 0.01)


def logistic(scores: NDArray[Any], true: NDArray[Any], penalty: float = 0.01) -> tuple[float, float]:
    """Slope and intercept of a logistic regression on one feature, by Newton's method.

    The slope is penalised by ½ · penalty · slope², on standardised scores, which keeps it finite where
    the classes are apart.

    >>> slope, intercept = logistic(np.array([-2.0, -1, 0, 1, 2]), np.array([0, 1, 0, 1, 1]))
    >>> round(slope, 2), round(intercept, 2)
    (1.07, 0.62)
    """
    x, y = scores.astype(np.float64), true.astype(np.float64)
    center, spread = float(x.mean()), float(x.std()) or 1.0
    x = (x - center) / spread
    share = float(np.clip(y.mean(), 1e-6, 1 - 1e-6))
    found = np.array([0.0, np.log(share / (1 - share))])
    best = _cost(found, x, y, penalty)
    for _ in range(60):
        chance = 1 / (1 + np.exp(-np.clip(found[0] * x + found[1], -35, 35)))
        error, weight = y - chance, chance * (1 - chance)
        gradient = np.array([error @ x - penalty * found[0], error.sum()])
        cross = float(weight @ x)
        hessian = np.array([[weight @ (x * x) + penalty, cross], [cross, weight.sum()]])
        step = np.linalg.solve(hessian + 1e-9 * np.eye(2), gradient)
        # Newton's full step can overshoot where positives are few: it is halved until it helps.
        size, cost = 1.0, _cost(found + step, x, y, penalty)
        while cost > best and size > 1e-6:
            size /= 2
            cost = _cost(found + size * step, x, y, penalty)
        if best - cost < 1e-9 * max(best, 1.0):
            break
        found, best = found + size * step, cost
    return float(found[0] / spread), float(found[1] - found[0] * center / spread)


def _cost(found: NDArray[Any], x: NDArray[Any], y: NDArray[Any], penalty: float) -> float:
    margins = found[0] * x + found[1]
    return float(np.logaddexp(0, margins).sum() - y @ margins + penalty * found[0] ** 2 / 2)


def _softmax(margins: NDArray[Any]) -> NDArray[Any]:
    part = np.exp(margins - margins.max(axis=1, keepdims=True))
    out: NDArray[Any] = part / part.sum(axis=1, keepdims=True)
    return out


def _temper(
    scores: NDArray[Any], truth: NDArray[np.int64], rows: Bools, scale: float
) -> tuple[float, NDArray[Any]]:
    """Temperature and intercepts (K,) of a softmax over K labels, by likelihood.

    ``truth`` (n,) is the label that holds; on the ``rows`` (n,) the intercepts are fitted: they make
    the mean probability of each label its share there (half a record is added to each).
    """
    size = scores.shape[1]
    held = np.bincount(truth[rows], minlength=size) + 0.5
    share = held / held.sum()
    found: tuple[float, float, NDArray[Any]] = (np.inf, 1.0, np.zeros(size))
    for factor in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5):
        margins = factor * scale * scores
        shift = np.zeros(size)
        for _ in range(40):
            shift += np.log(share) - np.log(_softmax(margins[rows] + shift).mean(axis=0) + 1e-9)
        chance = _softmax(margins + shift)[np.arange(len(truth)), truth]
        loss = float(-np.log(chance + 1e-9).mean())
        found = min(found, (loss, factor * scale, shift), key=lambda one: one[0])
    return found[1], found[2]


def _pooled_slope(scores: Floats, codes: Codes) -> float:
    asked = codes >= 0
    true = codes[asked] == 1
    return _slope(scores[asked], true) if true.any() and not true.all() else 1.0


def _intercept(margins: NDArray[Any], true: Bools, asked: Bools, rows: Bools) -> float:
    """The shift that makes the mean probability the share; few random positives lean on all rows."""
    everywhere = _shift(margins[asked], float(true[asked].sum()))
    held = int(true[rows].sum())
    if held == 0 or rows.sum() < 50:
        return everywhere
    trust = held / (held + 5)
    return trust * _shift(margins[rows], float(held)) + (1 - trust) * everywhere


def _shift(margins: NDArray[Any], positives: float) -> float:
    """b with Σ sigmoid(margin + b) = positives, by bisection (half a positive is added, never 0 or n)."""
    wanted = min(max(positives, 0.5), len(margins) - 0.5)
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        total = (1 / (1 + np.exp(-np.clip(margins + middle, -40, 40)))).sum()
        low, high = (middle, high) if total < wanted else (low, middle)
    return (low + high) / 2


def _curve(chance: NDArray[Any], true: Bools, rows: Bools) -> tuple[Floats, Floats] | None:
    """Knots of an isotonic fit on the random rows if it lowers the Brier score on rows left out."""
    if true[rows].sum() <= ISOTONIC:
        return None
    chance, true = chance[rows], true[rows]
    half = np.arange(len(true)) % 5
    bent = np.empty(len(true))
    for part in range(5):
        fit = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(
            chance[half != part], true[half != part]
        )
        bent[half == part] = fit.predict(chance[half == part])
    if ((bent - true) ** 2).mean() >= ((chance - true) ** 2).mean():
        return None
    whole = IsotonicRegression(y_min=0.002, y_max=0.998, out_of_bounds="clip").fit(chance, true)
    x = np.unique(np.quantile(chance, np.linspace(0, 1, _KNOTS)))
    # A little of the identity keeps the order of scores within a step.
    y = 0.98 * whole.predict(x) + 0.02 * x
    return x.astype(np.float32), y.astype(np.float32)
