"""Training: labelled records joined to their texts, measured on a held-out fifth, then kept."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.codebook import Codebook
from classifiers.codebook import load as load_codebook
from classifiers.evaluate import evaluate
from classifiers.folds import grouped_folds
from classifiers.keywords import KeywordTagger
from classifiers.labels import Labelled, read_labels
from classifiers.linear import LinearTagger
from classifiers.tagger import Tagger, Texts, decide
from corpora.errors import InputError
from corpora.formats.detect import open_file
from corpora.progress import Progress, silent
from corpora.record import build, key_text
from corpora.run import Account, Run
from corpora.store import Part
from review import linking, patches
from review.ingest import Outcome, file_hash
from review.workspace import Workspace

HELD_OUT = 5
"""One part in so many is held out to measure."""


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


def train(
    workspace: Workspace,
    given: Source,
    codebook_name: str | None = None,
    *,
    seed: int | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Train the linear tagger and commit it as a model of the workspace."""
    codebook = load_codebook(codebook_name or workspace.protocol.labels.codebook)
    material = _material(given, codebook, workspace)
    run = _run(given, codebook, workspace.protocol.seed if seed is None else seed)
    with workspace.writing("models", run) as part:
        _fit(material, codebook, run, part.path, progress)
    return Outcome("train linear", run, tuple(run.notes))


def train_to_folder(
    given: Source, codebook_name: str, out: Path, *, seed: int, progress: Progress = silent
) -> Outcome:
    """Train without a workspace; the model goes to a new or empty folder."""
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty; name a new folder")
    codebook = load_codebook(codebook_name)
    material = _material(given, codebook, None)
    run = _run(given, codebook, seed)
    out.mkdir(parents=True, exist_ok=True)
    _fit(material, codebook, run, out, progress)
    (out / "run.json").write_text(run.finish().to_json(), "utf-8")
    return Outcome(f"train linear → {out}", run, tuple(run.notes))


def trained(workspace: Workspace, given: Source) -> Part | None:
    """The model of exactly these labels and this codebook; None if training is due."""
    codebook = load_codebook(workspace.protocol.labels.codebook)
    part = workspace.latest("models", tagger="linear")
    current = f"{given.hash()}-{codebook.hash}"
    return part if part and part.run.input_hash == current else None


def _run(given: Source, codebook: Codebook, seed: int) -> Run:
    parameters = {
        "tagger": "linear",
        "labels": given.labels.name,
        "records": given.records.name if given.records else None,
        "key": given.key,
        "codebook": codebook.name,
        "codebook_hash": codebook.hash,
    }
    return Run.begin("train", parameters, seed=seed, input_hash=f"{given.hash()}-{codebook.hash}",
                     libraries=("scikit-learn", "numpy"))  # fmt: skip


def _fit(material: Material, codebook: Codebook, run: Run, folder: Path, progress: Progress) -> None:
    """Measure on a held-out fifth beside the keyword rules, then learn from everything."""
    codes, seed = material.labelled.codes, run.seed or 0
    folds = grouped_folds(codes, material.groups, k=HELD_OUT, seed=seed)
    inside, outside = np.flatnonzero(folds != 0), np.flatnonzero(folds == 0)
    groups = [[column[i] for i in inside] for column in material.groups]
    measured: dict[str, Any] = {"held_out": len(outside), "learnt_from": len(inside)}
    taggers: list[Tagger] = [KeywordTagger(codebook), LinearTagger(codebook)]
    for tagger in taggers:
        tagger.fit(material.texts.take(inside), codes[inside], groups, seed=seed, progress=progress)
        scores = tagger.predict_proba(material.texts.take(outside), silent)
        values, _ = decide(codebook, scores, tagger.thresholds())
        report = evaluate(codebook, codes[outside], scores, values)
        measured[tagger.name] = report.to_dict()
        run.parameters[f"macro_f1_{tagger.name}"] = report.macro_f1()
    final = LinearTagger(codebook).fit(material.texts, codes, material.groups, seed=seed, progress=progress)
    final.save(folder)
    (folder / "evaluation.json").write_text(json.dumps(measured, indent=1), "utf-8")
    (folder / "MODEL_CARD.md").write_text(_card(material, codebook, run, measured, final), "utf-8")
    run.account = Account(len(codes), len(codes))
    run.notes += [*material.labelled.notes, *material.notes, *_told(codebook, run)]


def _told(codebook: Codebook, run: Run) -> list[str]:
    """Macro-F1 of the main dimensions, as notes for the terminal."""
    keywords, linear = (run.parameters[f"macro_f1_{name}"] for name in ("keywords", "linear"))
    return [
        f"held-out macro-F1 of {d.id}: linear {linear[d.id]:.3f}, keyword rules {keywords[d.id]:.3f}"
        for d in codebook.dimensions
        if linear.get(d.id) is not None and d.id in ("methods", "tasks", "data", "evaluation")
    ]


def _card(
    material: Material, codebook: Codebook, run: Run, measured: dict[str, Any], final: LinearTagger
) -> str:
    names = codebook.label_ids()
    unlearnt = [name for name, held in zip(names, final.learnt, strict=True) if not held]
    rows = []
    for keywords, linear in zip(
        measured["keywords"]["dimensions"], measured["linear"]["dimensions"], strict=True
    ):
        cells = [linear["dimension"], str(linear["labels"])]
        cells += ["–" if s["macro_f1"] is None else f"{s['macro_f1']:.3f}" for s in (keywords, linear)]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [
            f"# TF-IDF + linear tagger for `{codebook.name}`",
            "",
            f"Trained on {len(material.texts):,} records of `{run.parameters['labels']}` "
            f"(input {run.input_hash}), seed {run.seed}. How these labels were made is told where "
            "they come from; unless people made them, call them silver.",
            "",
            f"Measured on {measured['held_out']:,} records held out by group (copies and versions of "
            "a paper on one side); the model that is kept learnt from all of them afterwards. "
            "Macro-F1 over labels with at least 5 positives in the held-out part:",
            "",
            "| dimension | labels | keyword rules | linear |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Labels without enough examples, never predicted: {', '.join(unlearnt) or 'none'}.",
            "",
            "Not for decisions about single records without a person; shares need an audit.",
            "",
        ]
    )


# ---------------------------------------------------------------- joining labels and texts


def _material(given: Source, codebook: Codebook, workspace: Workspace | None) -> Material:
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
        groups.append(_studies(workspace, given.key, labelled.keys, titles))
    return Material(Texts(titles, abstracts), labelled, groups, ())


def _texts(
    given: Source, labelled: Labelled, workspace: Workspace | None
) -> dict[str, tuple[str | None, str | None]]:
    """Key → title and abstract; of several rows of one key the longest abstract is taken."""
    found: dict[str, tuple[str | None, str | None]] = {}
    if given.records is not None:
        for row in open_file(given.records).rows:
            record = build(row.fields, source="labels")
            key = dict(record.extra).get(given.key) or getattr(record, given.key, None)
            if key and len(found.get(key, ("", ""))[1] or "") <= len(record.abstract or ""):
                found[key] = (record.title, record.abstract)
    elif "title" in labelled.rows[0]:
        for key, given_row in zip(labelled.keys, labelled.rows, strict=True):
            found[key] = (given_row.get("title"), given_row.get("abstract"))
    elif workspace is not None and given.key in ("record_id", "doi", "pmid"):
        columns = list(dict.fromkeys([given.key, "title", "abstract"]))
        table = patches.records(workspace, columns)
        for one in table.to_pylist():
            if one[given.key]:
                found[one[given.key]] = (one["title"], one["abstract"])
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
