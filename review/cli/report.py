"""`review report`, `review checklist`, `review verify`: what goes to a journal, and whether it holds."""

from pathlib import Path
from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace, tell
from review.cli.options import report as say_done


def report(
    formats: Annotated[str, typer.Option("--format", help="html, docx, or both with a comma.")] = "html,docx",
    out: Annotated[Path | None, typer.Option(help="A folder; else report/ of the workspace.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write methods, results, references and appendices from the ledger, as HTML and DOCX.

    Example: review report
    """
    from review import console
    from review.report import build

    opened = open_workspace(workspace)
    with console.progress(quiet=quiet) as progress:
        outcome = build.report(opened, out, formats.split(","), progress)
    say_done([outcome], as_json=as_json, quiet=quiet)


def checklist(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Else those of this kind of review.")
    ] = None,
    formats: Annotated[str, typer.Option("--format", help="docx, html, md, csv.")] = "docx",
    out: Annotated[Path | None, typer.Option(help="A folder; else report/ of the workspace.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fill in a reporting checklist as far as the ledger can: prisma-2020, -scr, -s, -traice.

    Example: review checklist prisma-2020 --format docx,csv
    """
    from review import console
    from review.report import checklists

    opened = open_workspace(workspace)
    with console.progress(quiet=quiet) as progress:
        made = checklists.write(opened, names or None, formats.split(","), out, progress)
    tell({"checklists": [one.to_dict() for one in made]}, [one.line() for one in made], as_json=as_json,
         quiet=quiet)  # fmt: skip


def verify(
    path: Annotated[
        Path | None, typer.Argument(metavar="[REPORT]", help="A report.json, or its folder; else report/.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every difference, not the first few of each part.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compute every number of the report and of figures/ again, and check the corpus; exit 1 if any differs.

    Example: review verify
    Example: review verify --all
    """
    from review import console, verifying

    opened = open_workspace(workspace)
    with console.progress(quiet=quiet) as progress:
        found = verifying.verify(opened, path, progress)
    tell(found.to_dict(), found.lines(every=every), as_json=as_json, quiet=quiet)
    if found.differing:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(report)
    app.command()(checklist)
    app.command()(verify)
