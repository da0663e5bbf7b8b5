"""Do the intervals hold what they promise? A simulated corpus, a tagger that errs, many audits.

Truth is simulated: 8,000 studies over ten years, of growing number; two method families that change
places over the years; labels of 0.5 to 50 %, some growing, some waning. The tagger's errors are
asymmetric and drift: half of the labels are given too often and ever more so (the false share of what
is given rises from .15 to .50), half too rarely (sensitivity falls from .80 to .50). Six per cent of
the studies are training records, on which it nearly always repeats the truth. Each audit is drawn by
the product's own strata and allocation (`review.labelling.auditing`) and estimated by its own code.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from review.analysis import estimators
from review.analysis.estimators import Floats, Population, Sample
from review.analysis.prevalence import DISCORDANT

STUDIES, YEARS = 8_000, 10
PREVALENCES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5)
METHODS: dict[str, float | None] = {"audit alone": 0.0, "difference": 1.0, "PPI++": None}
RATIO = "generative only, of those that state a method"
_TAUGHT = 0.06

Bools = NDArray[np.bool_]
Strata = Callable[[pd.DataFrame, frozenset[str], int], pd.Series]
Allocation = Callable[[NDArray[np.int64], int], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Row:
    """One cell and method: shares as fractions. ``estimable`` is the share of audits that show it.

    ``shown`` is the coverage among those; ``years`` pools the ten yearly cells of a label.
    """

    n: int
    cell: str
    method: str
    prevalence: float
    years: bool
    bias: float
    rmse: float
    coverage: float
    half_width: float
    estimable: float
    shown: float | None


@dataclass(frozen=True, slots=True)
class World:
    """A corpus: years 0 to 9, training records, the truth, and what the tagger says; labels (N, L)."""

    years: NDArray[np.int64]
    taught: Bools
    families: Bools
    labels: Bools
    said_families: Bools
    said_labels: Bools


def world(random: np.random.Generator) -> World:
    """Simulate one corpus and its tagger."""
    growth = np.linspace(1, 4, YEARS)
    years = random.choice(YEARS, STUDIES, p=growth / growth.sum())
    time = (years / (YEARS - 1))[:, None]
    taught = random.random(STUDIES) < _TAUGHT
    generative = random.random(STUDIES) < 1 / (1 + np.exp(-(time[:, 0] - 0.6) * 8))
    traditional = random.random(STUDIES) < np.where(generative, 0.2, 0.75)
    families = np.stack([generative, traditional], axis=1)
    share = np.array(PREVALENCES)
    over = np.arange(len(share)) % 2 == 0
    chance = share * np.where(over, 0.5 + time, 1.5 - time) * np.where(generative[:, None], 1.3, 0.85)
    chance = np.clip(chance / chance.mean(axis=0) * share, 0, 0.95)
    labels = random.random(chance.shape) < chance
    sensitivity = np.where(over, 0.9 - 0.15 * time, 0.8 - 0.3 * time)
    false = np.where(over, 0.15 + 0.35 * time, 0.08 + 0.1 * time)
    wrong = np.clip(share * 0.8 * false / (1 - false) / (1 - share), 0, 0.4)
    said = random.random(chance.shape) < np.where(labels, sensitivity, wrong)
    repeated = taught[:, None] & (random.random(chance.shape) < 0.9)
    hit = np.concatenate([0.92 - 0.1 * time, np.full_like(time, 0.9)], axis=1)
    slip = np.concatenate([0.02 + 0.06 * time, 0.08 + 0.1 * time], axis=1)
    said_families = random.random(families.shape) < np.where(families, hit, slip)
    return World(
        years, taught, families, labels,
        np.where(taught[:, None], families, said_families), np.where(repeated, labels, said),
    )  # fmt: skip


def cells(years: NDArray[np.int64], families: Bools, labels: Bools) -> tuple[Floats, Floats, Floats]:
    """Domain, eligible, positive (N, C): every label and the ratio, over all years, then year by year."""
    stated = families.any(axis=1, keepdims=True)
    only = families[:, :1] & ~families[:, 1:]
    positive = np.hstack([labels, only])
    eligible = np.hstack([np.ones_like(labels), stated])
    inside = [np.ones((len(years), 1), bool), *((years == year)[:, None] for year in range(YEARS))]
    domain = np.hstack([np.repeat(one, positive.shape[1], axis=1) for one in inside])
    parts = (np.hstack([part & one for one in inside]) for part in (eligible, positive))
    eligible_all, positive_all = (part.astype(float) for part in parts)
    return domain.astype(float), eligible_all, positive_all


def study(
    sizes: Sequence[int],
    corpora: int,
    audits: int,
    strata: Strata,
    allocation: Allocation,
    *,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Row]:
    """Draw ``audits`` audits of each size from each of ``corpora`` corpora; gives rows for each size."""
    random = np.random.default_rng(seed)
    held: dict[tuple[int, str], list[tuple[Floats, ...]]] = {}
    for number in range(corpora):
        made = world(random)
        truth_cells = cells(made.years, made.families, made.labels)
        said_cells = cells(made.years, made.said_families, made.said_labels)
        for size in sizes:
            drawer = _Drawer(made, size, strata, allocation)
            for _ in range(audits):
                for method, result in drawer.audit(random, truth_cells, said_cells).items():
                    held.setdefault((size, method), []).append(result)
        progress(number + 1)
    return [row for (size, method), results in held.items() for row in _rows(size, method, results)]


class _Drawer:
    """Audits of one size of one corpus."""

    def __init__(self, made: World, size: int, strata: Strata, allocation: Allocation) -> None:
        ids = np.array([f"S{i:05}" for i in range(STUDIES)])
        names = np.array(["generative_llm", "traditional_nlp"])
        families = [list(names[one]) for one in made.said_families]
        frame = pd.DataFrame({"study_id": ids, "year": made.years + 2015, "family": families})
        named = strata(frame, frozenset(ids[made.taught].tolist()), size)
        self.codes, self.names = pd.factorize(named, sort=True)
        self.members = [np.flatnonzero(self.codes == h) for h in range(len(self.names))]
        self.drawn = allocation(np.array([len(one) for one in self.members], dtype=np.int64), size)

    def audit(
        self,
        random: np.random.Generator,
        true: tuple[Floats, Floats, Floats],
        said: tuple[Floats, Floats, Floats],
    ) -> dict[str, tuple[Floats, ...]]:
        """Method → error, covered, half width, estimable, truth; (C,) each."""
        codes = self.codes.astype(np.int64)
        population = Population.of(codes, len(self.names), *said)
        pairs = zip(self.members, self.drawn.tolist(), strict=True)
        rows = np.concatenate([random.choice(one, count, replace=False) for one, count in pairs])
        domain, eligible, positive = (part[rows] for part in true)
        sample = Sample(codes[rows], domain, eligible, positive, said[1][rows], said[2][rows])
        truth = true[2].sum(axis=0) / np.maximum(true[1].sum(axis=0), 1)
        estimable = (estimators.audited(sample)[1] >= DISCORDANT).astype(float)
        made = {"naive": _naive(population, truth)}
        for method, tuning in METHODS.items():
            got = estimators.corrected(population, sample, tuning)
            covered = (got.low <= truth) & (truth <= got.high)
            made[method] = (got.share - truth, covered.astype(float), (got.high - got.low) / 2)
        return {method: (*parts, estimable, truth) for method, parts in made.items()}


def _naive(population: Population, truth: Floats) -> tuple[Floats, Floats, Floats]:
    """The tagger's share with the interval that is often printed: Wald's, as if it were counted by hand."""
    share = estimators.naive(population)
    half = 1.96 * np.sqrt(share * (1 - share) / population.eligible.sum(axis=0))
    return share - truth, (np.abs(share - truth) <= half).astype(float), half


def _rows(size: int, method: str, results: list[tuple[Floats, ...]]) -> list[Row]:
    error, covered, half, estimable, truth = (np.array(part) for part in zip(*results, strict=True))
    count = len(PREVALENCES) + 1
    made = []
    for i in range(count):
        for yearly in (False, True):
            columns = [i + count * (1 + year) for year in range(YEARS)] if yearly else [i]
            e, c, h, ok = (part[:, columns] for part in (error, covered, half, estimable))
            name = RATIO if i == count - 1 else f"label of {PREVALENCES[i]:.1%}"
            made.append(
                Row(
                    size, name, method, _round(truth[:, columns].mean()), yearly, _round(np.nanmean(e)),
                    _round(np.sqrt(np.nanmean(e**2))), _round(c.mean()), _round(np.nanmean(h)),
                    _round(ok.mean()), _round((c * ok).sum() / ok.sum()) if ok.sum() >= 100 else None,
                )
            )  # fmt: skip
    return made


def _round(value: Any) -> float:
    return round(float(value), 5)


# ------------------------------------------------------------------ tables of the page


def table(rows: Sequence[Row], n: int, measure: str, *, years: bool = False) -> list[str]:
    """Markdown: cells down, methods across; ``measure`` is a field of `Row`, in per cent."""
    shown = [row for row in rows if row.n == n and row.years is years]
    methods = list(dict.fromkeys(row.method for row in shown))
    lines = [f"| share | {' | '.join(methods)} |", "|---|" + "---|" * len(methods)]
    for cell in dict.fromkeys(row.cell for row in shown):
        values = {row.method: getattr(row, measure) for row in shown if row.cell == cell}
        digits = 1 if measure in ("coverage", "shown") else 2
        told = ["–" if values[m] is None else f"{values[m] * 100:.{digits}f}" for m in methods]
        lines.append(f"| {cell} | {' | '.join(told)} |")
    return lines
