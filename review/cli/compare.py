"""`review compare`: a published review's numbers beside ours."""

from pathlib import Path
from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace


def compare(
    other: Annotated[
        str | None,
        typer.Option("--with", help="nlp-vs-llm, rag-medicine, or a file; else the protocol's."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the rows as CSV.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Set the numbers of a published review beside ours, and say where the populations differ.

    Example: review compare
    Example: review compare --with rag-medicine --out compare.csv
    """
    from review import comparing, console

    found = comparing.compare(open_workspace(workspace), other)
    if out is not None:
        comparing.write(found, out)
    if as_json:
        console.emit(found.to_dict())
    elif not quiet:
        console.table(found.published.title, ["", "published", "ours", "mind"], comparing.lines(found))
        for note in found.notes():
            console.say(note)


def register(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command()(compare)
