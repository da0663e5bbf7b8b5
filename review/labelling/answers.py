"""What people answered about a record by the codebook: kept in the ledger, settled, compared.

One row an answer: ``label`` holds the ids of a dimension's labels that hold, joined by blanks ("" is
none), ``value`` and ``quote`` those of a field. A coder's own answers and a consensus stand side by
side; nothing is changed, a later answer of the same person supersedes the earlier one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classifiers.codebook import Codebook, Dimension, Field
from corpora.registry import unknown
from review.workspace import Workspace

OWN, CONSENSUS = "own", "consensus"
KEY = ("record_id", "dimension", "annotator", "role")

Question = Dimension | Field


@dataclass(frozen=True, slots=True)
class Answer:
    """Labels that hold, or a field's value with the record's words for it."""

    labels: frozenset[str] = frozenset()
    value: str = ""
    quote: str = ""

    @property
    def said(self) -> tuple[frozenset[str], str]:
        """What two people are compared by: a quote may be longer or shorter."""
        return self.labels, " ".join(self.value.casefold().split())


NOTHING = Answer()
"""Also what a question that was not asked is answered with: an empty dimension."""

Answers = Mapping[str, Answer]


def questions(codebook: Codebook, wanted: Sequence[str] | None = None) -> list[Question]:
    """Dimensions and fields in order; ``wanted`` ids (also of roll-ups) bring what they depend on.

    Raises:
        UnknownNameError: the codebook has no dimension or field of that id.

    """
    every: list[Question] = [*codebook.dimensions, *codebook.fields]
    if wanted is None:
        return every
    roots = {codebook.root_of(name) for name in wanted}
    known = {one.id: one for one in every}
    for name in sorted(roots - set(known)):
        raise unknown("dimension", name, [*known, *(rollup.id for rollup in codebook.rollups)])
    needed = [one.applies_when for one in every if one.id in roots] + [codebook.gate]
    roots |= {name.split(".")[0] for name in needed if name}
    return [one for one in every if one.id in roots]


def applies(codebook: Codebook, question: Question, given: Answers) -> bool:
    """Whether a question is asked, by the answers given before it."""
    if codebook.gate and holds(codebook.gate, given) and question.id != codebook.gate.split(".")[0]:
        return False
    return not question.applies_when or holds(question.applies_when, given)


def holds(label: str, given: Answers) -> bool:
    """Whether ``dimension.label`` is among the answers."""
    dimension, _, name = label.partition(".")
    return name in given.get(dimension, NOTHING).labels


def unanswered(codebook: Codebook, asked: Sequence[Question], given: Answers) -> Question | None:
    """The next question; None when the record is finished."""
    return next((q for q in asked if q.id not in given and applies(codebook, q, given)), None)


@dataclass(frozen=True, slots=True)
class Coded:
    """All answers on one report: each coder's own by name, and the consensus."""

    own: dict[str, dict[str, Answer]]
    consensus: dict[str, Answer]

    def finished(self, codebook: Codebook, asked: Sequence[Question]) -> list[str]:
        """Coders who answered everything they were asked."""
        return [who for who, given in self.own.items() if unanswered(codebook, asked, given) is None]

    def settled(self, codebook: Codebook, asked: Sequence[Question], people: int) -> dict[str, Answer] | None:
        """One answer a question; None while coders are missing or a difference is open."""
        coders = self.finished(codebook, asked)
        if len(coders) < people or not coders:
            return None
        made: dict[str, Answer] = {}
        for question in asked:
            if not applies(codebook, question, made):
                continue
            answer = self.agreed(question, coders)
            if answer is None:
                return None
            made[question.id] = answer
        return made

    def agreed(self, question: Question, coders: Iterable[str]) -> Answer | None:
        """The consensus, else what all coders say alike; None if they differ."""
        if question.id in self.consensus:
            return self.consensus[question.id]
        given = [self.own[who].get(question.id, NOTHING) for who in coders]
        return given[0] if len({one.said for one in given}) == 1 else None

    def open_question(self, codebook: Codebook, asked: Sequence[Question]) -> Question | None:
        """The first question on which finished coders differ and nobody has settled."""
        coders = self.finished(codebook, asked)
        made: dict[str, Answer] = {}
        for question in asked:
            if len(coders) > 1 and applies(codebook, question, made):
                answer = self.agreed(question, coders)
                if answer is None:
                    return question
                made[question.id] = answer
        return None


def coded(workspace: Workspace, reports: Mapping[str, str], block: str | None) -> dict[str, Coded]:
    """Report → its answers given in an audit, or (None) outside every audit."""
    found: dict[str, Coded] = {}
    for row in workspace.ledger.current("annotations"):
        if row["block"] != block or row["role"] is None:
            continue
        report = reports.get(row["record_id"], row["record_id"])
        held = found.setdefault(report, Coded({}, {}))
        given = held.consensus if row["role"] == CONSENSUS else held.own.setdefault(row["annotator"], {})
        given[row["dimension"]] = answer_of(row)
    return found


def answer_of(row: Mapping[str, Any]) -> Answer:
    """An answer as it stands in the ledger."""
    return Answer(frozenset(row["label"].split()), row["value"], row["quote"] or "")


def row_of(dimension: str, answer: Answer) -> dict[str, str | None]:
    """The ledger's columns of an answer."""
    labels = " ".join(sorted(answer.labels))
    return {"dimension": dimension, "label": labels, "value": answer.value, "quote": answer.quote or None}


def union(codebook: Codebook, parts: Iterable[Answers], asked: Sequence[Question]) -> dict[str, list[str]]:
    """A study's labels: the union over its reports, derived dimensions among them."""
    parts = list(parts)
    made = {
        question.id: sorted({label for one in parts for label in one.get(question.id, NOTHING).labels})
        for question in asked
        if isinstance(question, Dimension)
    }
    for rollup in codebook.rollups:
        if rollup.of in made:
            held = set(made[rollup.of])
            made[rollup.id] = [one.id for one in rollup.labels if held & set(rollup.leaves[one.id])]
    return made
