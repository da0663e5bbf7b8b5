"""Options that many commands share, and the one way a command prints what it did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from review.gathering.ingest import Outcome

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="The review's folder; else LITSCALE_WORKSPACE, else the nearest one upwards.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no text; warnings stay.")]


YesOption = Annotated[bool, typer.Option("--yes", help="Agreed: the texts may be sent there.")]


def open_workspace(given: Path | None) -> Any:
    """The workspace that a command works on."""
    from review.workspace import Workspace

    return Workspace.find(given)


def as_text(given: str | None) -> str | None:
    """What was given, or what stands in the file of that name."""
    path = Path(given) if given and len(given) < 1_000 else None
    return path.read_text("utf-8").strip() if path and path.is_file() else given


def consent(sentence: str, *, yes: bool) -> None:
    """Say what would leave this machine, and go on only if somebody agrees.

    Raises:
        InputError: nobody agreed, or nobody is at a terminal to be asked.

    """
    import sys

    from corpora.errors import InputError
    from review import console

    console.note(sentence, quiet=False)
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("nothing was sent: nobody can be asked here whether the texts may go; say --yes")
    if not typer.confirm("Send them?", err=True):
        raise InputError("nothing was sent: not agreed")


def tell(document: Any, lines: Iterable[str], *, as_json: bool, quiet: bool = False) -> None:
    """Print one JSON document, or lines for a person."""
    from review import console

    if as_json:
        console.emit(document)
        return
    for line in lines:
        console.say(line, quiet=quiet)


def report(outcomes: Iterable[Outcome], *, as_json: bool, quiet: bool) -> None:
    """Print what was done, as it is done: one JSON document, or a line each with its notes."""
    from review import console

    if as_json:
        console.emit({"done": [outcome.to_dict() for outcome in outcomes]})
        return
    for outcome in outcomes:
        console.say(outcome.sentence(), quiet=quiet)
        for note in outcome.notes:
            console.warn(f"  {note}")
