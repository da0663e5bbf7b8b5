"""Tagging: every record of a workspace, or every row of a plain file, by the codebook."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from classifiers import engine as engines
from classifiers.codebook import Codebook
from classifiers.codebook import load as load_codebook
from classifiers.engine import Scored
from classifiers.linear import LinearTagger
from classifiers.llm import LlmTagger
from classifiers.parallel.spec import Spec, counted
from classifiers.tagger import Bools, Floats, Tagger, Texts, decide, lacking, rolled_up
from classifiers.transformer import TransformerTagger, read_told, shipped, usable
from corpora import schema, words
from corpora.errors import DiskError, InputError, MissingExtraError
from corpora.formats.detect import open_file
from corpora.progress import Progress, silent
from corpora.record import build, digest
from corpora.registry import load
from corpora.run import Account, Run
from corpora.store import Part
from review import patches
from review.facts import to_be_heard
from review.gathering.ingest import Outcome, file_hash
from review.workspace import Workspace

LEARNING = ("linear", "transformer")
"""Taggers that need a model, trained or shipped."""


def tag(
    workspace: Workspace,
    name: str,
    progress: Progress = silent,
    *,
    engine: str = "process",
    workers: int | None = None,
    agreed: bool = False,
) -> Outcome:
    """Tag all records with one tagger and commit the labels as a new part.

    Scores go part by part into the cache (`classifiers.engine`), so a killed run goes on where it was;
    the labels are the same whatever ``engine`` made them. ``agreed``: see `sends`.

    Raises:
        InputError: no model, or texts would leave this machine and nobody agreed.

    """
    codebook = load_codebook(workspace.protocol.labels.codebook)
    spec = _spec(workspace, name, codebook, agreed=agreed)
    missing = spec.here.lacking() if isinstance(spec.here, LinearTagger | TransformerTagger) else []
    records = patches.records(workspace, ["record_id", "title", "abstract"])
    run = Run.begin(
        "tag",
        {"tagger": name, "codebook": codebook.name, "codebook_hash": codebook.hash},
        input_hash=_input_hash(workspace, name, codebook),
        libraries=("scikit-learn",),
    )
    scored = engines.tag(
        records.to_batches(),
        workspace.root / "cache" / "scores",
        spec,
        engine=engine,
        workers=workers,
        total=len(records),
        progress=progress,
    )
    refused = dict(scored.refused())
    unsure = 0
    with workspace.writing("labels", run) as part:
        for table in scored.labels():
            unsure += pc.sum(table["unsure"]).as_py() or 0
            part.add("labels", table)
        if len(refused) == len(records):
            part.add("labels", schema.LABELS.empty_table())
        run.account = Account(len(records), len(records) - len(refused), len(refused))
        run.account.counts = {"unsure labels": unsure, "without abstract": records["abstract"].null_count}
        run.account.counts |= scored.counts()
    told = (*_told(name, spec, scored, missing, refused), *_in_vain(workspace, name))
    return Outcome(f"tag {name}", run, told)


def _in_vain(workspace: Workspace, name: str) -> list[str]:
    """Labels of a tagger that the protocol does not name are shown nowhere."""
    wanted = workspace.protocol.labels.taggers()
    if name in wanted:
        return []
    return [
        f"the protocol's tagger is {', '.join(wanted)}: figures, tables and report do not read these labels; "
        f"{to_be_heard(name)}"
    ]


def sends(workspace: Workspace, name: str) -> str | None:
    """What tagging would send to another machine, to be agreed to first; None if nothing leaves this one."""
    codebook = load_codebook(workspace.protocol.labels.codebook)
    tagger = _spec(workspace, name, codebook).here
    if not isinstance(tagger, LlmTagger) or tagger.settings.local:
        return None
    records = patches.records(workspace, ["title", "abstract"])
    estimate = tagger.estimate(Texts(records["title"].to_pylist(), records["abstract"].to_pylist()))
    return estimate.sentence() if estimate.records > estimate.kept else None


def _told(
    name: str, spec: Spec, scored: Scored, missing: list[str], refused: dict[str, str]
) -> Iterator[str]:
    yield from _lacks(name, missing)
    if scored.reused:
        yield f"{words.counted(scored.reused, 'record was')} scored by an earlier run, and not again"
    if isinstance(spec.here, LlmTagger):
        counts = scored.counts()
        cost = spec.here.settings.cost(counts.get("tokens in", 0), counts.get("tokens out", 0))
        yield "cost: not told, no prices given" if cost is None else f"cost: {cost:,.2f} by the prices given"
    for reason, count in Counter(refused.values()).most_common(5):
        yield f"{words.counted(count, 'record has')} no labels: {reason}"


def tagged(workspace: Workspace, name: str) -> Part | None:
    """Labels of this tagger over exactly the present records and model; None if tagging is due."""
    codebook = load_codebook(workspace.protocol.labels.codebook)
    part = workspace.latest("labels", tagger=name)
    due = part is None or part.run.input_hash != _input_hash(workspace, name, codebook)
    return None if due else part


def _input_hash(workspace: Workspace, name: str, codebook: Codebook) -> str:
    model = workspace.latest("models", tagger=name)
    texts = workspace.hash_of("records", ledger=("patches",))
    kept = shipped_here(name, codebook)
    # Rules beside a codebook are edited; those that ship change with the version only.
    rules = f"-{digest(codebook.own_rules[0])}" if codebook.own_rules else ""
    made = model.run.id if model else f"{name}-{shipped_id(kept)}" if kept else f"{name}{rules}"
    return f"{texts}-{codebook.hash}-{made}"


def _spec(workspace: Workspace, name: str, codebook: Codebook, *, agreed: bool = False) -> Spec:
    """The tagger with the workspace's own model of it, else with the one that ships."""
    load("taggers", name)
    model = workspace.latest("models", tagger=name)
    folder = model.path if model else shipped_here(name, codebook)
    if folder is None and name in LEARNING:
        raise InputError(
            f"{workspace.root}: no trained model of tagger {name!r}, and none ships for codebook "
            f"{codebook.name}; run: review train --tagger {name} --labels FILE"
        )
    spec = Spec(name, codebook, folder, agreed)
    try:
        _ = spec.here
    except MissingExtraError as error:
        raise MissingExtraError(
            f"{error}; or tag by rules: review tag --tagger keywords; {to_be_heard('keywords')}"
        ) from error
    return spec


def shipped_model(name: str, codebook: Codebook) -> Path | None:
    """The folder of the weights that ship, if this tagger can use them for this codebook."""
    folder = shipped(codebook)
    if name not in LEARNING or folder is None:
        return None
    own = Codebook.model_validate(read_told(folder)["book"])
    return folder if len(lacking(own, codebook)) < len(codebook.dimensions) else None


def shipped_here(name: str, codebook: Codebook) -> Path | None:
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


# ---------------------------------------------------------------- plain files


def tag_file(
    path: Path,
    out: Path,
    *,
    tagger: str | None = None,
    model: Path | None = None,
    codebook: str = "nlp-medicine",
    agreed: bool = False,
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
    load("taggers", name)
    folder = model or shipped_model(name, book)
    if name in LEARNING and folder is None:
        raise InputError(f"tagger {name!r} needs a trained model: --model DIR (none ships for {book.name})")
    made = Spec(name, book, folder, agreed).make()
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
    run.account = Account(len(rows), len(rows) - refused, refused, counts=counted(made))
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
