"""QBCB: a bound on recall from relevant records that were found at random before ranking.

Lewis, Yang & Frieder 2021, CIKM, doi 10.1145/3459637.3482415 (quantile binomial coefficient bound).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from corpora.errors import InputError
from review.screening.stopping.base import Claim, Screened, Verdict, percent, share, written


@lru_cache(maxsize=1024)
def needed(controls: int, recall: float, confidence: float) -> int | None:
    """How many of the controls the ranking must have reached; None if even all would not do.

    The smallest j with P(Binomial(controls, recall) < j) ≥ confidence: one more than the binomial
    quantile.

    >>> needed(59, 0.95, 0.95), needed(58, 0.95, 0.95), needed(100, 0.95, 0.95)
    (59, None, 99)
    """
    from scipy.stats import binom

    j = int(binom.ppf(confidence, controls, recall)) + 1
    return j if j <= controls else None


def fewest(recall: float, confidence: float) -> int:
    """The fewest controls with which the claim can be made at all: recall^r ≤ 1 - confidence.

    >>> fewest(0.95, 0.95), fewest(0.8, 0.95)
    (59, 14)
    """
    controls = max(1, math.floor(math.log(1 - confidence) / math.log(recall)) - 1)
    while needed(controls, recall, confidence) is None:  # the logarithms may be off by one
        controls += 1
    return controls


@dataclass(frozen=True)
class Qbcb:
    """Stop when the ranking has reached enough of the relevant records of a random control sample.

    Lewis, Yang & Frieder 2021, doi 10.1145/3459637.3482415. Valid whatever the ranking and however
    often one looks, under conditions that the rule cannot see: the controls are a simple random
    sample of the pool, labelled without error before ranking, and train no ranking. 95 % recall at
    95 % needs 59 relevant controls, which a review with few relevant records does not have.
    """

    recall: float = 0.95
    confidence: float = 0.95
    name: ClassVar[str] = "qbcb"
    claim: ClassVar[Claim] = "model-based"

    def __post_init__(self) -> None:
        share(self.recall, "recall", self.name)
        share(self.confidence, "confidence", self.name)

    def check(self, screened: Screened) -> Verdict:
        """Compare controls reached with controls needed; ``lower`` is the Clopper-Pearson bound.

        Raises:
            InputError: too few relevant controls for any claim.

        """
        from scipy.special import betaincinv

        controls, reached = len(screened.control), int(screened.control.sum())
        wanted = needed(controls, self.recall, self.confidence)
        if wanted is None:
            raise InputError(
                f"qbcb: {controls} relevant control records; {percent(self.recall)} recall at "
                f"{percent(self.confidence)} needs {fewest(self.recall, self.confidence)} found at random"
            )
        lower = betaincinv(reached, controls - reached + 1, 1 - self.confidence) if reached else 0.0
        return Verdict(
            str(self), self.claim, reached >= wanted,
            f"QBCB: the ranking reached {reached} of {controls} relevant controls; {wanted} are needed for "
            f"{percent(self.recall)} recall at {percent(self.confidence)}.",
            float(reached), reached / controls, float(lower),
        )  # fmt: skip

    def __str__(self) -> str:
        return written(self)
