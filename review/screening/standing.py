"""How far screening is, told so that nobody learns what others decided before it is settled.

Method rules, section 4: until I have decided I see nobody's decision or count. Therefore a report
counts here only once it is *closed*: its verdict is settled and every seat at it is taken, also in
a block that all are to screen. What is half screened is told as not settled, together with what
nobody has touched; agreement may be looked at where everything it is made from is closed.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from review import decisions, linking
from review.protocol import ScreeningStage
from review.screening.votes import Ballots
from review.workspace import Workspace

_WHOLE = ("calibration", "agreement")


@dataclass(frozen=True, slots=True)
class StageStanding:
    """One stage: ``reports`` = all verdicts + ``conflicts`` + ``open``.

    ``people`` gives how many of the closed reports each person decided on; ``compare`` says why the
    agreement of people must not be looked at yet, and is empty where it may.
    """

    stage: str
    mode: str
    reports: int
    verdicts: dict[str, int]
    reasons: dict[str, int]
    conflicts: int
    open: int
    people: dict[str, int]
    compare: str

    @property
    def settled(self) -> int:
        """Closed reports."""
        return sum(self.verdicts.values())


def standings(workspace: Workspace) -> list[StageStanding]:
    """Every stage of the protocol, in its order."""
    reports = linking.clusters(workspace).reports
    return [_standing(workspace, reports, stage) for stage in workspace.protocol.screening]


def closed_reports(workspace: Workspace, reports: Mapping[str, str], held: Ballots) -> set[str]:
    """Reports of a stage that are settled and on which nobody is still to decide unseeing."""
    seats, _ = _seats(workspace, reports, held.stage.stage)
    return {report for report in held.voted() if _closed(held, report, seats)}


def _closed(held: Ballots, report: str, seats: Mapping[str, int]) -> bool:
    return held.outcome(report).state == "settled" and _full(held, report, seats)


def _full(held: Ballots, report: str, seats: Mapping[str, int]) -> bool:
    """Whether all have voted whom a block asks for."""
    return len({vote.reviewer for vote in held.votes(report)}) >= seats.get(report, 0)


def _standing(workspace: Workspace, reports: Mapping[str, str], stage: ScreeningStage) -> StageStanding:
    held = decisions.ballots(workspace, reports, stage)
    seats, blocks = _seats(workspace, reports, stage.stage)
    closed = {report for report in held.voted() if _closed(held, report, seats)}
    conflicts = {
        report
        for report in held.voted()
        if held.outcome(report).state.endswith("conflict") and _full(held, report, seats)
    }
    found = [held.outcome(report) for report in closed]
    reasons = Counter(one.reason for one in found if one.verdict == "exclude" and one.reason)
    people = Counter(name for report in closed for name in {vote.reviewer for vote in held.votes(report)})
    population = _population(workspace, reports, stage)
    left = len(population) - len(closed) - len(conflicts)
    return StageStanding(
        stage=stage.stage,
        mode=stage.mode,
        reports=len(population),
        verdicts=dict(sorted(Counter(one.verdict for one in found).items())),
        reasons=dict(reasons.most_common()),
        conflicts=len(conflicts),
        open=max(left, 0),
        people=dict(sorted(people.items())),
        compare=_compare(blocks, closed | conflicts, left),
    )


def _population(workspace: Workspace, reports: Mapping[str, str], stage: ScreeningStage) -> set[str]:
    if stage.stage == "title-abstract":
        return set(reports.values())
    return decisions.passed(workspace, reports)


def _seats(
    workspace: Workspace, reports: Mapping[str, str], stage: str
) -> tuple[dict[str, int], dict[str, set[str]]]:
    """Report → people who are to screen it because of a block, and the blocks' reports by name."""
    team: dict[str, str] = {}
    for row in workspace.ledger.rows("team"):
        if row["stage"] == stage:
            team[row["reviewer"]] = row["state"]
    members = sum(state == "joined" for state in team.values())
    seats: dict[str, int] = {}
    blocks: dict[str, set[str]] = {}
    for row in workspace.ledger.rows("blocks"):
        if row["stage"] != stage or row["kind"] not in _WHOLE:
            continue
        held = {reports[one] for one in json.loads(row["records"]) if one in reports}
        blocks[row["name"].rpartition("/")[2]] = held
        for report in held:
            needed = members if row["kind"] == "calibration" else 2
            seats[report] = max(seats.get(report, 0), needed)
    return seats, blocks


def _compare(blocks: Mapping[str, set[str]], decided: set[str], left: int) -> str:
    for name, reports in blocks.items():
        if reports - decided:
            return f"block {name} is under way"
    return "no block was drawn for it and not everything is settled" if not blocks and left > 0 else ""
