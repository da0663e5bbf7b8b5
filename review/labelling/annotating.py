"""One person codes records by the codebook, without a screen: what is asked next, what was answered.

`review annotate` is a face on this (`review.labelling.asking`). In an audit the studies come in the order of
the draw and the tagger's word is never shown; outside an audit records come in a random order, and
what is said of them may train a tagger. Every answer is on disk before the next question.
"""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import uuid4

from classifiers.codebook import Dimension
from corpora.errors import InputError, LedgerError
from corpora.files import write_whole
from review.facts import facts, shown
from review.labelling import answers
from review.labelling.answers import CONSENSUS, OWN, Answer, Coded, Question
from review.labelling.auditing import Drawn, audits
from review.screening import blocks
from review.screening.spool import Spool
from review.screening.texts import Shown, Texts
from review.workspace import Workspace


@dataclass(slots=True)
class Item:
    """A report to be coded, and what was answered on it so far."""

    shown: Shown
    study: str
    place: int
    of: int
    given: dict[str, Answer] = field(default_factory=dict)


class Session:
    """Coding by one person; ``audit`` None is outside every audit. Answers outlive a kill.

    ``records`` are coded (again) and nothing else; ``settle`` brings the reports on which coders
    differ, and what is answered then is the consensus.
    """

    def __init__(
        self,
        workspace: Workspace,
        person: str,
        audit: Drawn | None,
        records: Sequence[str] = (),
        *,
        suggest: bool = False,
        settle: bool = False,
    ) -> None:
        if suggest and audit is not None:
            raise InputError(f"--suggest: in {audit.name} the tagger's word is hidden, or it proves nothing")
        self.workspace, self.person, self.audit, self.settle = workspace, person, audit, settle
        self._facts = facts(workspace)
        self.codebook, self.suggests = self._facts.codebook, suggest
        self.asked = answers.questions(self.codebook, audit.dimensions if audit else None)
        self.people = audit.people if audit else 1
        self.texts = Texts(workspace)
        self.spool = Spool(workspace.root, person)
        self.spool.flush(workspace)
        self._block = audit.name if audit else None
        self._coded = answers.coded(workspace, self.texts.reports, self._block)
        studies = self._facts.studies
        self._reports = dict(zip(studies["study_id"], studies["report_ids"], strict=True))
        self._again = set(self._named(records))
        self._queue = self._named(records) if records else self._ordered()
        self._skipped: dict[str, None] = {}

    # ------------------------------------------------------------------ the queue

    def _named(self, records: Sequence[str]) -> dict[str, str]:
        """Report → study of what a person names by record id, DOI or PMID."""
        found, unknown = self.texts.known(records)
        if unknown:
            raise InputError(f"{unknown[0]!r}: no record id, DOI or PMID that is held here")
        study_of = {report: study for study, reports in self._reports.items() for report in reports}
        audited = self._audited()
        for report in found:
            if (study_of[report] in audited) == (self.audit is None):
                told = (
                    "is in an audit; add --audit NAME" if self.audit is None else f"is not in {self._block}"
                )
                raise InputError(f"report {report}: its study {told}")
        return {report: study_of[report] for report in found}

    def _audited(self) -> set[str]:
        drawn = [self.audit] if self.audit else audits(self.workspace)
        return {one for audit in drawn for one in audit.studies}

    def _ordered(self) -> dict[str, str]:
        """Report → study, in the order in which they come."""
        if self.audit is None:
            wanted = sorted(set(shown(self._facts.studies)[0]["study_id"]) - self._audited())
            seed = self.workspace.protocol.seed
            order = blocks.draw_simple(wanted, len(wanted), seed, purpose="annotate").ids if wanted else ()
        else:
            order = self.audit.studies
        return {report: study for study in order for report in self._reports.get(study, ())}

    def next(self) -> Item | None:
        """The next report for this person; skipped ones come last. None when all is done."""
        places = {report: place for place, report in enumerate(self._queue, 1)}
        for report in (*(one for one in self._queue if one not in self._skipped), *self._skipped):
            if self._needed(report):
                given = {} if report in self._again else dict(self._own(report))
                of = len(self._queue)
                return Item(self.texts.shown(report), self._queue[report], places[report], of, given)
        return None

    def _own(self, report: str) -> dict[str, Answer]:
        held = self._held(report)
        return held.consensus if self.settle else held.own.get(self.person, {})

    def _held(self, report: str) -> Coded:
        return self._coded.get(report) or Coded({}, {})

    def _needed(self, report: str) -> bool:
        held = self._held(report)
        if self.settle:
            return held.open_question(self.codebook, self.asked) is not None
        given = held.own.get(self.person)
        if report in self._again or (given and self._unanswered(given)):
            return True
        return not given and len(held.finished(self.codebook, self.asked)) < self.people

    def _unanswered(self, given: answers.Answers) -> bool:
        return answers.unanswered(self.codebook, self.asked, given) is not None

    def left(self) -> int:
        """Reports that still need this person."""
        return sum(self._needed(report) for report in self._queue)

    def skip(self, item: Item) -> None:
        """Let a report come again after all others of this session."""
        self._skipped.pop(item.shown.report, None)
        self._skipped[item.shown.report] = None

    # ------------------------------------------------------------------ asking and answering

    def question(self, item: Item) -> Question | None:
        """What is asked next of a report; None when it is finished."""
        if self.settle:
            return self._held(item.shown.report).open_question(self.codebook, self.asked)
        return answers.unanswered(self.codebook, self.asked, item.given)

    def answer(self, item: Item, question: Question, answer: Answer) -> None:
        """Keep an answer; it is on disk when this returns, also while the ledger's server is away.

        Raises:
            InputError: it does not fit the question; nothing was kept.

        """
        check(question, answer, item.shown)
        row = {
            "uuid": str(uuid4()), "record_id": item.shown.record_id, "annotator": self.person,
            "codebook_hash": self.codebook.hash, "text_hash": item.shown.text_hash, "block": self._block,
            "role": CONSENSUS if self.settle else OWN, **answers.row_of(question.id, answer),
        }  # fmt: skip
        self.spool.keep("annotations", row, answers.KEY)
        held = self._coded.setdefault(item.shown.report, Coded({}, {}))
        own = held.consensus if self.settle else held.own.setdefault(self.person, {})
        if item.shown.report in self._again:
            own.clear()
            own.update(item.given)
        item.given[question.id] = own[question.id] = answer
        if self.question(item) is None:
            self._skipped.pop(item.shown.report, None)
            self._again.discard(item.shown.report)
            with suppress(LedgerError):  # the server is away; the spool is sent with the next record
                self.spool.flush(self.workspace)

    def back(self, item: Item) -> Question | None:
        """Take the last answer on this report back, to be asked again; None if there is none."""
        last = next((q for q in reversed(self.asked) if q.id in item.given), None)
        if last is not None:
            del item.given[last.id]
            self._own(item.shown.report).pop(last.id, None)
        return last

    def differing(self, item: Item, question: Question) -> dict[str, Answer]:
        """Who said what, where coders differ; only while settling."""
        held = self._held(item.shown.report)
        coders = held.finished(self.codebook, self.asked)
        return {who: held.own[who].get(question.id, answers.NOTHING) for who in coders} if self.settle else {}

    def suggestion(self, item: Item, question: Question) -> list[str] | None:
        """Titles of what the tagger says of the study; None in an audit, or where it was not asked for."""
        if not self.suggests or self.audit is not None or not isinstance(question, Dimension):
            return None
        studies = self._facts.studies
        cell = studies.loc[studies["study_id"] == item.study, question.id].iloc[0]
        titles = {label.id: label.title for label in question.labels}
        return None if cell is None else [titles[one] for one in cell]


