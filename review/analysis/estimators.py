"""Shares corrected by an audit: estimators over strata, for many cells at once.

A corpus of N studies has strata h of N_h, of which n_h were audited at random without replacement;
w = N_h / n_h. A *cell* is a share: its domain D is known (a year), within it z says who has the label
and e who counts in the denominator, z ≤ e ≤ D; ẑ and ê are what the tagger says of the same. With a
weight λ on the tagger's word

    Z(λ) = λ Σ_corpus ẑ + Σ_audit w (z - λ ẑ)      E(λ) likewise of e      share R = Z / E

λ = 0 is the audit alone (Hájek's ratio, 1971); λ = 1 the difference estimator (Särndal, Swensson &
Wretman 1992, ch. 6, doi 10.1007/978-1-4612-4378-6; Angelopoulos et al. 2023, doi
10.1126/science.adi6000); the tuned λ is PPI++ (Angelopoulos, Duchi & Zrnic 2023, arXiv 2311.01453)
over strata (Fisch et al. 2024, arXiv 2406.04291): one λ a cell, since strata are small. Where e is
predicted too, numerator and denominator are both corrected; where it is known, ê = e and E is exact
at λ = 1. The variance is Taylor's for a ratio,

    V = Σ_h N_h² (1 - n_h/N_h) s_h² / n_h / E²,   s_h² the variance of d = (z - R e) - λ (ẑ - R ê) in h.

A *mix* of cells, S = Σ_c m_c R_c with fixed weights m (a share standardised to a fixed mix of sources),
is linearised as a whole: the same V with Σ_c m_c d_c / E_c for d / E, so that cells audited by one
sample keep their covariance (Särndal et al. 1992, 5.5).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]
Estimand = Literal["corpus", "literature"]

ADDED = 0.5
"""Added to the audit's false positives and to its false negatives; see `_added`."""

PRIOR = 2.0
"""Audited agreements, each on one positive, by which the tuned λ is drawn towards 1."""

_NOBODY = 1e-6
"""Studies below the line that are none: sums of weights miss an exact zero by rounding."""

_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Population:
    """What the tagger says of all studies: sums (H strata, C cells), ``sizes`` (H,)."""

    sizes: Floats
    domain: Floats
    eligible: Floats
    positive: Floats

    @classmethod
    def of(
        cls, strata: NDArray[np.int64], count: int, domain: Floats, eligible: Floats, positive: Floats
    ) -> "Population":
        """Sum 0/1 matrices (N, C); ``strata`` (N,) are numbers below ``count``."""
        sums = [counted(strata, count, one > 0) for one in (domain, eligible, positive)]
        return cls(np.bincount(strata, minlength=count).astype(np.float64), *sums)


@dataclass(frozen=True, slots=True)
class Sample:
    """The audited studies: 0/1 matrices (n, C); ``said_`` is the tagger's word on them."""

    strata: NDArray[np.int64]
    domain: Floats
    eligible: Floats
    positive: Floats
    said_eligible: Floats
    said_positive: Floats


@dataclass(frozen=True, slots=True)
class Estimates:
    """One entry a cell, or a mix of cells; NaN where nothing can be said.

    ``low`` and ``high`` are within [0, 1]; ``tuning`` is each cell's λ.
    """

    share: Floats
    low: Floats
    high: Floats
    tuning: Floats


def counted(strata: NDArray[np.int64], count: int, who: NDArray[np.bool_]) -> Floats:
    """How many of each stratum, (count, C), for a mask (N, C); ``strata`` (N,) are numbers below ``count``.

    A product with the strata's own masks, a few thousand rows at a time: single precision holds
    whole numbers up to 2²⁴, so that every sum is exact.

    >>> counted(np.array([0, 1, 0]), 2, np.array([[True], [True], [True]])).tolist()
    [[2.0], [1.0]]
    """
    made = np.zeros((count, who.shape[1]))
    for start in range(0, len(who), _ROWS):
        rows = slice(start, start + _ROWS)
        inside = np.arange(count)[:, None] == strata[rows]
        made += inside.astype(np.float32) @ who[rows].astype(np.float32)
    return made


def naive(population: Population) -> Floats:
    """Σ ẑ / Σ ê: what the tagger says, uncorrected."""
    return _ratio(population.positive.sum(axis=0), population.eligible.sum(axis=0))


