"""`review screen --plain`: one line after the other, for dumb terminals and screen readers.

No cursor movement, no colour, no box: every report is a few labelled lines, every answer a letter
(or its whole word) and Enter. What it does is `Session`'s. An answer that is not understood decides
nothing: a pasted text must not become decisions.
"""

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace

from corpora.errors import InputError, LitscaleError
from review.screening import browsing, words
from review.screening.marking import signed
from review.screening.queue import Item
from review.screening.session import Session

Say = Callable[[str], None]
Ask = Callable[[str], str]

_WITH_MORE = ("exclude", "note", "tag", "search", "jump", "key")
"""Keys after which the answer may stand at once, as in ``e 2`` or ``/ sepsis``."""

_END = "."
"""A line that ends a text of several lines."""


def run(session: Session, say: Say, ask: Ask, width: int = 78) -> None:
    """Screen until the queue is empty or the person quits (also by the end of the input)."""
    _take_any_character()
    face = _Plain(session, say, ask, width)
    say(f"Screening {session.stage.stage} as {session.person}. Type ? and Enter for help.")
    try:
        face.loop()
    except (EOFError, KeyboardInterrupt):
        say("")
    held = session.progress()
    where = f" {held.spooled} wait on this machine for the ledger." if held.spooled else ""
    say(f"{held.decided:,} decided in all, {held.included:,} in, {held.left:,} left.")
    say(f"Everything is kept.{where}")


def _take_any_character() -> None:
    """Show what a terminal's encoding lacks as ``?``, and take in what is none of its characters."""
    for stream in (sys.stdin, sys.stdout):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def asked(question: str, say: Say, read: Ask) -> str:
    """An answer; where nobody types (a pipe), the question is a line of its own."""
    if sys.stdin.isatty():
        return read(f"{question} > ").strip()
    say(f"{question} >")
    return read("").strip()


