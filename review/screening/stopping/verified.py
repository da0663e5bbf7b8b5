"""The one verified claim: a simple random sample of everything that nobody screened, tested once.

Lower bound of recall = (r + x)/(r + K): r found before, x found in the sample of n, and K the largest
number of relevant records among the N unscreened for which P(X ≤ x | N, K, n) > α: one-sided,
exact (hypergeometric), valid whatever the ranking (method rules, section 5).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from corpora.errors import InputError
from corpora.words import counted
from review.screening.stopping.base import Claim, Screened, Verdict, percent, written
from review.screening.stopping.base import share as check_share

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
"""Sample sizes of a plan, as shares of the unscreened."""

NEARLY_ALL = 0.6
"""From this share of the unscreened on, screening everything is nearly as cheap as a sample."""

_TIE = 1 + 1e-9
"""P equal to α but for rounding is not above it."""


def most_missed(unscreened: int, sample: int, hits: int, alpha: float) -> int:
    """K: the most relevant records that N unscreened can hold, given x hits in a sample of n.

    >>> most_missed(1000, 1000, 3, 0.05), most_missed(1000, 0, 0, 0.05), most_missed(20, 19, 0, 0.05)
    (3, 1000, 0)

    Raises:
        InputError: a sample larger than what it is drawn from, or more hits than records.

    """
    from scipy.stats import hypergeom

    if not 0 <= hits <= sample <= unscreened:
        raise InputError(
            f"{counted(hits, 'hit')} in a sample of {sample} of {counted(unscreened, 'record')}: that "
            "cannot be"
        )
    # P(X ≤ x) falls as K grows; it is 1 at K = x, and n - x of the sample are known to be irrelevant.
    low, high = hits, unscreened - (sample - hits)
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeom.cdf(hits, unscreened, middle, sample) > alpha * _TIE:
            low = middle
        else:
            high = middle - 1
    return low


def lower_bound(found: int, unscreened: int, sample: int, hits: int, alpha: float = 0.05) -> float:
    """Lower bound of recall, in [0, 1], after the sample was screened; 0 where nothing was found.

    >>> round(lower_bound(100, 5000, 1970, 0), 3)
    0.952
    """
    if found < 0:
        raise InputError(f"{found} relevant records found: that cannot be")
    total = found + most_missed(unscreened, sample, hits, alpha)
    return (found + hits) / total if total else 0.0


def smallest_sample(
    found: int, unscreened: int, target: float, alpha: float = 0.05, hits: int = 0
) -> int | None:
    """The fewest records whose sample proves the target if it holds ``hits``; None if none does."""
    if hits > unscreened or found + hits == 0:
        return None
    low, high = hits, unscreened
    while low < high:
        middle = (low + high) // 2
        if lower_bound(found, unscreened, middle, hits, alpha) >= target:
            high = middle
        else:
            low = middle + 1
    return low


def chance(
    found: int, unscreened: int, sample: int, missed: int, target: float, alpha: float = 0.05
) -> float:
    """The probability that the sample proves the target if ``missed`` relevant records are unscreened.

    >>> round(chance(100, 5000, 1970, 2, 0.95), 2)
    0.37
    """
    from scipy.stats import hypergeom

    # The bound need not fall with every hit: each possible number of hits is asked.
    possible = range(max(0, sample - (unscreened - missed)), min(missed, sample) + 1)
    proving = [x for x in possible if lower_bound(found, unscreened, sample, x, alpha) >= target]
    return float(np.sum(hypergeom.pmf(proving, unscreened, missed, sample)))


@dataclass(frozen=True, slots=True)
class Row:
    """One sample size: ``bounds`` at 0, 1 and 2 hits (None: more hits than records), the work in all.

    ``chance``: of proving the target if half of the records that may be missed are missed.
    """

    size: int
    bounds: tuple[float | None, ...]
    work: int
    chance: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Before a sample is drawn: what it can prove. ``smallest``: proves the target with no hit."""

    found: int
    unscreened: int
    screened: int
    target: float
    alpha: float
    smallest: int | None
    spare: int
    rows: tuple[Row, ...]

    @property
    def advice(self) -> str:
        """What a statistician would say to it."""
        if not self.unscreened:
            return "Everything is screened: there is nothing to sample, and nothing to prove."
        if self.smallest is None:
            return (
                "No relevant record is known, so no sample can prove recall: that takes at least one. "
                "Screen on until one is found, or screen everything."
            )
        part = self.smallest / self.unscreened
        told = (
            f"With no hit, {self.smallest:,} of the {self.unscreened:,} unscreened records "
            f"({100 * part:.0f} %) prove {percent(self.target)} recall at {percent(1 - self.alpha)}."
        )
        if part >= NEARLY_ALL:
            return f"{told} Screening everything is nearly as cheap, and certain."
        reached = next(row.chance for row in self.rows if row.size == self.smallest)
        return (
            f"{told} If {self.spare:,} relevant are left, that succeeds with probability {reached:.2f}: "
            "fix a larger sample if the table shows that it pays. It is drawn once and never topped up."
        )

    def table(self) -> tuple[list[str], list[tuple[str, ...]]]:
        """Columns and rows: each size, the recall it proves with so many hits, the work, the chance."""
        columns = [
            "sample", "of unscreened", "bound, 0 hits", "1 hit", "2 hits", "records screened in all",
            f"chance if {self.spare:,} left",
        ]  # fmt: skip
        rows = [
            (
                f"{row.size:,}",
                f"{100 * row.size / self.unscreened:.0f} %",
                *("" if bound is None else down(bound) for bound in row.bounds),
                f"{row.work:,}",
                f"{row.chance:.2f}",
            )
            for row in self.rows
        ]
        return columns, rows

    def lines(self) -> list[str]:
        """The table for a document, as Markdown, and the advice."""
        columns, rows = self.table()
        told = ["| " + " | ".join(cells) + " |" for cells in (columns, *rows)]
        return [told[0], "|---" * len(columns) + "|", *told[1:], "", self.advice]


