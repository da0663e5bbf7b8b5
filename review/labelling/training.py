"""Training: labelled records joined to their texts, measured out of fold, then kept."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifiers import learnt
from classifiers.codebook import Codebook
from classifiers.codebook import load as load_codebook
from classifiers.descriptions import DescriptionTagger
from classifiers.evaluate import evaluate, intervals
from classifiers.evidence import Evidence
from classifiers.labels import Labelled, read_labels
from classifiers.linear import LinearTagger
from classifiers.neural.encoders import need_torch
from classifiers.reliability import coverage, coverage_by_dimension, recall_at, reliability
from classifiers.tagger import Bools, Texts, decide, reference
from classifiers.transformer import Plan, TransformerTagger
from corpora.errors import InputError
from corpora.formats.detect import open_file
from corpora.progress import Progress, silent
from corpora.record import build, key_text
from corpora.registry import entries
from corpora.run import Account, Run
from corpora.store import Part
from review import linking, patches
from review.gathering.ingest import Outcome, file_hash
from review.labelling.modelcard import card
from review.labelling.promised import promised
from review.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Source:
    """Where labels and texts come from, and the column that joins them."""

    labels: Path
    records: Path | None
    key: str

    def hash(self) -> str:
        """Names the content of both files."""
        hashes = [file_hash(path) for path in (self.labels, self.records) if path]
        return hashlib.sha256(json.dumps([*hashes, self.key]).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Material:
    """What a tagger learns from: texts, labels and the groups that folds keep whole."""

    texts: Texts
    labelled: Labelled
    groups: list[list[str]]
    notes: tuple[str, ...]
    years: tuple[int | None, ...] = ()
    sources: tuple[str, ...] = ()
    """Where each record comes from (a column ``corpus`` or ``source`` of the texts), "" if unsaid."""

    def random(self) -> Bools:
        """Rows (n,) that a column ``sample`` calls ``random``: a simple random sample."""
        return np.array([row.get("sample") == "random" for row in self.labelled.rows], np.bool_)


def source(
    workspace: Workspace,
    labels: Path | None = None,
    records: Path | None = None,
    key: str | None = None,
) -> Source:
    """The given files, else the protocol's."""
    told = workspace.protocol.labels
    if labels is None and told.training is None:
        raise InputError(f"{workspace.protocol_path}: no [labels] training; name a file with --labels")
    path = labels or workspace.root / str(told.training)
    texts = records or (workspace.root / told.training_records if told.training_records else None)
    return Source(path, texts if labels is None or records else None, key or told.key)


WATCHED = 0.1
"""Share of the groups that early stopping holds out of a training."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tagger is trained and how; the rest of a `Plan` is the tagger's own matter."""

    tagger: str = "linear"
    encoder: str = "minilm"
    revision: str | None = None
    folds: int = 4
    lora: int = 0
    epochs: int | None = None
    patience: int = 0
    """Epochs without gain on a held-out tenth after which the transformer's training stops; 0: none."""
    recall: float | None = None
    """Thresholds keep this share of each label's positives; None: they are of best F1."""
    kept: Path | None = None
    """Folder of checkpoints: a stopped training of the same inputs is taken up there."""


