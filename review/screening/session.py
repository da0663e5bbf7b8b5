"""One person's screening session, without a screen: what to show next, and what was decided.

`review screen` in its three forms (full screen, plain, linear) is a face on this. Whatever decides
is in the ledger, or in the spool on this machine's disk, before the next report is given out.
"""

import json
import time
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError, LedgerError
from review import decisions, enriching, patches
from review.screening import marking, stops, suggestions
from review.screening.board import Board
from review.screening.drawing import question
from review.screening.remarks import Remarks
from review.screening.spool import Spool
from review.screening.texts import Shown, Texts
from review.screening.trainer import Order, Trainer
from review.screening.votes import UNDONE, VERDICTS
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


@dataclass(slots=True)
class Progress:
    """What one person may see of the progress: their own."""

    decided: int = 0
    included: int = 0
    since_include: int = 0
    queue: int = 0
    left: int = 0
    skipped: int = 0
    spooled: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class _Done:
    """What was written for one report, to be taken back."""

    report: str
    uuid: str
    before: str | None


class Session:
    """Screening by one person at one stage. Close it, or use it as a context manager."""

    def __init__(
        self,
        workspace: Workspace,
        person: str,
        stage: str,
        *,
        queue: str = "ranked",
        ranker: str | None = None,
    ) -> None:
        if queue not in QUEUES:
            raise InputError(f"--queue {queue!r}: queues are {', '.join(QUEUES)}")
        self.workspace, self.person = workspace, person
        self.stage = workspace.protocol.stage(stage)
        self.version = workspace.protocol_version()
        self.queue, self.verdicts = queue, VERDICTS[stage]
        self.ranker = ranker or self.stage.ranker
        self.spool = Spool(workspace.root, person)
        self._clock = time.monotonic()
        self._done: list[_Done] = []
        self._redo: list[tuple[str, str, str | None]] = []
        self._recorded = -1
        self.spool.flush(workspace)
        self._open_queue()

    def _open_queue(self) -> None:
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
        self._suggested = suggestions.Newest(self.workspace, name)
        self._skipped: dict[str, None] = dict.fromkeys(self.remarks.skipped())
        self._keys = self.remarks.keys()
        self._open = self._eligible()
        self.trainer = Trainer(
            self.texts, self.workspace.root / "cache", self.ranker,
            seed=self.workspace.protocol.seed, query=question(self.workspace), first=self._generations(),
        )  # fmt: skip
        self.trainer.start()
        self._post()

    def _corpus_moved(self) -> bool:
        """Whether records or links came since last asked, also from another process."""
        moved = False
        for table in self._corpus:
            rows = self.workspace.ledger.rows(table, after=self._corpus[table])
            moved |= any(row.get("kind") in _CORPUS for row in rows)
            self._corpus[table] = max([self._corpus[table], *(row["seq"] for row in rows)])
        return moved

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop ranking; give back the place of a report that was shown and not decided."""
        self.trainer.close(wait=10.0)
        try:
            self.spool.flush(self.workspace)
            self.board.refresh()
            self.board.release(self.person)
        except LedgerError:
            pass  # the server is away; the place is kept for this person, the spool stays

    # ------------------------------------------------------------------ what is next

    def next(self) -> Item | None:
        """The next report for this person, claimed; None when the queue is empty.

        First a random block that is under way, then the ranked order, last what was skipped.
        """
        self.spool.flush(self.workspace)  # what waited while the ledger was away counts from now on
        self._refresh()
        while True:
            report, place, order, block = self._choose()
            if report is None:
                return None
            shown = self.texts.shown(report)
            if self.board.take(self.person, report, shown.record_id):
                self._record(order)
                return Item(shown, order.generation, place, block)
            self._refresh()  # somebody was faster

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

    def _base(self) -> NDArray[np.bool_]:
        """The reports that this queue is about, whoever has decided on them."""
        if self.queue == "half" or self.stage.stage == "full-text":
            return self.board.population
        wanted = self.texts.rankable if self.queue == "ranked" else ~self.texts.rankable
        return np.asarray(self.board.population & wanted)

    def _waits(self, report: str) -> bool:
        """Whether a report of this queue is open to this person."""
        if self.queue == "half" and self.board.ballots.outcome(report).state != "half":
            return False
        return self.board.open_to(self.person, report)

    def _eligible(self) -> NDArray[np.bool_]:
        base = self._base()
        return np.array(
            [bool(base[i]) and self._waits(one) for i, one in enumerate(self.texts.ids)], dtype=bool
        )

    def _refresh(self) -> None:
        if self._corpus_moved():
            # An update's records join the running queue.
            self.trainer.close()
            self._open_queue()
            return
        base = self._base()
        for report in self.board.refresh():
            place = self.texts.index[report]
            self._open[place] = base[place] and self._waits(report)

    # ------------------------------------------------------------------ deciding

    def decide(self, item: Item, verdict: str, reason: str | None = None) -> str:
        """Write a decision; it is on disk when this returns. Gives its UUID.

        Raises:
            InputError: a verdict the stage does not know; a full text excluded without one of
                the protocol's criteria as its reason.

        """
        if verdict not in self.verdicts:
            raise InputError(
                f"verdict {verdict!r}: at {self.stage.stage} there are {', '.join(self.verdicts)}"
            )
        criteria = [criterion.id for criterion in self.workspace.protocol.criteria]
        if reason is not None and criteria and reason not in criteria:
            raise InputError(f"reason {reason!r}: the protocol's criteria are {', '.join(criteria)}")
        if verdict == "exclude" and self.stage.stage == "full-text" and not reason:
            raise InputError("a full text is excluded for exactly one reason: the first criterion that fails")
        before = self._own(item.shown.report)
        uuid = self._write(item, verdict, reason if verdict == "exclude" else None)
        self._done.append(_Done(item.shown.report, uuid, before))
        self._redo.clear()
        self._skipped.pop(item.shown.report, None)
        self._post()
        return uuid

    def _write(self, item: Item, verdict: str, reason: str | None) -> str:
        row = {
            "uuid": str(uuid4()),
            "record_id": item.shown.record_id,
            "stage": self.stage.stage,
            "verdict": verdict,
            "reason": reason,
            "reviewer": self.person,
            "text_hash": item.shown.text_hash,
            "protocol_version": self.version,
            "generation": item.generation,
            "rank": item.place or None,
            "members": " ".join(item.shown.members),
            "block": item.block,
        }
        # The disk of this machine first: a server that is away, or a kill, loses nothing.
        self.spool.keep("decisions", row, decisions.KEY)
        try:
            self.spool.flush(self.workspace)
            self._refresh()
        except LedgerError:
            self._open[self.texts.index[item.shown.report]] = False
        return str(row["uuid"])

    def undo(self) -> Item | None:
        """Take the last decision of this session back and show its report again."""
        if not self._done:
            return None
        last = self._done.pop()
        item = self.jump(last.report)
        present = self._vote(last.report)
        self._redo.append((last.report, present[0] if present else UNDONE, present[1] if present else None))
        self._write(item, last.before or UNDONE, None)
        self._post()
        return self.jump(last.report)

    def redo(self) -> Item | None:
        """Undo the last undo."""
        if not self._redo:
            return None
        report, verdict, reason = self._redo.pop()
        item = self.jump(report)
        before = self._own(report)
        uuid = self._write(item, verdict, reason)
        self._done.append(_Done(report, uuid, before))
        self._post()
        return self.jump(report)

    def skip(self, item: Item) -> None:
        """Postpone a report: it comes again after all others, in this and later sessions."""
        self.remarks.skip(item.shown)
        self._skipped.pop(item.shown.report, None)
        self._skipped[item.shown.report] = None

    # ------------------------------------------------------------------ finding, filling

    def key_papers(self, names: list[str]) -> tuple[list[str], list[str]]:
        """Name papers known to be relevant; gives reports found, and names that are not held."""
        found = self.remarks.add_keys(names)
        self._keys = self.remarks.keys()
        self._post()
        return found

    def fetch_abstract(self, item: Item) -> tuple[str, str]:
        """A missing abstract from OpenAlex, and where it came from; keeps nothing, so any thread may ask.

        Raises:
            InputError: none could be found.
            TransportError: OpenAlex does not answer.

        """
        fields = item.shown.fields
        return enriching.abstract_of(fields["doi"], fields["pmid"], fields["title"])

    def fill_abstract(self, item: Item, text: str, origin: str | None = None) -> str:
        """Fill a missing abstract as typed, or as fetched from ``origin``; says what was done.

        Raises:
            InputError: there is an abstract already, or the text is empty.

        """
        # Another record of the same report, or a slow fetch, may have filled it meanwhile.
        if self.texts.shown(item.shown.report).fields["abstract"]:
            raise InputError("this report has an abstract; the source's own is never overwritten")
        if not text.strip():
            raise InputError("an abstract is filled with text; none was given")
        text, origin = text.strip(), origin or f"typed by {self.person}"
        patches.fill(self.workspace, item.shown.record_id, "abstract", text, self.person)
        self.remarks.origin(item.shown, f"abstract {origin}")
        self.texts.fill(item.shown.record_id, "abstract", text)
        return f"Abstract of {len(text):,} characters, {origin}."

    def search(self, words: str) -> list[Shown]:
        """Reports of this stage whose title or abstract hold all words."""
        return [
            self.texts.shown(report)
            for report in self.texts.find(words)
            if self.board.population[self.texts.index[report]]
        ]

    def jump(self, report: str) -> Item:
        """Show a certain report; deciding on it needs a place like any other.

        Raises:
            InputError: no such report.

        """
        report = self.texts.reports.get(report, report)
        if report not in self.texts.index:
            raise InputError(f"no report or record {report!r} here; ids look like R969833fc310e61e3")
        order = self.trainer.latest
        place = int(np.flatnonzero(order.rows == self.texts.index[report])[0]) + 1
        block = self.board.block_of(report)
        return Item(
            self.texts.shown(report),
            order.generation,
            place,
            block.name if block else None,
            self._own(report),
        )

    def may_decide(self, item: Item) -> bool:
        """Whether this person may decide on a report that was jumped to, and if so, claim it."""
        report = item.shown.report
        if self._own(report) is not None:
            return True
        return self.board.open_to(self.person, report) and self.board.take(
            self.person, report, item.shown.record_id
        )

    # ------------------------------------------------------------------ what helps to decide

    def marks(self, item: Item, *, reasons: bool) -> list[marking.Mark]:
        """Places to mark in title and abstract; the model's reasons only if asked for."""
        model = self.reasons(item) if reasons else []
        return marking.marks(item.shown, self.workspace.protocol.terms, model)

    def reasons(self, item: Item) -> list[str]:
        """What the model goes by in this text."""
        return marking.model_terms(self.trainer.model, item.shown)

    def after_decision(self, item: Item) -> list[str]:
        """What may be shown once this person's own decision is locked: a model's suggestion.

        Nothing before it, and nothing in a block on which suggestions are scored: it is decided
        without them.
        """
        report = item.shown.report
        scored = any(block.kind == "ai" and report in block.reports for block in self.board.blocks)
        own = [vote for vote in self.board.ballots.votes(report) if vote.reviewer == self.person]
        return self._suggested.show(item.shown, own[-1]) if own and not scored else []

    def stop_lines(self) -> list[str]:
        """The stage's stopping rules by this person's own decisions."""
        return stops.own_lines(self)

    def progress(self) -> Progress:
        """This person's own figures; nobody else's."""
        mine = [
            (vote.seq, vote.verdict in ("include", "maybe"))
            for report in self.board.ballots.voted()
            for vote in self.board.ballots.votes(report)
            if vote.reviewer == self.person
        ]
        sides = [side for _, side in sorted(mine)]
        gap = next((n for n, side in enumerate(reversed(sides)) if side), len(sides))
        return Progress(
            decided=len(sides),
            included=sum(sides),
            since_include=gap,
            queue=int(self._base().sum()),
            left=int(self._open.sum()),
            skipped=len(self._skipped),
            spooled=len(self.spool),
            seconds=time.monotonic() - self._clock,
        )

    # ------------------------------------------------------------------ inner

    def _labels(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
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

    def _post(self) -> None:
        self.trainer.post(*self._labels())

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

    def _vote(self, report: str) -> tuple[str, str | None] | None:
        for vote in reversed(self.board.ballots.votes(report)):
            if vote.reviewer == self.person:
                return vote.verdict, vote.reason
        return None

    def _own(self, report: str) -> str | None:
        vote = self._vote(report)
        return vote[0] if vote else None
