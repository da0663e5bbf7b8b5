"""What a promise of recall reaches out of fold, and what it costs in precision."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.blend import crossfit
from classifiers.codebook import Codebook
from classifiers.evaluate import MIN_POSITIVES, evaluate
from classifiers.linear import LinearTagger
from classifiers.tagger import Bools, Codes, decide, reference
from classifiers.transformer import TransformerTagger


def promised(
    tagger: LinearTagger | TransformerTagger,
    codebook: Codebook,
    codes: Codes,
    random: Bools,
    labels: list[dict[str, Any]],
) -> dict[str, Any]:
    """The promise, and per dimension mean recall and precision with it and with thresholds of best F1.

    ``labels`` are the scores of the promise's decisions as plain data; ``codes`` (n, L)
    and ``random`` (n,) are what the tagger learnt from. Means are over labels with five positives.
    """
    assert tagger.folds is not None
    folds: NDArray[np.int64] = tagger.folds
    plain = crossfit(codebook, tagger.sources, codes, folds, random)
    values, _ = decide(codebook, plain.scores, plain.thresholds)
    best = evaluate(codebook, reference(codebook, codes), plain.scores, values).labels
    told = []
    for dimension in codebook.dimensions:
        columns = [c for c in codebook.columns(dimension.id) if best[c].support >= MIN_POSITIVES]
        if dimension.kind != "one" and columns:
            told.append(
                {
                    "dimension": dimension.id,
                    "recall": _mean([labels[c]["recall"] for c in columns]),
                    "precision": _mean([labels[c]["precision"] for c in columns]),
                    "recall_at_best_f1": _mean([best[c].recall for c in columns]),
                    "precision_at_best_f1": _mean([best[c].precision for c in columns]),
                }
            )
    return {"recall": tagger.recall, "dimensions": told}


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 4)


def table(told: dict[str, Any]) -> str:
    """Markdown of what `promised` gave."""
    rows = [
        "| dimension | recall | precision | recall at best F1 | precision at best F1 |",
        "|---|---|---|---|---|",
    ]
    keys = ("recall", "precision", "recall_at_best_f1", "precision_at_best_f1")
    rows += [
        f"| {one['dimension']} | {' | '.join(f'{one[k]:.3f}' for k in keys)} |" for one in told["dimensions"]
    ]
    return "\n".join(rows)
