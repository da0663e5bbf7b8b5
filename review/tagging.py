"""Tagging: every record of a workspace, or every row of a plain file, by the codebook."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from classifiers.codebook import Codebook
from classifiers.codebook import load as load_codebook
from classifiers.linear import LinearTagger
from classifiers.tagger import Bools, Floats, Tagger, Texts, decide, lacking, rolled_up
from classifiers.transformer import TransformerTagger, read_told, shipped, usable
from corpora import schema
from corpora.errors import DiskError, InputError
from corpora.formats.detect import open_file
from corpora.progress import Progress, silent
from corpora.record import build, text_hash
from corpora.registry import load
from corpora.run import Account, Run
from corpora.store import Part
from review import patches
from review.ingest import Outcome, file_hash
from review.workspace import Workspace

LEARNING = ("linear", "transformer")
"""Taggers that need a model, trained or shipped."""

_BATCH = 5_000


def tag(workspace: Workspace, name: str, progress: Progress = silent) -> Outcome:
    """Tag all records with one tagger and commit the labels as a new part."""
    codebook = load_codebook(workspace.protocol.labels.codebook)
    tagger = _tagger(workspace, name, codebook)
    missing = tagger.lacking() if isinstance(tagger, LinearTagger | TransformerTagger) else []
    records = patches.records(workspace, ["record_id", "title", "abstract"])
    run = Run.begin(
        "tag",
        {"tagger": name, "codebook": codebook.name, "codebook_hash": codebook.hash},
        input_hash=_input_hash(workspace, name, codebook),
        libraries=("scikit-learn",),
    )
    titles, abstracts = records["title"].to_pylist(), records["abstract"].to_pylist()
    ids = records["record_id"].to_pylist()
    unsure = 0
    with workspace.writing("labels", run) as part:
        for start in range(0, len(ids), _BATCH):
            rows = slice(start, start + _BATCH)
            texts = Texts(titles[rows], abstracts[rows])
            scores = tagger.predict_proba(texts, silent)
            table = _table(codebook, tagger, ids[rows], texts, scores)
            unsure += int(np.count_nonzero(table["unsure"]))
            part.add("labels", table)
            progress(f"tagging with {name}", min(start + _BATCH, len(ids)), len(ids))
        if not ids:
            part.add("labels", schema.LABELS.empty_table())
        run.account = Account(len(ids), len(ids), counts={"unsure labels": unsure})
        run.account.counts["without abstract"] = abstracts.count(None)
        run.account.counts |= _windows(tagger)
    return Outcome(f"tag {name}", run, tuple(_lacks(name, missing)))


def tagged(workspace: Workspace, name: str) -> Part | None:
    """Labels of this tagger over exactly the present records and model; None if tagging is due."""
    codebook = load_codebook(workspace.protocol.labels.codebook)
    part = workspace.latest("labels", tagger=name)
    due = part is None or part.run.input_hash != _input_hash(workspace, name, codebook)
    return None if due else part


def _input_hash(workspace: Workspace, name: str, codebook: Codebook) -> str:
    model = workspace.latest("models", tagger=name)
    texts = workspace.hash_of("records", ledger=("patches",))
    kept = _shipped_here(name, codebook)
    made = model.run.id if model else f"{name}-{shipped_id(kept)}" if kept else name
    return f"{texts}-{codebook.hash}-{made}"


def _tagger(workspace: Workspace, name: str, codebook: Codebook) -> Tagger:
    kind: type[Tagger] = load("taggers", name)
    model = workspace.latest("models", tagger=name)
    if model is not None:
        return kind.load(model.path, codebook)
    kept = _shipped_here(name, codebook)
    if kept is not None:
        return kind.load(kept, codebook)
    if name in LEARNING:
        raise InputError(
            f"{workspace.root}: no trained model of tagger {name!r}, and none ships for codebook "
            f"{codebook.name}; run: review train --tagger {name} --labels FILE"
        )
    return kind(codebook)


def shipped_model(name: str, codebook: Codebook) -> Path | None:
    """The folder of the weights that ship, if this tagger can use them for this codebook."""
    folder = shipped(codebook)
    if name not in LEARNING or folder is None:
        return None
    own = Codebook.model_validate(read_told(folder)["book"])
    return folder if len(lacking(own, codebook)) < len(codebook.dimensions) else None


def _shipped_here(name: str, codebook: Codebook) -> Path | None:
    """The shipped weights a workspace uses unasked: the linear tagger there is one's own or none."""
    return shipped_model(name, codebook) if name == "transformer" else None


def shipped_id(folder: Path) -> str:
    """Names the weights that ship."""
    return hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()[:12]


def default_tagger(codebook: Codebook) -> tuple[str, list[str]]:
    """The best tagger that can run here without training, and what is to be said about the choice."""
    if shipped_model("transformer", codebook) is None:
        return "keywords", [f"no weights ship for codebook {codebook.name}: tagged by its keyword rules"]
    if usable():
        return "transformer", []
    return "linear", [
        "PyTorch is not installed, so the linear part of the shipped model tags alone, less well; "
        "for the whole model: pip install 'litscale[transformer]'"
    ]


def _lacks(name: str, missing: list[str]) -> list[str]:
    if not missing:
        return []
    return [f"the {name} model has no heads for {', '.join(missing)}: left empty; train it with these labels"]


def _windows(tagger: Tagger) -> dict[str, int]:
    """Records that were too long for one window, where the tagger counts them."""
    counts = getattr(tagger, "windows", {})
    return {f"abstracts {what}": counts[what] for what in ("in several windows", "cut") if counts.get(what)}


