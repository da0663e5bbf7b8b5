"""Capture and recapture: how many relevant records exist, from how many learners find each.

Bron et al. 2024, arXiv 2404.01176: learners are occasions on which a relevant record is captured or
not; records that only one learner finds hint at records that none finds.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError
from review.screening.stopping.base import Bools, Claim, Screened, Verdict, share, written

Floats = NDArray[np.float64]

LEAST = 5
"""With fewer relevant records found no estimate is made."""


def frequencies(occasions: Bools) -> Floats:
    """f_1 … f_t: how many records were captured on exactly k of t occasions."""
    times = occasions.sum(axis=1)
    return np.bincount(times, minlength=occasions.shape[1] + 1)[1:].astype(np.float64)


def chao(occasions: Bools) -> tuple[float, float]:
    """Chao's lower bound of the number of records, bias-corrected, and the upper end of its interval.

    f0 = (t-1)/t · f1(f1-1)/(2(f2+1)) records were captured by none; the total is what was captured
    plus f0, and at least all rows. Chao 1987, Biometrics 43:783, doi 10.2307/2531532: the variance
    and the log-normal interval are from there too (95 %, two-sided; bias-corrected as in EstimateS).

    >>> total, upper = chao(np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=bool))
    >>> round(total, 3), upper > total
    (4.333, True)
    """
    f, part = frequencies(occasions).tolist(), (occasions.shape[1] - 1) / occasions.shape[1]
    once, twice, seen = f[0], f[1], sum(f)
    unseen = part * once * (once - 1) / (2 * (twice + 1))
    rows = len(occasions)
    if not unseen:
        return float(rows), float(rows)
    variance = (
        part * once * (once - 1) / (2 * (twice + 1))
        + part**2 * once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
        + part**2 * once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    )
    spread = math.exp(1.959964 * math.sqrt(math.log1p(variance / unseen**2)))
    return max(float(rows), seen + unseen), max(float(rows), seen + unseen * spread)


def rivest(occasions: Bools) -> float:
    """Rivest & Baillargeon's lower bound: Chao's as a loglinear model in all frequencies.

    E f_k = C(t, k) · exp(γ + βk + η_k) with η_1 = η_2 = 0 and η_k ≥ 0: those that come out below 0
    are left out and the model is fitted again. exp(γ) records were captured by none; the total is at
    least all rows. Rivest & Baillargeon 2007, Biometrics 63:999, doi 10.1111/j.1541-0420.2007.00779.x.
    """
    from scipy.special import comb

    f, t = frequencies(occasions), occasions.shape[1]
    if not f[0] or not f[1]:  # γ is at its limit, or not determined: Chao's correction covers both
        return chao(occasions)[0]
    k = np.arange(1, t + 1)
    offset = np.log(comb(t, k))
    free = list(range(2, t))
    while True:
        design = np.column_stack([np.ones(t), k, *(np.arange(t) == i for i in free)]).astype(float)
        fitted = _poisson(design, f, offset)
        low = [i for i, value in zip(free, fitted[2:], strict=True) if value < 0]
        if not low:
            return max(float(len(occasions)), float(f.sum() + math.exp(min(fitted[0], 700.0))))
        free = [i for i in free if i not in low]


def _poisson(design: Floats, counts: Floats, offset: Floats) -> Floats:
    """Coefficients of a Poisson regression with log link, by iterated weighted least squares.

    Starts at the counts with half a record more, which keeps empty cells finite; those of an empty
    cell with a coefficient of its own run towards minus infinity and are cut off at exp(-30).
    """
    mean: Floats = counts + 0.5
    beta: Floats = np.zeros(design.shape[1])
    for _ in range(200):
        working = np.log(mean) - offset + (counts - mean) / mean
        root = np.sqrt(mean)
        new, *_ = np.linalg.lstsq(design * root[:, None], working * root, rcond=None)
        mean = np.asarray(np.exp(np.clip(design @ new + offset, -30.0, 30.0)))
        if np.abs(new - beta).max() < 1e-9:
            break
        beta = np.asarray(new)
    return np.asarray(new)


@dataclass(frozen=True)
class Chao:
    """Stop when the records found are ``recall`` of Chao's lower bound of all there are.

    Chao 1987, doi 10.2307/2531532, as a stopping rule by Bron et al. 2024, arXiv 2404.01176. A lower
    bound of the number is an upper bound of recall: optimistic where learners miss the same
    records, and learners that never differ estimate nothing missing. No guarantee.
    """

    recall: float = 0.95
    name: ClassVar[str] = "chao"
    claim: ClassVar[Claim] = "model-based"

    def __post_init__(self) -> None:
        share(self.recall, "recall", self.name)

    def check(self, screened: Screened) -> Verdict:
        """Compare what was found with the estimate; ``lower`` is of the estimate's 95 % interval.

        Raises:
            InputError: fewer than two learners.

        """
        occasions = _occasions(self.name, screened)
        total, upper = chao(occasions) if len(occasions) >= LEAST else (math.nan, math.nan)
        return _verdict(self, len(occasions), total, upper)

    def __str__(self) -> str:
        return written(self)


@dataclass(frozen=True)
class Rivest:
    """As `Chao`, with the estimate from all frequencies.

    Rivest & Baillargeon 2007, doi 10.1111/j.1541-0420.2007.00779.x; as a stopping rule by Bron et al.
    2024, arXiv 2404.01176. No guarantee, for the same reasons.
    """

    recall: float = 0.95
    name: ClassVar[str] = "rivest"
    claim: ClassVar[Claim] = "model-based"

    def __post_init__(self) -> None:
        share(self.recall, "recall", self.name)

    def check(self, screened: Screened) -> Verdict:
        """Compare what was found with the estimate.

        Raises:
            InputError: fewer than two learners.

        """
        occasions = _occasions(self.name, screened)
        return _verdict(self, len(occasions), rivest(occasions) if len(occasions) >= LEAST else math.nan)

    def __str__(self) -> str:
        return written(self)


def _occasions(name: str, screened: Screened) -> Bools:
    occasions = screened.occasions
    if occasions is None or occasions.ndim != 2 or occasions.shape[1] < 2:
        raise InputError(f"{name}: needs at least two learners as occasions; there is no such matrix here")
    return occasions


def _verdict(rule: "Chao | Rivest", found: int, total: float, upper: float | None = None) -> Verdict:
    called = type(rule).__name__
    if math.isnan(total):
        told = f"{called}: {found} relevant records found; an estimate takes {LEAST}."
        return Verdict(str(rule), rule.claim, stop=False, sentence=told)
    recall = found / total
    return Verdict(
        str(rule), rule.claim, recall >= rule.recall,
        f"{called}: at least {total:,.0f} relevant records by the model, {found:,} found: recall of at most "
        f"{100 * recall:.0f} %, an estimate.",
        total, recall, found / upper if upper else None,
    )  # fmt: skip
