"""What one person is given to screen: the order, what is open to them, what they postponed.

Records, votes and claims are read when it is opened and kept up to date from what others add to the
ledger. Whatever ranks runs in a thread of its own (:mod:`review.screening.trainer`).
"""

import json
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError, LedgerError
from review.protocol import ScreeningStage
from review.screening import suggestions
from review.screening.board import Board
from review.screening.drawing import question
from review.screening.remarks import Remarks
from review.screening.texts import Shown, Texts
from review.screening.trainer import Order, Trainer
from review.screening.votes import Vote
from review.workspace import Workspace

QUEUES = ("ranked", "no-abstract", "half")
"""Those that can be ranked; those without a usable abstract; those that somebody has begun."""

_CORPUS = ("records", "links", "same_report", "same_study")
"""Kinds of runs and of people's links that change what there is to screen."""


@dataclass(frozen=True, slots=True)
class Item:
    """A report on the screen. ``place`` is its rank in the order of ``generation``, from 1."""

    shown: Shown
    generation: int
    place: int
    block: str | None
    own: str | None = None
    """This person's present verdict, when the report was jumped to."""


class Queue:
    """The reports of one person at one stage, in the order in which they come.

    Raises:
        InputError: a queue that is not there; a person who is not of the stage's team.

    """

    texts: Texts
    board: Board
    remarks: Remarks
    trainer: Trainer
    suggested: suggestions.Newest

    def __init__(
        self, workspace: Workspace, person: str, stage: ScreeningStage, name: str, ranker: str | None = None
    ) -> None:
        if name not in QUEUES:
            raise InputError(f"--queue {name!r}: queues are {', '.join(QUEUES)}")
        self.workspace, self.person, self.stage, self.name = workspace, person, stage, name
        self.ranker = ranker or stage.ranker
        self._recorded = -1
        self._open_anew()

    def _open_anew(self) -> None:
        """Read records, votes and claims, and start ranking."""
        self._corpus = {"runs": 0, "links": 0}
        self._corpus_moved()
        self.texts = Texts(self.workspace)
        self.board = Board(self.workspace, self.texts, self.stage)
        name, team = self.stage.stage, self.board.team
        if team and self.person not in team:
            raise InputError(
                f"--as {self.person!r}: not of the team at {name} ({', '.join(team)}); "
                f"join with: review assign {self.person} --stage {name}"
            )
        self.remarks = Remarks(self.workspace, self.texts, name, self.person)
        self.suggested = suggestions.Newest(self.workspace, name)
        self._skipped: dict[str, None] = dict.fromkeys(self.remarks.skipped())
        self._keys = self.remarks.keys()
        self._open = self._eligible()
        self.trainer = Trainer(
            self.texts, self.workspace.root / "cache", self.ranker,
            seed=self.workspace.protocol.seed, query=question(self.workspace), first=self._generations(),
        )  # fmt: skip
        self.trainer.start()
        self.post()

    def _corpus_moved(self) -> bool:
        """Whether records or links came since last asked, also from another process."""
        moved = False
        for table in self._corpus:
            rows = self.workspace.ledger.rows(table, after=self._corpus[table])
            moved |= any(row.get("kind") in _CORPUS for row in rows)
            self._corpus[table] = max([self._corpus[table], *(row["seq"] for row in rows)])
        return moved

    def close(self) -> None:
        """Stop ranking; give back the place of a report that was shown and not decided."""
        self.trainer.close(wait=10.0)
        with suppress(LedgerError):  # the server is away: the place is kept for this person
            self.board.refresh()
            self.board.release(self.person)

    # ------------------------------------------------------------------ what is next

    def next(self) -> Item | None:
        """The next report for this person, claimed; None when the queue is empty.

        First a random block that is under way, then the ranked order, last what was skipped.
        """
        self.refresh()
        while True:
            report, place, order, block = self._choose()
            if report is None:
                return None
            shown = self.texts.shown(report)
            if self.board.take(self.person, report, shown.record_id):
                self._record(order)
                return Item(shown, order.generation, place, block)
            self.refresh()  # somebody was faster

    def _choose(self) -> tuple[str | None, int, Order, str | None]:
        order = self.trainer.latest
        for block in self.board.blocks:
            for report in block.reports:
                if report not in self._skipped and self.board.open_to(self.person, report):
                    return report, 0, order, block.name
        mine = self._open[order.rows]
        hits = np.flatnonzero(mine)
        for hit in hits:
            report = self.texts.ids[order.rows[hit]]
            if report not in self._skipped:
                return report, int(hit) + 1, order, None
        for report in self._skipped:
            if self.board.open_to(self.person, report):
                return report, 0, order, None
        return None, 0, order, None

    def look_up(self, report: str) -> Item:
        """A certain report, unclaimed.

        Raises:
            InputError: no such report.

        """
        report = self.texts.reports.get(report, report)
        if report not in self.texts.index:
            raise InputError(f"no report or record {report!r} here; ids look like R969833fc310e61e3")
        order = self.trainer.latest
        place = int(np.flatnonzero(order.rows == self.texts.index[report])[0]) + 1
        block = self.board.block_of(report)
        own = self.vote(report)
        return Item(
            self.texts.shown(report),
            order.generation,
            place,
            block.name if block else None,
            own.verdict if own else None,
        )

    def refresh(self) -> None:
        """Take in what others added to the ledger since."""
        if self._corpus_moved():
            # An update's records join the running queue.
            self.trainer.close()
            self._open_anew()
            return
        base = self._base()
        for report in self.board.refresh():
            place = self.texts.index[report]
            self._open[place] = base[place] and self._waits(report)

    # ------------------------------------------------------------------ what is open

    def _base(self) -> NDArray[np.bool_]:
        """The reports that this queue is about, whoever has decided on them."""
        if self.name == "half" or self.stage.stage == "full-text":
            return self.board.population
        wanted = self.texts.rankable if self.name == "ranked" else ~self.texts.rankable
        return np.asarray(self.board.population & wanted)

    def _waits(self, report: str) -> bool:
        """Whether a report of this queue is open to this person."""
        if self.name == "half" and self.board.ballots.outcome(report).state != "half":
            return False
        return self.board.open_to(self.person, report)

    def _eligible(self) -> NDArray[np.bool_]:
        base = self._base()
        return np.array(
            [bool(base[i]) and self._waits(one) for i, one in enumerate(self.texts.ids)], dtype=bool
        )

    def shut(self, report: str) -> None:
        """Give a report out no more, before the ledger knows why."""
        self._open[self.texts.index[report]] = False
        self._skipped.pop(report, None)

    def sizes(self) -> tuple[int, int, int]:
        """How many reports the queue is about, how many of them are left, and how many are postponed."""
        waiting = sum(self.board.open_to(self.person, report) for report in self._skipped)
        return int(self._base().sum()), int(self._open.sum()), waiting

    def vote(self, report: str) -> Vote | None:
        """This person's present vote on a report."""
        for vote in reversed(self.board.ballots.votes(report)):
            if vote.reviewer == self.person:
                return vote
        return None

    # ------------------------------------------------------------------ what people note

    def skip(self, shown: Shown) -> str:
        """Postpone a report: it comes again after all others, in this and later sessions."""
        self._skipped.pop(shown.report, None)
        self._skipped[shown.report] = None
        return self.remarks.skip(shown)

    def resume(self, shown: Shown, skipped: str) -> None:
        """Take a postponement back: the report comes in its place again."""
        self.remarks.take_back(shown, skipped)
        self._skipped = dict.fromkeys(self.remarks.skipped())

    def add_keys(self, names: list[str]) -> tuple[list[str], list[str]]:
        """Name papers known to be relevant; gives reports found, and names that are not held."""
        found = self.remarks.add_keys(names)
        self._keys = self.remarks.keys()
        self.post()
        return found

    # ------------------------------------------------------------------ what ranks

    def labels(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """What this person's order may be trained on: settled reports, own votes, key papers.

        Other people's unsettled votes would show through the order.
        """
        known = self.board.verdicts()
        own = self.board.own(self.person)
        known = np.where(known >= 0, known, own)
        for place in [self.texts.index[report] for report in self._keys]:
            known[place] = 1 if known[place] < 0 else known[place]  # what people decided counts more
        rows = np.flatnonzero(known >= 0).astype(np.int64)
        return rows, known[rows].astype(bool)

    def post(self) -> None:
        """Hand what is known now to the ranker."""
        self.trainer.post(*self.labels())

    def _record(self, order: Order) -> None:
        """Note in the ledger by which generation the records are shown from here on."""
        if order.generation == self._recorded:
            return
        row = {
            "stage": self.stage.stage,
            "reviewer": self.person,
            "generation": order.generation,
            "ranker": order.ranker,
            "parameters": json.dumps(order.parameters, sort_keys=True),
        }
        self.workspace.ledger.append("rankings", row)
        self._recorded = order.generation

    def _generations(self) -> int:
        return max(
            (
                row["generation"]
                for row in self.workspace.ledger.rows("rankings")
                if row["stage"] == self.stage.stage and row["reviewer"] == self.person
            ),
            default=0,
        )
