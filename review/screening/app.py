"""`review screen`: one report at a time on a full screen (Textual). What it does is `Session`'s.

A question (a reason, a note, words to search) is asked in one line at the bottom; Escape takes the
question back. No error of ours ends the screen: it is shown, and screening goes on.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from textual.app import SuspendNotSupported
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from corpora.errors import InputError, LitscaleError
from review.screening import browsing, words
from review.screening.face import WIDE, Face
from review.screening.panes import Found, Help, Line, Then
from review.screening.queue import Item

_TEXTUAL_KEYS = {"/": "slash", "?": "question_mark", "Enter": "enter", "1-9": "1,2,3,4,5,6,7,8,9"}
_TICK = 2.0
"""Seconds between looks at whether a new ranking was posted."""


class ScreenApp(Face):
    """The screen of one session."""

    BINDINGS: ClassVar = [
        Binding("escape", "cancel", "cancel", show=False),
        Binding("space", "page", "page down", show=False),
    ]

    def on_mount(self) -> None:
        """Show the first report."""
        for key, name, what in words.keys_of(self.session.stage.stage):
            for one in _TEXTUAL_KEYS.get(key, key).split(","):
                said = f"{name} {one}" if name == "criterion" else name
                self.bind(one, f"key('{said}')", description=what, show=False)
        # Where there is room for both, the criteria stand beside the report from the start.
        self.side = "criteria" if self.size.width >= WIDE else ""
        self.query_one("#body").focus()
        self.set_interval(_TICK, self.lines)
        self.to_next()

    # ------------------------------------------------------------------ keys

    def action_key(self, name: str) -> None:
        """One key of `words.KEYS`."""
        if self.query_one(Line).asks or self.screen.is_modal:
            return
        self._try(lambda: self._act(name))

    def action_page(self) -> None:
        """A page down in the report, as a pager does it."""
        self.query_one("#body", VerticalScroll).scroll_page_down(animate=False)

    def action_pane(self, lines: int) -> None:
        """Scroll the panel while a question is asked about what it holds."""
        self.query_one("#side", VerticalScroll).scroll_relative(y=lines, animate=False)

    def _try(self, what: Callable[[], None]) -> None:
        try:
            what()
        except LitscaleError as error:
            self.show(f"Not done: {error}")

    def _act(self, name: str) -> None:
        session, item = self.session, self.item
        if name == "quit":
            self.exit()
        elif name == "help":
            self.push_screen(Help(session.stage.stage))
        elif name in ("criteria", "panel"):
            self.side = "" if self.side == name else name
            self.show_side()
        elif name in ("undo", "redo"):
            self._turn(name)
        elif name == "search":
            self._ask("Words in title and abstract", self._search)
        elif name == "jump":
            self._ask("Report or record id", self._jump)
        elif name == "key":
            self._ask("Key papers: record ids, DOIs, PMIDs", self._keys)
        elif name in ("why", "highlights"):
            what = "reasons" if name == "why" else "highlights"
            setattr(self, what, not getattr(self, what))
            self.show()
        elif item is None or name == "next":
            self.to_next()
        else:
            self._act_on(name, item)

    def _act_on(self, name: str, item: Item) -> None:
        if name == "exclude" and self.session.workspace.protocol.criteria:
            self._side_before, self.side = self.side, "criteria"
            self.show_side()
            self._ask(words.which(self.session), self._exclude)
        elif name in self.session.verdicts:
            self._decide(name, None)
        elif name.startswith("criterion"):
            self._exclude_by(name.split()[1])
        elif name == "skip":
            self._skip(item)
        elif name in ("note", "tag"):
            self._ask(name.capitalize(), lambda text: self._remark(item, name, text))
        elif name == "doi":
            self.show(self._open(item))
        elif name == "abstract":
            if item.shown.fields["abstract"]:
                raise InputError("this report has an abstract; the source's own is never overwritten")
            self._ask("Abstract: type or paste it (Enter: fetch it from OpenAlex)", self._fill)

    def _decide(self, verdict: str, reason: str | None) -> None:
        item = self.item
        if item is None:
            return
        if not self.session.may_decide(item):
            self.to_next("Others decide on that report; it is closed to you.")
            return
        self.session.decide(item, verdict, reason)
        self.to_next("\n".join([words.kept(self.session, verdict, reason), *self._said(item)]))

    def _said(self, item: Item) -> list[str]:
        """What may be shown after one's own decision; it is on disk whether or not this can be read."""
        try:
            return self.session.after_decision(item)
        except LitscaleError as error:
            return [str(error)]

    def _exclude(self, answer: str) -> None:
        self._decide("exclude", words.reason_of(self.session, answer))

    def _exclude_by(self, number: str) -> None:
        listed = words.criteria(self.session)
        if int(number) > len(listed):
            raise InputError(f"key {number}: the protocol has {len(listed)} criteria; e excludes too")
        self._exclude(number)

    def _skip(self, item: Item) -> None:
        if item.own:
            self.to_next("You have decided on that report; it is not skipped.")
            return
        self.session.skip(item)
        self.to_next("Skipped: it comes again after all others.")

    def _turn(self, name: str) -> None:
        shown = self.session.undo() if name == "undo" else self.session.redo()
        if shown is None:
            self.show(f"Nothing to {name} in this session.")
            return
        self.item, self.elsewhere = shown, True
        self.show(words.turned(name, shown))

    def _remark(self, item: Item, kind: str, text: str) -> None:
        self.session.remarks.add(item.shown, kind, text)
        self.show(f"The {kind} is kept." if text.strip() else "Nothing was typed.")

    def _open(self, item: Item) -> str:
        address = words.address(self.session, item)
        try:
            return browsing.open_address(address, self.suspend) if address else "No DOI, PMID or link."
        except SuspendNotSupported:
            return f"The address is {address}"

    # ------------------------------------------------------------------ a missing abstract

    def _fill(self, typed: str) -> None:
        item = self.item
        if item is None:
            return
        if typed.strip():
            self._filled(item, typed, None)
            return
        self.show("Asking OpenAlex … you may go on meanwhile.")
        threading.Thread(target=self._fetch, args=(item,), daemon=True, name="abstract").start()

    def _fetch(self, item: Item) -> None:
        """In a thread of its own: a service that is slow must not stop the screen."""
        with suppress(RuntimeError):  # the screen was closed meanwhile
            try:
                text, origin = self.session.fetch_abstract(item)
            except LitscaleError as error:
                self.call_from_thread(self.show, f"No abstract: {error}")
            else:
                self.call_from_thread(self._try, lambda: self._filled(item, text, origin))

    def _filled(self, item: Item, text: str, origin: str | None) -> None:
        said = self.session.fill_abstract(item, text, origin)
        if self.item and self.item.shown.report == item.shown.report:
            self.item = replace(self.item, shown=self.session.texts.shown(item.shown.report))
        else:
            said = f"{item.shown.report}: {said}"
        self.show(said)

    # ------------------------------------------------------------------ finding

    def _search(self, typed: str) -> None:
        found = self.session.search(typed)
        if found:
            self.push_screen(Found(found, typed), lambda report: self._jump(report) if report else None)
        else:
            self.show(f"No report holds all of: {typed}")

    def _jump(self, typed: str) -> None:
        if typed.strip():
            self.item, self.elsewhere = self.session.jump(typed.strip()), True
            self.show("Enter goes back to the queue.")

    def _keys(self, typed: str) -> None:
        if typed.strip():
            self.show(words.keyed(*self.session.key_papers(typed.split())))

    # ------------------------------------------------------------------ the question at the bottom

    def _ask(self, question: str, then: Then) -> None:
        self.query_one("#message", Static).update("")
        self.query_one(Line).ask(question, then)

    def _close(self) -> Then | None:
        then = self.query_one(Line).close()
        self.query_one("#body").focus()
        if self._side_before is not None:
            self.side, self._side_before = self._side_before, None
        return then

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The answer to the question."""
        then = self._close()
        if then is not None:
            self._try(lambda: then(event.value))

    def action_cancel(self) -> None:
        """Take the question back."""
        if self._close():
            self.show("Not done.")
