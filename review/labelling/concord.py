"""How far coders agree, dimension by dimension: κ, AC1, positive and negative agreement, as in screening.

A dimension's labels are yes-or-no questions of one record; the coefficients are computed on all of
them together and the interval resamples records, within the audit's strata. Compared is what each
coder said alone, before any consensus (method rules, section 6).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import reduce
from typing import Any

import numpy as np

from classifiers.codebook import Dimension
from corpora.errors import InputError
from corpora.words import counted
from review import linking
from review.facts import facts
from review.labelling import answers
from review.labelling.answers import Coded
from review.labelling.auditing import Drawn
from review.screening.agreement import _FIGURES as FIGURES
from review.screening.agreement import Figure, Votes
from review.screening.agreement import _figure as figure_of
from review.screening.agreement import _times as resampled
from review.screening.coefficients import Sums, sums_of
from review.workspace import Workspace

SHOWN = ("Cohen's κ", "Gwet's AC1", "positive agreement", "negative agreement", "percent agreement")


@dataclass(frozen=True, slots=True)
class Concord:
    """One dimension, or a field (percent agreement only); ``labels`` has each label's κ."""

    dimension: str
    records: int
    figures: dict[str, Figure]
    labels: dict[str, Figure]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person."""
        told = [f"{self.dimension}: {counted(self.records, 'record')}"]
        return told + [f"  {name:<20} {self.figures[name]}" for name in SHOWN if name in self.figures]


def concord(workspace: Workspace, audit: Drawn | None, *, resamples: int = 2000) -> list[Concord]:
    """Agreement on every report that two coders or more have finished.

    Raises:
        InputError: there is no such report.

    """
    book = facts(workspace).codebook
    asked = answers.questions(book, audit.dimensions if audit else None)
    clusters = linking.clusters(workspace)
    coded = answers.coded(workspace, clusters.reports, audit.name if audit else None)
    shared = {report: one for report, one in coded.items() if len(one.finished(book, asked)) > 1}
    if not shared:
        where = f"in {audit.name}" if audit else "outside the audits"
        raise InputError(f"review annotate --agree: no record {where} was finished by two people yet")
    coders = {report: one.finished(book, asked) for report, one in shared.items()}
    chances, strata = _design(audit, {report: clusters.studies[report] for report in shared})
    seed = workspace.protocol.seed
    made = []
    for question in asked:
        names = [x.id for x in question.labels] if isinstance(question, Dimension) else [""]
        votes = [_votes(shared, coders, question.id, name, chances, strata) for name in names]
        made.append(_concord(question.id, names, votes, resamples, seed))
    return made


def _design(
    audit: Drawn | None, studies: dict[str, str]
) -> tuple[dict[str, float] | None, dict[str, int] | None]:
    """Inclusion probability and stratum number of every report of an audit."""
    if audit is None:
        return None, None
    names = sorted(set(audit.strata.values()))
    chances = {report: audit.probabilities[study] for report, study in studies.items()}
    return chances, {report: names.index(audit.strata[study]) for report, study in studies.items()}


def _votes(
    shared: dict[str, Coded],
    coders: dict[str, list[str]],
    question: str,
    label: str,
    chances: dict[str, float] | None,
    strata: dict[str, int] | None,
) -> Votes:
    """Who said that a label holds; for a field, who said the same as the first of the coders."""
    rows = []
    for report, one in shared.items():
        given = {who: one.own[who].get(question, answers.NOTHING) for who in coders[report]}
        first = next(iter(given.values())).said
        for who, answer in given.items():
            yes = label in answer.labels if label else answer.said == first
            rows.append((report, who, "yes" if yes else "no"))
    return Votes.of(rows, ("yes", "no"), probabilities=chances, strata=strata)


def _concord(name: str, labels: Sequence[str], votes: Sequence[Votes], resamples: int, seed: int) -> Concord:
    one = votes[0]
    random = np.random.default_rng(seed)
    times = np.vstack([np.ones(len(one.codes)), resampled(one.strata, resamples, random)])
    sums = [sums_of(each.codes, 2, each.weights, times) for each in votes]
    pooled = _figures(reduce(_added, sums))
    if labels == [""]:
        return Concord(name, len(one.codes), {"percent agreement": pooled["percent agreement"]}, {})
    each = {x: _figures(part)["Cohen's κ"] for x, part in zip(labels, sums, strict=True)}
    return Concord(name, len(one.codes), pooled, each)


def _added(one: Sums, two: Sums) -> Sums:
    return Sums(**{part.name: getattr(one, part.name) + getattr(two, part.name) for part in fields(Sums)})


def _figures(sums: Sums) -> dict[str, Figure]:
    """Every coefficient: the first entry is the value, the others its resamples."""
    made = {}
    for name, (coefficient, why) in FIGURES.items():
        values = coefficient(sums)
        told = why.replace("said include", "said yes").replace("said exclude", "said no")
        made[name] = figure_of(float(values[0]), values[1:], told, 0.95)
    return made
