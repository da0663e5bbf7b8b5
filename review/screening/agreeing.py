"""`review agree`: how far people agree, from their last decisions before a conflict was opened.

Valid on a drawn block, or where every decided report has the votes of all; any other overlap is
marked. Calibration is told apart (method rules, section 6).
"""

from collections.abc import Iterable

from corpora.errors import InputError
from review.screening.agreement import Basis, Report, Votes, agreement
from review.screening.board import Block, Board
from review.screening.votes import VERDICTS


def agree(board: Board, block: str | None = None, *, resamples: int = 2000) -> Report:
    """Agreement on a block, or on everything but calibration that two people decided.

    Raises:
        InputError: no such block, or fewer than two people have decided anything.

    """
    held = _block(board, block) if block else None
    calibration = {one for b in board.blocks if b.kind == "calibration" for one in b.reports}
    reports = list(held.reports) if held else [r for r in board.ballots.voted() if r not in calibration]
    rows = [row for report in reports for row in _first_votes(board, report)]
    if len({person for _, person, _ in rows}) < 2:
        raise InputError("review agree: fewer than two people have decided here, so nothing can be compared")
    named = {record for record, _, _ in rows}
    parameters = held.parameters if held else {}
    probabilities = {one: p for one, p in parameters.get("probabilities", {}).items() if one in named}
    strata = {one: number for one, number in parameters.get("strata", {}).items() if one in named}
    votes = Votes.of(
        rows,
        VERDICTS[board.stage.stage],
        probabilities=probabilities or None,
        strata=strata or None,
    )
    positive = tuple(one for one in ("include", "maybe") if one in VERDICTS[board.stage.stage])
    seed = board.workspace.protocol.seed
    return agreement(
        votes, basis=_basis(board, held, reports), positive=positive, resamples=resamples, seed=seed
    )


def _block(board: Board, name: str) -> Block:
    for block in board.blocks:
        if name in (block.name, block.name.rpartition("/")[2]):
            return block
    known = ", ".join(one.name for one in board.blocks) or "none yet (review assign --agreement 100)"
    raise InputError(f"--block {name!r}: blocks are {known}")


def _first_votes(board: Board, report: str) -> Iterable[tuple[str, str, str]]:
    """(report, person, verdict): each person's last before a conflict was opened."""
    before = board.ballots.before.get(report)
    votes = list(before.values()) if before else board.ballots.votes(report)
    latest = {vote.reviewer: vote for vote in votes}
    return [(report, person, vote.verdict) for person, vote in latest.items()]


def _basis(board: Board, block: Block | None, reports: list[str]) -> Basis:
    if block is not None:
        return "random block"
    people = {vote.reviewer for report in reports for vote in board.ballots.votes(report)}
    voters = [{vote.reviewer for vote in board.ballots.votes(report)} for report in reports]
    return "all records" if all(one == people for one in voters) else "other overlap"
