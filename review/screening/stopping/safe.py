"""SAFE: a procedure of four phases with conservative heuristics.

Boetje & van de Schoot 2024, Systematic Reviews 13:81, doi 10.1186/s13643-024-02502-7.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from review.screening.stopping.base import Claim, Screened, Verdict, count, written
from review.screening.stopping.base import share as check_share

Phase = Literal["S", "A", "F", "E"]


@dataclass(frozen=True)
class Safe:
    """Stop when all phases are done; no guarantee, but several independent reasons.

    Boetje & van de Schoot 2024, doi 10.1186/s13643-024-02502-7. S: a random set of at least
    ``start`` records estimates the share of relevant ones. A: ranked screening until all key papers
    are found, at least twice the expected number of relevant ones was screened, at least ``share``
    of the pool, and ``irrelevant`` in a row were irrelevant. F: another model ranks the rest, until
    as many in a row. E: a second person checks what was excluded; this rule does not see it and
    its sentence names it. The thresholds are parameters, as in the paper.
    """

    start: float = 50
    share: float = 0.10
    irrelevant: float = 50
    name: ClassVar[str] = "safe"
    claim: ClassVar[Claim] = "heuristic"

    def __post_init__(self) -> None:
        count(self.start, "start", self.name)
        check_share(self.share, "share", self.name)
        count(self.irrelevant, "irrelevant", self.name)

    def phase(self, screened: Screened) -> tuple[Phase, str]:
        """The phase that is not done yet, and what is missing; E when the rule is done."""
        n, pool = screened.n, screened.pool
        if len(screened.random) < min(self.start, pool):
            return "S", f"{len(screened.random)} of {self.start:.0f} random records are screened"
        if not screened.switched:
            expected = float(screened.random.mean()) * pool if pool else 0.0
            if screened.keys_found < screened.keys_total:
                return "A", f"{screened.keys_found} of {screened.keys_total} key papers are found"
            if n < min(2 * expected, pool):
                return "A", f"{n:,} of {2 * expected:,.0f} records are screened, twice the relevant expected"
            if n < self.share * pool:
                return "A", f"{n:,} of {self.share * pool:,.0f} records are screened"
            if screened.gap < self.irrelevant and n < pool:
                return "A", f"{screened.gap} of {self.irrelevant:.0f} irrelevant records in a row"
        if n == pool:
            return "E", "everything is screened"
        if not screened.switched:
            return "F", "another model has to rank the rest now"
        if screened.since_switch < self.irrelevant:
            return (
                "F",
                f"{screened.since_switch} of {self.irrelevant:.0f} irrelevant in a row with another model",
            )
        return "E", "S, A and F are done; a second person checks the likeliest of the excluded"

    def check(self, screened: Screened) -> Verdict:
        """Stop when only the second person's check is left; ``value`` counts the phases done."""
        phase, missing = self.phase(screened)
        return Verdict(
            str(self), self.claim, phase == "E",
            f"SAFE, phase {phase}: {missing}; this says nothing of recall.", float("SAFE".index(phase)),
        )  # fmt: skip

    def __str__(self) -> str:
        return written(self)
