"""What OpenAlex calls cost, and what is left of the day's allowance.

Two families of headers are in use, in credits and in US dollars; a credit is $0.0001.
A list call costs a tenth of a search call. https://developers.openalex.org
"""

from collections.abc import Mapping
from dataclasses import dataclass

CREDIT = 0.0001
LIST_CALL, SEARCH_CALL = 0.0001, 0.001
"""US dollars, as published; what a call really cost is read from its answer."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """In US dollars; None where the answer does not say."""

    cost: float | None
    remaining: float | None
    limit: float | None


def read(headers: Mapping[str, str]) -> Allowance:
    """The allowance as an answer's headers tell it, in whichever family.

    >>> read({"X-RateLimit-Remaining": "990", "X-RateLimit-Credits-Used": "10"})
    Allowance(cost=0.001, remaining=0.099, limit=None)
    >>> read({"X-RateLimit-Remaining-USD": "0.5", "X-RateLimit-Cost-USD": "0.0001"}).remaining
    0.5
    """
    told = {name.lower(): value for name, value in headers.items()}
    prepaid = _number(told.get("x-ratelimit-prepaid-remaining-usd")) or 0.0
    remaining = _dollars(told, "remaining-usd", "remaining")
    return Allowance(
        cost=_dollars(told, "cost-usd", "credits-used"),
        remaining=None if remaining is None else round(remaining + prepaid, 6),
        limit=_dollars(told, "limit-usd", "limit"),
    )


def _dollars(told: Mapping[str, str], dollars: str, credits: str) -> float | None:
    found = _number(told.get(f"x-ratelimit-{dollars}"))
    if found is not None:
        return found
    count = _number(told.get(f"x-ratelimit-{credits}"))
    return None if count is None else round(count * CREDIT, 6)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
