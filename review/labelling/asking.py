"""The terminal of `review annotate`: one question after the other, answered by numbers and Enter.

No cursor movement and no colour, so that it serves dumb terminals and screen readers. An answer
that is not understood is asked again and decides nothing.
"""

import textwrap
from collections.abc import Callable

from classifiers.codebook import Dimension
from corpora.errors import InputError, LitscaleError
from corpora.words import counted
from review.labelling.annotating import Item, Session
from review.labelling.answers import Answer, Question
from review.screening import words
from review.screening.plain import asked

Say = Callable[[str], None]
Ask = Callable[[str], str]

HELP = (
    "Numbers: the labels that hold, as 1 3; 0: none of them. One of a kind takes exactly one number.",
    "A field: its value, then the record's words for it; - if the record does not say.",
    "?: definitions   b: back to the last question   s: skip the record   t: its text again   q: quit",
)


def run(session: Session, say: Say, ask: Ask, width: int = 78) -> None:
    """Ask until nothing is left or the person quits (also by the end of the input)."""
    where = session.audit.name if session.audit else "outside every audit: these answers may train a tagger"
    doing = "Settling differences" if session.settle else "Coding"
    say(
        f"{doing} as {session.person}, {where}. {counted(session.left(), 'record')} left. ? and Enter for "
        "help."
    )
    face = _Face(session, say, ask, width)
    try:
        while (item := session.next()) is not None:
            face.record(item)
        say("Nothing is left to code here.")
    except (EOFError, KeyboardInterrupt):
        say("")
    say(f"Everything is kept. {counted(session.left(), 'record')} left.")


class _Skipped(Exception):
    """The person wants another record."""


class _Face:
    def __init__(self, session: Session, say: Say, ask: Ask, width: int) -> None:
        self.session, self.say, self._ask, self.width = session, say, ask, width

    def record(self, item: Item) -> None:
        """Ask everything of one record."""
        self.text(item)
        try:
            while (question := self.session.question(item)) is not None:
                self.question(item, question)
        except _Skipped:
            self.session.skip(item)
            self.say("Skipped: it comes again after all others.")

    def text(self, item: Item) -> None:
        """Title, source and abstract."""
        fields = item.shown.fields
        self.say("")
        self.say(f"Record {item.place:,} of {item.of:,}: {item.shown.record_id}")
        self.wrapped("Title: ", words.clean(fields["title"] or "(no title)"))
        self.wrapped("Source: ", words.source_line(item.shown))
        self.wrapped("Abstract: ", words.clean(fields["abstract"] or "(no abstract)"))

    def question(self, item: Item, question: Question) -> None:
        """Ask one question until it is answered, taken back, or the record is left."""
        self.say("")
        self.wrapped("", f"{question.title}. {question.definition}".strip())
        if isinstance(question, Dimension) and question.kind != "flag":
            for number, label in enumerate(question.labels, 1):
                self.say(f"  {number} {label.title}")
        for who, given in self.session.differing(item, question).items():
            self.say(f"  {who}: {_said(question, given)}")
        if (suggested := self.session.suggestion(item, question)) is not None:
            self.say(f"  The tagger says: {', '.join(suggested) or 'none'}")
        while True:
            try:
                answer = self._answer(item, question)
                if answer is None:
                    return
                self.session.answer(item, question, answer)
            except LitscaleError as error:
                self.wrapped("", f"Not kept: {error}")
            else:
                return

    def _answer(self, item: Item, question: Question) -> Answer | None:
        """What was typed as an answer; None after a step back."""
        while True:
            typed = asked(_prompt(question), self.say, self._ask)
            if typed == "q":
                raise EOFError
            if typed == "s":
                raise _Skipped
            if typed == "b":
                if self.session.back(item) is None:
                    self.say("This is the first question.")
                return None
            if typed == "t":
                self.text(item)
            elif typed == "?":
                self._help(question)
            elif typed:
                return self._understood(question, typed)

    def _understood(self, question: Question, typed: str) -> Answer:
        if not isinstance(question, Dimension):
            if typed == "-":
                return Answer()
            quote = asked("  The record's words for it", self.say, self._ask) if question.quote else ""
            return Answer(value=typed, quote=quote)
        if question.kind == "flag":
            if typed.lower() not in ("y", "yes", "n", "no"):
                raise InputError(f"{typed[:40]!r}: answer y or n")
            return Answer(frozenset({"yes"} if typed.lower().startswith("y") else ()))
        parts = typed.replace(",", " ").split()
        count = len(question.labels)
        if any(not part.isdecimal() or int(part) > count for part in parts):
            raise InputError(f"{typed[:40]!r}: answer with numbers from 1 to {count}, or 0 for none")
        chosen = {int(part) for part in parts}
        if 0 in chosen and len(chosen) > 1:
            raise InputError(f"{typed[:40]!r}: 0 is none, and stands alone")
        return Answer(frozenset(question.labels[number - 1].id for number in chosen if number))

    def _help(self, question: Question) -> None:
        for line in HELP:
            self.wrapped("", line)
        for number, label in enumerate(question.labels if isinstance(question, Dimension) else (), 1):
            self.wrapped(f"  {number} {label.title}: ", label.definition or "(no definition)")

    def wrapped(self, label: str, text: str) -> None:
        """A text in lines that fit."""
        for paragraph in (label + text).split("\n"):
            for line in textwrap.wrap(
                paragraph, self.width, break_long_words=False, break_on_hyphens=False
            ) or [""]:
                self.say(line)


def _prompt(question: Question) -> str:
    if isinstance(question, Dimension):
        kinds = {"flag": "y or n", "one": "one number", "multi": "numbers, 0 for none"}
        return f"{question.title} ({kinds[question.kind]})"
    unit = f" in {question.unit}" if question.unit else ""
    return f"{question.title} ({question.kind}{unit}, - if not said)"


def _said(question: Question, given: Answer) -> str:
    if isinstance(question, Dimension):
        return ", ".join(x.title for x in question.labels if x.id in given.labels) or "none"
    return f"{given.value or 'not said'}" + (f" (“{given.quote}”)" if given.quote else "")
