"""How stopping rules fare: simulated screenings in which the truth is known.

By method rules, section 5: many runs a rule and scenario, live checks on a grid, recall measured by
the truth, intervals clustered by review. Every rule meets the same cases. Pure arrays: rankings of
finished reviews come in (`classifiers.simulate` makes them), a table comes out.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.registry import unknown
from corpora.words import counted
from review.screening.stopping import verified
from review.screening.stopping.base import Bools, Rule, Screened
from review.screening.stopping.compose import check, leaves, parse
from review.screening.stopping.control import Qbcb, fewest
from review.screening.stopping.safe import Safe

Floats = NDArray[np.float64]
KEYS = 3
"""Key papers known beforehand, drawn from the relevant records (SAFE asks for them)."""
OFTEN = 10
"""A heuristic is checked at least every so many records: people watch it record by record."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """One finished screening of N records.

    ``labels`` (N,): relevance in the order of screening; ``places`` (N, t), in [0, 1): where each of t
    other learners would have had the record, as a share of N (t = 0: rules that need them are refused).
    """

    labels: Bools
    places: Floats


@dataclass(frozen=True, slots=True)
class Case:
    """A simulated review: as `Ranking`; ``seen`` (N,) is what the reviewers say of each record."""

    truth: Bools
    seen: Bools
    places: Floats


# ---------------------------------------------------------------------- scenarios


def resampled(ranking: Ranking, rng: np.random.Generator, times: int = 1) -> Case:
    """N · ``times`` records drawn with replacement, in the order of the ranking: a review like this one.

    A relevant one moves at random within half the way to its relevant neighbours (a smoothed
    bootstrap): copies in one place would make lumps that no ranking has.
    """
    n, hits = len(ranking.labels), np.flatnonzero(ranking.labels)
    while True:
        rows = rng.integers(n, size=n * times)
        truth = ranking.labels[rows]
        if truth.any():
            break
    middles = (hits[1:] + hits[:-1]) / 2
    low, high = np.append(hits[:1], middles), np.append(middles, hits[-1:])
    which = np.searchsorted(hits, rows[truth])
    position = rows + rng.random(len(rows))
    position[truth] = low[which] + rng.random(len(which)) * (high - low)[which]
    order = np.argsort(position)
    return Case(truth[order], truth[order], ranking.places[rows[order]])


def random_ranking(ranking: Ranking, rng: np.random.Generator) -> Case:
    """The ranking is no better than random, and so are the learners."""
    case = resampled(ranking, rng)
    truth = rng.permutation(case.truth)
    return Case(truth, truth, rng.random(case.places.shape))


def cluster_last(ranking: Ranking, rng: np.random.Generator, part: float = 0.1) -> Case:
    """A cluster of relevant records, a tenth of them, is ranked last by every learner."""
    case = resampled(ranking, rng)
    hits = np.flatnonzero(case.truth)
    cluster = rng.choice(hits, math.ceil(part * len(hits)), replace=False)
    order = np.append(np.setdiff1d(np.arange(len(case.truth)), cluster), cluster)
    places = case.places.copy()
    places[cluster] = 1.0
    return Case(case.truth[order], case.truth[order], places[order])


def missing(rate: float) -> Callable[[Ranking, np.random.Generator], Case]:
    """Reviewers exclude each relevant record with this probability; the rule sees their labels."""

    def made(ranking: Ranking, rng: np.random.Generator) -> Case:
        case = resampled(ranking, rng)
        return Case(case.truth, case.truth & (rng.random(len(case.truth)) >= rate), case.places)

    return made


SCENARIOS: dict[str, Callable[[Ranking, np.random.Generator], Case]] = {
    "real ranking": resampled,
    "ten times the records": lambda ranking, rng: resampled(ranking, rng, 10),
    "random ranking": random_ranking,
    "cluster ranked last": cluster_last,
    "reviewers miss 5 %": missing(0.05),
    "reviewers miss 10 %": missing(0.10),
}


# ---------------------------------------------------------------------- one run


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of one rule: ``recall`` of truly relevant records shown to the reviewers by the stop.

    ``kept``: of those, the ones that they also included, over all; ``work``: share of the pool that
    was screened, controls and sample included; ``stopped``: before everything was screened.
    ``bound``: what the verified sample proved, if one was drawn, and ``overclaimed`` whether that is
    more than the relevant records known by then are of all.
    """

    recall: float
    kept: float
    work: float
    stopped: bool
    bound: float | None = None
    overclaimed: bool = False


def run(
    rule: Rule, case: Case, rng: np.random.Generator, *, grid: float = 0.01, target: float = 0.95
) -> tuple[Outcome, Outcome]:
    """Screen a case until the rule says stop; the second outcome is that with a verified sample after it.

    The sample has the smallest size that can prove ``target`` with no hit. If it does not, the rest
    is screened.
    """
    walk = _Walk(rule, case, rng)
    n = walk.stop(grid)
    screened = np.zeros(len(case.truth), dtype=bool)
    screened[walk.order[:n]] = True
    screened[walk.controls] = True
    return _outcome(case, screened), _sampled(case, screened, rng, target)


