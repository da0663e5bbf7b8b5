"""Labels by their descriptions, with none or few labelled records, beside keyword rules made by hand.

Mean average precision over the labels with five positives, on records not learnt from, of the random
sample of the shipped codebook's labels; ``share`` is what chance would score. The linear tagger learns
from the same records.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from harness import HERE, report

from classifiers.codebook import load
from classifiers.descriptions import Described, DescriptionTagger, Near
from classifiers.evaluate import evaluate
from classifiers.evidence import Evidence
from classifiers.lexical import Lexical
from classifiers.tagger import Texts, decide
from review.labelling import training

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data")) / "nlp-medicine"
MAIN = ("methods", "tasks", "data", "evaluation")


class _Kept:
    """Embeddings computed once, handed out by title."""

    def __init__(self, clues: Any, texts: Texts) -> None:
        self._places = {text: row for row, text in enumerate(texts.joined())}
        self._clues = clues

    def scores(self, texts: Texts, progress: Any = None) -> Any:
        return self._clues[[self._places[text] for text in texts.joined()]]


def main() -> None:
    """Measure and report."""
    book = load("nlp-medicine")
    given = training.Source(DATA / "labels.jsonl", DATA / "records.parquet", "record_key")
    material = training.join(given, book, None)
    rows = np.flatnonzero(material.random())
    texts, codes = material.texts.take(rows), material.labelled.codes[rows]
    clues = Described(book).scores(texts)
    rules = Evidence(book).scores(texts)
    zero = DescriptionTagger(book)
    zero._evidence = _Kept(clues, texts)

    def scored(scores: Any, inside: Any, limits: Any = None) -> dict[str, list[float | None]]:
        outside = np.setdiff1d(np.arange(len(rows)), inside)
        values, _ = decide(book, scores[outside], np.full(codes.shape[1], 0.5) if limits is None else limits)
        told = evaluate(book, codes[outside], scores[outside], values).dimensions
        return {d.dimension: [d.mean_ap, d.macro_f1] for d in told if d.dimension in MAIN}

    shares = (codes == 1).mean(axis=0)
    nothing = np.zeros(0, np.int64)
    figures: dict[str, Any] = {
        "records": len(rows),
        "figures_are": "mean average precision; for the first two also macro-F1",
        "share": {
            d: round(float(shares[[c for c in book.columns(d) if shares[c] * len(rows) >= 5]].mean()), 4)
            for d in MAIN
        },
        "keywords": scored(rules, nothing),
        "no labels": scored(zero.predict_proba(texts), nothing, zero.thresholds()),
    }
    for count in (50, 100, 200, 400):
        inside = np.random.default_rng(count).choice(len(rows), count, replace=False)
        near = Near().fit([], clues[inside], codes[inside]).margins([], clues)
        words = Lexical().fit(texts.take(inside).joined(), rules[inside], codes[inside])
        lexical = words.margins(texts.joined(), rules)
        figures[f"{count} labels"] = {
            name: {d: v[0] for d, v in scored(scores.astype(np.float32), inside).items()}
            for name, scores in (("descriptions", near), ("linear", lexical))
        }
    report("tagger_few", figures, ("torch", "transformers", "scikit-learn"))


if __name__ == "__main__":
    main()
