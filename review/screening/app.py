"""`review screen`: one report at a time on a full screen (Textual). What it does is `Session`'s.

Works in 80×24. A question (a reason, a note, words to search) is asked in one line at the bottom;
Escape takes the question back.
"""

import webbrowser
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Static

from corpora.errors import LitscaleError
from review.screening import words
from review.screening.session import Item, Session

_STYLES = {
    "include": "bold black on #9fd8a4",
    "exclude": "bold black on #f0b7a4",
    "model": "underline bold",
}
_TEXTUAL_KEYS = {"/": "slash", "?": "question_mark"}
_TICK = 2.0
"""Seconds between looks at whether a new ranking was posted."""

Then = Callable[[str], None]


class ScreenApp(App[None]):
    """The screen of one session."""

    CSS = """
    #top, #bottom { height: 1; background: $panel; color: $text; padding: 0 1; }
    #where { height: 1; color: $text-muted; padding: 0 1; }
    #message { height: auto; max-height: 5; padding: 0 1; color: $warning; }
    #body { padding: 0 1; }
    #side { width: 38%; max-width: 52; padding: 0 1; border-left: solid $panel; display: none; }
    #side.shown { display: block; }
    #ask { display: none; height: 3; }
    #ask.shown { display: block; }
    """
    BINDINGS: ClassVar = [Binding("escape", "cancel", "cancel", show=False)]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.item: Item | None = None
        self.side = ""
        self.reasons = False
        self._then: Then | None = None
        self._names = {key: name for key, name, _ in words.keys_of(session.stage.stage)}

    def compose(self) -> ComposeResult:
        """Progress on top, the report, an optional panel beside it, keys at the bottom."""
        yield Static(id="top", markup=False)
        yield Static(id="where", markup=False)
        with Horizontal():
            with VerticalScroll(id="body"):
                yield Static(id="text", markup=False)
            with VerticalScroll(id="side"):
                yield Static(id="panel", markup=False)
        yield Static(id="message", markup=False)
        yield Input(id="ask")
        yield Static(id="bottom", markup=False)

    def on_mount(self) -> None:
        """Show the first report."""
        for key, name in self._names.items():
            self.bind(_TEXTUAL_KEYS.get(key, key), f"key('{name}')", description=name, show=False)
        self.query_one("#body").focus()
        self.set_interval(_TICK, self._top)
        self._to_next()

    # ------------------------------------------------------------------ showing

    def _to_next(self, message: str = "") -> None:
        try:
            self.item = self.session.next()
        except LitscaleError as error:
            self.item, message = None, f"{error}\nPress s to try again."
        self._show(message)

    def _show(self, message: str = "") -> None:
        item = self.item
        self.query_one("#text", Static).update(
            self._report(item) if item else "Nothing is left in this queue."
        )
        self.query_one("#where", Static).update(words.heading(item) if item else "")
        lines = [*(words.warnings(self.session, item) if item else []), *([message] if message else [])]
        self.query_one("#message", Static).update("\n".join(lines))
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)
        side = self.query_one("#side")
        side.set_class(bool(self.side), "shown")
        self.query_one("#panel", Static).update(self._side())
        self._top()

    def _top(self) -> None:
        self.query_one("#top", Static).update(words.progress_line(self.session.progress()))
        keys = [f"{key} {name}" for key, name, _ in words.keys_of(self.session.stage.stage)]
        short = keys[: 3 if self.session.stage.stage == "title-abstract" else 4]
        chosen = [*short, "s skip", "u undo", "n note", "c criteria", "p panel", "? help", "q quit"]
        self.query_one("#bottom", Static).update("  ".join(chosen))

    def _report(self, item: Item) -> Text:
        text = Text()
        text.append_text(self._marked(item, "title", "bold"))
        text.append(f"\n{words.source_line(item)}\n", style="dim")
        if words.link(item):
            text.append(f"{words.link(item)}\n", style="dim")
        text.append("\n")
        text.append_text(self._marked(item, "abstract", ""))
        if self.reasons:
            terms = ", ".join(self.session.reasons(item)) or "nothing yet"
            text.append(f"\n\nThe model goes by: {terms}", style="italic")
        for kind, said in self.session.remarks.of(item.shown):
            text.append(f"\n\nYour {kind}: {said}", style="italic")
        return text

    def _marked(self, item: Item, field: str, style: str) -> Text:
        made = Text(item.shown.fields[field] or ("(no title)" if field == "title" else ""), style=style)
        for start, end, name, kind in self.session.marks(item, reasons=self.reasons):
            if name == field:
                made.stylize(_STYLES[kind], start, end)
        return made

    def _side(self) -> str:
        if self.side == "criteria":
            return "\n\n".join(words.criteria(self.session)) or "The protocol has no criteria."
        if self.side == "panel":
            return "\n".join(words.panel(self.session))
        if self.side == "help":
            return "\n".join(f"{key}  {what}" for key, _, what in words.keys_of(self.session.stage.stage))
        return ""

    # ------------------------------------------------------------------ keys

    def action_key(self, name: str) -> None:
        """One key of `words.KEYS`."""
        if self._then is not None:
            return
        try:
            self._act(name)
        except LitscaleError as error:
            self._show(str(error))

    def _act(self, name: str) -> None:
        session, item = self.session, self.item
        if name == "quit":
            self.exit()
        elif name in ("criteria", "panel", "help"):
            self.side = "" if self.side == name else name
            self._show()
        elif name in ("undo", "redo"):
            shown = session.undo() if name == "undo" else session.redo()
            self.item = shown or item
            self._show("" if shown else f"Nothing to {name}.")
        elif name == "search":
            self._ask("Words in title and abstract", self._found)
        elif name == "jump":
            self._ask("Report or record id", self._jump)
        elif name == "key":
            self._ask("Key papers: record ids, DOIs, PMIDs", self._keys)
        elif item is None:
            self._to_next()
        else:
            self._act_on(name, item)

    def _act_on(self, name: str, item: Item) -> None:
        session = self.session
        if name == "exclude" and session.workspace.protocol.criteria:
            self.side = "criteria"
            self._show()
            self._ask("Which criterion fails (number or id; Enter: none named)", self._exclude)
        elif name in session.verdicts:
            self._decide(name, None)
        elif name == "skip":
            session.skip(item)
            self._to_next("Skipped: it comes again after all others.")
        elif name == "note":
            self._ask("Note", lambda text: self._remark("note", text))
        elif name == "tag":
            self._ask("Tag", lambda text: self._remark("tag", text))
        elif name == "doi":
            address = words.link(item)
            if address:
                webbrowser.open(address)
            self._show(address or "No DOI, PMID or link.")
        elif name == "abstract":
            self._ask("Abstract (Enter: fetch it from OpenAlex)", self._fill)
        elif name == "why":
            self.reasons = not self.reasons
            self._show()

    def _decide(self, verdict: str, reason: str | None) -> None:
        item = self.item
        if item is None:
            return
        if not self.session.may_decide(item):
            self._to_next("Others decide on that report; it is closed to you.")
            return
        self.session.decide(item, verdict, reason)
        said = self.session.after_decision(item)
        self._to_next("\n".join([f"Kept: {verdict}{f', {reason}' if reason else ''}.", *said]))

    def _exclude(self, answer: str) -> None:
        self.side = ""
        self._decide("exclude", words.reason_of(self.session, answer))

    def _remark(self, kind: str, text: str) -> None:
        if self.item:
            self.session.remarks.add(self.item.shown, kind, text)
        self._show()

    def _fill(self, typed: str) -> None:
        if self.item:
            said = self.session.fill_abstract(self.item, typed)
            self.item = self.session.jump(self.item.shown.report)
            self._show(said)

    def _found(self, typed: str) -> None:
        found = self.session.search(typed)
        self.side = "found"
        self._show(f"{len(found)} reports hold these words; j jumps to one.")
        listed = "\n".join(f"{one.report}  {one.fields['title'] or '(no title)'}" for one in found[:20])
        self.query_one("#panel", Static).update(listed or "None.")

    def _jump(self, typed: str) -> None:
        self.item = self.session.jump(typed.strip())
        self._show()

    def _keys(self, typed: str) -> None:
        found, unknown = self.session.key_papers(typed.split())
        self._show(f"{len(found)} key papers train the order; not held: {', '.join(unknown) or 'none'}.")

    # ------------------------------------------------------------------ the question at the bottom

    def _ask(self, question: str, then: Then) -> None:
        self._then = then
        box = self.query_one("#ask", Input)
        box.value = ""
        box.placeholder = question
        box.border_title = question
        box.add_class("shown")
        box.focus()

    def _close(self) -> Then | None:
        box = self.query_one("#ask", Input)
        box.remove_class("shown")
        self.query_one("#body").focus()
        then, self._then = self._then, None
        return then

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The answer to the question."""
        then = self._close()
        if then is None:
            return
        try:
            then(event.value)
        except LitscaleError as error:
            self._show(str(error))

    def action_cancel(self) -> None:
        """Take the question back."""
        if self._close() and self.side == "criteria":
            self.side = ""
        self._show()