def _outcome(case: Case, screened: Bools, bound: float | None = None, overclaimed: bool = False) -> Outcome:
    relevant = int(case.truth.sum())
    return Outcome(
        recall=int(case.truth[screened].sum()) / relevant,
        kept=int(case.seen[screened].sum()) / relevant,
        work=float(screened.mean()),
        stopped=not screened.all(),
        bound=bound,
        overclaimed=overclaimed,
    )


def _sampled(case: Case, screened: Bools, rng: np.random.Generator, target: float) -> Outcome:
    left = rng.permutation(np.flatnonzero(~screened))
    if not len(left):
        return _outcome(case, screened)
    found = int(case.seen[screened].sum())
    size = verified.smallest_sample(found, len(left), target)
    drawn = left if size is None else left[:size]
    hits = int(case.seen[drawn].sum())
    bound = verified.lower_bound(found, len(left), len(drawn), hits)
    done = screened.copy()
    done[drawn if bound >= target else left] = True
    return _outcome(case, done, bound, bound > (found + hits) / int(case.truth.sum()))


class _Walk:
    """One review on its way: the order of screening, and what rules ask for beside it."""

    def __init__(self, rule: Rule, case: Case, rng: np.random.Generator) -> None:
        self._rule, self._case = rule, case
        self._size = len(case.truth)
        self.controls = np.empty(0, dtype=np.int64)
        self._random = self._switched = 0
        self._safe = next((leaf for leaf in leaves(rule) if isinstance(leaf, Safe)), None)
        qbcb = next((leaf for leaf in leaves(rule) if isinstance(leaf, Qbcb)), None)
        self._keys = rng.choice(np.flatnonzero(case.truth), min(KEYS, int(case.truth.sum())), replace=False)
        drawn = rng.permutation(self._size)
        if self._safe:  # its random records are screened first
            self._random = min(int(self._safe.start), self._size)
        first = drawn[: self._random]
        self._set(np.append(first, np.setdiff1d(np.arange(self._size), first)))
        if qbcb:  # drawn one by one until enough of them are relevant, or none is left
            enough = np.cumsum(case.seen[drawn]) >= fewest(qbcb.recall, qbcb.confidence)
            self.controls = drawn[: int(enough.argmax()) + 1] if enough.any() else drawn

    def _set(self, order: NDArray[np.int64]) -> None:
        self.order = order
        self._labels = self._case.seen[order]
        self._place = np.argsort(order)

    def stop(self, grid: float) -> int:
        """The records screened when the rule says stop; all of them if it never does."""
        if len(self.controls) == self._size:  # the control sample took them all
            return self._size
        step = max(1, int(self._size * grid))
        if all(leaf.claim in ("heuristic", "resource") for leaf in leaves(self._rule)):
            step = min(step, OFTEN)
        for n in range(step, self._size, step):
            screened = self._screened(n)
            if self._safe and not self._switched and self._safe.phase(screened)[0] == "F":
                self._switch(n)
            elif check(self._rule, screened).stop:
                return n
        return self._size

    def _switch(self, n: int) -> None:
        """From here on the first other learner ranks what is left."""
        self._switched = n
        rest = self.order[n:]
        if self._case.places.shape[1]:
            rest = rest[np.argsort(self._case.places[rest, 0], kind="stable")]
        self._set(np.append(self.order[:n], rest))

    def _screened(self, n: int) -> Screened:
        labels = self._labels[:n]
        gap = int(labels[::-1].argmax()) if labels.any() else n
        controls = self.controls[self._case.seen[self.controls]]
        return Screened(
            labels=labels,
            pool=self._size,
            control=self._place[controls] < n,
            occasions=self._case.places[self.order[:n][labels]] < n / self._size,
            keys_found=int((self._place[self._keys] < n).sum()),
            keys_total=len(self._keys),
            random=labels[: self._random],
            switched=bool(self._switched),
            since_switch=min(gap, n - self._switched),
        )


# ---------------------------------------------------------------------- the study


@dataclass(frozen=True, slots=True)
class Row:
    """One rule in one scenario: means over reviews of means over runs, each with a 95 % interval.

    ``met``: share of runs whose recall reached the target; ``recall``, ``kept``, ``work`` as in
    `Outcome`; ``never``: share of runs that screened everything. ``proved``: share of runs whose
    sample proved the target; ``false``: share of runs whose bound lay above the true recall.
    """

    rule: str
    scenario: str
    runs: int
    met: tuple[float, float, float]
    recall: tuple[float, float, float]
    kept: tuple[float, float, float]
    work: tuple[float, float, float]
    never: tuple[float, float, float]
    proved: tuple[float, float, float] | None = None
    false: tuple[float, float, float] | None = None


