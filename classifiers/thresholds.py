"""From probabilities to decisions: thresholds of best F1, or those that keep a promised share.

They are chosen from out-of-fold probabilities. A label with under `FEW` positives leans on the threshold
that its dimension's labels have when pooled.
"""

import numpy as np
from numpy.typing import NDArray

from classifiers.calibrate import FEW
from classifiers.codebook import Codebook
from classifiers.tagger import Codes, Floats, decide

NEVER = 2.0
"""The threshold of a label that was never learnt: no probability reaches it."""

SUREST = 0.99
"""No threshold is asked to keep more than this share of the positives that it can keep."""


def best_threshold(scores: Floats, codes: Codes) -> float:
    """The threshold of best F1 over all cells that were asked; .5 without positives.

    >>> best_threshold(np.array([[.2], [.6], [.9]], np.float32), np.array([[0], [1], [1]], np.int8))
    0.4000000059604645
    """
    asked = codes >= 0
    flat, true = scores[asked], codes[asked] == 1
    if not true.any():
        return 0.5
    order = np.argsort(-flat, kind="stable")
    hits = np.cumsum(true[order])
    f1 = 2 * hits / (np.arange(1, len(flat) + 1) + true.sum())
    # Only where the score really falls can a threshold be put.
    falls = np.append(np.diff(flat[order]) < 0, True)
    best = int(np.argmax(np.where(falls, f1, -1)))
    below = flat[order][best + 1] if best + 1 < len(flat) else 0.0
    return float((flat[order][best] + below) / 2)


def recall_threshold(scores: Floats, codes: Codes, recall: float) -> float:
    """The highest threshold at which at least ``recall`` of the positives are kept; .5 without any.

    Positives that score below 0 are lost at any threshold: of the others so many more are kept, but
    never more than `SUREST` of them, for the score of the very last positive is chance.

    >>> scores = np.array([[.9], [.8], [.7], [.6], [-1]], np.float32)
    >>> round(recall_threshold(scores, np.ones((5, 1), np.int8), .6), 2)
    0.7
    """
    kept = np.sort(scores[codes == 1])
    if not len(kept):
        return 0.5
    lost = int((kept < 0).sum())
    if lost == len(kept):
        return 0.5
    place = np.floor((1 - recall) * len(kept) + 1e-9)
    return float(kept[int(max(place, lost + np.floor((1 - SUREST) * (len(kept) - lost))))])


def choose(codebook: Codebook, scores: Floats, codes: Codes, *, draws: int = 12) -> Floats:
    """Thresholds (L,) for F1; `NEVER` where there is no positive.

    The best threshold of one sample is a noisy number: it is the mean over ``draws`` bootstrap
    samples of the rows, and with under `FEW` positives it leans on the dimension's pooled one.
    """
    chosen = np.full(scores.shape[1], NEVER, np.float32)
    random = np.random.default_rng(0)
    samples = [random.integers(0, len(codes), len(codes)) for _ in range(draws)]
    for dimension in codebook.dimensions:
        columns = [c for c in codebook.columns(dimension.id) if (codes[:, c] == 1).any()]
        if not columns:
            continue
        pooled = _steady(scores[:, columns], codes[:, columns], samples[:3])
        for column in columns:
            own = _steady(scores[:, [column]], codes[:, [column]], samples)
            trust = min(int((codes[:, column] == 1).sum()) / FEW, 1.0)
            chosen[column] = trust * own + (1 - trust) * pooled
    return chosen


def _steady(scores: Floats, codes: Codes, samples: list[NDArray[np.int64]]) -> float:
    return float(np.mean([best_threshold(scores[rows], codes[rows]) for rows in samples]))


def promise(codebook: Codebook, scores: Floats, codes: Codes, recall: float) -> Floats:
    """Thresholds (L,) that keep ``recall`` of each label's positives; those of `choose` in a dimension of
    kind ``one``, which takes its most probable label whatever the threshold.

    Positives that gate and conditions take away are lost at any threshold, and where they are more
    than the promise allows it cannot be kept: `recall_threshold`. With under `FEW` positives a
    threshold leans on the dimension's pooled one, downwards only.
    """
    chosen = choose(codebook, scores, codes)
    for dimension in codebook.dimensions:
        columns = [c for c in codebook.columns(dimension.id) if chosen[c] < NEVER]
        if dimension.kind == "one" or not columns:
            continue
        chosen[columns] = 0
        passed, _ = decide(codebook, scores, chosen)
        held, given = np.where(passed, scores, -1)[:, columns], codes[:, columns]
        pooled = recall_threshold(held, given, recall)
        for place, column in enumerate(columns):
            own = recall_threshold(held[:, [place]], given[:, [place]], recall)
            trust = min(int((given[:, place] == 1).sum()) / FEW, 1.0)
            chosen[column] = min(own, trust * own + (1 - trust) * pooled)
    return chosen
