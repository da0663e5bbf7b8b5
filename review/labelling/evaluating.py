"""`review evaluate`: all taggers on the same folds, or one trained model on labels that are new to it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers import baseline
from classifiers.blend import Crossfit
from classifiers.codebook import Codebook
from classifiers.codebook import load as load_codebook
from classifiers.evaluate import by_group, confusion, evaluate, intervals, macro_interval, paired_bootstrap
from classifiers.evidence import Evidence
from classifiers.folds import grouped_folds
from classifiers.reliability import coverage, coverage_curve, recall_at, reliability
from classifiers.tagger import Bools, decide, reference, rolled_up
from corpora.errors import DiskError, InputError
from corpora.progress import Progress, silent
from corpora.run import Account, Run
from review.gathering.ingest import Outcome
from review.labelling import tagging, training
from review.workspace import Workspace

FOLDS = 4
BASELINE = "tfidf-logistic"
KNOWN = ("keywords", BASELINE, "linear", "transformer")


def evaluate_taggers(
    given: training.Source,
    codebook_name: str,
    *,
    workspace: Workspace | None = None,
    names: list[str],
    model: Path | None = None,
    out: Path | None = None,
    seed: int = 42,
    progress: Progress = silent,
) -> Outcome:
    """Report P, R, F1, AP with intervals, calibration, confusion and drift; ``out`` gets all of it."""
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        raise InputError(f"--tagger {unknown[0]}: cannot be evaluated; one of {', '.join(KNOWN)}")
    codebook = load_codebook(codebook_name)
    material = training.join(given, codebook, workspace)
    run = Run.begin("evaluate", {"labels": given.labels.name, "taggers": names}, seed=seed,
                    input_hash=f"{given.hash()}-{codebook.hash}")  # fmt: skip
    codes = material.labelled.codes
    folds = grouped_folds(codes, material.groups, k=FOLDS, seed=seed)
    found: dict[str, Crossfit] = {}
    if model is not None:
        found[f"model {model.name}"] = _of_model(model, material, codebook, progress)
    else:
        for name in names:
            found[name] = _out_of_fold(name, material, codebook, folds, seed, progress)
    told = report(codebook, material, found)
    if out is not None:
        try:
            out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        except OSError as error:
            raise DiskError(f"{out}: cannot be written: {error.strerror or error}") from error
    run.account = Account(len(codes), len(codes))
    notes = [*material.labelled.notes, *_lines(told, codebook, new=model is not None)]
    return Outcome("evaluate", run.finish(), tuple(notes))


def _out_of_fold(
    name: str,
    material: training.Material,
    codebook: Codebook,
    folds: NDArray[np.int64],
    seed: int,
    progress: Progress,
) -> Crossfit:
    codes = material.labelled.codes
    if name == "keywords":
        rules = Evidence(codebook).rules
        if rules is None:
            raise InputError(f"codebook {codebook.name} has no keyword rules; leave out --tagger keywords")
        scores = rules.predict_proba(material.texts, progress)
        return Crossfit(scores, np.broadcast_to(rules.thresholds(), scores.shape))
    if name == BASELINE:
        columns = range(codes.shape[1])
        return baseline.decided(
            codebook,
            baseline.out_of_fold(material.texts, codes, folds, columns, progress),
            codes,
            folds,
        )
    tagger = training.tagger_for(training.Choice(name, folds=FOLDS), codebook, material.random())
    tagger.fit(material.texts, codes, material.groups, seed=seed, progress=progress)
    return tagger.crossfitted(codes)


def _of_model(folder: Path, material: training.Material, codebook: Codebook, progress: Progress) -> Crossfit:
    made = tagging.open_model(folder, codebook)
    scores = made.predict_proba(material.texts, progress)
    return Crossfit(scores, np.broadcast_to(made.thresholds(), scores.shape))


def report(codebook: Codebook, material: training.Material, found: dict[str, Crossfit]) -> dict[str, Any]:
    """Plain data for all taggers; differences are paired over records, each tagger less the baseline."""
    codes = reference(codebook, material.labelled.codes)
    decided = {name: decide(codebook, made.scores, made.thresholds) for name, made in found.items()}
    told: dict[str, Any] = {"codebook": codebook.name, "records": len(codes), "taggers": {}, "paired": {}}
    for name, made in found.items():
        values, unsure = decided[name]
        told["taggers"][name] = _one(codebook, material, made, values, unsure)
    if BASELINE in decided:
        for name, (values, _) in decided.items():
            if name != BASELINE:
                told["paired"][f"{name} less {BASELINE}"] = {
                    d.id: paired_bootstrap(codebook, codes, values, decided[BASELINE][0], d.id, draws=400)
                    for d in codebook.dimensions
                    if _counts(codebook, codes, d.id)
                }
    return told


def _one(
    codebook: Codebook, material: training.Material, made: Crossfit, values: Bools, unsure: Bools
) -> dict[str, Any]:
    codes = reference(codebook, material.labelled.codes)
    told = evaluate(codebook, codes, made.scores, values).to_dict()
    for label, bounds in zip(told["labels"], intervals(codes, made.scores, values), strict=True):
        label |= {f"{name}_interval": bound for name, bound in bounds.items()}
    for score in told["dimensions"]:
        if score["macro_f1"] is not None:
            score["macro_f1_interval"] = macro_interval(codebook, codes, values, score["dimension"])
    told["calibration"] = reliability(codebook, codes, made.scores, material.random())
    told["abstention"] = coverage(codebook, codes, values, unsure)
    told["coverage_curve"] = coverage_curve(codes, values, made.scores, made.thresholds)
    told["recall_at_3"] = recall_at(codebook, codes, made.scores, 3)
    told["confusion"] = {d.id: confusion(codebook, codes, values, d.id) for d in codebook.dimensions}
    told["parents"] = _parents(codebook, codes, values)
    bands = [_band(year) for year in material.years] or [""] * len(codes)
    origins = list(material.sources) or [""] * len(codes)
    for key, groups in (("by_year", bands), ("by_source", origins)):
        told[key] = {
            d.id: by_group(codebook, codes, values, groups, d.id)
            for d in codebook.dimensions
            if _counts(codebook, codes, d.id)
        }
    return told


def _counts(codebook: Codebook, codes: Any, dimension: str) -> bool:
    return bool(((codes[:, codebook.columns(dimension)] == 1).sum(axis=0) >= 5).any())


def _parents(codebook: Codebook, codes: Any, values: Bools) -> dict[str, dict[str, int]]:
    """Derived labels: hits, misses and false alarms of the parent, which forgive errors within it."""
    told = {}
    true, said = rolled_up(codebook, codes == 1), rolled_up(codebook, values)
    for rollup in codebook.rollups:
        for place, label in enumerate(rollup.labels):
            one, two = true[rollup.id][:, place], said[rollup.id][:, place]
            told[f"{rollup.id}.{label.id}"] = {
                "both": int((one & two).sum()),
                "missed": int((one & ~two).sum()),
                "false": int((~one & two).sum()),
            }
    return told


def _band(year: int | None) -> str:
    """Years in bands that hold enough records each; ChatGPT came at the end of 2022."""
    if year is None:
        return "unknown"
    for last, name in ((2018, "to 2018"), (2020, "2019-2020"), (2022, "2021-2022"), (2023, "2023")):
        if year <= last:
            return name
    return "from 2024"


def _lines(told: dict[str, Any], codebook: Codebook, *, new: bool) -> list[str]:
    """Macro-F1 with intervals, a line a tagger and dimension of several labels."""
    how = "on labels given as new to the model" if new else f"out of fold, {FOLDS} folds by group"
    lines = [f"macro-F1 {how}; labels with at least 5 positives"]
    multi = {d.id for d in codebook.dimensions if d.kind == "multi" and not d.applies_when}
    for name, scored in told["taggers"].items():
        for score in scored["dimensions"]:
            if score["dimension"] in multi and score["macro_f1"] is not None:
                low, high = score["macro_f1_interval"]
                lines.append(
                    f"{name}: {score['dimension']} {score['macro_f1']:.3f} ({low:.3f} to {high:.3f})"
                )
    return lines