def _table(codebook: Codebook, tagger: Tagger, ids: list[str], texts: Texts, scores: Floats) -> pa.Table:
    """Labels in long form: every label of every record, derived dimensions last."""
    values, unsure = decide(codebook, scores, tagger.thresholds())
    names = codebook.label_ids()
    blocks = [(names, scores, values, unsure)]
    derived, parents = rolled_up(codebook, values), rolled_up(codebook, scores)
    for rollup in codebook.rollups:
        labels = [f"{rollup.id}.{label.id}" for label in rollup.labels]
        held: Bools = derived[rollup.id]
        blocks.append((labels, parents[rollup.id], held, np.zeros_like(held)))
    hashes = [text_hash(t, a) for t, a in zip(texts.titles, texts.abstracts, strict=True)]
    tables = []
    for labels, score, value, doubt in blocks:
        count = len(labels)
        tables.append(
            pa.table(
                {
                    "record_id": np.repeat(np.asarray(ids, dtype=object), count),
                    "dimension": [label.split(".")[0] for label in labels] * len(ids),
                    "label": [label.split(".")[1] for label in labels] * len(ids),
                    "probability": score.ravel(),
                    "value": value.ravel(),
                    "unsure": doubt.ravel(),
                    "text_hash": np.repeat(np.asarray(hashes, dtype=object), count),
                },
                schema=schema.LABELS,
            )
        )
    return pa.concat_tables(tables)


# ---------------------------------------------------------------- plain files


def tag_file(
    path: Path,
    out: Path,
    *,
    tagger: str | None = None,
    model: Path | None = None,
    codebook: str = "nlp-medicine",
    progress: Progress = silent,
) -> Outcome:
    """Tag a file without a workspace: one JSON object a row, in the rows' order.

    ``{"row": 0, "scores": {"methods.generative_llm": 0.98, …}, "labels": {"methods": […], …},
    "unsure": […]}``. A row that cannot be read keeps its number and has ``"refused"``.
    """
    book = load_codebook(codebook)
    notes: list[str] = []
    name = tagger or (_of_model(model) if model else "")
    if not name:
        name, notes = default_tagger(book)
    kind: type[Tagger] = load("taggers", name)
    folder = model or shipped_model(name, book)
    if name in LEARNING and folder is None:
        raise InputError(f"tagger {name!r} needs a trained model: --model DIR (none ships for {book.name})")
    made = kind.load(folder, book) if folder else kind(book)
    if isinstance(made, LinearTagger | TransformerTagger):
        notes += _lacks(name, made.lacking())
    rows = list(open_file(path).rows)
    records = [None if row.refused else build(row.fields, source="file") for row in rows]
    texts = Texts(
        [record.title if record else None for record in records],
        [record.abstract if record else None for record in records],
    )
    scores = made.predict_proba(texts, progress)
    values, unsure = decide(book, scores, made.thresholds())
    lines = _lines(book, [row.refused for row in rows], scores, values, unsure)
    _write_lines(out, lines)
    run = Run.begin("tag", {"file": path.name, "tagger": name, "codebook": book.name},
                    input_hash=file_hash(path))  # fmt: skip
    refused = sum(row.refused is not None for row in rows)
    run.account = Account(len(rows), len(rows) - refused, refused, counts=_windows(made))
    notes += [f"row {row.number}: {row.refused}" for row in rows if row.refused]
    return Outcome(f"{path.name} → {out}, tagger {name}", run.finish(), tuple(notes))


def open_model(folder: Path, codebook: Codebook) -> Tagger:
    """The trained tagger of a folder, whichever it is."""
    kind: type[Tagger] = load("taggers", _of_model(folder))
    return kind.load(folder, codebook)


def _of_model(folder: Path) -> str:
    """Which tagger a model's folder belongs to."""
    if (folder / "model.json").is_file():
        return "transformer"
    for file in ("linear.json", "tagger.json", "zero.json"):
        if (folder / file).is_file():
            return str(json.loads((folder / file).read_text("utf-8"))["tagger"])
    raise InputError(f"{folder}: no model of any tagger is here; name the tagger with --tagger")


def _lines(
    codebook: Codebook, refused: list[str | None], scores: Floats, values: Bools, unsure: Bools
) -> Iterator[str]:
    names = codebook.label_ids()
    derived = rolled_up(codebook, values)
    for row, reason in enumerate(refused):
        told: dict[str, Any] = {"row": row}
        if reason is not None:
            yield json.dumps({**told, "refused": reason, "scores": {}, "labels": {}, "unsure": []})
            continue
        labels: dict[str, list[str]] = {dimension.id: [] for dimension in codebook.dimensions}
        for column in np.flatnonzero(values[row]):
            dimension, label = names[column].split(".")
            labels[dimension].append(label)
        for rollup in codebook.rollups:
            held = derived[rollup.id][row]
            labels[rollup.id] = [x.id for x, holds in zip(rollup.labels, held, strict=True) if holds]
        told["scores"] = {n: round(float(s), 4) for n, s in zip(names, scores[row], strict=True)}
        told |= {"labels": labels, "unsure": [names[c] for c in np.flatnonzero(unsure[row])]}
        yield json.dumps(told, ensure_ascii=False)


def _write_lines(out: Path, lines: Iterator[str]) -> None:
    """All lines or no file."""
    temporary = out.with_name(f".tmp-{out.name}")
    try:
        with temporary.open("w", encoding="utf-8") as handle:
            handle.writelines(f"{line}\n" for line in lines)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.rename(out)
    except OSError as error:
        raise DiskError(f"{out}: cannot be written: {error.strerror or error}") from error
