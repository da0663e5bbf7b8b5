"""Random blocks with known inclusion probabilities: for calibration, agreement, scoring (method rules, 6).

A record is drawn by the hash of its id and the seed, so a draw depends on the set of ids alone: not on
their order, the machine or the version of a library. A plain block of 100 from a review with 1.7 % of
positives holds 1.7 of them; drawing by strata of the model's score holds more, and the weights
1 / probability undo the preference (Horvitz & Thompson 1952, doi 10.1080/01621459.1952.10483446).
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, prod

from corpora.errors import InputError
from corpora.words import counted

STRATA = (0.02, 0.1, 0.3, 1.0)
"""The best 2 % by score, the rest of the best 10 %, of the best 30 %, and all others."""

LEAST = 5


@dataclass(frozen=True, slots=True)
class Stratum:
    """``size`` records with scores in [low, high], of which ``drawn`` are in the block."""

    number: int
    low: float
    high: float
    size: int
    drawn: int

    @property
    def probability(self) -> float:
        """Chance of each of its records to be drawn, in (0, 1]."""
        return self.drawn / self.size


@dataclass(frozen=True, slots=True)
class Block:
    """A drawn block: ``ids`` in a random order that tells nothing of their strata.

    ``probabilities`` and ``strata`` name, for every drawn id, its inclusion probability in (0, 1]
    and the number of its stratum (0 for a simple block).
    """

    ids: tuple[str, ...]
    probabilities: Mapping[str, float]
    strata: Mapping[str, int]
    seed: int


@dataclass(frozen=True, slots=True)
class Expected:
    """Positives in the block, in a simple block of its size, and among all; the chance that it has none."""

    block: float
    simple: float
    total: float
    none: float

    def __str__(self) -> str:
        return (
            f"{self.block:.1f} positives expected in the block ({self.simple:.1f} in a simple random one), "
            f"of about {self.total:.0f} in all; a chance of {self.none:.1%} to see none"
        )


def draw_simple(ids: Sequence[str], n: int, seed: int, *, purpose: str = "block") -> Block:
    """Draw n of N ids, each with probability n / N; draws of another ``purpose`` are independent.

    >>> draw_simple(["R1", "R2", "R3", "R4"], 2, seed=1).probabilities
    {'R2': 0.5, 'R4': 0.5}

    Raises:
        InputError: n < 1, n > N, or an id that comes twice.

    """
    _check(ids, n)
    drawn = _drawn(ids, n, seed, purpose)
    return _block({one: n / len(ids) for one in drawn}, dict.fromkeys(drawn, 0), seed, purpose)


def draw_stratified(
    ids: Sequence[str],
    scores: Sequence[float],
    n: int,
    seed: int,
    *,
    strata: Sequence[float] = STRATA,
    least: int = LEAST,
    purpose: str = "block",
) -> Block:
    """Draw n ids by strata of the model's score, as `plan` says; ``scores[i]`` is that of ``ids[i]``.

    Raises:
        InputError: as `plan`.

    """
    planned = plan(ids, scores, n, strata=strata, least=least)
    best_first = iter(_ranked(ids, scores))
    chances: dict[str, float] = {}
    numbers: dict[str, int] = {}
    for stratum in planned:
        members = [next(best_first) for _ in range(stratum.size)]
        for one in _drawn(members, stratum.drawn, seed, purpose):
            chances[one], numbers[one] = stratum.probability, stratum.number
    return _block(chances, numbers, seed, purpose)


def plan(
    ids: Sequence[str],
    scores: Sequence[float],
    n: int,
    *,
    strata: Sequence[float] = STRATA,
    least: int = LEAST,
) -> tuple[Stratum, ...]:
    """Strata and how many are drawn from each, before anything is drawn; the best scores first.

    ``strata`` are rising shares of the records, ranked by score, the last one 1; one that holds no
    record is left out. Each gives the same number, at least ``least``, or all it has.

    Raises:
        InputError: n < 1, n > N, an id that comes twice, a score that is missing or not finite,
            shares that do not rise to 1, a least below 1, or an n too small to give each stratum
            its least.

    """
    _check(ids, n)
    if len(scores) != len(ids):
        raise InputError(
            f"block: {counted(len(ids), 'id')} and {counted(len(scores), 'score')}; give one score for "
            "each id"
        )
    if wrong := [f"{one} {score}" for one, score in zip(ids, scores, strict=True) if not isfinite(score)]:
        raise InputError(f"block: {counted(len(wrong), 'score is')} not finite, the first is of {wrong[0]}")
    if least < 1:
        raise InputError(f"block: least {least}; a stratum that gives no record is missing in every estimate")
    if not strata or strata[-1] != 1 or any(b <= a for a, b in zip((0, *strata), strata, strict=False)):
        raise InputError(f"block: strata {tuple(strata)}; give rising shares above 0 that end with 1")
    ends = [round(share * len(ids)) for share in strata]
    bounds = [(a, b) for a, b in zip((0, *ends), ends, strict=False) if b > a]
    drawn = _shared_out([b - a for a, b in bounds], n, least)
    by_id = dict(zip(ids, scores, strict=True))
    values = [by_id[one] for one in _ranked(ids, scores)]
    return tuple(
        Stratum(number, values[b - 1], values[a], b - a, count)
        for number, ((a, b), count) in enumerate(zip(bounds, drawn, strict=True), start=1)
    )


def expected_positives(strata: Sequence[Stratum], prevalences: Sequence[float]) -> Expected:
    """What a planned block will hold if each stratum has the prevalence that is estimated for it.

    >>> planned = (Stratum(1, .9, .7, 200, 50), Stratum(2, .7, .0, 9800, 50))
    >>> told = expected_positives(planned, (.4, .01))
    >>> round(told.block, 1), round(told.simple, 1)
    (20.5, 1.8)

    Raises:
        InputError: not one prevalence for each stratum, or one outside [0, 1].

    """
    if len(prevalences) != len(strata) or any(not 0 <= share <= 1 for share in prevalences):
        raise InputError(f"block: prevalences {tuple(prevalences)}; give {len(strata)} shares in [0, 1]")
    pairs = list(zip(strata, prevalences, strict=True))
    total = sum(stratum.size * share for stratum, share in pairs)
    drawn, size = sum(stratum.drawn for stratum in strata), sum(stratum.size for stratum in strata)
    return Expected(
        block=sum(stratum.drawn * share for stratum, share in pairs),
        simple=total * drawn / size,
        total=total,
        none=prod((1 - share) ** stratum.drawn for stratum, share in pairs),
    )


def _check(ids: Sequence[str], n: int) -> None:
    if len(set(ids)) != len(ids):
        twice, _ = Counter(ids).most_common(1)[0]
        raise InputError(f"block: id {twice!r} comes twice in {counted(len(ids), 'id')}")
    if not 1 <= n <= len(ids):
        raise InputError(
            f"block of {n}: draw at least 1 and at most the {counted(len(ids), 'record')} there are"
        )


def _ranked(ids: Sequence[str], scores: Sequence[float]) -> list[str]:
    """Best score first, ties by id."""
    return [one for _, one in sorted((-score, one) for one, score in zip(ids, scores, strict=True))]


def _shared_out(sizes: Sequence[int], n: int, least: int) -> list[int]:
    """The same number for each stratum, but no more than it has; what is left goes to the first ones."""
    needed = sum(min(least, size) for size in sizes)
    if n < needed:
        raise InputError(f"block of {n}: {len(sizes)} strata with {least} each at least need {needed}")
    drawn = [0] * len(sizes)
    for _ in range(n):
        fewest = min((count, place) for place, count in enumerate(drawn) if count < sizes[place])
        drawn[fewest[1]] += 1
    return drawn


def _drawn(ids: Sequence[str], n: int, seed: int, purpose: str) -> list[str]:
    return sorted(ids, key=lambda one: _hash(f"{purpose}/draw/{seed}/{one}"))[:n]


def _block(chances: Mapping[str, float], strata: Mapping[str, int], seed: int, purpose: str) -> Block:
    # Not in the order of the draw: where few are drawn the hashes are small, and would come first.
    ids = tuple(sorted(chances, key=lambda one: _hash(f"{purpose}/order/{seed}/{one}")))
    return Block(ids, {one: chances[one] for one in ids}, {one: strata[one] for one in ids}, seed)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
