"""The card that is kept beside every trained tagger: what it learnt from, how good it is, where it fails."""

from typing import Any

from classifiers.codebook import Codebook
from classifiers.linear import LinearTagger
from classifiers.transformer import TransformerTagger
from corpora.run import Run
from corpora.words import counted
from review.labelling.promised import table

TITLES = {
    "linear": "TF-IDF + linear tagger",
    "descriptions": "Description tagger",
    "transformer": "Transformer tagger",
}


def card(
    material: Any,
    codebook: Codebook,
    run: Run,
    measured: dict[str, Any],
    tagger: LinearTagger | TransformerTagger,
) -> str:
    """Markdown; numbers are of out-of-fold decisions."""
    names = codebook.label_ids()
    unlearnt = [name for name, held in zip(names, tagger.learnt, strict=True) if not held]
    parts = [
        f"# {TITLES[tagger.name]} for `{codebook.name}`",
        f"Trained on {counted(len(material.texts), 'record')} of `{run.parameters['labels']}` (input "
        f"{run.input_hash}), seed {run.seed}. How these labels were made is told where they come from; "
        "unless people made them, call them silver.",
        *_recipe(tagger),
        f"Measured out of fold: {counted(measured['folds'], 'fold')} held out by group in turn (copies "
        "and versions "
        "of a paper on one side), blend, calibration and thresholds of each fold from the others; the "
        "model that is kept learnt from all of them afterwards. Macro-F1 over labels with at least 5 "
        "positives:",
        _dimensions(measured, tagger.name),
        *_promise(measured),
        "Calibration, labels of a dimension pooled"
        + (", on the random sample" if material.random().any() else "")
        + " (slope 1 and intercept 0 are right):",
        _calibration(measured),
        "Per label:",
        _labels(measured[tagger.name]["labels"]),
        f"Labels without enough examples, never predicted: {', '.join(unlearnt) or 'none'}.",
        "Not for decisions about single records without a person; shares need an audit.",
    ]
    return "\n\n".join(parts) + "\n"


def _recipe(tagger: LinearTagger | TransformerTagger) -> list[str]:
    if isinstance(tagger, LinearTagger):
        if tagger.name == "descriptions":
            return ["Ridge regression on sentence embeddings, beside their cosine to the label descriptions."]
        return ["Ridge regression on words, letters and the keyword rules' scores."]
    told = tagger.told
    recipe = ", ".join(f"{key} {value}" for key, value in told["recipe"].items())
    return [
        f"Encoder {told['encoder']} at {told['encoder_revision']}; {told['max_tokens']} tokens a window, "
        f"{counted(told['split_in_windows'], 'record')} in several windows, {told['cut']:,} cut. Recipe: "
        f"{recipe}. "
        "Blended with ridge regression on words, letters and keyword rules, one weight per dimension."
    ]


def _promise(measured: dict[str, Any]) -> list[str]:
    if "promise" not in measured:
        return []
    told = measured["promise"]
    return [
        f"Thresholds keep {told['recall']:.0%} of each label's records instead of being those of best F1, "
        "but in dimensions that take one label. What gate and conditions take away is lost whatever the "
        "threshold. What that reaches out of fold and what it costs, means over labels with 5 positives:",
        table(told),
    ]


def _dimensions(measured: dict[str, Any], name: str) -> str:
    rules = {d["dimension"]: d["macro_f1"] for d in measured.get("keywords", {}).get("dimensions", [])}
    rows = [
        "| dimension | labels | keyword rules | " + name + " | mAP | micro-F1 |",
        "|---|---|---|---|---|---|",
    ]
    for score in measured[name]["dimensions"]:
        cells = [score["dimension"], str(score["labels"])]
        cells += [_number(v) for v in (rules.get(score["dimension"]), score["macro_f1"], score["mean_ap"])]
        rows.append(f"| {' | '.join([*cells, _number(score['micro_f1'])])} |")
    return "\n".join(rows)


def _calibration(measured: dict[str, Any]) -> str:
    rows = ["| dimension | Brier skill | ECE | slope | intercept |", "|---|---|---|---|---|"]
    for told in measured["calibration"]:
        cells = [_number(told[key]) for key in ("brier_skill", "ece", "slope", "intercept")]
        rows.append(f"| {told['dimension']} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _labels(labels: list[dict[str, Any]]) -> str:
    intervals = any(label.get("f1_interval") for label in labels)
    rows = ["| label | support | P | R | F1 | AP |" + (" F1 95 % |" if intervals else "")]
    rows.append("|---|---|---|---|---|---|" + ("---|" if intervals else ""))
    for label in labels:
        cells = [label["label"], str(label["support"])]
        cells += [_number(label[key]) for key in ("precision", "recall", "f1", "ap")]
        if intervals:
            low, high = label.get("f1_interval") or (None, None)
            cells.append(f"{_number(low)} to {_number(high)}")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
