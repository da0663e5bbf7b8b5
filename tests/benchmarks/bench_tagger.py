"""The taggers on the shipped codebook's labels, out of fold, and the weights that ship.

All taggers on the same four folds (copies of a paper together): keyword rules, TF-IDF + logistic
regression, the linear tagger, the network alone, and the transformer tagger, which blends both. Blend,
calibration and thresholds of every fold come from the other folds. Differences from the baseline are
paired bootstraps over records. With ``--out DIR`` the model that learnt from everything is kept there.
Finished folds and frozen states are kept in ``--work`` and taken up again.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from harness import HERE, commit, report

from classifiers import baseline, learnt
from classifiers.blend import Crossfit, crossfit
from classifiers.codebook import load
from classifiers.evidence import Evidence
from classifiers.linear import LinearTagger
from classifiers.tagger import decide
from classifiers.transformer import Plan, TransformerTagger
from corpora.run import Run
from review.labelling import evaluating, modelcard, training

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data")) / "nlp-medicine"
MAIN = ("methods", "tasks", "data", "evaluation")
AIM = {"methods": 0.80, "tasks": 0.80, "data": 0.78, "evaluation": 0.66}
SEED, NETWORK_SEED = 42, 7


PROVENANCE = """## What this is

The tagger that `review tag` uses out of the box for the codebook `nlp-medicine`: which methods, tasks,
data, evaluation, RAG components and specialties a record on language processing in medicine is about,
from its title and abstract alone. One encoder (all-MiniLM-L6-v2, Apache-2.0), one attention query and head
per label, blended with ridge regression on words, letters and keyword rules.

## Data and labels

4,900 records of 2016 to 2026 from the ACL Anthology, arXiv, PubMed and a bibliography of language models in
medicine: 1,600 a simple random sample, 1,600 with RAG studies oversampled, 1,600 enriched for rare labels,
100 on medical education. Shares in this file are therefore no prevalences; intercepts are fitted on the
random sample.

**The labels are silver.** A large language model read each title and abstract and coded it by the codebook,
once, without keyword rules. People did not label these records. On 500 other records a second pass of the
same model repeated the first with a mean Cohen's κ of .96 (methods), .94 (tasks), .91 (data) and .95
(evaluation): that is one model's repeatability, not agreement with experts. Every score below is
agreement with such labels. No text of a record is part of this package.

## Intended use

Sorting, filtering and mapping a literature of thousands of records; a first label that a person or an audit
then checks. Shares for publication need `review audit`: without it they are naive and are called so.
Not for decisions about a single study without a person, not for full texts, not for other subjects than
language processing in medicine and biomedicine.

## Known failures

- Evaluation is the hardest dimension: abstracts name measures late, in few words, or only imply them.
  Retrieval metrics, judging by a language model, completeness and clinical outcomes are recalled worst.
- Records out of scope but near to the subject (language processing in general, image-only or speech-only
  work) take labels when the scope head errs; all other labels depend on it.
- In `data_access`, `rag_retrieval` and `rag_embedder` the keyword rules are no worse by macro-F1 (table
  below): choose them for these dimensions in `protocol.toml` if they matter.
- Labels with few examples (see support below) have wide intervals; some of the RAG block are never given.
- Trained on English abstracts; other languages are untested.
- A title without an abstract says too little: such records are called in scope too easily.
- The layers of the encoder were frozen, for no GPU was at hand: only heads, queries and the linear part were
  learnt. Training the whole encoder, or a biomedical one (`review train --encoder biomedbert`), has not
  been measured here.
- Words that came after 2026, new model names above all, are known only by their context.
"""


def said(what: str, done: int, total: int | None = None) -> None:
    """A line now and then."""
    if done == total or time.monotonic() - said.__dict__.get("last", 0) > 30:
        said.__dict__["last"] = time.monotonic()
        print(f"{time.strftime('%X')} {what}: {done} of {total}", flush=True)


def main() -> None:
    """Train, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, default=DATA / "labels.jsonl")
    parser.add_argument("--records", type=Path, default=DATA / "records.parquet")
    parser.add_argument("--work", type=Path, required=True, help="an ignored folder; needs 2 GB")
    parser.add_argument("--out", type=Path, help="where to keep the model")
    given = parser.parse_args()
    codebook = load("nlp-medicine")
    source = training.Source(given.labels, given.records, "record_key")
    material = training.join(source, codebook, None)
    given.work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    plan = Plan(network_seed=NETWORK_SEED, kept=given.work, random=material.random())
    tagger = TransformerTagger(codebook, plan)
    codes = material.labelled.codes
    tagger.fit(material.texts, codes, material.groups, seed=SEED, progress=said)
    seconds = time.monotonic() - started
    found = candidates(tagger, material, given.work)
    told = evaluating.report(codebook, material, found)
    (given.work / "evaluation.json").write_text(json.dumps(told, indent=1), "utf-8")
    if given.out:
        ship(tagger, material, source, told, given.out)
    report("tagger", figures(told, tagger, material, seconds), ("torch", "transformers", "scikit-learn"))


