"""How good labels and decisions are, as tables: calibration, abstention, recall, agreement, audited errors.

Nothing here is a share of the literature; those come from `review.analysis.prevalence`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corpora.words import counted
from review.analysis.tidy import Context, Tidy, labels_of
from review.screening.agreement import Report

COEFFICIENTS = ("Cohen's κ", "Gwet's AC1", "positive agreement", "negative agreement")
"""What the figure of agreement shows, in this order."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One tagger, measured out of fold; everything is by dimension, as `classifiers.reliability` gives it."""

    tagger: str
    labels: str
    """What it was measured against."""
    records: Mapping[str, int]
    calibration: Sequence[Mapping[str, Any]]
    abstention: Sequence[Mapping[str, Any]]
    curves: Mapping[str, Sequence[Mapping[str, float]]]


@dataclass(frozen=True, slots=True)
class Measures:
    """All taggers that speak; ``missing`` says why nothing is known of a tagger."""

    found: tuple[Measured, ...]
    missing: Mapping[str, str]

    def notes(self) -> list[str]:
        """What the numbers were measured against, and what is missing."""
        told = [f"Tagger {one.tagger}: out of fold, against {one.labels}." for one in self.found]
        return told + [f"Tagger {name}: not measured; {why}." for name, why in self.missing.items()]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Screening at one stage; ``labels`` says of each settled record, in order, whether it is relevant.

    ``pool`` records can be ranked, ``apart`` others have no usable abstract. ``stopped_at`` records were
    settled when ``rule`` stopped it (None: unknown), ``void`` says why that no longer holds.
    ``verified``: lower bound of recall, relevant records there are at most, and the confidence.
    """

    stage: str
    labels: NDArray[np.bool_]
    pool: int
    apart: int = 0
    rule: str = ""
    stopped_at: int | None = None
    void: str = ""
    verified: tuple[float, int, float] | None = None


@dataclass(frozen=True, slots=True)
class Agreed:
    """Agreement on one block of a stage, or on what else two people decided."""

    stage: str
    block: str
    report: Report


# ------------------------------------------------------------------ the tagger's own numbers


def calibration(measures: Measures, context: Context) -> Tidy:
    """Reliability per dimension, all its labels pooled: mean probability and share that hold, in ten bins.

    ``n`` decisions a bin; ``low`` and ``high`` are Wilson's 95 % interval of the share (1927, doi
    10.1080/01621459.1927.10502953), which takes decisions for independent; slope and intercept are Cox's
    (1958, doi 10.1111/j.2517-6161.1958.tb00292.x), ``ece`` and ``brier_skill`` as in
    `classifiers.reliability`.
    """
    rows = [
        {
            "dimension": one["dimension"], "title": _title(context, one["dimension"]),
            "tagger": tagger.tagger, "mean": point["mean"], "share": point["share"], "n": int(point["count"]),
            **dict(zip(("low", "high"), wilson(point["share"], point["count"]), strict=True)),
            "records": one["records"], "slope": one["slope"], "intercept": one["intercept"],
            "ece": one["ece"], "brier_skill": one["brier_skill"],
        }
        for tagger in measures.found
        for one in tagger.calibration
        for point in one["diagram"]
    ]  # fmt: skip
    columns = ["dimension", "title", "tagger", "mean", "share", "n", "low", "high", "records", "slope",
               "intercept", "ece", "brier_skill"]  # fmt: skip
    return _told(pd.DataFrame(rows, columns=columns), "decisions", measures, context)


def coverage(measures: Measures, context: Context) -> Tidy:
    """Accuracy of the decisions that remain when the least sure are left to people, per dimension.

    ``point`` is ``curve`` (a place on the abstention curve), ``all`` (every decision), or ``sure`` (without
    those marked unsure). A model that kept no curve has the last two only. Accuracy is over cells
    (record × label), most of which are empty: compare with ``all``, not with 1/2.
    """
    rows = []
    for one in measures.found:
        for held in one.abstention:
            name = held["dimension"]
            base = {"dimension": name, "title": _title(context, name), "tagger": one.tagger,
                    "n": one.records.get(name, 0)}  # fmt: skip
            rows += [{**base, **dict(point), "point": "curve"} for point in one.curves.get(name, ())]
            rows.append({**base, "coverage": 1.0, "accuracy": held["accuracy_all"], "point": "all"})
            if held["accuracy_sure"] is not None:
                sure = {"coverage": held["cells_sure"], "accuracy": held["accuracy_sure"], "point": "sure"}
                rows.append({**base, **sure})
    columns = ["dimension", "title", "tagger", "coverage", "accuracy", "point", "n"]
    return _told(pd.DataFrame(rows, columns=columns), "decisions", measures, context)


def _told(frame: pd.DataFrame, unit: str, measures: Measures, context: Context) -> Tidy:
    return Tidy(
        frame,
        unit,
        "labelled records, out of fold",
        context.population,
        tuple(measures.notes()),
        context.simulated,
        "no tagger that speaks here was measured out of fold. Train one: review train --labels FILE",
    )


def _title(context: Context, dimension: str) -> str:
    book = context.codebook
    return book.dimension(dimension).title if book else dimension


def wilson(share: float, count: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of ``count``.

    >>> [round(one, 3) for one in wilson(0.0, 10)], [round(one, 2) for one in wilson(0.5, 100)]
    ([0.0, 0.278], [0.4, 0.6])
    """
    z = 1.959964
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)  # but for rounding


# ------------------------------------------------------------------ screening


