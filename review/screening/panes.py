"""Parts of the full screen that stand in front of the report: help, what a search found, a line to type."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from review.screening import words
from review.screening.marking import Mark
from review.screening.queue import Item
from review.screening.session import Session
from review.screening.texts import Shown

STYLES = {
    "include": "bold black on #9fd8a4",
    "exclude": "italic underline black on #f0b7a4",
    "model": "underline black on #a9c8f0",
}
"""Marks differ in weight and line as well as in colour, and are dark on light in any theme."""


Then = Callable[[str], None]
"""What an answer is handed to."""


def report(session: Session, item: Item, *, reasons: bool, highlights: bool) -> Text:
    """A report with its source, links, marks and this person's own remarks."""
    marks = session.marks(item, reasons=reasons) if highlights else []
    text = _marked(item, "title", "bold", marks)
    text.append(f"\n{words.source_line(item.shown)}\n", style="dim")
    for where in (words.full_text(session, item), words.link(item.shown)):
        text.append(f"{where}\n" if where else "", style="dim")
    # Above the abstract: below a long one they would be out of sight.
    for kind, said in words.remarks(session, item):
        text.append(f"Your {kind}: {said}\n", style="italic")
    if reasons:
        terms = ", ".join(session.reasons(item)) or "nothing in this text"
        text.append(f"The model goes by: {terms}\n", style="italic")
    text.append("\n")
    text.append_text(_marked(item, "abstract", "", marks))
    return text


def _marked(item: Item, field: str, style: str, marks: Sequence[Mark]) -> Text:
    plain = item.shown.fields[field] or ("(no title)" if field == "title" else "")
    made = Text()
    made.append(words.clean(plain), style=style)
    for start, end, name, kind in marks:
        if name == field:
            made.stylize(STYLES[kind], start, end)
    return made


class Line(Input):
    """The line at the bottom in which a question is asked; what is pasted loses no line."""

    DEFAULT_CSS = """
    Line { display: none; height: 3; }
    Line.shown { display: block; }
    """
    BINDINGS: ClassVar = [
        Binding("up", "app.pane(-1)", "panel up", show=False),
        Binding("down", "app.pane(1)", "panel down", show=False),
    ]
    _then: Then | None = None

    @property
    def asks(self) -> bool:
        """Whether a question waits for its answer."""
        return self._then is not None

    def ask(self, question: str, then: Then) -> None:
        """Show a question; ``then`` takes the answer."""
        self._then = then
        self.value = ""
        self.border_title = question
        self.border_subtitle = "Enter keeps, Escape takes back"
        self.add_class("shown")
        self.focus()

    def close(self) -> Then | None:
        """Take the question off the screen and give what wanted the answer."""
        self.remove_class("shown")
        then, self._then = self._then, None
        return then

    def _on_paste(self, event: events.Paste) -> None:
        # The base takes the first line alone: an abstract out of a PDF would be cut unseen.
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.split()), *self.selection)


class Pane(ModalScreen[str | None]):
    """Something in front of the report that Escape closes."""

    BINDINGS: ClassVar = [
        Binding("escape,q,question_mark", "dismiss(None)", "close"),
    ]
    DEFAULT_CSS = """
    Pane { align: center middle; }
    Pane > Vertical { width: 100%; max-width: 92; height: auto; max-height: 100%; padding: 0 1;
                      border: round $primary; background: $surface; }
    Pane VerticalScroll { height: auto; max-height: 100%; }
    Pane OptionList { height: auto; max-height: 100%; border: none; padding: 0; }
    Pane OptionList:focus { border: none; }
    """


class Help(Pane):
    """All keys, and how marks look."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self._stage = stage

    def compose(self) -> ComposeResult:
        """The keys, as many as there is room for; the rest by scrolling."""
        with Vertical() as box, VerticalScroll():
            yield Static(self._text(), markup=False)
        box.border_title = "Keys"
        box.border_subtitle = "Escape closes; arrows scroll"

    def _text(self) -> Text:
        text = Text()
        for key, _, what in words.keys_of(self._stage):
            text.append(f"{key:>5}  ", style="bold").append(f"{what}\n")
        text.append("Space").append("  page down; arrows, Page, Home and End scroll too\n")
        text.append("  Tab").append("  to the panel, to scroll it, and back\n")
        text.append("\nMarks: ")
        for kind, said in (
            ("include", "speaks for"),
            ("exclude", "speaks against"),
            ("model", "the model's"),
        ):
            text.append(said, style=STYLES[kind]).append("  ")
        return text


MOST = 200
"""Reports that a search gives at most (`Texts.find`)."""


class Found(Pane):
    """Reports that a search found; Enter jumps to the one under the bar."""

    def __init__(self, found: Sequence[Shown], typed: str) -> None:
        super().__init__()
        self._found, self._typed = found, typed

    def compose(self) -> ComposeResult:
        """One entry a report: title and year."""
        with Vertical() as box:
            yield OptionList(*(self._line(one) for one in self._found), markup=False)
        count = f"{len(self._found)} reports hold"
        box.border_title = f"{'The first ' if len(self._found) >= MOST else ''}{count}: {self._typed}"
        box.border_subtitle = "Enter jumps, Escape closes"

    def _line(self, shown: Shown) -> str:
        year = f" ({shown.fields['year']})" if shown.fields["year"] else ""
        return f"· {words.clean(shown.fields['title'] or '(no title)')}{year}"

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give the report back."""
        self.dismiss(self._found[event.option_index].report)
