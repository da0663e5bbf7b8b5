"""What a terminal shows: progress on stderr, results on stdout. The only place that prints."""

import getpass
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from corpora.progress import Progress, silent

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_live: list[Bars] = []
"""The bars that are on the screen now: text steps in front of them (`_clear`)."""


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """Progress bars on stderr; plain lines where there is no terminal; nothing if quiet."""
    if quiet:
        yield silent
        return
    if not err.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=err, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None = None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(escape(what), total=total)
            # Finished work leaves the screen; its result is printed as text.
            bars.update(tasks[what], completed=done, total=total, visible=done != total)

        _live.append(bars)
        try:
            yield show
        finally:
            _live.remove(bars)


@contextmanager
def _clear() -> Iterator[None]:
    """Take the bars off the screen for a moment: stdout and stderr share one terminal."""
    for bars in _live:
        bars.stop()
    yield
    for bars in _live:
        bars.start()


class _Lines:
    """A line at the start of each kind of work and then one every ten seconds."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        clock = time.monotonic()
        if clock - self._last.get(what, -10.0) >= 10.0:
            self._last[what] = clock
            of = f"/{total}" if total is not None else ""
            err.print(escape(f"{what}: {done}{of}"))


def say(text: str, *, quiet: bool = False) -> None:
    """Print a line of result for a person."""
    if not quiet:
        with _clear():
            out.print(escape(text))


def plain(text: str) -> None:
    """Print a line as it is, without markup, colour or wrapping: for screen readers and pipes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str, *, quiet: bool = False) -> None:
    """Print a line on stderr while work goes on: a cost, a number of slices."""
    if not quiet:
        with _clear():
            err.print(escape(text))


def warn(text: str) -> None:
    """Print a line on stderr, also when quiet: nothing that was lost or odd is hidden."""
    with _clear():
        err.print(f"[yellow]{escape(text)}[/yellow]")


_ASKED = {
    "source": "Source (Embase, Scopus …)",
    "platform": "Platform (Ovid …)",
    "searched": "Date of the search (YYYY-MM-DD)",
    "strategy": "Strategy, or a text file that holds it",
    "limits": "Limits",
    "hits": "Hits that the platform stated",
}


def ask_missing(said: dict[str, Any], *, mixed: bool) -> dict[str, Any]:
    """Ask for what a report of the search needs; elsewhere than on a terminal nothing is asked."""
    if not (sys.stdin.isatty() and err.is_terminal):
        return said
    made = dict(said)
    for name, question in _ASKED.items():
        if made[name] is None and not (mixed and name == "source"):
            answer = err.input(f"{question} [dim](Enter: add it later)[/dim]: ").strip()
            made[name] = (int(answer) if name == "hits" and answer.isdigit() else answer) or None
    return made


def person() -> str:
    """Who is at the keyboard: ``LITSCALE_PERSON``, else the name of the account."""
    return os.environ.get("LITSCALE_PERSON") or getpass.getuser()


def emit(document: Any) -> None:
    """Print exactly one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    sys.stdout.flush()


def table(title: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    """Print a small table; numbers to the right."""
    from rich.table import Table

    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        shown.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        shown.add_row(*(escape(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row))
    out.print(shown)
