"""Conflicts, and everything else of a stage that waits for a person.

A conflict keeps all opinions: a resolution is a row of its own that names the votes it is about.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from corpora.errors import InputError
from review.screening.board import Board
from review.screening.texts import Texts
from review.screening.votes import UNDONE, VERDICTS, Vote
from review.workspace import Workspace

HOW = ("discussion", "third")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A report on which people differ, with everybody's present vote."""

    report: str
    record_id: str
    title: str
    why: str
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """A report that a person should look at again; nothing is done about it by itself."""

    kind: str
    report: str
    title: str
    what: str


def open_board(workspace: Workspace, stage: str) -> Board:
    """The present state of a stage."""
    return Board(workspace, Texts(workspace), workspace.protocol.stage(stage))


def present_board(workspace: Workspace, stage: str) -> Board:
    """The same to read from: made once for a state and shared, so that nobody may refresh or change it."""
    state = workspace.snapshot()
    return workspace.once(f"board of {stage}", state, lambda: open_board(workspace, stage))


def conflicts(board: Board) -> list[Conflict]:
    """Open conflicts, also about the reason alone, in the order of report ids."""
    found = []
    for report in board.ballots.voted():
        held = board.ballots.outcome(report)
        if held.state.endswith("conflict"):
            shown = board.texts.shown(report)
            votes = tuple(board.ballots.votes(report))
            title = shown.fields["title"] or "(no title)"
            found.append(Conflict(report, shown.record_id, title, held.why, votes))
    return found


def resolve(
    board: Board,
    report: str,
    verdict: str,
    person: str,
    *,
    how: str,
    reason: str | None = None,
    note: str | None = None,
) -> str:
    """Settle a conflict; gives the row's UUID. All opinions stay.

    ``how`` is discussion (of those who voted) or third (somebody who did not).

    Raises:
        InputError: no conflict there, an unknown verdict or way, a third person who had voted,
            or a full text excluded without a criterion.

    """
    report = board.texts.reports.get(report, report)
    open_ones = {conflict.report: conflict for conflict in conflicts(board)}
    if report not in open_ones:
        raise InputError(f"report {report!r}: no open conflict there; list them with: review resolve --list")
    if verdict not in VERDICTS[board.stage.stage] or verdict == "maybe":
        known = [one for one in VERDICTS[board.stage.stage] if one != "maybe"]
        raise InputError(f"verdict {verdict!r}: a conflict ends with {', '.join(known)}")
    if how not in HOW:
        raise InputError(f"--how {how!r}: a conflict is settled by {' or '.join(HOW)}")
    voters = {vote.reviewer for vote in open_ones[report].votes}
    if how == "third" and person in voters:
        raise InputError(f"{person} voted on {report}; a third person is somebody who did not")
    criteria = [criterion.id for criterion in board.workspace.protocol.criteria]
    if verdict == "exclude" and board.stage.stage == "full-text" and not reason:
        raise InputError("a full text is excluded for exactly one reason: the first criterion that fails")
    if reason and criteria and reason not in criteria:
        raise InputError(f"reason {reason!r}: the protocol's criteria are {', '.join(criteria)}")
    row = {
        "record_id": open_ones[report].record_id,
        "stage": board.stage.stage,
        "verdict": verdict,
        "reason": reason if verdict == "exclude" else None,
        "how": how,
        "votes": json.dumps(sorted(vote.uuid for vote in open_ones[report].votes)),
        "note": note,
        "person": person,
        "protocol_version": board.workspace.protocol_version(),
    }
    return board.workspace.ledger.replace("resolutions", row, ("record_id", "stage"))


def take_back(board: Board, report: str, person: str) -> str:
    """Open a resolved conflict again; gives the row's UUID.

    Raises:
        InputError: it was not resolved.

    """
    report = board.texts.reports.get(report, report)
    if report not in board.ballots.resolutions:
        raise InputError(f"report {report!r}: no resolution there")
    members = set(board.texts.members(report))
    rows = [row for row in board.workspace.ledger.current("resolutions") if row["record_id"] in members]
    last = [row for row in rows if row["stage"] == board.stage.stage][-1]
    row = {**{name: last[name] for name in ("record_id", "stage", "how", "votes", "protocol_version")},
           "verdict": UNDONE, "reason": None, "note": None, "person": person}  # fmt: skip
    return board.workspace.ledger.replace("resolutions", row, ("record_id", "stage"))


def flags(board: Board) -> list[Flag]:
    """What changed under people's decisions: copies, split reports, texts, retractions, withdrawals."""
    found = []
    hashes = {row["uuid"]: row["text_hash"] for row in board.workspace.ledger.rows("decisions")}
    for report in board.ballots.voted():
        votes = board.ballots.votes(report)
        shown = board.texts.shown(report)
        title = shown.fields["title"] or "(no title)"
        told = {record for vote in votes for record in (vote.members or "").split()}
        late = sorted(set(shown.members) - told) if told else []
        if board.ballots.stale(report):
            found.append(Flag("to confirm", report, title, "a link was undone after it was decided"))
        elif late:
            found.append(Flag("inherited", report, title, f"new copies take the decision: {', '.join(late)}"))
        if any(hashes.get(vote.uuid) not in (None, shown.text_hash) for vote in votes):
            found.append(Flag("changed text", report, title, "title or abstract differ from what was read"))
        if shown.fields["retraction"]:
            found.append(Flag("retraction", report, title, str(shown.fields["retraction"])))
    found += [
        Flag(
            "withdrawn",
            vote.record_id,
            "",
            f"{vote.reviewer} decided {vote.verdict}; its import was taken back",
        )
        for vote in board.ballots.withdrawn.values()
    ]
    return found


def settled_counts(board: Board) -> dict[str, int]:
    """How many reports of the stage are in which state; they add up to its population."""
    counts = {"include": 0, "exclude": 0}
    whole = int(board.population.sum())
    for report in board.ballots.voted():
        if board.population[board.texts.index[report]]:
            held = board.ballots.outcome(report)
            name = held.verdict if held.state == "settled" else held.state
            counts[name] = counts.get(name, 0) + 1
    counts["open"] = whole - sum(counts.values())
    return counts


def assign(workspace: Workspace, stage: str, names: Sequence[str], state: str, person: str) -> list[str]:
    """Let people join or leave the team of a stage; gives the team as it is then.

    Who leaves gives back the reports they hold undecided; their decisions stay and count.

    Raises:
        InputError: somebody leaves who is not there, or a name that is empty.

    """
    board = open_board(workspace, stage)
    for name in names:
        if not name.strip():
            raise InputError("review assign: a name is empty")
        if state == "left" and name not in board.team:
            raise InputError(f"review assign --leave {name}: the team is {', '.join(board.team) or 'empty'}")
    rows = [{"stage": stage, "reviewer": name, "state": state, "person": person} for name in names]
    workspace.ledger.append_all("team", rows)
    if state == "left":
        for name in names:
            board.release(name)
    return open_board(workspace, stage).team
