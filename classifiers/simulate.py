"""A finished review screened again: synchronous, on a fixed schedule, the same every time."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classifiers import rank
from classifiers.features import Features
from classifiers.rank import Labels, Ranker, Rows
from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.registry import load

GROWTH = 0.07
"""Records screened between two rankings, as a share of those that are labelled; at least one."""

LATER, GROWTH_LATER = 200, 0.2
"""With this many labelled a new label changes less, and the share is this."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """``order``: rows as they were screened, priors left out; ``generations``: rankings made.

    ``starts`` holds the place in ``order`` (from 0) at which each generation began.
    """

    order: NDArray[np.int64]
    priors: NDArray[np.int64]
    starts: list[int] = field(default_factory=list)

    @property
    def generations(self) -> int:
        """How many rankings were made."""
        return len(self.starts)


def priors_of(labels: Labels, seed: int) -> Rows:
    """One included and one excluded row at random.

    Raises:
        InputError: there is none of a kind.

    """
    inside, outside = np.flatnonzero(labels), np.flatnonzero(~labels)
    if not len(inside) or not len(outside):
        raise InputError(
            f"{len(inside)} of {len(labels)} records are included; a simulation needs some in and some out"
        )
    draw = np.random.default_rng(seed)
    return np.array([draw.choice(inside), draw.choice(outside)], dtype=np.int64)


def simulate(
    features: Features,
    labels: Labels,
    priors: Rows,
    ranker: str | Callable[..., Ranker],
    *,
    seed: int,
    growth: float | None = None,
    whole: bool = False,
    progress: Progress = silent,
) -> Simulation:
    """Screen all N records from the priors on, ranking again on the schedule.

    ``ranker`` is a name or what makes one from a ``seed``. A batch has a share of the number labelled,
    at least one record: ``growth``, or `GROWTH` and from `LATER` on `GROWTH_LATER`. Once every included
    record is found the rest follows in the order of the last ranking, unless ``whole`` asks for all.

    Raises:
        InputError: priors out of range or named twice.

    """
    n = len(labels)
    make = load("rankers", ranker) if isinstance(ranker, str) else ranker
    if len(set(priors.tolist())) != len(priors) or (
        len(priors) and not 0 <= priors.min() <= priors.max() < n
    ):
        raise InputError(f"priors {priors.tolist()}: name rows from 0 to {n - 1}, each once")
    known = list(priors.tolist())
    done = np.zeros(n, dtype=bool)
    done[priors] = True
    screened: list[int] = []
    starts: list[int] = []
    left = int(labels.sum()) - int(labels[priors].sum())
    while len(known) < n:
        rows = np.array(known, dtype=np.int64)
        model = make(seed=seed).fit(features, rows, labels[rows])
        ranked = rank.order(model.scores(features), rows)
        batch = _batch(len(known), growth) if left or whole else len(ranked)
        starts.append(len(screened))
        chosen = ranked[:batch].tolist()
        screened += chosen
        known += chosen
        left -= int(labels[chosen].sum())
        progress("simulating", len(known), n)
    return Simulation(np.array(screened, dtype=np.int64), np.asarray(priors, dtype=np.int64), starts)


def _batch(labelled: int, growth: float | None) -> int:
    """Records to screen before the next ranking."""
    if growth is None:
        growth = GROWTH if labelled < LATER else GROWTH_LATER
    return max(1, int(labelled * growth))
