"""How fast the number of studies grows, and whether its pace changed: per label of a dimension.

*Growth.* Counts of a year y follow a log-linear model with quasi-Poisson errors,

    log E[n_y] = a + b y,    Var[n_y] = φ E[n_y],    φ = max(1, Pearson χ² / (years - 2));

the annual growth rate is exp(b) - 1, its 95 % interval Student's with years - 2 degrees of freedom on
the log scale (McCullagh & Nelder 1989, ch. 4 and 9).

*Change point.* The line against one with a kink at year τ, log E[n_y] = a + b y + c (y - τ)₊, τ with at
least three years on either side. The statistic is sup F = max over τ of (D₀ - D(τ)) / φ(τ), D the
deviances, φ(τ) = max(1, Pearson χ² / (years - 4)). Its p is found by simulating counts from the line
with the variance φ that the kinked model leaves (negative binomial, seeded; no permutation: years of a
growing series are not exchangeable). A change point is named if p < .05 and the quasi-BIC
(D / φ + parameters · log years) is lower too.

*Limits.* Counts are the tagger's: a constant rate of errors leaves growth as it is, one that drifts does
not. All sources are pooled: a source that enters is growth here. One kink at most, of pace, not of level;
its year is a best guess without interval; many labels are tested, none of the p is adjusted for that. The
last year is left out, since it may be incomplete. Of simulated straight series of eleven years it names
a kink in 4 to 8 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from corpora.words import by_number, counted
from review.analysis import axes
from review.analysis.tidy import POOLED, Context, Tidy, dated

Floats = NDArray[np.float64]

YEARS = 5
"""Fewest years, and `STUDIES` fewest studies, for a growth rate."""
STUDIES = 20
EACH_SIDE = 3
"""Years on either side of a change point; twice as many and one more make a series long enough."""
LEVEL = 0.05
DRAWS = 499

_GROWTH = "growth"
_TOO_FEW = "too few years"


@dataclass(frozen=True, slots=True)
class Growth:
    """Annual growth (0.25 = 25 %) with its 95 % interval."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Kink:
    """The year from which the pace is another, its p, and the growth before and after."""

    year: int
    p: float
    better: bool
    before: float
    after: float


def growth(studies: pd.DataFrame, context: Context, dimension: str = "tasks", top: int = 16) -> Tidy:
    """Annual growth of the studies with each label: columns label, n, first, last, growth, low, high, …

    ``n`` counts the studies of the years ``first`` to ``last``; ``change`` is the year from which the
    pace is another (empty if none was found), ``p`` its p, ``before`` and ``after`` the two growth
    rates; ``status`` is "growth", or "too few years" where there are under `YEARS` years or `STUDIES`
    studies. Counts are as tagged, never corrected. The first row is all studies that are
    tagged and that the gate does not keep out.

    Raises:
        UnknownNameError: the codebook has no such dimension.

    """
    part = axes.axis(studies, context, dimension)
    asked, told = axes.in_scope(studies, context)
    kept, notes = dated(asked)
    notes = told + notes
    kept = kept[part.tagged(kept)]
    last = int(kept["year"].max()) - 1 if len(kept) else 0
    if len(kept):
        notes.append(f"{last + 1} is left out: a review's last year may be incomplete.")
        kept = kept[kept["year"] <= last]
    order = part.by_count(kept)
    if len(order) > top:
        notes.append(
            f"{counted(len(order) - top, 'rarer label')} of {part.title} "
            f"{by_number(len(order) - top, 'is', 'are')} not shown."
        )
    order = order[:top]
    members = part.column(kept).members(order)
    everyone = np.ones((len(kept), 1), dtype=bool)
    rows = [
        _row(name, kept["year"].to_numpy()[who], last)
        for name, who in zip(
            ("All studies", *(part.name(label) for label in order)),
            np.concatenate([everyone, members], axis=1).T,
            strict=True,
        )
    ]
    whole = ("n", "first", "last", "change")
    frame = pd.DataFrame(rows if len(kept) else [], columns=_COLUMNS).astype(dict.fromkeys(whole, "Int64"))
    return Tidy(
        frame,
        unit="studies",
        denominator="none: counts of tagged studies",
        population=context.population,
        notes=(*notes, "Counts are as the tagger gave them, not corrected.", POOLED),
        simulated=context.simulated,
    )


_COLUMNS = [
    "label", "n", "first", "last", "growth", "low", "high", "change", "p", "before", "after", "status"
]  # fmt: skip


def _row(name: str, years: NDArray[np.int64], last: int) -> tuple[object, ...]:
    """One row of the table: from the label's first study on."""
    if not len(years):
        return (name, 0, None, None, *[np.nan] * 3, None, *[np.nan] * 3, _TOO_FEW)
    first = int(years.min())
    counts = np.bincount(years - first, minlength=last - first + 1).astype(np.float64)
    if len(counts) < YEARS or counts.sum() < STUDIES:
        return (name, len(years), first, last, *[np.nan] * 3, None, *[np.nan] * 3, _TOO_FEW)
    rate = fit(counts)
    kink = changed(counts, first)
    found: tuple[int | None, float, float, float] = (None, np.nan, np.nan, np.nan)
    if kink is not None:
        there = kink.p < LEVEL and kink.better
        found = (kink.year, kink.p, kink.before, kink.after) if there else (None, kink.p, np.nan, np.nan)
    return (name, len(years), first, last, rate.rate, rate.low, rate.high, *found, _GROWTH)