def train(
    workspace: Workspace,
    given: Source,
    codebook_name: str | None = None,
    *,
    choice: Choice | None = None,
    seed: int | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Train a tagger and commit it as a model of the workspace."""
    choice = choice or Choice()
    codebook = load_codebook(codebook_name or workspace.protocol.labels.codebook)
    material = join(given, codebook, workspace)
    run = _run(given, codebook, workspace.protocol.seed if seed is None else seed, choice)
    if choice.tagger == "transformer" and choice.kept is None:
        choice = replace(choice, kept=workspace.root / "cache" / "training" / str(run.input_hash))
    with workspace.writing("models", run) as part:
        _fit(material, codebook, run, part.path, choice, progress)
    return Outcome(f"train {choice.tagger}", run, tuple(run.notes))


def train_to_folder(
    given: Source,
    codebook_name: str,
    out: Path,
    *,
    choice: Choice | None = None,
    seed: int,
    progress: Progress = silent,
) -> Outcome:
    """Train without a workspace; the model goes to a new or empty folder."""
    choice = choice or Choice()
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty; name a new folder")
    codebook = load_codebook(codebook_name)
    material = join(given, codebook, None)
    run = _run(given, codebook, seed, choice)
    out.mkdir(parents=True, exist_ok=True)
    _fit(material, codebook, run, out, choice, progress)
    (out / "run.json").write_text(run.finish().to_json(), "utf-8")
    return Outcome(f"train {choice.tagger} → {out}", run, tuple(run.notes))


def trained(workspace: Workspace, given: Source, tagger: str = "linear") -> Part | None:
    """The model of exactly these labels and this codebook; None if training is due."""
    codebook = load_codebook(workspace.protocol.labels.codebook)
    part = workspace.latest("models", tagger=tagger)
    current = f"{given.hash()}-{codebook.hash}"
    return part if part and part.run.input_hash == current else None


def _run(given: Source, codebook: Codebook, seed: int, choice: Choice) -> Run:
    parameters: dict[str, Any] = {
        "tagger": choice.tagger,
        "labels": given.labels.name,
        "records": given.records.name if given.records else None,
        "key": given.key,
        "codebook": codebook.name,
        "codebook_hash": codebook.hash,
    }
    if choice.recall is not None:
        parameters["promised_recall"] = choice.recall
    libraries: tuple[str, ...] = ("scikit-learn", "numpy")
    if choice.tagger == "transformer":
        parameters |= {"encoder": choice.encoder, "revision": choice.revision, "patience": choice.patience}
        libraries = (*libraries, "torch", "transformers")
    return Run.begin("train", parameters, seed=seed, input_hash=f"{given.hash()}-{codebook.hash}",
                     libraries=libraries)  # fmt: skip


def tagger_for(choice: Choice, codebook: Codebook, random: Bools) -> LinearTagger | TransformerTagger:
    """The untrained tagger of a choice; ``random`` marks rows of a simple random sample, (n,)."""
    if choice.tagger == "linear":
        return LinearTagger(codebook, random, choice.recall)
    if choice.tagger == "descriptions":
        return DescriptionTagger(codebook, random, choice.recall)
    if choice.tagger != "transformer":
        known = ", ".join(sorted(entries("taggers")))
        raise InputError(
            f"--tagger {choice.tagger}: there is nothing to train; "
            f"of {known} these learn: linear, descriptions, transformer"
        )
    need_torch("the transformer tagger and its training")
    recipe = None
    if choice.lora or choice.epochs or choice.patience:
        from classifiers.neural.training import Recipe, recipe_for_machine

        recipe = recipe_for_machine()
        if choice.lora:
            recipe = replace(recipe, lora=choice.lora, frozen=0)
        epochs, patience = choice.epochs or recipe.epochs, choice.patience or recipe.patience
        recipe = replace(recipe, epochs=epochs, patience=patience)
        assert isinstance(recipe, Recipe)
    plan = Plan(
        encoder=choice.encoder,
        revision=choice.revision,
        folds=choice.folds,
        recipe=recipe,
        kept=choice.kept,
        random=random,
        recall=choice.recall,
        watched=WATCHED if choice.patience else 0.0,
    )
    return TransformerTagger(codebook, plan)


def _fit(
    material: Material, codebook: Codebook, run: Run, folder: Path, choice: Choice, progress: Progress
) -> None:
    """Learn in folds and as a whole, measure the out-of-fold decisions, and keep all of it."""
    codes, seed = material.labelled.codes, run.seed or 0
    tagger = tagger_for(choice, codebook, material.random())
    if choice.kept is not None:
        choice.kept.mkdir(parents=True, exist_ok=True)
    tagger.fit(material.texts, codes, material.groups, seed=seed, progress=progress)
    measured = measure(tagger, material, codebook)
    for name in ("keywords", tagger.name):
        if name in measured:
            report = {d["dimension"]: d["macro_f1"] for d in measured[name]["dimensions"]}
            run.parameters[f"macro_f1_{name}"] = report
    tagger.save(folder)
    learnt.write(folder, material.texts.titles)
    (folder / "evaluation.json").write_text(json.dumps(measured, indent=1), "utf-8")
    (folder / "MODEL_CARD.md").write_text(card(material, codebook, run, measured, tagger), "utf-8")
    run.account = Account(len(codes), len(codes))
    run.notes += [*material.labelled.notes, *material.notes, *_told(codebook, run, tagger.name)]
    for one in measured.get("promise", {}).get("dimensions", []):
        run.notes.append(
            f"{one['dimension']}: promised recall {tagger.recall}, out of fold {one['recall']:.3f} at "
            f"precision {one['precision']:.3f} (at best F1 {one['recall_at_best_f1']:.3f} at "
            f"{one['precision_at_best_f1']:.3f}); means over labels"
        )


def measure(
    tagger: LinearTagger | TransformerTagger, material: Material, codebook: Codebook
) -> dict[str, Any]:
    """Scores of the out-of-fold decisions, beside the keyword rules if the codebook has some."""
    made = tagger.crossfitted(material.labelled.codes)
    codes = reference(codebook, material.labelled.codes)
    values, unsure = decide(codebook, made.scores, made.thresholds)
    measured: dict[str, Any] = {"records": len(codes), "folds": len(set(np.asarray(tagger.folds).tolist()))}
    told = evaluate(codebook, codes, made.scores, values).to_dict()
    for label, bounds in zip(told["labels"], intervals(codes, made.scores, values), strict=True):
        label |= {f"{name}_interval": bound for name, bound in bounds.items()}
    measured[tagger.name] = told
    if tagger.recall is not None:
        labels, random = told["labels"], material.random()
        measured["promise"] = promised(tagger, codebook, material.labelled.codes, random, labels)
    measured["calibration"] = reliability(codebook, codes, made.scores, material.random())
    measured["abstention"] = coverage(codebook, codes, values, unsure)
    measured["coverage_curves"] = coverage_by_dimension(codebook, codes, values, made.scores, made.thresholds)
    measured["recall_at_3"] = recall_at(codebook, codes, made.scores, 3)
    rules = Evidence(codebook).rules
    if rules is not None:
        scores = rules.predict_proba(material.texts)
        held, _ = decide(codebook, scores, rules.thresholds())
        measured["keywords"] = evaluate(codebook, codes, scores, held).to_dict()
    return measured


def _told(codebook: Codebook, run: Run, name: str) -> list[str]:
    """Out-of-fold macro-F1 of the dimensions with several labels, as notes for the terminal."""
    rules, learnt = run.parameters.get("macro_f1_keywords", {}), run.parameters[f"macro_f1_{name}"]
    told = []
    for dimension in codebook.dimensions:
        found, beside = learnt.get(dimension.id), rules.get(dimension.id)
        if dimension.kind == "multi" and not dimension.applies_when and found is not None:
            line = f"out-of-fold macro-F1 of {dimension.id}: {name} {found:.3f}"
            told.append(line if beside is None else f"{line}, keyword rules {beside:.3f}")
    return told


# ---------------------------------------------------------------- joining labels and texts


def join(given: Source, codebook: Codebook, workspace: Workspace | None) -> Material:
    """Join labels to their texts; a labelled row without a text is refused."""
    labelled = read_labels(given.labels, codebook, given.key)
    found = _texts(given, labelled, workspace)
    missing = [key for key in labelled.keys if key not in found]
    if missing:
        raise InputError(
            f"{given.labels}: {len(missing):,} of {len(labelled.keys):,} labelled rows have no text, "
            f"the first is {given.key} = {missing[0]!r}; name the file with the texts by --records"
        )
    titles = [found[key][0] for key in labelled.keys]
    abstracts = [found[key][1] for key in labelled.keys]
    groups = [labelled.keys, [key_text(title) for title in titles]]
    if workspace is not None:
        studies = _studies(workspace, given.key, labelled.keys, titles)
        _none_audited(workspace, given, studies)
        groups.append(studies)
    years = tuple(found[key][2] for key in labelled.keys)
    sources = tuple(found[key][3] for key in labelled.keys)
    return Material(Texts(titles, abstracts), labelled, groups, (), years, sources)


def _none_audited(workspace: Workspace, given: Source, studies: list[str]) -> None:
    """Refuse labels of studies that an audit drew: what measures a tagger never teaches it."""
    from review.labelling import taught

    spoilt = sorted(set(studies) & taught.held_out(workspace))
    if spoilt:
        raise InputError(
            f"{given.labels}: {len(spoilt):,} labelled studies were drawn for an audit and never train, the "
            f"first is {spoilt[0]}; leave them out (review annotate --out writes only what was coded outside "
            "audits)"
        )


_Text = tuple[str | None, str | None, int | None, str]


def _texts(given: Source, labelled: Labelled, workspace: Workspace | None) -> dict[str, _Text]:
    """Key → title, abstract, year, source; of several rows of one key the longest abstract is taken."""
    found: dict[str, _Text] = {}
    if given.records is not None:
        for row in open_file(given.records).rows:
            record = build(row.fields, source="labels")
            extra = dict(record.extra)
            key = extra.get(given.key) or getattr(record, given.key, None)
            if key and (key not in found or len(found[key][1] or "") <= len(record.abstract or "")):
                origin = str(extra.get("corpus") or extra.get("source") or "")
                found[key] = (record.title, record.abstract, record.year, origin)
    elif "title" in labelled.rows[0]:
        for key, given_row in zip(labelled.keys, labelled.rows, strict=True):
            year = str(given_row.get("year") or "")
            found[key] = (
                given_row.get("title"),
                given_row.get("abstract"),
                int(year) if year.isdigit() else None,
                str(given_row.get("source") or ""),
            )
    elif workspace is not None and given.key in ("record_id", "doi", "pmid"):
        columns = list(dict.fromkeys([given.key, "title", "abstract", "year", "source"]))
        table = patches.records(workspace, columns)
        for one in table.to_pylist():
            if one[given.key]:
                found[one[given.key]] = (one["title"], one["abstract"], one["year"], one["source"] or "")
    return found


def _studies(workspace: Workspace, key: str, keys: list[str], titles: list[str | None]) -> list[str]:
    """The study of each labelled row, found by record id or title; "" where it is unknown."""
    studies = linking.clusters(workspace).studies
    if key == "record_id":
        return [studies.get(one, "") for one in keys]
    table = workspace.corpus.records(["record_id", "title"])
    by_title = {
        key_text(title): studies[record]
        for record, title in zip(table["record_id"].to_pylist(), table["title"].to_pylist(), strict=True)
        if title
    }
    return [by_title.get(key_text(title), "") for title in titles]
