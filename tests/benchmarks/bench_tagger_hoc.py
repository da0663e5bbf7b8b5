"""The same tagger on Hallmarks of Cancer (Baker et al. 2016): 1,852 abstracts, ten labels.

The published 82.3 micro-F1 (PubMedBERT, fine-tuned whole, doi 10.1145/3458754) is of the fixed BLURB test
set; ours is out of fold over all abstracts, three folds, with the small encoder's layers frozen: the
two numbers stand beside each other, they are not a comparison on one split.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from bench_tagger import said
from harness import HERE, report

from classifiers import baseline
from classifiers.blend import crossfit
from classifiers.codebook import Codebook, Dimension, Label
from classifiers.evaluate import evaluate
from classifiers.tagger import Texts, decide
from classifiers.transformer import Plan, TransformerTagger

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data"))
PUBLISHED = 82.3


def main() -> None:
    """Train in folds, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="an ignored folder")
    given = parser.parse_args()
    table = pq.read_table(DATA / "benchmarks" / "hoc_docs.parquet", columns=["pmid", "text", "labels"])
    held = [set(filter(None, row.split(";"))) for row in table["labels"].to_pylist()]
    names = sorted(set().union(*held))
    labels = tuple(Label(id=name.replace(" ", "_"), title=name) for name in names)
    book = Codebook(
        name="hallmarks",
        version="1",
        title="Hallmarks of cancer",
        dimensions=(Dimension(id="hallmark", title="Hallmark of cancer", labels=labels),),
    )
    codes = np.array([[int(name in row) for name in names] for row in held], np.int8)
    texts = Texts([None] * len(held), table["text"].to_pylist())
    groups = [table["pmid"].to_pylist()]
    given.work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    plan = Plan(folds=3, network_seed=7, kept=given.work)
    tagger = TransformerTagger(book, plan).fit(texts, codes, groups, seed=42, progress=said)
    seconds = time.monotonic() - started
    assert tagger.folds is not None
    network, linear = tagger.sources
    plain = baseline.out_of_fold(texts, codes, tagger.folds, range(len(names)), said)
    made = {
        "tfidf-logistic": baseline.decided(book, plain, codes, tagger.folds),
        "linear": crossfit(book, [linear], codes, tagger.folds),
        "network": crossfit(book, [network], codes, tagger.folds),
        "transformer": tagger.crossfitted(codes),
    }
    figures = {"published_micro_f1_other_split": PUBLISHED, "records": len(codes), "folds": plan.folds}
    for name, one in made.items():
        values, _ = decide(book, one.scores, one.thresholds)
        score = evaluate(book, codes, one.scores, values).dimensions[0]
        figures[name] = {"micro_f1": score.micro_f1, "macro_f1": score.macro_f1, "map": score.mean_ap}
    figures["seconds_of_this_run"] = round(seconds, 1)
    report("tagger_hoc", figures, ("torch", "transformers", "scikit-learn"))


if __name__ == "__main__":
    main()