# ------------------------------------------------------------------ models


def fit(counts: Sequence[float] | Floats) -> Growth:
    """Growth of a series of counts, one a year, without gaps.

    >>> found = fit([10, 20, 40, 80, 160])
    >>> round(found.rate, 3), found.low < 1 < found.high
    (1.0, True)
    """
    series = np.asarray(counts, dtype=np.float64)
    design = _design(len(series), None)
    slope, mean = _poisson(design, series[None])
    freedom = len(series) - 2
    scale = max(1.0, float(_pearson(series[None], mean)[0]) / freedom)
    information = design.T @ (mean[0][:, None] * design)
    error = float(np.sqrt(scale * np.linalg.inv(information)[1, 1]))
    half = float(student.ppf(0.975, freedom)) * error
    b = float(slope[0, 1])
    rate, low, high = (float(np.expm1(min(one, 50.0))) for one in (b, b - half, b + half))
    return Growth(rate, low, high)


def changed(
    counts: Sequence[float] | Floats, first: int, *, seed: int = 0, draws: int = DRAWS
) -> Kink | None:
    """The kink that fits best, and how often a straight line would look as kinked; None if too short."""
    series = np.asarray(counts, dtype=np.float64)
    years = len(series)
    places = list(range(EACH_SIDE, years - EACH_SIDE))
    if not places:
        return None
    _, line = _poisson(_design(years, None), series[None])
    statistic, which, scale = _sup(series[None], places)
    drawn = _simulated(line[0], float(scale[0]), draws, np.random.default_rng(seed))
    as_kinked = int((_sup(drawn, places)[0] >= statistic[0]).sum())
    place = places[int(which[0])]
    slopes, kinked = _poisson(_design(years, place), series[None])
    gain = float((_deviance(series[None], line) - _deviance(series[None], kinked))[0] / scale[0])
    before, after = np.expm1(slopes[0, 1]), np.expm1(slopes[0, 1] + slopes[0, 2])
    return Kink(
        first + place, (1 + as_kinked) / (1 + draws), gain > 2 * np.log(years), float(before), float(after)
    )


def _sup(series: Floats, places: Sequence[int]) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Of each series (B, years): sup F, the place of its kink, and φ of that model."""
    years = series.shape[1]
    flat = _deviance(series, _poisson(_design(years, None), series)[1])
    scores, scales = [], []
    for place in places:
        mean = _poisson(_design(years, place), series)[1]
        scale = np.maximum(1.0, _pearson(series, mean) / max(1, years - 4))
        scores.append((flat - _deviance(series, mean)) / scale)
        scales.append(scale)
    table = np.array(scores)
    which = table.argmax(axis=0)
    rows = np.arange(series.shape[0])
    return table[which, rows], which, np.array(scales)[which, rows]


def _design(years: int, place: int | None) -> Floats:
    """Columns 1, y and, with a kink, (y - τ)₊; y from 0."""
    y = np.arange(years, dtype=np.float64)
    columns = [np.ones(years), y]
    if place is not None:
        columns.append(np.clip(y - place, 0, None))
    return np.stack(columns, axis=1)


def _poisson(design: Floats, series: Floats) -> tuple[Floats, Floats]:
    """Coefficients (B, P) and means (B, years) of many Poisson regressions by Newton's steps."""
    found = np.asarray(np.linalg.lstsq(design, np.log(series + 0.5).T, rcond=None)[0].T, dtype=np.float64)
    for _ in range(30):
        mean = np.exp(np.clip(found @ design.T, -30, 30))
        slope = (series - mean) @ design
        curve = np.einsum("by,yp,yq->bpq", mean, design, design) + 1e-9 * np.eye(design.shape[1])
        step = np.linalg.solve(curve, slope[..., None])[..., 0]
        found = found + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    return found, np.exp(np.clip(found @ design.T, -30, 30))


def _deviance(series: Floats, mean: Floats) -> Floats:
    some = np.where(series > 0, series, 1.0)
    made: Floats = 2 * (np.where(series > 0, series * np.log(some / mean), 0.0) - (series - mean)).sum(axis=1)
    return made


def _pearson(series: Floats, mean: Floats) -> Floats:
    made: Floats = ((series - mean) ** 2 / np.maximum(mean, 1e-9)).sum(axis=1)
    return made


def _simulated(mean: Floats, scale: float, draws: int, random: np.random.Generator) -> Floats:
    """Series (draws, years) with this mean and φ times its variance; Poisson's where φ is 1."""
    rate = np.tile(mean, (draws, 1))
    if scale > 1.0 + 1e-6:
        rate = random.gamma(rate / (scale - 1) + 1e-12, scale - 1)
    return np.asarray(random.poisson(rate), dtype=np.float64)
