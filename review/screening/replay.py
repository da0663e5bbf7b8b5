"""`review simulate`: a finished review screened again, and how much work the order would have saved."""

import csv
import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classifiers import encode, features, ranking_metrics, simulate
from classifiers.features import Document
from classifiers.rank import Labels
from corpora.errors import InputError
from corpora.formats.detect import open_file
from corpora.formats.table import LABEL, is_label
from corpora.progress import Progress, silent
from corpora.record import build
from corpora.registry import load
from corpora.words import counted
from review.analysis.tidy import Tidy
from review.figures.presets import preset
from review.figures.recall import RECALL_CURVE
from review.figures.save import save

_YES = {"1", "true", "yes", "included", "include", "1.0"}
_NO = {"0", "false", "no", "excluded", "exclude", "0.0"}


@dataclass(frozen=True, slots=True)
class Replay:
    """What was simulated: metrics by name, and the files that were written."""

    metrics: dict[str, Any]
    files: tuple[Path, ...]


def replay(
    path: Path,
    *,
    label_column: str,
    ranker: str,
    seed: int,
    out: Path,
    priors: Sequence[int] | None = None,
    criteria: Path | None = None,
    progress: Progress = silent,
) -> Replay:
    """Screen a finished review's file again and write order.csv, metrics.json and a figure.

    Rows count from 0 over the file's data rows. Without ``priors`` one included and one excluded
    row are drawn by the seed. Embeddings that a ranker wants are kept in ``out``, for the next time.

    Raises:
        InputError: no such column, a row without a label of 0 or 1, priors out of range.
        UnknownNameError: no ranker of that name.

    """
    documents, labels = read(path, label_column)
    query = criteria.read_text("utf-8") if criteria else ""
    maker = load("rankers", ranker)
    given = np.array(priors, dtype=np.int64) if priors else simulate.priors_of(labels, seed)
    if given.min() < 0 or given.max() >= len(labels) or len(set(given.tolist())) < len(given):
        raise InputError(f"--priors {given.tolist()}: name rows from 0 to {len(labels) - 1}, each once")
    if labels[given].sum() == labels.sum():
        raise InputError(
            f"--priors {given.tolist()}: they hold all that is included; nothing is left to find"
        )
    with tempfile.TemporaryDirectory() as folder:
        held = features.build(
            documents, Path(folder) / "f", views=maker.views, query=query, progress=progress
        )
        if getattr(maker, "embeds", False):
            encode.attach(documents, held, out / "embeddings", progress=progress)
        done = simulate.simulate(held, labels, given, ranker, seed=seed, progress=progress)
    found = labels[done.order]
    metrics = {
        "metrics": ranking_metrics.all_metrics(found),
        "records": len(labels),
        "included": int(labels.sum()),
        "priors": given.tolist(),
        "ranker": ranker,
        "seed": seed,
        "rankings": done.generations,
        "criteria": bool(query.strip()),
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "versions": {name: version(name) for name in ("litscale", "numpy", "scipy", "scikit-learn")},
    }
    return Replay(metrics, _written(out, done.order, found, metrics))


def read(path: Path, label_column: str) -> tuple[list[Document], Labels]:
    """Documents and labels of a file, one a data row.

    Raises:
        InputError: names the row whose label, or the column that, cannot be used.

    """
    documents: list[Document] = []
    labels: list[bool] = []
    unlabelled: int | None = None
    others: set[str] = set()
    for row in open_file(path).rows:
        if row.refused:
            raise InputError(f"{path.name}: row {row.number}: {row.refused}")
        record = build(row.fields, source="file")
        held = dict(record.extra)
        others.update(held)
        if label_column not in held and is_label(label_column) and LABEL in held:
            held[label_column] = held[LABEL]
        told = held.get(label_column, "").strip()
        if not told:  # an empty cell, or no such column: the whole file tells which
            unlabelled = row.number if unlabelled is None else unlabelled
        elif told.lower() not in _YES | _NO:
            raise InputError(f"{path.name}: row {row.number}: {label_column} = {told!r}: write 1 or 0")
        words = "; ".join([*record.keywords, *(heading.descriptor for heading in record.mesh)])
        documents.append(Document(record.title or "", record.abstract or "", words, record.venue or ""))
        labels.append(told.lower() in _YES)
    _check(path, label_column, labels, unlabelled, others)
    return documents, np.array(labels, dtype=bool)


def _check(
    path: Path, label_column: str, labels: Sequence[bool], unlabelled: int | None, others: set[str]
) -> None:
    """Raise `InputError` unless all records have a label, some 1 and some 0."""
    if not labels:
        raise InputError(f"{path.name}: no record in it; give the file of a finished review")
    if unlabelled is not None:
        if label_column not in others and not (is_label(label_column) and LABEL in others):
            known = ", ".join(sorted(others)) or "none"
            raise InputError(
                f"{path.name}: no column {label_column!r}; columns that are no field of a record: {known}; "
                "name one with --label-column"
            )
        raise InputError(
            f"{path.name}: row {unlabelled}: {label_column} is empty: write 1 or 0, or leave the record out"
        )
    if not 0 < sum(labels) < len(labels):
        raise InputError(
            f"{path.name}: {label_column} is 1 in {sum(labels):,} of {counted(len(labels), 'record')}; "
            "a simulation needs some included and some excluded"
        )


def _written(out: Path, order: Any, found: Labels, metrics: dict[str, Any]) -> tuple[Path, ...]:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "order.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["position", "row", "label"])
        writer.writerows(
            (n, int(row), int(hit)) for n, (row, hit) in enumerate(zip(order, found, strict=True), 1)
        )
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", "utf-8")
    saved = save(
        RECALL_CURVE, curve(found, metrics["ranker"]), out, preset("nature"), ("png", "svg"), metrics
    )
    return (out / "order.csv", out / "metrics.json", *saved.files)


def curve(found: Labels, name: str) -> Tidy:
    """The recall curve as a table: share screened, recall, and n, the records found by then."""
    hits = np.cumsum(found)
    steps = np.unique(np.linspace(0, len(found), min(len(found), 1000) + 1).astype(int))
    counts = np.array([0, *hits])[steps]
    frame = pd.DataFrame(
        {"ranker": name, "screened": steps / len(found), "recall": counts / hits[-1], "n": counts}
    )
    return Tidy(
        frame, "records", f"{int(hits[-1]):,} included", f"{counted(len(found), 'record')}, priors left out"
    )
