"""`review screen --plain`: one line after the other, for dumb terminals and screen readers.

No cursor movement, no colour, no box: every report is a few labelled lines, every answer a letter
and Enter. What it does is `Session`'s.
"""

import textwrap
import webbrowser
from collections.abc import Callable

from corpora.errors import InputError
from review.screening import words
from review.screening.session import Item, Session

Say = Callable[[str], None]
Ask = Callable[[str], str]


def run(session: Session, say: Say, ask: Ask, width: int = 78) -> None:
    """Screen until the queue is empty or the person quits (also by the end of the input)."""
    face = _Plain(session, say, ask, width)
    say(f"Screening {session.stage.stage} as {session.person}. Type ? and Enter for help.")
    try:
        face.loop()
    except (EOFError, KeyboardInterrupt):
        say("")
    held = session.progress()
    say(f"{held.decided:,} decided in all, {held.included:,} in, {held.left:,} left. Everything is kept.")


class _Plain:
    def __init__(self, session: Session, say: Say, ask: Ask, width: int) -> None:
        self.session, self.say, self.ask, self.width = session, say, ask, width
        self.reasons = False

    def loop(self) -> None:
        item = self.session.next()
        while item is not None:
            self.show(item)
            item = self.answer(item)
        self.say("Nothing is left for you in this queue.")

    def show(self, item: Item) -> None:
        fields = item.shown.fields
        self.say("")
        self.say(f"Report {words.heading(item)}")
        for warning in words.warnings(self.session, item):
            self.say(f"Attention: {warning}")
        self._wrapped("Title: ", self._marked(item, "title"))
        self._wrapped("Source: ", words.source_line(item))
        if fields["abstract"]:
            self._wrapped("Abstract: ", self._marked(item, "abstract"))
        if words.link(item):
            self.say(f"Link: {words.link(item)}")
        if self.reasons:
            self._wrapped("The model goes by: ", ", ".join(self.session.reasons(item)) or "nothing yet")
        for kind, text in self.session.remarks.of(item.shown):
            self._wrapped(f"Your {kind}: ", text)

    def answer(self, item: Item) -> Item | None:
        """Ask until something decides what is shown next."""
        session = self.session
        while True:
            keys = " ".join(f"{key}={name}" for key, name, _ in words.keys_of(session.stage.stage)[:4])
            typed = self.ask(f"{keys} ?=help > ").strip()
            letter, rest = typed[:1], typed[1:].strip()
            names = {key: name for key, name, _ in words.keys_of(session.stage.stage)}
            name = names.get(letter, "")
            try:
                if name in session.verdicts:
                    return self._decide(item, name, rest)
                if name == "quit":
                    raise EOFError
                if name == "skip":
                    session.skip(item)
                    return session.next()
                if name in ("undo", "redo"):
                    shown = session.undo() if name == "undo" else session.redo()
                    if shown is not None:
                        return shown
                    self.say(f"Nothing to {name}.")
                elif name == "jump":
                    return session.jump(rest or self.ask("Report or record id > ").strip())
                elif name:
                    self._other(name, item, rest)
                else:
                    self.say(f"{typed!r} is no key here; ? lists them.")
            except InputError as error:
                self.say(f"Not done: {error}")

    def _decide(self, item: Item, verdict: str, rest: str) -> Item | None:
        reason = None
        if verdict == "exclude":
            for line in words.criteria(self.session):
                self.say(line) if not rest else None
            asked = rest or self.ask("Which criterion fails (number or id; Enter: none named) > ")
            reason = words.reason_of(self.session, asked)
        if not self.session.may_decide(item):
            self.say("Others decide on this report; it is closed to you.")
            return self.session.next()
        self.session.decide(item, verdict, reason)
        for line in self.session.after_decision(item):
            self._wrapped("", line)
        self.say(f"Kept: {verdict}{f', {reason}' if reason else ''}.")
        return self.session.next()

    def _other(self, name: str, item: Item, rest: str) -> None:
        session = self.session
        if name == "note":
            session.remarks.add(item.shown, "note", rest or self.ask("Note > "))
        elif name == "tag":
            session.remarks.add(item.shown, "tag", rest or self.ask("Tag > "))
        elif name == "search":
            for shown in session.search(rest or self.ask("Words > "))[:20]:
                self._wrapped(f"{shown.report}: ", shown.fields["title"] or "(no title)")
        elif name == "doi":
            address = words.link(item)
            self.say(address or "No DOI, PMID or link.")
            if address:
                webbrowser.open(address)
        elif name == "abstract":
            typed = rest or self.ask("Abstract (Enter: fetch it from OpenAlex) > ")
            self.say(session.fill_abstract(item, typed))
            self.show(session.jump(item.shown.report))
        elif name == "key":
            found, unknown = session.key_papers((rest or self.ask("Ids, DOIs, PMIDs > ")).split())
            self.say(f"{len(found)} key papers train the order; not held: {', '.join(unknown) or 'none'}.")
        elif name == "why":
            self.reasons = not self.reasons
            self.show(item)
        elif name == "criteria":
            for line in words.criteria(session):
                self._wrapped("", line)
        elif name == "panel":
            for line in words.panel(session):
                self.say(line)
        elif name == "help":
            for key, _, what in words.keys_of(session.stage.stage):
                self.say(f"{key}  {what}")

    def _marked(self, item: Item, field: str) -> str:
        """The text with *stars* around the protocol's terms, which a screen reader says."""
        text = item.shown.fields[field] or "(no title)"
        made, last = [], 0
        for start, end, name, _ in self.session.marks(item, reasons=self.reasons):
            if name == field and start >= last:
                made += [text[last:start], "*", text[start:end], "*"]
                last = end
        return "".join([*made, text[last:]])

    def _wrapped(self, label: str, text: str) -> None:
        for line in textwrap.wrap(label + text, self.width) or [label]:
            self.say(line)