def mixed(values: Floats, mix: Floats) -> Floats:
    """Weighted sums (…, G) of cells (…, C) by a mix (C, G); NaN where a cell of some weight is NaN."""
    absent = np.isnan(values) @ (mix != 0)
    made: Floats = np.where(absent > 0, np.nan, np.nan_to_num(values) @ mix)
    return made


def audited(sample: Sample) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Audited studies in each cell's domain, and those on which tagger and person differ there."""
    differ = (sample.positive != sample.said_positive) | (sample.eligible != sample.said_eligible)
    inside = sample.domain > 0
    return inside.sum(axis=0), (differ & inside).sum(axis=0)


def corrected(
    population: Population,
    sample: Sample,
    tuning: float | None = 1.0,
    *,
    estimand: Estimand = "corpus",
    level: float = 0.95,
    mix: Floats | None = None,
) -> Estimates:
    """Shares with intervals; ``tuning`` is λ in [0, 1], or None to tune it (PPI++).

    With a ``mix`` (C, G) each of its columns makes one share of the cells' shares.

    The interval is Student's with Satterthwaite's degrees of freedom, df = (Σ V_h)² / Σ V_h²/(n_h-1)
    (1946, doi 10.2307/3002019), on a variance with half a false positive and half a false negative
    added (`_added`). For the estimand ``literature``, of which the corpus is taken for a random
    sample, R (1 - R) / E is added.
    """
    strata = _Strata.of(population, sample)
    if tuning is None:
        first = _share(population, sample, strata, np.ones(sample.domain.shape[1]))
        weight = _tuned(population, sample, strata, first[0])
    else:
        weight = np.full(sample.domain.shape[1], float(tuning))
    share, below = _share(population, sample, strata, weight)
    mix = np.eye(len(share)) if mix is None else mix
    below = np.where(below > 0, below, np.nan)
    residual = (sample.positive - share * sample.eligible) - weight * (
        sample.said_positive - share * sample.said_eligible
    )
    told = mixed(residual / below, mix)
    parts = strata.factor[:, None] * strata.covariance(sample.strata, told, told)
    parts = parts + mixed(_added(population, sample, strata) / below**2, mix**2)
    variance, freedom = parts.sum(axis=0), _freedom(parts, strata.counts)
    if estimand == "literature":
        variance = variance + mixed(np.clip(share * (1 - share), 0, None) / below, mix**2)
    share = mixed(share, mix)
    half = student.ppf((1 + level) / 2, freedom) * np.sqrt(variance)
    low, high = (np.clip(share + side * half, 0, 1) for side in (-1, 1))
    return Estimates(np.clip(share, 0, 1), low, high, weight)


def rogan_gladen(population: Population, sample: Sample) -> Floats:
    """π = (p + Sp - 1) / (Se + Sp - 1) of each cell, for z and e apart (Rogan & Gladen 1978).

    p is the tagger's share of the domain; Se and Sp are those of the domain's audited studies,
    weighted by the design (doi 10.1093/oxfordjournals.aje.a112510). The share is π_z / π_e. A check
    on the others, without an interval; NaN where Se + Sp is below 1.2 or nothing was audited.
    """
    weight = _Strata.of(population, sample).weights[sample.strata][:, None]
    size = population.domain.sum(axis=0)
    known = (population.eligible == population.domain).all(axis=0)
    parts = []
    for true, said, total in (
        (sample.positive, sample.said_positive, population.positive.sum(axis=0)),
        (sample.eligible, sample.said_eligible, population.eligible.sum(axis=0)),
    ):
        other, quiet = sample.domain - true, sample.domain - said
        sensitivity = _ratio((weight * true * said).sum(axis=0), (weight * true).sum(axis=0))
        specificity = _ratio((weight * other * quiet).sum(axis=0), (weight * other).sum(axis=0))
        both = sensitivity + specificity - 1
        share = (_ratio(total, size) + specificity - 1) / np.where(both >= 0.2, both, np.nan)
        parts.append(np.clip(share, 0, 1))
    made: Floats = np.clip(_ratio(parts[0], np.where(known, 1.0, parts[1])), 0, 1)
    return made


# ------------------------------------------------------------------ parts


