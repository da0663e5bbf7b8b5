"""What the full screen of `review screen` looks like: the report, the lines around it, the panel.

Works in 80×24 and less. What the keys do is `review.screening.app`'s.
"""

from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Container, VerticalScroll
from textual.widgets import Static

from corpora.errors import LedgerError, LitscaleError
from review.screening import words
from review.screening.panes import Line, report
from review.screening.queue import Item
from review.screening.session import Session

WIDE = 100
"""Columns from which the criteria stand beside the report from the start."""


class Face(App[None]):
    """The screen of one session, without its keys."""

    CSS = """
    #top, #bottom { height: 1; background: $panel; color: $text; padding: 0 1; }
    #where { height: auto; max-height: 2; color: $text-muted; padding: 0 1; }
    #message { height: auto; max-height: 6; padding: 0 1; color: $text-warning; }
    #main { height: 1fr; layout: vertical; }
    #body { padding: 0 1; height: 1fr; }
    #text { max-width: 90; }
    #side { display: none; height: auto; max-height: 60%; padding: 0 1; border-top: solid $primary; }
    #side:focus { border-top: heavy $accent; }
    #side.shown { display: block; }
    .-wide #main { layout: horizontal; }
    .-wide #side { width: 40%; max-width: 60; height: 1fr; max-height: 100%;
                   border-top: none; border-left: solid $primary; }
    .-wide #side:focus { border-left: heavy $accent; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.item: Item | None = None
        self.elsewhere = False
        """Whether the report was jumped to, and is not the next of the queue."""
        self.side = ""
        self.reasons = False
        self.highlights = True
        self.trouble = ""
        """Why there is no report, if not because the queue is empty."""
        self._side_before: str | None = None

    def compose(self) -> ComposeResult:
        """Progress on top, the report, an optional panel beside or below it, keys at the bottom."""
        yield Static(id="top", markup=False)
        yield Static(id="where", markup=False)
        with Container(id="main"):
            with VerticalScroll(id="body"):
                yield Static(id="text", markup=False)
            with VerticalScroll(id="side"):
                yield Static(id="panel", markup=False)
        yield Static(id="message", markup=False)
        yield Line()
        yield Static(id="bottom", markup=False)

    def on_resize(self) -> None:
        """Fit the lines of progress and keys to the new width."""
        self.lines()

    # ------------------------------------------------------------------ showing

    def to_next(self, message: str = "") -> None:
        """Take the next report of the queue and show it, or say why there is none."""
        self.elsewhere, self.trouble = False, ""
        try:
            self.item = self.session.next()
        except LitscaleError as error:
            self.item, self.trouble = None, str(error)
        self.show(message)

    def show(self, message: str = "") -> None:
        """Show the report at hand from its top, with a message below it."""
        item = self.item
        self.query_one("#text", Static).update(self._report(item) if item else self._nothing())
        heading = words.heading(item, elsewhere=self.elsewhere) if item else ""
        self.query_one("#where", Static).update(heading)
        lines = [*(words.warnings(self.session, item) if item else []), *([message] if message else [])]
        self.query_one("#message", Static).update("\n".join(lines))
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)
        self.show_side()
        self.lines()

    def show_side(self) -> None:
        """Show or hide the panel."""
        shown = {"criteria": self._criteria, "panel": self._panel}.get(self.side)
        pane = self.query_one("#side", VerticalScroll)
        pane.set_class(shown is not None, "shown")
        self.query_one("#panel", Static).update(shown() if shown else "")
        if shown is None and pane.has_focus:
            self.query_one("#body").focus()

    def lines(self) -> None:
        """Progress on top and keys at the bottom, as wide as the screen."""
        stage = self.session.stage.stage
        progress = words.progress_line(self.session.progress())
        who = f"{stage} · {self.session.person}"
        width = self.size.width - 2
        gap = width - len(progress) - len(who)
        self.query_one("#top", Static).update(progress + (" " * gap + who if gap >= 3 else ""))
        self.query_one("#bottom", Static).update(words.keys_line(stage, width))

    def _report(self, item: Item) -> Text:
        return report(self.session, item, reasons=self.reasons, highlights=self.highlights)

    def _nothing(self) -> str:
        if self.trouble:
            return f"{self.trouble}\n\nWhat you decided is kept. Press Enter to try again, q to quit."
        try:
            return "\n".join([*words.empty(self.session), "", "Enter looks again, q quits."])
        except LedgerError as error:
            return str(error)

    def _criteria(self) -> str:
        between = "\n\n" if self.size.width >= WIDE else "\n"
        return between.join(words.criteria(self.session)) or "The protocol has no criteria."

    def _panel(self) -> str:
        return "\n".join(words.panel(self.session))