def candidates(tagger: TransformerTagger, material: training.Material, work: Path) -> dict[str, Crossfit]:
    """Out-of-fold decisions of all taggers, on the folds of ``tagger``."""
    codebook, codes, folds = tagger.codebook, material.labelled.codes, tagger.folds
    assert folds is not None
    rules = Evidence(codebook).rules
    assert rules is not None
    hits = rules.predict_proba(material.texts)
    kept = work / "baseline.npy"
    if kept.is_file():
        plain = np.load(kept)
    else:
        columns = [column for name in MAIN for column in codebook.columns(name)]
        plain = baseline.out_of_fold(material.texts, codes, folds, columns, said)
        np.save(kept, plain)
    network, linear = tagger.sources
    return {
        "keywords": Crossfit(hits, np.broadcast_to(rules.thresholds(), hits.shape)),
        evaluating.BASELINE: baseline.decided(codebook, plain, codes, folds),
        LinearTagger.name: crossfit(codebook, [linear], codes, folds, material.random()),
        "network": crossfit(codebook, [network], codes, folds, material.random()),
        TransformerTagger.name: tagger.crossfitted(codes),
    }


def ship(
    tagger: TransformerTagger,
    material: training.Material,
    source: training.Source,
    told: dict[str, Any],
    out: Path,
) -> None:
    """Keep the model, its evaluation and its card."""
    out.mkdir(parents=True, exist_ok=True)
    tagger.told |= {"commit": commit(), "data": source.hash(), "labels_file": source.labels.name}
    tagger.save(out)
    learnt.write(out, material.texts.titles)
    mine = told["taggers"][TransformerTagger.name]
    measured = {
        "records": told["records"],
        "folds": tagger.plan.folds,
        "keywords": told["taggers"]["keywords"],
        TransformerTagger.name: mine,
        "calibration": mine["calibration"],
        "paired": told["paired"],
    }
    run = Run.begin("train", {"labels": source.labels.name}, seed=SEED, input_hash=source.hash())
    text = modelcard.card(material, tagger.codebook, run, measured, tagger)
    title, rest = text.split("\n", 1)
    paired = _paired(told["paired"])
    (out / "MODEL_CARD.md").write_text(f"{title}\n\n{PROVENANCE}\n## Measures\n{rest}\n{paired}", "utf-8")
    kept = {key: mine[key] for key in ("dimensions", "labels", "calibration", "abstention", "recall_at_3",
                                       "by_year", "by_source", "parents")}  # fmt: skip
    (out / "evaluation.json").write_text(json.dumps({**kept, "paired": told["paired"]}, indent=1), "utf-8")


def _paired(told: dict[str, Any]) -> str:
    """Differences from the baseline with paired 95 % intervals."""
    lines = [
        "Macro-F1 less that of TF-IDF + logistic regression with thresholds chosen alike (paired 95 %):",
        "",
    ]
    for name, found in told.items():
        if name.startswith("transformer"):
            lines += [f"- {d}: {found[d][0]:+.3f} ({found[d][1]:+.3f} to {found[d][2]:+.3f})" for d in MAIN]
    return "\n".join(lines) + "\n"


def figures(
    told: dict[str, Any], tagger: TransformerTagger, material: training.Material, seconds: float
) -> dict[str, Any]:
    """The short of it."""
    blend = tagger._blend
    assert blend is not None
    made: dict[str, Any] = {"records": told["records"], "folds": tagger.plan.folds, "macro_f1": {}, "map": {}}
    for name, scored in told["taggers"].items():
        mine = {d["dimension"]: d for d in scored["dimensions"]}
        made["macro_f1"][name] = {d: [mine[d]["macro_f1"], *mine[d]["macro_f1_interval"]] for d in MAIN}
        made["map"][name] = {d: mine[d]["mean_ap"] for d in MAIN}
    made["paired"] = {n: {d: v[d] for d in MAIN} for n, v in told["paired"].items()}
    best = told["taggers"][TransformerTagger.name]
    made["micro_f1"] = {d["dimension"]: d["micro_f1"] for d in best["dimensions"] if d["dimension"] in MAIN}
    made["gap_to_aim"] = {d: round(AIM[d] - made["macro_f1"]["transformer"][d][0], 4) for d in MAIN}
    made["weight_of_network"] = {
        d.id: round(float(blend.weights[0, tagger.codebook.columns(d.id)[0]]), 3)
        for d in tagger.codebook.dimensions
    }
    made["calibration"] = {
        c["dimension"]: {key: c[key] for key in ("brier_skill", "ece", "slope", "intercept")}
        for c in best["calibration"]
        if c["dimension"] in (*MAIN, "scope", "rag")
    }
    made["abstention"] = [a for a in best["abstention"] if a["dimension"] in MAIN]
    made["coverage_curve"] = best["coverage_curve"]
    made["recall_at_3"] = {d: best["recall_at_3"].get(d) for d in MAIN}
    made["in_scope_macro_f1"] = _in_scope(tagger, material)
    made["windows"] = {key: tagger.told[key] for key in ("max_tokens", "split_in_windows", "cut")}
    made["recipe"] = tagger.told["recipe"]
    made["seconds_of_this_run"] = round(seconds, 1)
    return made


def _in_scope(tagger: TransformerTagger, material: training.Material) -> dict[str, float | None]:
    from classifiers.evaluate import evaluate

    codes = material.labelled.codes
    inside = codes[:, tagger.codebook.label_ids().index("scope.out_of_scope")] != 1
    made = tagger.crossfitted(codes)
    values, _ = decide(tagger.codebook, made.scores, made.thresholds)
    scored = evaluate(tagger.codebook, codes[inside], made.scores[inside], values[inside])
    return {d: scored.macro_f1()[d] for d in MAIN}


if __name__ == "__main__":
    main()
