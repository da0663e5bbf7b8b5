"""One person's screening session, without a screen: what is shown next, and what was decided.

`review screen` in its three forms (full screen, plain, linear) is a face on this. Whatever decides
is in the ledger, or in the spool on this machine's disk, before the next report is given out.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

from corpora.errors import InputError, LedgerError
from review import decisions, patches
from review.gathering import enriching
from review.screening import marking, stops
from review.screening.board import Board
from review.screening.queue import Item, Queue
from review.screening.remarks import Remarks
from review.screening.spool import Spool
from review.screening.texts import Shown, Texts
from review.screening.trainer import Trainer
from review.screening.votes import UNDONE, VERDICTS
from review.workspace import Workspace


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


@dataclass(frozen=True, slots=True)
class _Done:
    """What was written for one report, to be taken back."""

    report: str
    uuid: str
    before: str | None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class _Undone:
    """What was taken back, to be written again; no verdict: the report was skipped."""

    report: str
    verdict: str | None
    reason: str | None = None


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
        self.workspace, self.person = workspace, person
        self.stage = workspace.protocol.stage(stage)
        self.version = workspace.protocol_version()
        self.verdicts = VERDICTS[stage]
        self.spool = Spool(workspace.root, person)
        self._clock = time.monotonic()
        self._done: list[_Done] = []
        self._redo: list[_Undone] = []
        self.spool.flush(workspace)
        self.queue = Queue(workspace, person, self.stage, queue, ranker)

    @property
    def texts(self) -> Texts:
        """Titles and abstracts of the reports; read anew when records come."""
        return self.queue.texts

    @property
    def board(self) -> Board:
        """Votes, claims and blocks of the stage."""
        return self.queue.board

    @property
    def remarks(self) -> Remarks:
        """This person's notes and tags."""
        return self.queue.remarks

    @property
    def trainer(self) -> Trainer:
        """What ranks."""
        return self.queue.trainer

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop ranking and hand in what waited; the place of a report that was not decided is given back."""
        with suppress(LedgerError):  # the server is away: the spool stays
            self.spool.flush(self.workspace)
        self.queue.close()

    # ------------------------------------------------------------------ what is shown

    def next(self) -> Item | None:
        """The next report for this person, claimed; None when the queue is empty."""
        self.spool.flush(self.workspace)  # what waited while the ledger was away counts from now on
        return self.queue.next()

    def jump(self, report: str) -> Item:
        """Show a certain report; deciding on it needs a place like any other.

        Raises:
            InputError: no such report.

        """
        return self.queue.look_up(report)

    def search(self, words: str) -> list[Shown]:
        """Reports of this stage whose title or abstract hold all words."""
        return [
            self.texts.shown(report)
            for report in self.texts.find(words)
            if self.board.population[self.texts.index[report]]
        ]

    def may_decide(self, item: Item) -> bool:
        """Whether this person may decide on a report that was jumped to, and if so, claim it."""
        report = item.shown.report
        if self.queue.vote(report):
            return True
        return self.board.open_to(self.person, report) and self.board.take(
            self.person, report, item.shown.record_id
        )

    # ------------------------------------------------------------------ deciding

    def decide(self, item: Item, verdict: str, reason: str | None = None) -> str:
        """Write a decision; it is on disk when this returns. Gives its UUID.

        Raises:
            InputError: a verdict the stage does not know; a full text excluded without one of
                the protocol's criteria as its reason.

        """
        self._check(verdict, reason)
        before = self.queue.vote(item.shown.report)
        uuid = self._write(item, verdict, reason if verdict == "exclude" else None)
        self._done.append(_Done(item.shown.report, uuid, before.verdict if before else None))
        self._redo.clear()
        self.queue.post()
        return uuid

    def _check(self, verdict: str, reason: str | None) -> None:
        if verdict not in self.verdicts:
            raise InputError(
                f"verdict {verdict!r}: at {self.stage.stage} there are {', '.join(self.verdicts)}"
            )
        criteria = [criterion.id for criterion in self.workspace.protocol.criteria]
        if reason is not None and criteria and reason not in criteria:
            raise InputError(f"reason {reason!r}: the protocol's criteria are {', '.join(criteria)}")
        if verdict == "exclude" and self.stage.stage == "full-text" and not reason:
            raise InputError("a full text is excluded for exactly one reason: the first criterion that fails")

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
            self.queue.refresh()
        except LedgerError:
            self.queue.shut(item.shown.report)
        return str(row["uuid"])

    def skip(self, item: Item) -> None:
        """Postpone a report: it comes again after all others, in this and later sessions."""
        uuid = self.queue.skip(item.shown)
        self._done.append(_Done(item.shown.report, uuid, None, skipped=True))
        self._redo.clear()

    def undo(self) -> Item | None:
        """Take the last decision or skip of this session back and show its report again."""
        if not self._done:
            return None
        last = self._done.pop()
        item = self.jump(last.report)
        if last.skipped:
            self.queue.resume(item.shown, last.uuid)
            self._redo.append(_Undone(last.report, None))
            return item
        present = self.queue.vote(last.report)
        verdict, reason = (present.verdict, present.reason) if present else (UNDONE, None)
        self._redo.append(_Undone(last.report, verdict, reason))
        self._write(item, last.before or UNDONE, None)
        self.queue.post()
        return self.jump(last.report)

    def redo(self) -> Item | None:
        """Undo the last undo."""
        if not self._redo:
            return None
        again = self._redo.pop()
        item = self.jump(again.report)
        if again.verdict is None:
            self._done.append(_Done(again.report, self.queue.skip(item.shown), None, skipped=True))
            return item
        uuid = self._write(item, again.verdict, again.reason)
        self._done.append(_Done(again.report, uuid, item.own))
        self.queue.post()
        return self.jump(again.report)

    # ------------------------------------------------------------------ filling

    def key_papers(self, names: list[str]) -> tuple[list[str], list[str]]:
        """Name papers known to be relevant; gives reports found, and names that are not held."""
        return self.queue.add_keys(names)

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
        own = self.queue.vote(report)
        return self.queue.suggested.show(item.shown, own) if own and not scored else []

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
        queue, left, skipped = self.queue.sizes()
        return Progress(
            decided=len(sides),
            included=sum(sides),
            since_include=next((n for n, side in enumerate(reversed(sides)) if side), len(sides)),
            queue=queue,
            left=left,
            skipped=skipped,
            spooled=len(self.spool),
            seconds=time.monotonic() - self._clock,
        )
