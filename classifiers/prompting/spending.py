"""What asking a language model will cost, and what it did cost."""

from dataclasses import dataclass, field

from classifiers.prompting.endpoint import Settings
from corpora.words import counted


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would send and cost, before it is sent; tokens by letters, so about a third off."""

    records: int
    kept: int
    """Of them, answered before."""
    tokens_in: int
    tokens_out: int
    cost: float | None
    settings: Settings

    def sentence(self) -> str:
        """What is to be agreed to: number, destination, tokens, cost."""
        told = (
            f"Title and abstract of {counted(self.records - self.kept, 'record')} go to "
            f"{self.settings.model} at "
            f"{self.settings.where} ({self.settings.url}): about {counted(self.tokens_in, 'token')} in and "
            f"{self.tokens_out:,} out"
        )
        price = "no prices given" if self.cost is None else f"about {self.cost:,.2f} by the prices given"
        before = f"; {self.kept:,} were answered before" if self.kept else ""
        return f"{told}, {price}{before}."


@dataclass(slots=True)
class Usage:
    """What a tagger has sent and got since it was made."""

    asked: int = 0
    kept: int = 0
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    uncounted: int = 0
    """Answers whose tokens the endpoint did not count."""
    without_evidence: int = 0
    """Labels whose sentence is not in the text."""
    refused: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    """Text hash → why there is no answer."""

    def counts(self) -> dict[str, int]:
        """For a run's account."""
        return {
            "asked": self.asked,
            "answered before": self.kept,
            "requests": self.requests,
            "tokens in": self.tokens_in,
            "tokens out": self.tokens_out,
            "answers without token counts": self.uncounted,
            "labels without evidence": self.without_evidence,
            "records without an answer": self.refused,
        }
