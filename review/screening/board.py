"""The state of one stage: who has voted on what, what is settled, and who may take which report.

A board is filled from the ledger once and then kept up to date by the rows that came since; it
never writes. What it knows of other people's votes must not reach a screen (method rules, 4): the
session shows only what its own person did.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from review import decisions, removing
from review.gathering import fulltexts
from review.protocol import ScreeningStage
from review.screening.texts import Texts
from review.screening.votes import UNDONE
from review.workspace import Workspace

_OVERLAP = 500
"""Rows read again at each refresh: a server hands out sequences before their rows are committed."""


@dataclass(frozen=True, slots=True)
class Block:
    """A random block that is screened before all else: calibration, agreement, sample or ai."""

    name: str
    kind: str
    reports: tuple[str, ...]
    parameters: dict[str, Any]

    def everyone(self) -> bool:
        """Whether every member of the team screens it, whatever the mode."""
        return self.kind == "calibration"

    def twice(self) -> bool:
        """Whether it needs two votes, whatever the mode."""
        return self.kind == "agreement"


class Board:
    """One stage as the ledger has it. ``texts`` are the reports of the present snapshot."""

    def __init__(self, workspace: Workspace, texts: Texts, stage: ScreeningStage) -> None:
        self.workspace = workspace
        self.texts = texts
        self.stage = stage
        self.ballots = decisions.ballots(workspace, texts.reports, stage).copy()
        self.blocks: list[Block] = []
        self._in_block: dict[str, Block] = {}
        self._claims: dict[str, dict[str, str]] = {}
        self._claim_rows: dict[str, dict[str, Any]] = {}
        self._released: set[str] = set()
        self._turns: dict[str, int] = {}
        self._touched: set[str] = set()
        self._last = {"claims": 0, "decisions": self.ballots.last, "blocks": 0, "resolutions": 0}
        self.team = self._team()
        self.population = self._population()
        self.refresh()

    # ------------------------------------------------------------------ reading the ledger

    def _rows(self, table: str) -> list[dict[str, Any]]:
        rows = self.workspace.ledger.rows(table, after=max(0, self._last[table] - _OVERLAP))
        self._last[table] = max([self._last[table], *(row["seq"] for row in rows)])
        return rows

    def refresh(self) -> set[str]:
        """Take what others wrote since; gives the reports that were touched."""
        touched, self._touched = self._touched, set()
        touched |= self.ballots.feed(self._rows("decisions"))
        touched |= self._feed_claims(self._rows("claims"))
        if self.workspace.ledger.rows("resolutions", after=self._last["resolutions"]):
            self._last["resolutions"] = self.workspace.ledger.state()["resolutions"][1]
            touched |= self.ballots.resolve(self.workspace.ledger.current("resolutions"))
        for row in self.workspace.ledger.rows("blocks", after=self._last["blocks"]):
            self._last["blocks"] = row["seq"]
            touched |= self._feed_block(row)
        return touched

    def _feed_claims(self, rows: Iterable[dict[str, Any]]) -> set[str]:
        touched = set()
        for row in rows:
            report = self.texts.reports.get(row["record_id"])
            if row["stage"] != self.stage.stage or row["uuid"] in self._claim_rows or report is None:
                continue
            self._claim_rows[row["uuid"]] = row
            touched.add(report)
            if row["place"].startswith("-"):
                self._released.add(row["place"][1:])
            else:
                self._turns[report] = self._turns.get(report, 0) + 1
                self._claims.setdefault(report, {})[row["place"]] = row["reviewer"]
        return touched

    def _feed_block(self, row: dict[str, Any]) -> set[str]:
        if row["stage"] != self.stage.stage:
            return set()
        held = [self.texts.reports[one] for one in json.loads(row["records"]) if one in self.texts.reports]
        block = Block(row["name"], row["kind"], tuple(dict.fromkeys(held)), json.loads(row["parameters"]))
        self.blocks.append(block)
        self._in_block.update(dict.fromkeys(block.reports, block))
        return set(block.reports)

    def _team(self) -> list[str]:
        """Who screens at this stage; empty: whoever comes."""
        state: dict[str, str] = {}
        for row in self.workspace.ledger.rows("team"):
            if row["stage"] == self.stage.stage:
                state[row["reviewer"]] = row["state"]
        return [name for name, held in state.items() if held == "joined"]

    def _population(self) -> NDArray[np.bool_]:
        """Which reports this stage is about, one value a report of `texts`."""
        stages = self.workspace.protocol.stages
        if self.stage.stage == "title-abstract" or "title-abstract" not in stages:
            removed, _ = removing.standing(self.workspace, self.texts.reports)
            return np.array([one not in removed for one in self.texts.ids], dtype=bool)
        passed = decisions.passed(self.workspace, self.texts.reports)
        at_hand = {
            one for one, held in fulltexts.standing(self.workspace, self.texts.reports).items()
            if held["status"] == "retrieved"
        }  # fmt: skip
        return np.array([one in passed and one in at_hand for one in self.texts.ids], dtype=bool)

    # ------------------------------------------------------------------ who may take what

    def block_of(self, report: str) -> Block | None:
        """The block that a report belongs to; of several, the newest."""
        return self._in_block.get(report)

    def claimants(self, report: str) -> dict[str, str]:
        """Person → place, of those who hold a place at this report."""
        held = self._claims.get(report, {})
        return {person: place for place, person in held.items() if place not in self._released}

    def turn(self, report: str) -> int:
        """How many places were ever taken at this report."""
        return self._turns.get(report, 0)

    def seats(self, report: str) -> int:
        """How many people decide on it: by the mode, or all of the team in a calibration block."""
        block = self.block_of(report)
        if block and block.everyone():
            return max(len(self.team), self.ballots.needed(report))
        if block and block.twice():
            return max(2, self.ballots.needed(report))
        return self.ballots.needed(report)

    def open_to(self, person: str, report: str) -> bool:
        """Whether this person may decide on it now."""
        found = self.ballots.outcome(report)
        votes = self.ballots.votes(report)
        if found.state == "confirm":
            return any(vote.reviewer == person for vote in self.ballots.stale(report))
        voters = {vote.reviewer for vote in votes}
        if person in voters:
            return False
        block = self.block_of(report)
        if found.state != "open" and found.state != "half" and not (block and block.kind in _WHOLE):
            return False
        holders = voters | set(self.claimants(report))
        return person in holders or len(holders) < self.seats(report)

    def take(self, person: str, report: str, record_id: str) -> bool:
        """Claim a place at a report for this person; False if others were faster."""
        voters = {vote.reviewer for vote in self.ballots.votes(report)}
        if person in voters or person in self.claimants(report):
            return True
        if not self.open_to(person, report):
            return False
        seat = len(voters | set(self.claimants(report))) + 1
        turn = self.turn(report)
        row = {
            "record_id": record_id,
            "stage": self.stage.stage,
            "reviewer": person,
            "place": f"{self.stage.stage}/{report}/{seat}/{self._given_back(report)}",
            "holder": f"{self.stage.stage}/{report}/{person}/{turn}",
        }
        taken = self.workspace.ledger.claim(row)
        self._touched |= self._feed_claims(self._rows("claims"))
        # Another terminal of the same person may have been the faster one.
        return taken or person in self.claimants(report)

    def _given_back(self, report: str) -> int:
        return sum(place in self._released for place in self._claims.get(report, {}))

    def release(self, person: str) -> int:
        """Give back the places of a person who has not decided; gives their number."""
        rows = []
        for report in self._claims:
            voted = {vote.reviewer for vote in self.ballots.votes(report)}
            place = self.claimants(report).get(person)
            if place and person not in voted:
                record = self.texts.shown(report).record_id
                rows.append({
                    "record_id": record, "stage": self.stage.stage, "reviewer": person,
                    "place": f"-{place}", "holder": f"-{place}/{person}",
                })  # fmt: skip
        self.workspace.ledger.append_all("claims", rows)
        return len(rows)

    # ------------------------------------------------------------------ what is settled

    def verdicts(self) -> NDArray[np.int8]:
        """1 settled and passed, 0 settled and out, -1 anything else; one value a report."""
        found = np.full(len(self.texts), -1, dtype=np.int8)
        for report in self.ballots.voted():
            held = self.ballots.outcome(report)
            if held.state == "settled":
                found[self.texts.index[report]] = held.verdict == "include"
        return found

    def own(self, person: str) -> NDArray[np.int8]:
        """The same of one person's own votes: 1 include or maybe, 0 exclude, -1 none."""
        found = np.full(len(self.texts), -1, dtype=np.int8)
        for report in self.ballots.voted():
            for vote in self.ballots.votes(report):
                if vote.reviewer == person:
                    found[self.texts.index[report]] = vote.verdict in ("include", "maybe")
        return found


_WHOLE = ("calibration", "agreement")
"""Kinds of blocks in which a report stays open to people though the mode has settled it."""

__all__ = ["UNDONE", "Block", "Board"]