# ------------------------------------------------------------------ what fits a question


def check(question: Question, answer: Answer, on: Shown) -> None:
    """Refuse an answer that does not fit its question.

    Raises:
        InputError: an unknown label, not exactly one of a dimension that takes one, a value that is
            no number or date, or a quote that the record does not hold.

    """
    if isinstance(question, Dimension):
        unknown = sorted(answer.labels - {label.id for label in question.labels})
        if unknown:
            raise InputError(
                f"{question.id}: label {unknown[0]!r}; {', '.join(x.id for x in question.labels)}"
            )
        if question.kind == "one" and len(answer.labels) != 1:
            raise InputError(f"{question.id}: takes exactly one label, got {len(answer.labels)}")
        return
    if not answer.value:
        return
    if question.kind == "number" and not re.fullmatch(r"[-+]?\d+(\.\d+)?", answer.value):
        raise InputError(f"{question.id}: {answer.value!r} is no number; write digits, as 1200 or 0.85")
    if question.kind == "date":
        _check_date(question.id, answer.value)
    if question.quote:
        text = _plain(f"{on.fields['title'] or ''} {on.fields['abstract'] or ''}")
        if not answer.quote or _plain(answer.quote) not in text:
            raise InputError(
                f"{question.id}: the quote {answer.quote[:60]!r} does not stand in title or abstract; "
                "copy the record's own words"
            )


def _check_date(name: str, value: str) -> None:
    parts = value.split("-")
    try:
        if not re.fullmatch(r"\d{4}(-\d{2}){0,2}", value):
            raise ValueError  # noqa: TRY301
        date(*(int(part) for part in (*parts, "1", "1")[:3]))
    except ValueError as error:
        raise InputError(f"{name}: {value!r} is no date; write 2024, 2024-05 or 2024-05-31") from error


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


# ------------------------------------------------------------------ labels to learn from


def export_labels(workspace: Workspace, out: Path) -> tuple[int, int]:
    """Write what people settled outside every audit as training labels: JSON lines by record_id.

    Gives how many records were written, and how many are left out because coders differ. Answers
    given in an audit are never among them, nor any record of a study that an audit has drawn.
    """
    held = facts(workspace)
    asked = answers.questions(held.codebook)
    audited = {one for audit in audits(workspace) for one in audit.studies}
    pairs = zip(held.studies["study_id"], held.studies["report_ids"], strict=True)
    barred = {report for study, reports in pairs if study in audited for report in reports}
    texts = Texts(workspace)
    lines, differ = [], 0
    for report, coded in sorted(answers.coded(workspace, texts.reports, None).items()):
        if report in barred or report not in texts.index or not coded.finished(held.codebook, asked):
            continue
        settled = coded.settled(held.codebook, asked, 1)
        if settled is None:
            differ += 1
            continue
        row: dict[str, object] = {"record_id": texts.shown(report).record_id}
        for question in asked:
            if isinstance(question, Dimension):
                labels = sorted(settled.get(question.id, answers.NOTHING).labels)
                row[question.id] = bool(labels) if question.kind == "flag" else labels
        lines.append(json.dumps(row, ensure_ascii=False))
    write_whole(out, "".join(f"{line}\n" for line in lines).encode())
    return len(lines), differ