def plan(found: int, unscreened: int, target: float = 0.95, alpha: float = 0.05, screened: int = 0) -> Plan:
    """Sample sizes against the lower bound that each can reach, and the smallest that is enough.

    ``screened`` records were screened before; they count for the work in all.

    Raises:
        InputError: a negative number, a target outside (0, 1] or α outside (0, 1).

    """
    if min(found, unscreened, screened) < 0:
        raise InputError(
            f"plan: {found} found, {unscreened} unscreened, {screened} screened: none can be below 0"
        )
    _check(target, alpha)
    smallest = smallest_sample(found, unscreened, target, alpha)
    may_be_missed = math.floor(found / target + 1e-9) - found
    spare = min(unscreened, max(1, may_be_missed // 2))
    sizes = {math.ceil(part * unscreened) for part in SHARES} | {smallest or 0}
    rows = tuple(
        Row(
            size,
            tuple(
                lower_bound(found, unscreened, size, hits, alpha) if hits <= size else None
                for hits in (0, 1, 2)
            ),
            screened + size,
            chance(found, unscreened, size, spare, target, alpha),
        )
        for size in sorted(sizes - {0})
    )
    return Plan(found, unscreened, screened, target, alpha, smallest, spare, rows)


def _check(target: float, alpha: float) -> None:
    if not 0 < target <= 1:
        raise InputError(f"target = {target:g}: give a recall above 0 and at most 1, e.g. 0.95")
    check_share(alpha, "alpha", "verified")


def down(bound: float) -> str:
    """A lower bound as a percentage, rounded down: it must not claim more than was proved.

    >>> down(0.94996), down(1.0)
    ('94.9 %', '100.0 %')
    """
    return f"{math.floor(1000 * bound + 1e-9) / 10:.1f} %"


@dataclass(frozen=True, slots=True)
class Result:
    """What the one sample gave: at most ``missed`` of the unscreened were relevant, sample included."""

    found: int
    unscreened: int
    sample: int
    hits: int
    target: float
    alpha: float
    missed: int
    bound: float

    @property
    def proved(self) -> bool:
        """Whether the target was reached."""
        return self.bound >= self.target

    def sentence(self) -> str:
        """For the methods section; a sample that failed is reported with the bound it gave."""
        if not self.found + self.hits:
            return (
                f"No relevant record was found, also not among {self.sample:,} sampled: recall has no bound."
            )
        if self.sample == self.unscreened:
            return (
                f"All {counted(self.unscreened, 'record')} that were left were screened as well; none is "
                "unscreened."
            )
        if not self.sample:
            return (
                f"No sample of the {self.unscreened:,} unscreened records was drawn: recall was not verified."
            )
        told = (
            f"Of the {counted(self.unscreened, 'record')} that were not screened, a simple random sample of "
            f"{self.sample:,}, its size fixed beforehand, was screened in the same way and held "
            f"{self.hits:,} relevant {'record' if self.hits == 1 else 'records'}; recall was at least "
            f"{down(self.bound)} (one-sided exact {percent(1 - self.alpha)} bound)."
        )
        if self.proved:
            return told
        return (
            f"{told} The target of {percent(self.target)} was not proved: this bound is reported, or the "
            "rest is screened; the sample is not topped up."
        )


def result(found: int, unscreened: int, sample: int, hits: int, target: float, alpha: float = 0.05) -> Result:
    """The test, once: ``found`` before the sample, ``unscreened`` records that it was drawn from.

    Raises:
        InputError: numbers that cannot be, a target outside (0, 1] or α outside (0, 1).

    """
    _check(target, alpha)
    bound = lower_bound(found, unscreened, sample, hits, alpha)
    missed = most_missed(unscreened, sample, hits, alpha)
    return Result(found, unscreened, sample, hits, target, alpha, missed, bound)


@dataclass(frozen=True)
class Verified:
    """Stop when the one random sample of everything unscreened has proved the target.

    Exact, valid whatever the ranking (the hypergeometric bound above; method rules, section 5), on
    three conditions: its size was fixed before it was drawn, it was screened whole in the same
    mode, and it is tested once. Errors of the reviewers are outside: the bound speaks of records
    that they would have included. Without a sample it does not stop and says what a sample of
    ``share`` of the rest could prove at best.
    """

    share: float = 0.5
    target: float = 0.95
    alpha: float = 0.05
    name: ClassVar[str] = "verified"
    claim: ClassVar[Claim] = "verified"

    def __post_init__(self) -> None:
        check_share(self.share, "share", self.name)
        _check(self.target, self.alpha)

    def check(self, screened: Screened) -> Verdict:
        """The test of the sample, or what one could prove now."""
        if len(screened.sample):
            hits = int(screened.sample.sum())
            tested = result(
                screened.found, screened.sample_of, len(screened.sample), hits, self.target, self.alpha
            )
            return Verdict(
                str(self),
                self.claim,
                tested.proved,
                tested.sentence(),
                float(tested.missed),
                None,
                tested.bound,
            )
        if not screened.left:
            return Verdict(
                str(self), self.claim, stop=True, sentence="Everything is screened; nothing to verify."
            )
        size = math.ceil(self.share * screened.left)
        bound = lower_bound(screened.found, screened.left, size, 0, self.alpha)
        told = (
            f"No sample is drawn; one of {size:,} of the {screened.left:,} unscreened could at best prove "
            f"{down(bound)} recall (target {percent(self.target)})."
        )
        return Verdict(str(self), self.claim, stop=False, sentence=told, value=float(size))

    def __str__(self) -> str:
        return written(self)
