"""Whether probabilities can be believed, and what is gained by saying "unsure"."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.calibrate import logistic
from classifiers.codebook import Codebook
from classifiers.tagger import Bools, Codes, Floats

BINS = 10


def reliability(
    codebook: Codebook, codes: Codes, scores: Floats, random: Bools | None = None
) -> list[dict[str, Any]]:
    """Per dimension, all its labels pooled: Brier skill, ECE, calibration slope and intercept, diagram.

    ``scores`` (n, L) must be out of fold. Where ``random`` marks a simple random sample, only its rows
    count: an enriched sample has other shares. The skill compares the Brier score with that of
    always saying each label's share (Brier 1950; Murphy 1973). ECE has `BINS` bins of equal width
    (Naeini et al. 2015). Slope and intercept are those of a logistic regression of truth on the logit
    (Cox 1958): 1 and 0 are right.
    """
    rows = np.ones(len(codes), np.bool_) if random is None or not random.any() else random
    told = []
    for dimension in codebook.dimensions:
        columns = codebook.columns(dimension.id)
        given, chance = codes[rows][:, columns], scores[rows][:, columns].astype(np.float64)
        asked = given >= 0
        if not asked.any() or not (given == 1).any():
            continue
        share = (given == 1).sum(axis=0) / np.maximum(asked.sum(axis=0), 1)
        flat, true = chance[asked], (given == 1)[asked].astype(float)
        base = np.broadcast_to(share, given.shape)[asked]
        brier, plain = float(((flat - true) ** 2).mean()), float(((base - true) ** 2).mean())
        slope, intercept = _cox(flat, true)
        told.append(
            {
                "dimension": dimension.id,
                "records": int(asked.any(axis=1).sum()),
                "brier": round(brier, 5),
                "brier_skill": round(1 - brier / plain, 4) if plain else None,
                "ece": round(_ece(flat, true), 5),
                "slope": slope,
                "intercept": intercept,
                "diagram": diagram(flat, true),
            }
        )
    return told


def diagram(chance: NDArray[Any], true: NDArray[Any]) -> list[dict[str, float]]:
    """Points of a reliability diagram: mean probability, share that holds, count, per bin."""
    bins = np.minimum((chance * BINS).astype(int), BINS - 1)
    return [
        {
            "mean": round(float(chance[bins == b].mean()), 4),
            "share": round(float(true[bins == b].mean()), 4),
            "count": int((bins == b).sum()),
        }
        for b in range(BINS)
        if (bins == b).any()
    ]


def _ece(chance: NDArray[Any], true: NDArray[Any]) -> float:
    points = diagram(chance, true)
    return sum(p["count"] * abs(p["mean"] - p["share"]) for p in points) / len(chance)


def _cox(chance: NDArray[Any], true: NDArray[Any]) -> tuple[float | None, float | None]:
    held = np.clip(chance, 1e-4, 1 - 1e-4)
    if not 0 < true.sum() < len(true):
        return None, None
    slope, intercept = logistic(np.log(held / (1 - held)), true, 1e-6)
    return round(slope, 4), round(intercept, 4)


def coverage(codebook: Codebook, codes: Codes, values: Bools, unsure: Bools) -> list[dict[str, Any]]:
    """Per dimension: share of cells decided when unsure ones are left to people, and their accuracy."""
    told = []
    for dimension in codebook.dimensions:
        columns = codebook.columns(dimension.id)
        asked = codes[:, columns] >= 0
        if not asked.any():
            continue
        right = values[:, columns] == (codes[:, columns] == 1)
        sure = asked & ~unsure[:, columns]
        told.append(
            {
                "dimension": dimension.id,
                "cells_sure": round(float(sure.sum() / asked.sum()), 4),
                "accuracy_all": round(float(right[asked].mean()), 4),
                "accuracy_sure": round(float(right[sure].mean()), 4) if sure.any() else None,
                "accuracy_unsure": round(float(right[asked & ~sure].mean()), 4)
                if (asked & ~sure).any()
                else None,
            }
        )
    return told


def coverage_curve(
    codes: Codes, values: Bools, scores: Floats, thresholds: Floats, steps: int = 20
) -> list[dict[str, float]]:
    """Coverage against accuracy over all asked cells, those nearest to their threshold left out first."""
    asked = codes >= 0
    distance = np.abs(scores - np.minimum(thresholds, 1.0))[asked]
    right = (values == (codes == 1))[asked][np.argsort(-distance, kind="stable")]
    running = np.cumsum(right) / np.arange(1, len(right) + 1)
    places = np.unique(np.linspace(1, len(right), steps).astype(int)) - 1
    return [
        {"coverage": round((int(p) + 1) / len(right), 4), "accuracy": round(float(running[p]), 5)}
        for p in places
    ]


def coverage_by_dimension(
    codebook: Codebook, codes: Codes, values: Bools, scores: Floats, thresholds: Floats
) -> dict[str, list[dict[str, float]]]:
    """`coverage_curve` of each dimension; where one label is taken, its lead over the next is what counts."""
    told = {}
    for dimension in codebook.dimensions:
        columns = codebook.columns(dimension.id)
        given, held = codes[:, columns], scores[:, columns]
        if not (given >= 0).any():
            continue
        line = thresholds[..., columns]
        if dimension.kind == "one" and len(columns) > 1:
            ranked = np.sort(held, axis=1)
            held = np.repeat(ranked[:, -1:] - ranked[:, -2:-1], len(columns), axis=1)
            line = np.zeros(len(columns), np.float32)
        told[dimension.id] = coverage_curve(given, values[:, columns], held, line)
    return told


def recall_at(codebook: Codebook, codes: Codes, scores: Floats, k: int) -> dict[str, float | None]:
    """Per dimension: share of true labels among the k most probable, mean over records that have any."""
    told: dict[str, float | None] = {}
    for dimension in codebook.dimensions:
        columns = codebook.columns(dimension.id)
        if len(columns) <= k:
            continue
        true = codes[:, columns] == 1
        best = np.argsort(-scores[:, columns], axis=1, kind="stable")[:, :k]
        hits = np.take_along_axis(true, best, axis=1).sum(axis=1)
        some = true.any(axis=1)
        told[dimension.id] = (
            round(float((hits[some] / true[some].sum(axis=1)).mean()), 4) if some.any() else None
        )
    return told
