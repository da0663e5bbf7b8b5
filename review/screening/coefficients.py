"""Coefficients of agreement, each a ratio of weighted sums over records.

So a bootstrap resample only weighs the records anew, and all resamples are computed at once. An
array of results has one entry a resample; NaN means that the coefficient is not defined there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ZERO = 1e-12  # below this a share is zero but for rounding


@dataclass(frozen=True, slots=True)
class Sums:
    """Weighted sums over records; a leading axis is one entry a resample.

    With r votes on a record, r_k of them for category k: ``agreed`` Σ r_k(r_k-1) / r(r-1) and
    ``shared`` 1, where r ≥ 2; ``shares`` (k) r_k / r and ``marginals`` (rater, k), where r ≥ 1;
    ``matched`` Σ r_k(r_k-1) / (r-1), ``paired`` (k) r_k and, unweighted, ``values`` r, where
    r ≥ 2; ``both`` (k) r_k(r_k-1) and ``either`` (k) r_k(r-1).
    """

    agreed: Floats
    shared: Floats
    shares: Floats
    marginals: Floats
    matched: Floats
    paired: Floats
    values: Floats
    both: Floats
    either: Floats


def sums_of(codes: NDArray[np.int8], categories: int, weights: Floats, times: Floats) -> Sums:
    """Sums over votes, one entry a resample.

    ``codes`` (n, raters) are numbers of categories, -1 for no vote; ``weights`` (n,) are positive;
    ``times`` (resamples, n) says how often each record counts in each resample.
    """
    here = (codes[:, :, None] == np.arange(categories)).astype(np.float64)
    by_category = here.sum(axis=1)
    votes_each = by_category.sum(axis=1)
    least, two = np.maximum(votes_each, 1), votes_each >= 2
    others = np.maximum(votes_each - 1, 1)
    both = by_category * (by_category - 1)
    weighed = times * weights
    return Sums(
        agreed=weighed @ (both.sum(axis=1) / (least * others)),
        shared=weighed @ two.astype(np.float64),
        shares=weighed @ (by_category / least[:, None]),
        marginals=(weighed @ here.reshape(len(here), -1)).reshape(len(times), *here.shape[1:]),
        matched=weighed @ (both.sum(axis=1) / others),
        paired=weighed @ (by_category * two[:, None]),
        values=times @ (votes_each * two),
        both=weighed @ both,
        either=weighed @ (by_category * np.maximum(votes_each - 1, 0)[:, None]),
    )


def _ratio(above: Floats, below: Floats) -> Floats:
    """above / below, NaN where below is zero (it becomes None with its reason later)."""
    ok = below > _ZERO
    return np.where(ok, above, np.nan) / np.where(ok, below, 1.0)


def percent_agreement(sums: Sums) -> Floats:
    """Share of agreeing pairs of votes, mean over records with two votes or more, in [0, 1]."""
    return _ratio(sums.agreed, sums.shared)


def kappa(sums: Sums) -> Floats:
    """Cohen's κ (1960, doi 10.1177/001316446002000104); for more people Conger's (1980).

    Chance agreement is Σ p_k q_k of two people's own shares, the mean over all pairs of people
    (Conger, doi 10.1037/0033-2909.88.2.322; missing votes as in Gwet's handbook, 2014).
    """
    voted = sums.marginals.sum(axis=2)
    shares = np.nan_to_num(_ratio(sums.marginals, voted[:, :, None]))
    people = (voted > 0).sum(axis=1)
    products = (shares.sum(axis=1) ** 2 - (shares**2).sum(axis=1)).sum(axis=1)
    chance = _ratio(products, (people * (people - 1)).astype(np.float64))
    return _ratio(percent_agreement(sums) - chance, 1 - chance)


def ac1(sums: Sums) -> Floats:
    """Gwet's AC1 (2008, doi 10.1348/000711006X126600): chance is Σ π_k (1 - π_k) / (q - 1)."""
    shares = _ratio(sums.shares, sums.shares.sum(axis=1)[:, None])
    chance = (shares * (1 - shares)).sum(axis=1) / (shares.shape[1] - 1)
    return _ratio(percent_agreement(sums) - chance, 1 - chance)


def alpha(sums: Sums) -> Floats:
    """Krippendorff's α for names (Hayes & Krippendorff 2007, doi 10.1080/19312450709336664).

    1 - (n - 1) Σ o_ck / Σ n_c n_k over c ≠ k, written in shares; n is the number of votes that can
    be paired, unweighted: only the ratios of weights matter.
    """
    total = sums.paired.sum(axis=1)
    observed = 1 - _ratio(sums.matched, total)
    expected = 1 - (_ratio(sums.paired, total[:, None]) ** 2).sum(axis=1)
    return 1 - _ratio(sums.values - 1, sums.values) * _ratio(observed, expected)


def specific(sums: Sums, category: int) -> Floats:
    """If one person says this category, how often another does too.

    Positive and negative agreement of Cicchetti & Feinstein (1990, doi
    10.1016/0895-4356(90)90159-M): 2a / (2a + b + c); with more people the same over all pairs.
    """
    return _ratio(sums.both[:, category], sums.either[:, category])
