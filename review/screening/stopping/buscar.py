"""BUSCAR: a hypergeometric test of "recall is below the target" on what was screened last.

Callaghan & Müller-Hansen 2020, Systematic Reviews 9:273, doi 10.1186/s13643-020-01521-4.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from review.screening.stopping.base import Bools, Claim, Screened, Verdict, percent, share, written

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def too_many(found: int, recall: float) -> int:
    """The fewest relevant records in all with which ``found`` of them are less than ``recall``.

    >>> too_many(95, 0.95), too_many(94, 0.95), too_many(0, 0.95)
    (101, 99, 1)
    """
    return math.floor(found / recall + 1e-9) + 1  # 63 / 0.9 is 70, not 69.99…


def p_value(labels: Bools, pool: int, recall: float) -> float:
    """The least p over all urns, in [0, 1]: an urn is the last k screened and all unscreened.

    Under H0, recall below ``recall``, at least `too_many` relevant records exist. With x of the r
    found ones among the last k, the urn of N - (n - k) records holds K = too_many - (r - x) of
    them, and p = P(X ≤ x | N - (n - k), K, k). Exact; 1 where nothing was found yet, 0 where
    fewer records are left than H0 needs.

    >>> screened = np.array([True] * 10 + [False] * 90)
    >>> p_value(screened, 1000, 0.95) > p_value(np.append(screened, [False] * 800), 1000, 0.95)
    True
    """
    n, found = len(labels), int(labels.sum())
    total = too_many(found, recall)
    if total - found > pool - n:
        return 0.0
    if not found:
        return 1.0
    # An irrelevant record more makes an urn's p smaller. So of the urns with x hits only the longest
    # counts, which ends before the next hit: one urn a hit, and the whole.
    hits = np.flatnonzero(labels[::-1])
    urn = np.append(hits, n)
    seen = np.arange(len(urn))
    return float(_cdf(seen, pool - n + urn, total - found + seen, urn).min())


def _cdf(x: Ints, size: Ints, relevant: Ints, drawn: Ints) -> Floats:
    """P(X ≤ x) for many hypergeometric X at once: terms are added from x away until they vanish.

    SciPy's costs 30 µs a value up to sizes of 104,729, a third of a second for 10,000 urns. The
    first term of each sum is made of logarithms, with a relative error of about 1e-10.
    """
    # From the mean on, the other tail is summed: that of the relevant ones that were not drawn.
    swap = x * size >= relevant * drawn
    j: Floats = np.where(swap, relevant - x - 1, x).astype(np.float64)
    k: Floats = np.where(swap, size - drawn, drawn).astype(np.float64)
    m: Floats = relevant.astype(np.float64)
    rest: Floats = size - relevant - k
    total = np.zeros(len(x))
    live = np.flatnonzero((j >= 0) & (j + rest >= 0))
    j, k, m, rest = j[live], k[live], m[live], rest[live]
    term = np.exp(_log_choose(m, j) + _log_choose(k + rest, k - j) - _log_choose(m + k + rest, k))
    while len(live):
        for _ in range(16):  # as many terms between two looks at which sums are done
            total[live] += term
            term = term * (j * (rest + j) / ((m - j + 1) * (k - j + 1)))
            j = j - 1
        go = term > 1e-17 * total[live]
        live, j, k, m, rest, term = live[go], j[go], k[go], m[go], rest[go], term[go]
    return np.where(swap, 1 - total, total)


def _log_choose(n: Floats, k: Floats) -> Floats:
    from scipy.special import betaln

    return np.asarray(-np.log1p(n) - betaln(n - k + 1, k + 1))


@dataclass(frozen=True)
class Buscar:
    """Stop when the hypothesis "recall is below ``recall``" is rejected at ``confidence``.

    Callaghan & Müller-Hansen 2020, doi 10.1186/s13643-020-01521-4. Conservative at one look and
    one urn as long as the ranking is no worse than random there. The least p over urns and over
    repeated looks is not corrected for either, and a relevant cluster ranked last defeats it: an
    estimate, to be verified by a random sample.
    """

    recall: float = 0.95
    confidence: float = 0.95
    name: ClassVar[str] = "buscar"
    claim: ClassVar[Claim] = "model-based"

    def __post_init__(self) -> None:
        share(self.recall, "recall", self.name)
        share(self.confidence, "confidence", self.name)

    def check(self, screened: Screened) -> Verdict:
        """The test on everything screened so far."""
        p = p_value(screened.labels, screened.pool, self.recall)
        told = f"p = {p:.3f}" if p >= 0.0005 else "p < 0.001"
        return Verdict(
            str(self), self.claim, p < 1 - self.confidence,
            f"BUSCAR: {told} that recall is below {percent(self.recall)} (not corrected for repeated looks).",
            p,
        )  # fmt: skip

    def __str__(self) -> str:
        return written(self)


def random_finish(found: int, sample: Bools, unscreened: int, recall: float) -> float:
    """The exact test on a random sample alone, drawn from ``unscreened`` records without return.

    H0: the unscreened hold so many relevant records that recall, sample included, is below
    ``recall``; p = P(X ≤ hits) if they hold the fewest such. ``found`` are the relevant before
    sampling. The second phase of the same paper; valid when tested once. It rejects at α exactly
    where `verified.lower_bound` reaches ``recall``.

    >>> random_finish(95, np.zeros(900, dtype=bool), 1000, 0.95) < 0.05
    True
    """
    from scipy.stats import hypergeom

    hits = int(sample.sum())
    missing = too_many(found + hits, recall) - found
    if missing > unscreened - (len(sample) - hits):
        return 0.0
    return float(hypergeom.cdf(hits, unscreened, missing, len(sample)))
