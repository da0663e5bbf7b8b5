"""How far reviewers agree: κ, AC1, α, specific agreement, with intervals (method rules, section 6).

Each record is weighted by 1 / its inclusion probability; the formulas and their sources stand in
`review.screening.coefficients`. A figure that is not defined is ``None`` with the reason, never NaN.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError
from corpora.words import counted
from review.screening.coefficients import (
    Floats,
    Sums,
    ac1,
    alpha,
    kappa,
    percent_agreement,
    specific,
    sums_of,
)

Basis = Literal["random block", "all records", "other overlap"]

_CELLS = 4_000_000  # records × resamples held at once: 32 MB
_MOST_UNDEFINED = 0.05

_FIGURES: dict[str, tuple[Callable[[Sums], Floats], str]] = {
    "percent agreement": (percent_agreement, "no record has two votes"),
    "Cohen's κ": (kappa, "all votes are of one category, so κ would be 0/0"),
    "Gwet's AC1": (ac1, "no record has two votes"),
    "Krippendorff's α": (alpha, "all votes are of one category, so α would be 0/0"),
    "positive agreement": (lambda sums: specific(sums, 0), "nobody said include"),
    "negative agreement": (lambda sums: specific(sums, 1), "nobody said exclude"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """Who said what: one row a record, one column a person.

    ``codes`` (n, raters) holds places in ``categories``, -1 where the person did not vote;
    ``weights`` (n,) is 1 / inclusion probability, at least 1; ``strata`` (n,) numbers the strata
    the records were drawn from: resamples are drawn within them.
    """

    raters: tuple[str, ...]
    categories: tuple[str, ...]
    codes: NDArray[np.int8]
    weights: Floats
    strata: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        rows: Iterable[tuple[str, str, str]],
        categories: Sequence[str] = ("include", "maybe", "exclude"),
        *,
        probabilities: Mapping[str, float] | None = None,
        strata: Mapping[str, int] | None = None,
    ) -> "Votes":
        """Votes from (record, person, category) rows; a record's inclusion probability is in (0, 1].

        Raises:
            InputError: an unknown category, a person with two votes on a record, a record of the
                votes without its probability or stratum, or a probability outside (0, 1].

        """
        said: dict[tuple[str, str], int] = {}
        for record, rater, category in rows:
            if category not in categories:
                raise InputError(
                    f"record {record}, {rater}: category {category!r}; they are {', '.join(categories)}"
                )
            if (record, rater) in said:
                raise InputError(
                    f"record {record}: {rater} has two votes; give the last one before a conflict"
                )
            said[record, rater] = categories.index(category)
        records = sorted({record for record, _ in said})
        raters = tuple(sorted({rater for _, rater in said}))
        codes = np.full((len(records), len(raters)), -1, dtype=np.int8)
        row_of, column_of = ({name: i for i, name in enumerate(names)} for names in (records, raters))
        for (record, rater), code in said.items():
            codes[row_of[record], column_of[rater]] = code
        chances = np.array(
            [_known(probabilities, record, "inclusion probability", 1.0) for record in records]
        )
        if bad := [one for one, p in zip(records, chances, strict=True) if not 0 < p <= 1]:
            got = chances[records.index(bad[0])]
            raise InputError(f"record {bad[0]}: inclusion probability {got}; it must be in (0, 1]")
        groups = np.array([_known(strata, record, "stratum", 0) for record in records], dtype=np.int64)
        return cls(raters, tuple(categories), codes, 1 / chances, groups)

    def pair(self, one: str, two: str) -> "Votes":
        """The records that both voted on, and these two people only."""
        codes = self.codes[:, [self.raters.index(one), self.raters.index(two)]]
        shared = (codes >= 0).all(axis=1)
        return Votes((one, two), self.categories, codes[shared], self.weights[shared], self.strata[shared])

    def merged(self, positive: Sequence[str]) -> "Votes":
        """Two categories: include (any of ``positive``) and exclude (all others)."""
        if not set(positive) <= set(self.categories):
            raise InputError(f"positive {', '.join(positive)}; categories are {', '.join(self.categories)}")
        side = np.array([name not in positive for name in self.categories] + [-1], dtype=np.int8)
        return Votes(self.raters, ("include", "exclude"), side[self.codes], self.weights, self.strata)

    def table(self) -> tuple[Floats, Floats]:
        """Records and weighted records (q, q) of the first two people: rows the first, columns the second."""
        size = len(self.categories)
        place = self.codes[:, 0].astype(np.int64) * size + self.codes[:, 1]
        both = (self.codes[:, :2] >= 0).all(axis=1)
        plain, weighed = (
            np.bincount(place[both], weights=each[both], minlength=size * size).astype(np.float64)
            for each in (np.ones(len(self.codes)), self.weights)
        )
        return plain.reshape(size, size), weighed.reshape(size, size)


def _known(values: Mapping[str, Any] | None, record: str, what: str, default: float) -> Any:
    if values is None:
        return default
    if record not in values:
        raise InputError(f"record {record}: has a vote and no {what}; give one for every record, or for none")
    return values[record]


# ------------------------------------------------------------------ what is printed and kept


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its percentile interval; what is None is explained in ``why``."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"not defined: {self.why}"
        if self.low is None or self.high is None:
            return f"{self.value:.3f} (no interval: {self.why})"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far some people agree, with maybe as include; ``records`` have votes of two of them or more.

    ``table`` and ``weighted`` (two people only) are records and weighted records with every
    category apart, rows the first person, columns the second.
    """

    raters: tuple[str, ...]
    records: int
    figures: dict[str, Figure]
    table: tuple[tuple[int, ...], ...] = ()
    weighted: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Agreement for all and for each pair; ``basis`` says what the shared records are."""

    basis: Basis
    categories: tuple[str, ...]
    positive: tuple[str, ...]
    overall: Agreement
    pairs: tuple[Agreement, ...]
    resamples: int
    seed: int
    level: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person; an overlap that nobody drew is marked."""
        told = [
            f"Agreement on {counted(self.overall.records, 'record')} ({self.basis}), "
            f"{' and '.join(self.positive)} "
            f"against the rest, {self.level:.0%} bootstrap intervals ({self.resamples} resamples, "
            f"seed {self.seed})"
        ]
        if self.basis == "other overlap":
            told.append(
                "MARKED: these records were neither drawn at random nor all screened by all; the figures "
                "describe them only and depend on the order in which they were shown"
            )
        for one in (self.overall, *self.pairs) if len(self.pairs) > 1 else self.pairs or (self.overall,):
            told += ["", f"{', '.join(one.raters) or 'nobody'}: {counted(one.records, 'record')}"]
            told += [f"  {name:<20}  {figure}" for name, figure in one.figures.items()]
            told += _shown(one, self.categories)
        return told


