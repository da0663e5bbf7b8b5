"""What figures of quality are made from, invented but of the right form."""

import numpy as np

from classifiers.codebook import Codebook
from classifiers.reliability import coverage, coverage_by_dimension, reliability
from classifiers.tagger import decide
from review.analysis.quality import Agreed, Course, Measured, Measures
from review.screening.agreement import Votes, agreement


def measures(codebook: Codebook, n: int, *, curves: bool = True) -> Measures:
    """A tagger that errs on ``n`` records of a codebook; none if there are none."""
    if not n:
        return Measures((), {"keywords": "it has no model that was measured out of fold"})
    draw = np.random.default_rng(3)
    scores = draw.beta(0.3, 0.9, (n, len(codebook.label_ids()))).astype(np.float32)
    codes = (draw.random(scores.shape) < scores).astype(np.int8)
    thresholds = np.full(scores.shape[1], 0.5, np.float32)
    values, unsure = decide(codebook, scores, thresholds)
    held = coverage_by_dimension(codebook, codes, values, scores, thresholds)
    records = {dimension.id: n for dimension in codebook.dimensions}
    told = (reliability(codebook, codes, scores), coverage(codebook, codes, values, unsure))
    return Measures((Measured("linear", "labels.jsonl", records, *told, held if curves else {}),), {})


def courses(n: int) -> list[Course]:
    """Two stages, the first one stopped and verified by a sample."""
    if not n:
        return []
    draw = np.random.default_rng(3)
    found = draw.random(n) < 0.4 * np.exp(-3 * np.arange(n) / n)
    return [
        Course("title-abstract", found, 2 * n, 7, "buscar(0.95, 0.95) and consecutive(50)", n * 3 // 4, "",
               (0.913, int(found.sum()) + max(n // 20, 1), 0.95)),
        Course("full-text", found[: max(n // 4, 1)], max(n // 4, 1)),
    ]  # fmt: skip


def agreements(n: int) -> list[Agreed]:
    """Three people on a block, and an overlap that nobody drew."""
    if not n:
        return []
    draw = np.random.default_rng(3)
    truth = draw.random(n) < 0.3
    rows = [
        (f"R{i}", who, "include" if truth[i] != (draw.random() < wrong) else "exclude")
        for who, wrong in (("ann", 0.05), ("ben", 0.1), ("a rather long name", 0.3))
        for i in range(n)
    ]
    block = agreement(Votes.of(rows), basis="random block", resamples=100)
    one_sided = [(f"R{i}", who, "exclude") for who in ("ann", "ben") for i in range(n)]
    other = agreement(Votes.of(one_sided, ("include", "exclude")), basis="other overlap",
                      positive=("include",), resamples=100)  # fmt: skip
    return [
        Agreed("title-abstract", "agreement-1", block),
        Agreed("full-text", "other overlap", other),
    ]
