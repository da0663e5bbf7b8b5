"""How good a tagger is: per label and per dimension, by the rules the field would hold us to.

Macro-F1 is the unweighted mean over labels with at least `MIN_POSITIVES` positives in the
reference, over all records that were asked, none dropped.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from classifiers.codebook import Codebook
from classifiers.tagger import Bools, Codes, Floats

MIN_POSITIVES = 5


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label; ``ap`` is average precision, None without both classes."""

    label: str
    support: int
    precision: float
    recall: float
    f1: float
    ap: float | None


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """One dimension; None where no label has enough positives."""

    dimension: str
    records: int
    labels: int
    macro_f1: float | None
    micro_f1: float
    mean_ap: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """Scores of one tagger on one reference."""

    labels: tuple[LabelScore, ...]
    dimensions: tuple[DimensionScore, ...]

    def macro_f1(self) -> dict[str, float | None]:
        """Dimension → macro-F1."""
        return {score.dimension: score.macro_f1 for score in self.dimensions}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "min_positives": MIN_POSITIVES,
            "dimensions": [asdict(score) for score in self.dimensions],
            "labels": [asdict(score) for score in self.labels],
        }


def evaluate(codebook: Codebook, reference: Codes, scores: Floats, values: Bools) -> Report:
    """Compare probabilities and values (n, L) with a reference (n, L) of 1, 0 and -1 (masked)."""
    ids = codebook.label_ids()
    labels = tuple(_label(name, reference[:, i], scores[:, i], values[:, i]) for i, name in enumerate(ids))
    dimensions = tuple(
        _dimension(dimension.id, [labels[i] for i in columns], reference[:, columns], values[:, columns])
        for dimension in codebook.dimensions
        if (columns := codebook.columns(dimension.id))
    )
    return Report(labels, dimensions)


def _label(name: str, reference: Codes, scores: Floats, values: Bools) -> LabelScore:
    asked = reference >= 0
    true, said = reference[asked] == 1, values[asked]
    hits = int((true & said).sum())
    precision = hits / int(said.sum()) if said.any() else 0.0
    recall = hits / int(true.sum()) if true.any() else 0.0
    both = bool(true.any() and not true.all())
    return LabelScore(
        label=name,
        support=int(true.sum()),
        precision=round(precision, 4),
        recall=round(recall, 4),
        f1=round(_f1(true, said), 4),
        ap=round(float(average_precision_score(true, scores[asked])), 4) if both else None,
    )


def _dimension(name: str, labels: Sequence[LabelScore], reference: Codes, values: Bools) -> DimensionScore:
    counted = [score for score in labels if score.support >= MIN_POSITIVES]
    precise = [score.ap for score in counted if score.ap is not None]
    asked = reference >= 0
    return DimensionScore(
        dimension=name,
        records=int(asked.any(axis=1).sum()),
        labels=len(counted),
        macro_f1=round(float(np.mean([s.f1 for s in counted])), 4) if counted else None,
        micro_f1=round(_f1((reference == 1)[asked], values[asked]), 4),
        mean_ap=round(float(np.mean(precise)), 4) if precise else None,
    )


def intervals(
    reference: Codes, scores: Floats, values: Bools, *, draws: int = 400, ap_draws: int = 60, seed: int = 0
) -> list[dict[str, tuple[float, float] | None]]:
    """Per label 95 % bootstrap intervals over records of precision, recall, F1 and AP; None under
    `MIN_POSITIVES` positives. The percentile method (Efron 1979)."""
    random = np.random.default_rng(seed)
    n = len(reference)
    weights = random.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float32)
    true, said = reference == 1, values & (reference >= 0)
    hits = weights @ (true & said).astype(np.float32)
    held, called = weights @ true.astype(np.float32), weights @ said.astype(np.float32)
    parts = {
        "precision": hits / np.maximum(called, 1),
        "recall": hits / np.maximum(held, 1),
        "f1": 2 * hits / np.maximum(held + called, 1),
    }
    told: list[dict[str, tuple[float, float] | None]] = []
    for column in range(reference.shape[1]):
        if true[:, column].sum() < MIN_POSITIVES:
            told.append(dict.fromkeys([*parts, "ap"]))
            continue
        one = {name: _quantiles(values_[:, column]) for name, values_ in parts.items()}
        asked = np.flatnonzero(reference[:, column] >= 0)
        found = []
        for _ in range(ap_draws):
            rows = asked[random.integers(0, len(asked), len(asked))]
            if true[rows, column].any():
                found.append(average_precision_score(true[rows, column], scores[rows, column]))
        told.append({**one, "ap": _quantiles(np.array(found))})
    return told