def _shown(one: Agreement, categories: Sequence[str]) -> list[str]:
    if not one.table:
        return []
    first, second = one.raters
    width = max(9, *(len(name) + 1 for name in categories))
    told = [f"  {first} in rows, {second} in columns; records (weighted)"]
    told.append(" " * (width + 2) + "".join(f"{name:>{width + 9}}" for name in categories))
    for name, counts, sums in zip(categories, one.table, one.weighted, strict=True):
        cells = (f"{n} ({w:.1f})" for n, w in zip(counts, sums, strict=True))
        told.append(f"  {name:<{width}}" + "".join(f"{cell:>{width + 9}}" for cell in cells))
    return told


def agreement(
    votes: Votes,
    *,
    basis: Basis,
    positive: Sequence[str] = ("include", "maybe"),
    resamples: int = 2000,
    seed: int = 42,
    level: float = 0.95,
) -> Report:
    """Agreement of all people and of each pair, two categories (``positive`` against the rest).

    >>> rows = [(f"R{i}", who, said) for who, all_said in (("ann", "iieeee"), ("ben", "imieee"))
    ...         for i, said in enumerate({"i": "include", "m": "maybe", "e": "exclude"}[c] for c in all_said)]
    >>> report = agreement(Votes.of(rows), basis="all records")
    >>> round(report.overall.figures["Cohen's κ"].value, 3), report.pairs[0].table
    (0.667, ((1, 1, 0), (0, 0, 0), (1, 0, 3)))
    """
    if resamples < 1 or not 0 < level < 1:
        raise InputError(f"resamples {resamples}, level {level}: at least 1, and between 0 and 1")
    pairs = tuple(
        _agreement(votes.pair(one, two), positive, resamples, seed, level)
        for one, two in combinations(votes.raters, 2)
    )
    overall = pairs[0] if len(pairs) == 1 else _agreement(votes, positive, resamples, seed, level)
    return Report(basis, votes.categories, tuple(positive), overall, pairs, resamples, seed, level)


