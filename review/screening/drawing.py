"""Random blocks of a stage: drawn once, kept in the ledger with their probabilities, screened first.

Kinds: ``calibration`` (everyone screens it), ``agreement`` (two votes, drawn by strata of the model's
score), ``ai`` (suggestions are scored on it) and ``sample`` (the one verified sample of a stop).
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError
from corpora.words import counted
from review.screening import blocks
from review.screening.board import Board
from review.screening.resolving import open_board
from review.screening.trainer import features_for
from review.workspace import Workspace

if TYPE_CHECKING:
    from classifiers.features import Features

KINDS = ("calibration", "agreement", "ai", "sample")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A block as it was drawn; ``expected`` says how many positives to expect, where that is known."""

    name: str
    kind: str
    size: int
    of: int
    expected: str = ""

    def sentence(self) -> str:
        """For a person."""
        told = (
            f"Block {self.name}: {self.size:,} of {counted(self.of, 'report')}, screened before all others."
        )
        return f"{told} {self.expected}".strip()


def draw(workspace: Workspace, stage: str, kind: str, size: int, person: str) -> Drawn:
    """Draw a block from the reports of a stage that nobody has decided on.

    Raises:
        InputError: fewer reports are left than asked for, or a block of this kind is unfinished.

    """
    board = open_board(workspace, stage)
    unfinished = [one.name for one in board.blocks if one.kind == kind and not finished(board, one.reports)]
    if unfinished:
        raise InputError(
            f"block {unfinished[0]}: is not screened whole yet; finish it before drawing another"
        )
    pool = open_reports(board)
    name = f"{kind}-{sum(one.kind == kind for one in board.blocks) + 1}"
    seed, purpose = workspace.protocol.seed, f"{stage}/{name}"
    expected = ""
    if kind == "agreement" and (scores := model_scores(board)) is not None:
        places = [board.texts.index[one] for one in pool]
        block = blocks.draw_stratified(pool, [float(scores[i]) for i in places], size, seed, purpose=purpose)
        expected = _expected(board, pool, scores, size)
    else:
        block = blocks.draw_simple(pool, size, seed, purpose=purpose)
    parameters = {
        "seed": seed, "of": len(pool), "size": size, "after": board.ballots.last,
        "probabilities": dict(block.probabilities), "strata": dict(block.strata),
    }  # fmt: skip
    workspace.ledger.append("blocks", {
        "name": f"{stage}/{name}", "stage": stage, "kind": kind, "records": json.dumps(list(block.ids)),
        "parameters": json.dumps(parameters, sort_keys=True), "person": person,
        "protocol_version": workspace.protocol_version(),
    })  # fmt: skip
    return Drawn(f"{stage}/{name}", kind, size, len(pool), expected)


def open_reports(board: Board) -> list[str]:
    """Reports of the stage that can be ranked and that nobody has decided on, sorted."""
    voted = set(board.ballots.voted())
    full = board.stage.stage == "full-text"
    return [
        report
        for place, report in enumerate(board.texts.ids)
        if board.population[place] and (board.texts.rankable[place] or full) and report not in voted
    ]


def finished(board: Board, reports: tuple[str, ...]) -> bool:
    """Whether every report of a block is settled."""
    return all(board.ballots.outcome(report).state == "settled" for report in reports)


def model_scores(board: Board, without: Collection[str] = ()) -> NDArray[np.float32] | None:
    """Scores of all reports by the stage's ranker on settled decisions and the criteria.

    Decisions on the reports in ``without`` are not used. None where there is nothing to go by yet.
    """
    from classifiers import rank

    verdicts = board.verdicts()
    verdicts[[board.texts.index[report] for report in without]] = -1
    rows = np.flatnonzero(verdicts >= 0).astype(np.int64)
    labels = verdicts[rows] == 1
    if not labels.any() and not question(board.workspace):
        return None
    held = features_of(board)
    model = rank.make(board.stage.ranker, seed=board.workspace.protocol.seed)
    return model.fit(held, rows, labels).scores(held)


def features_of(board: Board) -> "Features":
    """The features of all reports, from the cache or built now."""
    held: Features = features_for(board.texts, board.workspace.root / "cache", question(board.workspace))
    return held


def question(workspace: Workspace) -> str:
    """The protocol's title, question and criteria: what the first ranking goes by."""
    protocol = workspace.protocol
    parts = [protocol.review.title, protocol.review.question, *(one.text for one in protocol.criteria)]
    return "\n".join(part for part in parts if part)


def _expected(board: Board, pool: list[str], scores: NDArray[np.float32], size: int) -> str:
    """How many positives the block will hold, guessed from settled reports of like score."""
    places = [board.texts.index[one] for one in pool]
    planned = blocks.plan(pool, [float(scores[i]) for i in places], size)
    verdicts = board.verdicts()
    known = np.flatnonzero(verdicts >= 0)
    guesses = []
    for stratum in planned:
        inside = known[(scores[known] >= stratum.low) & (scores[known] <= stratum.high)]
        guesses.append((float((verdicts[inside] == 1).sum()) + 0.5) / (len(inside) + 1))
    return str(blocks.expected_positives(planned, guesses)) if len(known) else ""