def recall(courses: Sequence[Course], context: Context) -> Tidy:
    """Relevant records found against records settled, in the order in which they were settled, per stage.

    Recall itself is not known while records are unscreened; ``at_most`` is the number of relevant ones in
    all by the verified sample, if there was one, and ``bound`` its one-sided exact lower bound of recall
    (`review.screening.stopping.verified`).
    """
    pieces, notes = [], []
    for one in courses:
        found = np.cumsum(one.labels)
        steps = np.unique(np.linspace(0, len(found), min(len(found), 1000) + 1).astype(int))
        bound, most, confidence = one.verified or (None, None, None)
        piece = pd.DataFrame({"stage": one.stage, "screened": steps, "n": np.array([0, *found])[steps]})
        pieces.append(piece.assign(
            pool=one.pool, rule=one.rule, stopped_at=one.stopped_at, at_most=most, bound=bound,
            confidence=confidence,
        ))  # fmt: skip
        notes.append(
            f"{one.stage}: {len(found):,} of {counted(one.pool, 'record')} settled, {int(found[-1]):,} "
            "relevant"
            + (f"; {one.apart:,} without a usable abstract are apart" if one.apart else "")
            + (f"; stopped by {one.rule}" if one.rule else "; not stopped by a rule")
            + (f", which is void: {one.void}" if one.void else "")
            + "."
        )
    columns = ["stage", "screened", "n", "pool", "rule", "stopped_at", "at_most", "bound", "confidence"]
    frame = pd.concat(pieces, ignore_index=True)[columns] if pieces else pd.DataFrame(columns=columns)
    return Tidy(
        frame, "records", "records that can be ranked", context.population, tuple(notes), context.simulated,
        "no record is settled yet. Screen: review screen",
    )  # fmt: skip


def agreement(found: Iterable[Agreed], context: Context) -> Tidy:
    """κ, AC1, positive and negative agreement per stage, block and pair, with bootstrap intervals.

    Estimators and weights are those of `review.screening.agreement`; an overlap that nobody drew is
    ``marked``, for it depends on the order in which records were shown. Where a value or an interval is not
    defined, ``why`` says why.
    """
    rows = []
    for one in found:
        report = one.report
        for pair in report.pairs:
            for name in COEFFICIENTS:
                figure = pair.figures[name]
                rows.append({
                    "stage": one.stage, "block": one.block, "pair": " and ".join(pair.raters),
                    "measure": name, "value": figure.value, "low": figure.low, "high": figure.high,
                    "why": figure.why, "n": pair.records, "marked": report.basis == "other overlap",
                })  # fmt: skip
    columns = ["stage", "block", "pair", "measure", "value", "low", "high", "why", "n", "marked"]
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(("value", "low", "high"), "Float64"))
    notes = ["Maybe counts as include; last votes before a conflict was opened; 95 % bootstrap intervals."]
    if frame["marked"].any():
        notes.append("Marked: these records were neither drawn at random nor screened by all.")
    return Tidy(
        frame, "records", "records that both decided", context.population, tuple(notes), context.simulated,
        "no two people have decided on the same records. Draw a block for it: review assign --agreement 100",
    )  # fmt: skip


# ------------------------------------------------------------------ the audit


def audit_errors(studies: pd.DataFrame, context: Context) -> Tidy:
    """Per label: where tagger and people differ among coded studies, as counts of the sample.

    ``heading`` and ``title`` are the codebook's names of the dimension and of the label.
    ``false_positive``: the tagger gave it and the ``coder`` did not; ``false_negative`` the other way round.
    ``precision`` and ``recall`` weight each study by 1 / its inclusion probability (strata are audited
    at different rates); they have no interval here.
    """
    columns = ["dimension", "heading", "label", "title", "n", "true_positive", "false_positive",
               "false_negative", "precision", "recall", "coder"]  # fmt: skip
    audit, book = context.audit, context.codebook
    coder = "a language model (silver labels)" if audit is not None and audit.silver else "people"
    rows: list[dict[str, Any]] = []
    if audit is not None and book is not None:
        said = studies.set_index("study_id")
        both = [one for one in audit.truth.index if one in said.index]
        rates = audit.strata[audit.truth.index].value_counts() / audit.strata.value_counts()
        weights = 1 / audit.strata[both].map(rates).to_numpy(dtype=float)
        for dimension in book.all_dimensions():
            if dimension.id in audit.truth and dimension.id in said:
                true, given = (
                    [labels_of(cell) for cell in frame.loc[both, dimension.id]]
                    for frame in (audit.truth, said)
                )
                for label in dimension.labels:
                    errors = _errors(label.id, true, given, weights)
                    rows.append({
                        "dimension": dimension.id, "heading": dimension.title,
                        "label": label.id, "title": label.title, "coder": coder, **errors,
                    })  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    notes = () if audit is None else (
        f"{audit.name}: {len(audit.truth):,} of {counted(len(audit.strata), 'study')} coded by {coder}, "
        "with the tagger's word hidden. Counts are of the sample, not of the corpus.",
    )  # fmt: skip
    instead = f"{context.audit_state}."
    return Tidy(frame, "studies", "coded studies", context.population, notes, context.simulated, instead)


def _errors(
    label: str, true: list[list[str] | None], given: list[list[str] | None], weights: NDArray[np.float64]
) -> dict[str, Any]:
    known = np.array([t is not None and g is not None for t, g in zip(true, given, strict=True)], bool)
    yes, called = (np.array([label in (one or ()) for one in side], bool) & known for side in (true, given))
    hit = float(weights[yes & called].sum())
    return {
        "n": int(known.sum()),
        "true_positive": int((yes & called).sum()),
        "false_positive": int((called & ~yes).sum()),
        "false_negative": int((yes & ~called).sum()),
        "precision": hit / float(weights[called].sum()) if called.any() else None,
        "recall": hit / float(weights[yes].sum()) if yes.any() else None,
    }