def _agreement(votes: Votes, positive: Sequence[str], resamples: int, seed: int, level: float) -> Agreement:
    sides = votes.merged(positive)
    records = int(((votes.codes >= 0).sum(axis=1) >= 2).sum())
    if not records:
        none = {name: Figure(None, why="no record has votes of two of them") for name in _FIGURES}
        return Agreement(votes.raters, 0, none)
    whole = _sums(sides, np.ones((1, len(sides.codes))))
    values = {name: float(figure(whole)[0]) for name, (figure, _) in _FIGURES.items()}
    drawn = _resampled(sides, resamples, seed)
    figures = {name: _figure(values[name], drawn[name], why, level) for name, (_, why) in _FIGURES.items()}
    if len(votes.raters) != 2:
        return Agreement(votes.raters, records, figures)
    plain, weighed = votes.table()
    return Agreement(
        votes.raters,
        records,
        figures,
        tuple(tuple(int(cell) for cell in row) for row in plain),
        tuple(tuple(float(cell) for cell in row) for row in weighed),
    )


def _sums(votes: Votes, times: Floats) -> Sums:
    return sums_of(votes.codes, len(votes.categories), votes.weights, times)


def _resampled(votes: Votes, resamples: int, seed: int) -> dict[str, Floats]:
    """Every figure in every resample; NaN where it is not defined."""
    random = np.random.default_rng(seed)
    step = max(1, _CELLS // len(votes.codes))
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    parts = [_sums(votes, _times(votes.strata, size, random)) for size in sizes]
    return {name: np.concatenate([figure(part) for part in parts]) for name, (figure, _) in _FIGURES.items()}


def _times(strata: NDArray[np.int64], resamples: int, random: np.random.Generator) -> Floats:
    """How often each record counts, (resamples, n).

    Within each stratum n - 1 of n records are drawn with replacement and count n / (n - 1) times
    (Rao & Wu 1988, doi 10.1080/01621459.1988.10478591), so that small strata do not make the
    interval too narrow. A stratum of one record has no spread to show and counts once.
    """
    times = np.ones((resamples, len(strata)))
    for stratum in np.unique(strata):
        (members,) = np.nonzero(strata == stratum)
        size = len(members)
        if size > 1:
            drawn = random.integers(0, size, (resamples, size - 1)) + size * np.arange(resamples)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=resamples * size).reshape(resamples, size)
            times[:, members] = counts * (size / (size - 1))
    return times


def _figure(value: float, drawn: Floats, why: str, level: float) -> Figure:
    if np.isnan(value):
        return Figure(None, why=why)
    defined = drawn[~np.isnan(drawn)]
    undefined = 1 - len(defined) / len(drawn)
    if undefined > _MOST_UNDEFINED:
        return Figure(value, why=f"{undefined:.0%} of the resamples do not define it ({why})")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    if high - low < 1e-12:  # but for rounding
        return Figure(value, why="all resamples give the same; draw more records to see disagreement")
    return Figure(value, float(low), float(high))
