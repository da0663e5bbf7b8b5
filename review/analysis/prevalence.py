"""Shares that can be defended: naive, and corrected for the tagger's errors by an audit.

A share is written once, as a `Measure`: a function from studies with labels to who is in the domain
(known: a year, a source), who counts in the denominator, and who has the label. It is asked of the
tagger's labels for all studies and of people's labels for the audited ones; so numerator and
denominator are corrected alike wherever a label decides on them. The formulas and their sources
stand in `review.analysis.estimators`, what they are worth in ``review/analysis/README.md``.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corpora.words import counted
from review.analysis import estimators
from review.analysis.estimators import Estimand, Population, Sample
from review.analysis.labelsets import LabelSets
from review.analysis.tidy import NOT_AUDITED, Audit, Context

Status = Literal["corrected", "not estimable", "not audited"]

DISCORDANT = 5
"""A cell with fewer disagreements of tagger and coder among the coded studies is not estimable."""


class Masks(NamedTuple):
    """Boolean matrices (studies, cells); positive ⊆ eligible ⊆ domain."""

    domain: NDArray[np.bool_]
    eligible: NDArray[np.bool_]
    positive: NDArray[np.bool_]


Measure = Callable[[pd.DataFrame], Masks]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One share. ``n`` of ``of`` studies by the tagger; ``audited`` of the domain's were audited.

    ``corrected`` (PPI++) and ``difference`` have 95 % intervals; ``rogan_gladen`` is a check. They
    are None unless ``status`` is "corrected", and ``why`` says why not.
    """

    n: int
    of: int
    naive: float | None
    unit: str
    denominator: str
    population: str
    status: Status = "not audited"
    why: str = ""
    corrected: float | None = None
    low: float | None = None
    high: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    rogan_gladen: float | None = None
    audited: int = 0
    discordant: int = 0
    estimand: str = ""

    def __str__(self) -> str:
        """``41 % [35 %, 47 %], n coded = 300; naive 52 %``."""
        told = "–" if self.naive is None else f"{self.naive:.1%}"
        if self.status != "corrected":
            return f"{told} (naive, {self.status})"
        interval = f"{self.corrected:.1%} [{self.low:.1%}, {self.high:.1%}]"
        return f"{interval}, n coded = {self.audited:,}; naive {told}"


COLUMNS = (
    "naive", "corrected", "low", "high", "difference", "difference_low", "difference_high", "rogan_gladen",
    "audited", "discordant", "status",
)  # fmt: skip
"""What every table of shares has of an estimate, in this order."""


def estimates(
    studies: pd.DataFrame,
    measure: Measure,
    context: Context,
    *,
    dimensions: Sequence[str],
    denominator: str,
    unit: str = "studies",
    mix: NDArray[np.float64] | None = None,
) -> list[Estimate]:
    """One estimate for each cell of a measure that reads these ``dimensions``.

    ``studies`` are those that are shown; they must all belong to the population that was audited,
    or the shares stay naive. A ``mix`` (cells, groups) makes one estimate a group instead: the
    weighted sum of its cells' shares, with ``n`` and ``of`` summed over the cells that have weight.
    """
    masks = measure(studies)
    mix = np.eye(masks.domain.shape[1]) if mix is None else mix
    together = np.zeros(len(studies), dtype=np.int64)
    counts, totals = (estimators.counted(together, 1, one)[0] for one in (masks.positive, masks.eligible))
    naive = estimators.mixed(counts / np.where(totals > 0, totals, np.nan), mix)
    base = [
        Estimate(
            int(n), int(of), None if np.isnan(share) else share, unit, denominator, context.population,
            why=context.audit_state,
        )
        for n, of, share in zip(*(_within(one, mix).tolist() for one in (counts, totals)), naive.tolist(),
                                strict=True)
    ]  # fmt: skip
    if not base or context.audit is None:
        return base
    places = context.audit.strata.index.get_indexer(pd.Index(studies["study_id"]))
    if why := _hindrance(places, context.audit, dimensions):
        return [replace(one, why=why) for one in base]
    population, sample = _gathered(studies, places, masks, measure, context.audit, dimensions)
    return _corrected(population, sample, context.audit.estimand, base, mix)


def table(found: Sequence[Estimate]) -> pd.DataFrame:
    """n, denominator and `COLUMNS` of estimates; what is not there is empty."""
    frame = pd.DataFrame([asdict(one) for one in found], columns=["n", "of", *COLUMNS])
    numbers = [name for name in COLUMNS[:8] if name != "naive"]
    types = dict.fromkeys(numbers, "Float64") | {"naive": "float64", "n": "int64", "of": "int64"}
    return frame.astype(types).rename(columns={"of": "denominator"})


def notes(found: Sequence[Estimate], context: Context) -> list[str]:
    """What a reader must know of these shares."""
    if not any(one.status != "not audited" for one in found):
        why = found[0].why if found else context.audit_state
        return [NOT_AUDITED, f"Why: {why}."]
    audit = context.audit
    assert audit is not None
    what = "this corpus" if audit.estimand == "corpus" else "the literature it is a sample of"
    coded = f"{len(audit.truth):,} of {counted(len(audit.strata), 'study')}"
    told = [
        f"Corrected to silver coding, a language model's of {coded} and not people's; PPI++ with 95 % "
        f"intervals, for {what}."
        if audit.silver
        else f"Corrected by {audit.name}: {coded} coded by people, drawn {audit.drawn[:10]}; PPI++ with 95 % "
        f"intervals, for {what}."
    ]
    if weak := sum(one.status == "not estimable" for one in found):
        whom = "the silver coding" if audit.silver else "people"
        told.append(
            f"{weak} of {len(found)} shares are not estimable (under {DISCORDANT} disagreements of tagger "
            f"and {whom}): naive, in grey."
        )
    return told