@dataclass(frozen=True, slots=True)
class _Strata:
    """``counts`` n_h, ``weights`` N_h/n_h, ``factor`` N_h² (1 - n_h/N_h) / n_h; 0 where n_h = 0."""

    counts: Floats
    weights: Floats
    factor: Floats

    @classmethod
    def of(cls, population: Population, sample: Sample) -> "_Strata":
        counts = np.bincount(sample.strata, minlength=len(population.sizes)).astype(np.float64)
        some = np.maximum(counts, 1)
        weights = np.where(counts > 0, population.sizes / some, 0.0)
        left = np.clip(1 - counts / np.maximum(population.sizes, 1), 0, 1)
        return cls(counts, weights, population.sizes * weights * left)

    def covariance(self, strata: NDArray[np.int64], one: Floats, two: Floats) -> Floats:
        """(H, C) covariances within strata, with n_h - 1; 0 in a stratum of one."""
        count, some = len(self.counts), np.maximum(self.counts, 1)[:, None]
        means = [_by_stratum(strata, count, values) / some for values in (one, two)]
        centred = [values - mean[strata] for values, mean in zip((one, two), means, strict=True)]
        made: Floats = _by_stratum(strata, count, centred[0] * centred[1]) / np.maximum(some - 1, 1)
        return made


def _share(population: Population, sample: Sample, strata: _Strata, tuning: Floats) -> tuple[Floats, Floats]:
    """R and E at a weight λ."""
    weight = strata.weights[sample.strata]
    above = tuning * population.positive.sum(axis=0) + weight @ (
        sample.positive - tuning * sample.said_positive
    )
    below = tuning * population.eligible.sum(axis=0) + weight @ (
        sample.eligible - tuning * sample.said_eligible
    )
    below = np.where(below > _NOBODY, below, 0.0)
    return _ratio(above, below), below


def _tuned(population: Population, sample: Sample, strata: _Strata, share: Floats) -> Floats:
    """λ that makes V smallest: Σ_h k_h cov(u, û) / Σ_h k_h var(û), in [0, 1].

    u = z - R e, û = ẑ - R ê, k_h = N_h² (1 - n_h/N_h) / n_h. `PRIOR` agreements are added above and
    below: where a label was hardly seen in the audit λ stays near 1, whose point needs no tuning.
    """
    said = sample.said_positive - share * sample.said_eligible
    true = sample.positive - share * sample.eligible
    k = strata.factor[:, None]
    both = (k * strata.covariance(sample.strata, true, said)).sum(axis=0)
    alone = (k * strata.covariance(sample.strata, said, said)).sum(axis=0)
    prior = PRIOR * _added(population, sample, strata).sum(axis=0)
    made: Floats = np.clip(np.nan_to_num(_ratio(both + prior, alone + prior), nan=1.0), 0, 1)
    return made


def _added(population: Population, sample: Sample, strata: _Strata) -> Floats:
    """Variance (H, C) of half a false positive and half a false negative more than were audited.

    They fall on the strata as the tagger's positives and negatives of the domain do, at the
    domain's mean weight; the share stays, for they cancel. Without them a stratum in which no
    error happened to be audited passes for one without errors (Wald's interval covers .77 below
    1 %). After Bonett & Price 2012 (doi 10.3102/1076998611411915), who add to paired proportions.
    """
    mean_weight = _ratio(population.domain.sum(axis=0), sample.domain.sum(axis=0))
    left = np.clip(1 - strata.counts / np.maximum(population.sizes, 1), 0, 1)
    quiet = population.domain - population.positive
    place = _spread(population.positive, population.domain) + _spread(quiet, population.domain)
    made: Floats = ADDED * mean_weight * (strata.weights * left)[:, None] * place
    return made


def _spread(counts: Floats, instead: Floats) -> Floats:
    """Shares of each stratum (H, C); those of ``instead`` where there is none."""
    total, other = counts.sum(axis=0), instead.sum(axis=0)
    made: Floats = np.where(total > 0, counts / np.maximum(total, 1), instead / np.maximum(other, 1))
    return made


def _freedom(parts: Floats, counts: Floats) -> Floats:
    total = parts.sum(axis=0)
    spent = (parts**2 / np.maximum(counts - 1, 1)[:, None]).sum(axis=0)
    made: Floats = np.clip(np.nan_to_num(_ratio(total**2, spent), nan=1.0), 1, None)
    return made


def _by_stratum(strata: NDArray[np.int64], count: int, values: Floats) -> Floats:
    made = np.zeros((count, values.shape[1]))
    if len(strata):
        order = np.argsort(strata, kind="stable")
        present, starts = np.unique(strata[order], return_index=True)
        made[present] = np.add.reduceat(values[order], starts, axis=0)
    return made


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.where(below > 0, above, np.nan) / np.where(below > 0, below, 1.0)
