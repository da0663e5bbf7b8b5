"""Rules that count: records since the last relevant one, records in all, hours."""

from dataclasses import dataclass
from typing import ClassVar

from corpora.errors import InputError
from review.screening.stopping.base import Claim, Screened, Verdict, count, written


@dataclass(frozen=True)
class Consecutive:
    """Stop after ``n`` irrelevant records in a row.

    What most users of active learning do (ASReview's guides name 50 to 200). No guarantee: the
    number says nothing of recall, and one late cluster of relevant records defeats it.
    """

    n: float = 50
    name: ClassVar[str] = "consecutive"
    claim: ClassVar[Claim] = "heuristic"

    def __post_init__(self) -> None:
        count(self.n, "n", self.name)

    def check(self, screened: Screened) -> Verdict:
        """Stop if the last n were irrelevant and something was found before."""
        gap = screened.gap
        return Verdict(
            str(self), self.claim, self.n <= gap < screened.n,
            f"{gap:,} irrelevant records in a row ({self.n:,.0f} asked); this says nothing of recall.",
            float(gap),
        )  # fmt: skip

    def __str__(self) -> str:
        return written(self)


@dataclass(frozen=True)
class Budget:
    """Stop when ``records`` were screened or ``hours`` spent (0: no limit). No claim about recall."""

    records: float = 0
    hours: float = 0
    name: ClassVar[str] = "budget"
    claim: ClassVar[Claim] = "resource"

    def __post_init__(self) -> None:
        count(self.records, "records", self.name, least=0)
        if not (self.hours > 0 or (self.hours == 0 and self.records)):
            raise InputError(
                f"budget: records = {self.records:g}, hours = {self.hours:g}: give at least one above 0"
            )

    def check(self, screened: Screened) -> Verdict:
        """Stop if either is used up."""
        used = []
        if self.records:
            used.append((screened.n >= self.records, f"{screened.n:,} of {self.records:,.0f} records"))
        if self.hours:
            used.append((screened.hours >= self.hours, f"{screened.hours:.1f} of {self.hours:g} hours"))
        told = " and ".join(text for _, text in used)
        return Verdict(
            str(self), self.claim, any(spent for spent, _ in used),
            f"{told} are used; this says nothing of recall.", float(screened.n),
        )  # fmt: skip

    def __str__(self) -> str:
        return written(self)