def _quantiles(values: Any) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)


def macro_interval(
    codebook: Codebook, reference: Codes, values: Bools, dimension: str, *, draws: int = 400, seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval of a dimension's macro-F1 over records; labels fixed by the reference."""
    columns = [c for c in codebook.columns(dimension) if (reference[:, c] == 1).sum() >= MIN_POSITIVES]
    if not columns:
        return 0.0, 0.0
    random = np.random.default_rng(seed)
    true, said = reference[:, columns] == 1, values[:, columns]
    n = len(reference)
    return _quantiles(
        np.array([_macro(true[s], said[s]) for s in (random.integers(0, n, n) for _ in range(draws))])
    )


def confusion(
    codebook: Codebook, reference: Codes, values: Bools, dimension: str
) -> dict[str, dict[str, int]]:
    """Where a missed label's records went: missed label → labels wrongly given there → records.

    ``(none)`` counts records that got nothing wrong in its place. The derived dimensions of
    `rolled_up` tell how much of it stays within one parent.
    """
    columns = codebook.columns(dimension)
    names = [label.id for label in codebook.dimension(dimension).labels]
    true, said = reference[:, columns] == 1, values[:, columns]
    wrong = said & (reference[:, columns] == 0)
    told: dict[str, dict[str, int]] = {}
    for place, name in enumerate(names):
        missed = true[:, place] & ~said[:, place]
        counts = {names[o]: int((missed & wrong[:, o]).sum()) for o in range(len(names)) if o != place}
        counts["(none)"] = int((missed & ~wrong.any(axis=1)).sum())
        told[name] = {other: count for other, count in counts.items() if count}
    return told


def by_group(
    codebook: Codebook, reference: Codes, values: Bools, groups: Sequence[str], dimension: str
) -> list[dict[str, Any]]:
    """Macro-F1 and share called against share true per group (year, source); labels with five positives
    in the whole reference and one in the group."""
    columns = [c for c in codebook.columns(dimension) if (reference[:, c] == 1).sum() >= MIN_POSITIVES]
    told = []
    for name in sorted(set(groups)):
        rows = np.array([group == name for group in groups])
        true, said = reference[rows][:, columns] == 1, values[rows][:, columns]
        held = true.any(axis=0)
        told.append(
            {
                "group": name,
                "records": int(rows.sum()),
                "labels": int(held.sum()),
                "macro_f1": round(_macro(true[:, held], said[:, held]), 4) if held.any() else None,
                "called_over_true": round(float(said.sum() / true.sum()), 4) if true.any() else None,
            }
        )
    return told


def _f1(true: Bools, said: Bools) -> float:
    """2TP / (2TP + FP + FN); 0 where nothing is true and nothing is said.

    >>> _f1(np.array([True, False]), np.array([True, True]))
    0.6666666666666666
    """
    total = int(true.sum()) + int(said.sum())
    return 2 * int((true & said).sum()) / total if total else 0.0


def paired_bootstrap(
    codebook: Codebook,
    reference: Codes,
    one: Bools,
    two: Bools,
    dimension: str,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Difference of macro-F1, ``one`` less ``two``, and its 95 % interval over records.

    The labels that count are fixed by the whole reference.
    """
    columns = [c for c in codebook.columns(dimension) if (reference[:, c] == 1).sum() >= MIN_POSITIVES]
    true, first, second = (m[:, columns] for m in (reference == 1, one, two))
    random = np.random.default_rng(seed)
    n = len(reference)
    samples = [np.arange(n), *(random.integers(0, n, n) for _ in range(draws))]
    differences = [_macro(true[s], first[s]) - _macro(true[s], second[s]) for s in samples]
    low, high = np.quantile(differences[1:], [0.025, 0.975])
    return round(differences[0], 4), round(float(low), 4), round(float(high), 4)


def _macro(true: Bools, said: Bools) -> float:
    hits = (true & said).sum(axis=0)
    totals = true.sum(axis=0) + said.sum(axis=0)
    return float(np.mean(np.divide(2 * hits, totals, out=np.zeros(len(hits)), where=totals > 0)))