SAMPLE = " then sample"
"""Behind a rule's text: its stop is followed by the verified sample."""


def study(
    reviews: Mapping[str, Sequence[Ranking]],
    rules: Sequence[str],
    *,
    scenarios: Sequence[str] = tuple(SCENARIOS),
    runs: int = 400,
    target: float = 0.95,
    grid: float = 0.01,
    seed: int = 1,
    progress: Progress = silent,
) -> list[Row]:
    """At least ``runs`` runs a rule and scenario, the same number a review.

    ``rules`` are texts for `compose.parse`, with " then sample" behind those that a verified sample
    finishes. Rules are checked every ``grid`` of the pool, heuristics at least every 10 records.

    Raises:
        InputError: no review, a review without relevant record, or a rule that cannot be read.
        UnknownNameError: no rule or scenario of that name.

    """
    if not reviews or not all(ranking.labels.any() for many in reviews.values() for ranking in many):
        raise InputError(
            f"{counted(len(reviews), 'review')}: at least one is needed, each with relevant records"
        )
    for scenario in scenarios:
        if scenario not in SCENARIOS:
            raise unknown("scenario", scenario, SCENARIOS)
    parsed = {text: parse(text) for text in dict.fromkeys(rule.removesuffix(SAMPLE) for rule in rules)}
    each = math.ceil(runs / len(reviews))
    told: dict[tuple[str, str], list[list[Outcome]]] = {}
    for at, scenario in enumerate(scenarios):
        for which, rankings in enumerate(reviews.values()):
            outcomes: dict[str, list[Outcome]] = {text: [] for text in rules}
            for one in range(each):
                case = SCENARIOS[scenario](rankings[one % len(rankings)], _rng(seed, scenario, which, one))
                for text, rule in parsed.items():  # the same draws for every rule
                    rng = _rng(seed, scenario, which, one + each)
                    plain, sampled = run(rule, case, rng, grid=grid, target=target)
                    for name, outcome in ((text, plain), (text + SAMPLE, sampled)):
                        if name in outcomes:
                            outcomes[name].append(outcome)
            for text in rules:
                told.setdefault((scenario, text), []).append(outcomes[text])
            progress("simulating rules", at * len(reviews) + which + 1, len(scenarios) * len(reviews))
    return [summary(text, scenario, told[scenario, text], target) for scenario in scenarios for text in rules]


def _rng(seed: int, scenario: str, *numbers: int) -> np.random.Generator:
    return np.random.default_rng([seed, list(SCENARIOS).index(scenario), *numbers])


def summary(rule: str, scenario: str, reviews: Sequence[Sequence[Outcome]], target: float) -> Row:
    """The row of a rule from its outcomes, one list a review."""

    def mean(measure: Callable[[Outcome], float]) -> tuple[float, float, float]:
        return clustered([[measure(one) for one in outcomes] for outcomes in reviews])

    finished = rule.endswith(SAMPLE)
    return Row(
        rule=rule,
        scenario=scenario,
        runs=sum(map(len, reviews)),
        met=mean(lambda one: one.recall >= target),
        recall=mean(lambda one: one.recall),
        kept=mean(lambda one: one.kept),
        work=mean(lambda one: one.work),
        never=mean(lambda one: not one.stopped),
        proved=mean(lambda one: one.bound is not None and one.bound >= target) if finished else None,
        false=mean(lambda one: one.overclaimed) if finished else None,
    )


def clustered(values: Sequence[Sequence[float]], resamples: int = 2000) -> tuple[float, float, float]:
    """Mean over clusters of the means within, with a 95 % percentile bootstrap over the clusters.

    >>> clustered([[1.0, 1.0], [1.0]])
    (1.0, 1.0, 1.0)
    """
    means = np.array([np.mean(one) for one in values])
    draws = np.random.default_rng(0).integers(len(means), size=(resamples, len(means)))
    low, high = np.quantile(means[draws].mean(axis=1), (0.025, 0.975))
    return float(means.mean()), float(low), float(high)


MEASURES = ("met", "recall", "work", "kept", "never", "proved", "false")


def table(rows: Sequence[Row], measure: str) -> list[str]:
    """One of `MEASURES` as lines of Markdown: a row a rule, a column a scenario.

    Per cent, with the interval in parentheses; rules that do not have the measure are left out.
    """
    scenarios = list(dict.fromkeys(row.scenario for row in rows))
    lines = [f"| rule | {' | '.join(scenarios)} |", "|---" * (len(scenarios) + 1) + "|"]
    for rule in dict.fromkeys(row.rule for row in rows):
        values = [getattr(row, measure) for row in rows if row.rule == rule]
        if None not in values:
            cells = ["{:.1f} ({:.1f}–{:.1f})".format(*(100 * one for one in value)) for value in values]
            lines.append(f"| `{rule}` | {' | '.join(cells)} |")
    return lines