def by_year(
    rows: Sequence[tuple[int | None, str]],
    held: Callable[[pd.DataFrame], LabelSets],
    eligible: Callable[[frozenset[str]], bool],
) -> Measure:
    """A measure with one cell for each (year, value); year None is all years.

    ``held`` gives the values of every study, None for one that was not tagged and is outside;
    ``eligible`` says whose values count in the denominator.
    """
    wanted = np.array([np.nan if year is None else year for year, _ in rows], dtype=float)

    def measure(frame: pd.DataFrame) -> Masks:
        labels = held(frame)
        codes, years = pd.factorize(
            frame["year"].to_numpy(dtype=float, na_value=np.nan), use_na_sentinel=False
        )
        inside = np.isnan(wanted) | (years[:, None] == wanted)
        domain = inside[codes] & labels.tagged()[:, None]
        within = domain & labels.where(eligible)[:, None]
        return Masks(domain, within, within & labels.members([value for _, value in rows]))

    return measure


# ------------------------------------------------------------------ correcting


def _hindrance(places: NDArray[np.intp], audit: Audit, dimensions: Sequence[str]) -> str:
    """Why these shares cannot be corrected by this audit; empty if they can.

    ``places`` are the studies' in the audited population, -1 for one that is not there.
    """
    absent = [name for name in dimensions if name not in audit.truth.columns]
    if absent:
        return f"{audit.name} did not ask for {', '.join(absent)}"
    new = int((places < 0).sum())
    if new:
        return (
            f"{new:,} of the {counted(len(places), 'study')} came after {audit.name} was drawn on "
            f"{audit.drawn[:10]}; audit them too (review audit --n N draws from them)"
        )
    return ""


def _corrected(
    population: Population,
    sample: Sample,
    estimand: Estimand,
    base: list[Estimate],
    mix: NDArray[np.float64],
) -> list[Estimate]:
    counts, discordant = (_within(one, mix) for one in estimators.audited(sample))
    whole = counts == _within(population.domain.sum(axis=0), mix)
    tuned, plain = (
        estimators.corrected(population, sample, tuning, estimand=estimand, mix=mix) for tuning in (None, 1.0)
    )
    check = estimators.mixed(estimators.rogan_gladen(population, sample), mix)
    made = []
    for i, one in enumerate(base):
        seen: dict[str, Any] = {
            "audited": int(counts[i]), "discordant": int(discordant[i]), "estimand": estimand, "why": ""
        }  # fmt: skip
        if np.isnan(tuned.low[i]) or (discordant[i] < DISCORDANT and not whole[i]):
            few = discordant[i] < DISCORDANT
            why = f"{discordant[i]} of the {DISCORDANT} disagreements it takes" if few else "a part not coded"
            made.append(replace(one, **{**seen, "status": "not estimable", "why": why}))
            continue
        numbers = {
            "corrected": tuned.share[i], "low": tuned.low[i], "high": tuned.high[i],
            "difference": plain.share[i], "difference_low": plain.low[i], "difference_high": plain.high[i],
            "rogan_gladen": check[i],
        }  # fmt: skip
        told: dict[str, Any] = {
            name: None if np.isnan(value) else float(value) for name, value in numbers.items()
        }
        made.append(replace(one, **seen, status="corrected", **told))
    return made


def _gathered(
    studies: pd.DataFrame,
    places: NDArray[np.intp],
    masks: Masks,
    measure: Measure,
    audit: Audit,
    dimensions: Sequence[str],
) -> tuple[Population, Sample]:
    """The whole audited population; a study that is not shown is outside every domain."""
    ids = audit.strata.index
    strata, names = pd.factorize(audit.strata, sort=True)
    strata = strata.astype(np.int64)
    sizes = np.bincount(strata, minlength=len(names)).astype(float)
    population = Population(sizes, *(estimators.counted(strata[places], len(names), one) for one in masks))
    shown = np.full(len(ids), -1)
    shown[places] = np.arange(len(studies))
    drawn = ids.get_indexer(audit.truth.index)
    truth, drawn = audit.truth[drawn >= 0], drawn[drawn >= 0]
    there = np.flatnonzero(shown[drawn] >= 0)
    rows = shown[drawn[there]]
    people = truth.iloc[there][list(dimensions)].set_axis(studies.index[rows])
    coded = studies.iloc[rows].assign(**{name: people[name] for name in dimensions})
    said = Masks(*(_placed(one[rows], there, len(truth)) for one in masks))
    true = Masks(*(_placed(one, there, len(truth)) for one in measure(coded)))
    # A study that was not tagged is outside, whatever people say of it.
    domain = said.domain
    sample = Sample(
        strata[drawn],
        domain.astype(float),
        (true.eligible & domain).astype(float),
        (true.positive & domain).astype(float),
        said.eligible.astype(float),
        said.positive.astype(float),
    )
    return population, sample


def _within(values: NDArray[Any], mix: NDArray[np.float64]) -> NDArray[np.int64]:
    """Counts (C,) summed over the cells that have weight in each group of a mix."""
    made: NDArray[np.int64] = values.astype(np.int64) @ (mix != 0)
    return made


def _placed(matrix: NDArray[np.bool_], rows: NDArray[np.intp], size: int) -> NDArray[np.bool_]:
    made = np.zeros((size, matrix.shape[1]), dtype=bool)
    made[rows] = matrix
    return made


def share_or_naive(frame: pd.DataFrame) -> pd.Series:
    """The corrected share where there is one, else the naive."""
    return frame["corrected"].astype(float).fillna(frame["naive"])