class _Plain:
    def __init__(self, session: Session, say: Say, ask: Ask, width: int) -> None:
        self.session, self.say, self._input, self.width = session, say, ask, width
        self.reasons, self.highlights = False, True
        self.elsewhere = False
        """Whether the report was looked up, and is not the next of the queue."""
        self.names = {key: name for key, name, _ in words.keys_of(session.stage.stage)}
        self.found: list[str] = []
        """Reports of the last search: a jump may name their numbers."""

    # ------------------------------------------------------------------ the dialogue

    def loop(self) -> None:
        item = self.next()
        while item is not None:
            item = self.answer(item)
        self._lines(words.empty(self.session))

    def ask(self, question: str) -> str:
        return asked(question, self.say, self._input)

    def next(self) -> Item | None:
        """The next report, shown; while the ledger is away, asked for again and again."""
        self.elsewhere = False
        while True:
            try:
                item = self.session.next()
            except LitscaleError as error:
                self._wrapped("", f"{error}")
                if self.ask("What you decided is kept. Enter tries again, q quits") == "q":
                    raise EOFError from error
            else:
                if item is not None:
                    self.show(item)
                return item

    def answer(self, item: Item) -> Item | None:
        """Ask until something decides what is shown next, and show it."""
        first = " ".join(f"{key}={name}" for key, name in self.names.items() if name in _OFTEN)
        while True:
            try:
                name, rest = self._understood(self.ask(first))
                if name in ("next", "skip") or name in self.session.verdicts:
                    return self._onward(name, item, rest)
                if name in ("undo", "redo", "jump"):
                    item = self._elsewhere(name, rest) or item
                else:
                    item = self._other(name, item, rest)
            except LitscaleError as error:
                self._wrapped("", f"Not done: {error}")

    def _understood(self, typed: str) -> tuple[str, str]:
        """The name of a key, and what stands behind it."""
        if not typed:
            return "next", ""
        count = len(words.criteria(self.session))
        if typed.isdecimal() and 1 <= int(typed) <= count:
            return "exclude", typed
        named = typed.split(maxsplit=1)[0].lower()
        letter = typed[0].lower()
        if named in self.names.values() and named != "criterion":
            name, rest = named, typed[len(named) :].strip()
        elif letter in self.names and (len(typed) == 1 or not typed[1].isalpha()):
            name, rest = self.names[letter], typed[1:].strip()
        elif letter == "/":
            name, rest = "search", typed[1:].strip()
        else:
            name, rest = "", typed
        if not name or (rest and name not in _WITH_MORE):
            raise InputError(f"{typed[:60]!r} is no key here; ? lists them")
        return name, rest

    # ------------------------------------------------------------------ what moves on

    def _onward(self, name: str, item: Item, rest: str) -> Item | None:
        if name == "next":
            return self.next()
        if name == "skip":
            if item.own:
                raise InputError("you have decided on this report; Enter goes on with the queue")
            self.session.skip(item)
            self.say("Skipped: it comes again after all others.")
            return self.next()
        reason = self._reason(rest) if name == "exclude" else None
        if not self.session.may_decide(item):
            self.say("Others decide on this report; it is closed to you.")
            return self.next()
        self.session.decide(item, name, reason)
        self.say(words.kept(self.session, name, reason))
        try:
            self._lines(self.session.after_decision(item))
        except LitscaleError as error:
            self._wrapped("", str(error))
        return self.next()

    def _reason(self, rest: str) -> str | None:
        listed = words.criteria(self.session)
        if not rest and listed:
            self._lines(listed)
            rest = self.ask(words.which(self.session))
        return words.reason_of(self.session, rest)

    def _elsewhere(self, name: str, rest: str) -> Item | None:
        """Undo, redo or a jump: another report is shown, if there is one to show."""
        if name == "jump":
            typed = rest or self.ask("Report or record id, or a number of the last search")
            if not typed:
                return None
            if typed.isdecimal() and 1 <= int(typed) <= len(self.found):
                typed = self.found[int(typed) - 1]
            shown: Item | None = self.session.jump(typed)
            said = "Enter goes back to the queue."
        else:
            shown = self.session.undo() if name == "undo" else self.session.redo()
            said = words.turned(name, shown) if shown else f"Nothing to {name} in this session."
        if shown is not None:
            self.elsewhere = True
            self.show(shown)
        self.say(said)
        return shown

    # ------------------------------------------------------------------ what stays

    def _other(self, name: str, item: Item, rest: str) -> Item:
        session = self.session
        if name == "quit":
            raise EOFError
        if name in ("note", "tag"):
            text = rest or self.ask(name.capitalize())
            session.remarks.add(item.shown, name, text)
            self.say(f"The {name} is kept." if text else "Nothing was typed.")
        elif name == "search":
            self._search(rest or self.ask("Words in title and abstract"))
        elif name == "doi":
            address = words.address(session, item)
            aside = nullcontext if sys.stdin.isatty() else None
            self.say(browsing.open_address(address, aside) if address else "No DOI, PMID or link.")
        elif name == "abstract":
            return self._fill(item)
        elif name == "key":
            self.say(words.keyed(*session.key_papers((rest or self.ask("Ids, DOIs, PMIDs")).split())))
        elif name in ("why", "highlights"):
            what = "reasons" if name == "why" else "highlights"
            setattr(self, what, not getattr(self, what))
            self.show(item)
        else:
            listed = {"criteria": words.criteria, "panel": words.panel}.get(name)
            self._lines(listed(session) if listed else words.help_lines(session.stage.stage))
        return item

    def _search(self, typed: str) -> None:
        shown = self.session.search(typed)
        self.found = [one.report for one in shown]
        for number, one in enumerate(shown[:_LISTED], 1):
            self._wrapped(f"{number}. ", words.clean(one.fields["title"] or "(no title)"))
        more = f" The first {_LISTED} are listed." if len(shown) > _LISTED else ""
        self._wrapped("", f"{len(shown)} reports hold: {typed}.{more} j and a number jumps to one.")

    def _fill(self, item: Item) -> Item:
        if item.shown.fields["abstract"]:
            raise InputError("this report has an abstract; the source's own is never overwritten")
        self.say("Abstract: type or paste it and end with a line that holds a full stop alone.")
        self.say("Enter at once fetches it from OpenAlex.")
        text, origin = " ".join(self._pasted()), None
        if not text.strip():
            self.say("Asking OpenAlex …")
            text, origin = self.session.fetch_abstract(item)
        self.say(self.session.fill_abstract(item, text, origin))
        filled = replace(item, shown=self.session.texts.shown(item.shown.report))
        self.show(filled)
        return filled

    def _pasted(self) -> Iterator[str]:
        """Lines up to the one that ends them; an empty one within a text ends nothing."""
        line = self.ask("Abstract")
        while line != _END:
            yield line
            if not line:
                break
            line = self._input("").strip() or " "

    # ------------------------------------------------------------------ showing

    def show(self, item: Item) -> None:
        fields = item.shown.fields
        self.say("")
        self.say(f"Report {words.heading(item, elsewhere=self.elsewhere)}")
        for warning in words.warnings(self.session, item):
            self._wrapped("Attention: ", warning)
        self._wrapped("Title: ", self._text(item, "title") or "(no title)")
        self._wrapped("Source: ", words.source_line(item.shown))
        if fields["abstract"]:
            self._wrapped("Abstract: ", self._text(item, "abstract"))
        places = {"Full text": words.full_text(self.session, item), "Link": words.link(item.shown)}
        for label, where in places.items():
            if where:
                self.say(f"{label}: {where}")
        if self.reasons:
            self._wrapped("The model goes by: ", ", ".join(self.session.reasons(item)) or "nothing yet")
        for kind, text in words.remarks(self.session, item):
            self._wrapped(f"Your {kind}: ", text)

    def _text(self, item: Item, field: str) -> str:
        """A field with signs around its marks; a screen reader says them, so that key h takes them off."""
        text = words.clean(item.shown.fields[field] or "")
        marks = self.session.marks(item, reasons=self.reasons) if self.highlights else []
        return signed(text, field, marks)

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            self._wrapped("", line)

    def _wrapped(self, label: str, text: str) -> None:
        """Paragraphs stay paragraphs; a long word, such as an address, stays whole."""
        for paragraph in (label + text).split("\n"):
            for line in textwrap.wrap(
                paragraph, self.width, break_long_words=False, break_on_hyphens=False
            ) or [""]:
                self.say(line)


_OFTEN = ("include", "exclude", "maybe", "awaiting", "ongoing", "skip", "undo", "help", "quit")
_LISTED = 20
"""Reports of a search that are listed."""
