"""The card and the out-of-fold measures of a tagger whose labels are shown, as tables."""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from review.facts import Facts
from review.labelling import tagging
from review.measures import SILVER
from review.workspace import Workspace

_DIMENSIONS = {"dimension": "Dimension", "records": "Records", "labels": "Labels", "macro_f1": "Macro-F1",
               "micro_f1": "Micro-F1", "mean_ap": "mAP"}  # fmt: skip
_LABELS = {"label": "Label", "support": "Positives", "precision": "Precision", "recall": "Recall", "f1": "F1",
           "ap": "AP"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """``labels`` says what the tagger was measured against; ``each`` has one row a label."""

    labels: str
    card: str
    dimensions: pd.DataFrame
    each: pd.DataFrame


def told_of(workspace: Workspace, held: Facts, tagger: str) -> Told | None:
    """What is kept beside the model of a tagger; None if it has no model that was measured."""
    model = workspace.latest("models", tagger=tagger)
    folder = model.path if model else tagging.shipped_here(tagger, held.codebook)
    if folder is None or not (folder / "evaluation.json").is_file():
        return None
    told = json.loads((folder / "evaluation.json").read_text("utf-8"))
    scores = told.get(tagger, told)
    card = folder / "MODEL_CARD.md"
    against = f"{model.run.parameters.get('labels')} of this review" if model else SILVER
    return Told(
        labels=f"Measured out of fold against {against}.",
        card=card.read_text("utf-8") if card.is_file() else "No card.",
        dimensions=_frame(scores["dimensions"], _DIMENSIONS),
        each=_frame(scores["labels"], _LABELS),
    )


def _frame(rows: list[dict[str, Any]], names: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame([{title: row.get(name) for name, title in names.items()} for row in rows])
