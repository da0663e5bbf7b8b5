"""What is known of how good labels and decisions are, gathered for figures.

A tagger's calibration and abstention stand in the ``evaluation.json`` of its model: out-of-fold scores
are measured when it is trained and not kept themselves.
"""

import json
from pathlib import Path

import pandas as pd

from corpora.errors import InputError
from review.analysis.quality import Agreed, Course, Measured, Measures
from review.facts import Facts
from review.labelling import tagging
from review.screening import agreeing, resolving, stops
from review.screening.board import Block, Board
from review.workspace import Workspace

SILVER = "silver labels: one language model's coding, not human truth"


def evaluations(workspace: Workspace, held: Facts, shown: pd.DataFrame) -> Measures:
    """What was measured of each tagger whose labels are shown, and why nothing is known of the others."""
    del shown
    found, missing = [], {}
    spoken: dict[str, list[str]] = {}
    for dimension in held.codebook.dimensions:
        tagger = workspace.protocol.labels.tagger_of(dimension.id)
        spoken.setdefault(tagger, []).append(dimension.id)
    for tagger, dimensions in spoken.items():
        model = workspace.latest("models", tagger=tagger)
        folder = model.path if model else tagging.shipped_here(tagger, held.codebook)
        if folder is None or not (folder / "evaluation.json").is_file():
            missing[tagger] = "it has no model that was measured out of fold (review train measures one)"
            continue
        labels = f"{model.run.parameters.get('labels')} of this review" if model else SILVER
        found.append(_measured(tagger, folder, labels, dimensions))
    return Measures(tuple(found), missing)


def _measured(tagger: str, folder: Path, labels: str, dimensions: list[str]) -> Measured:
    told = json.loads((folder / "evaluation.json").read_text("utf-8"))
    sizes = told.get(tagger, told)["dimensions"]
    return Measured(
        tagger=tagger,
        labels=labels,
        records={one["dimension"]: int(one["records"]) for one in sizes if one["dimension"] in dimensions},
        calibration=tuple(one for one in told["calibration"] if one["dimension"] in dimensions),
        abstention=tuple(one for one in told["abstention"] if one["dimension"] in dimensions),
        curves={name: curve for name, curve in told.get("coverage_curves", {}).items() if name in dimensions},
    )


def courses(workspace: Workspace, held: Facts, shown: pd.DataFrame) -> list[Course]:
    """How screening went at each stage at which anything is settled."""
    del held, shown
    return [made for board in _boards(workspace) if len((made := _course(board)).labels)]


def _course(board: Board) -> Course:
    state, stop = stops.state(board), stops.last_stop(board)
    told = json.loads(stop["state"]) if stop else {}
    stopped = stop is not None and stop["outcome"] == "stopped"
    sample = next((block for block in reversed(board.blocks) if block.kind == stops.SAMPLE), None)
    proved = _verified(board, sample) if sample else None
    return Course(
        stage=board.stage.stage,
        labels=state.labels,
        pool=state.pool,
        apart=int((board.population & ~board.texts.rankable).sum()) if state.pool else 0,
        rule=str(stop["rule"]) if stop and stopped else "",
        stopped_at=int(told["screened"]) if stopped and "screened" in told else None,
        void=stops.why_void(board, stop) if stop and stopped else "",
        verified=proved,
    )


def _verified(board: Board, sample: Block) -> tuple[float, int, float] | None:
    """Lower bound of recall, most relevant records in all, and confidence; None while it is not screened."""
    try:
        found = stops.sample_result(board, sample)
    except InputError:
        return None
    return found.bound, found.found + found.missed, 1 - found.alpha


def agreements(workspace: Workspace, held: Facts, shown: pd.DataFrame) -> list[Agreed]:
    """Agreement on each drawn block, and on all other records where no block was drawn for it."""
    del held, shown
    made = []
    for board in _boards(workspace):
        drawn = [block for block in board.blocks if block.kind in ("agreement", "calibration")]
        valid = False
        for block in drawn:
            found = _agreed(board, block.name)
            made += found
            valid = valid or (bool(found) and block.kind == "agreement")
        if not valid:
            made += _agreed(board, None)
    return made


def _agreed(board: Board, block: str | None) -> list[Agreed]:
    try:
        report = agreeing.agree(board, block)
    except InputError:
        return []
    name = block.rpartition("/")[2] if block else report.basis
    return [Agreed(board.stage.stage, name, report)]


def _boards(workspace: Workspace) -> list[Board]:
    return [resolving.present_board(workspace, stage) for stage in workspace.protocol.stages]
