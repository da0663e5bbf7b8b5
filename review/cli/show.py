"""`review figures`, `tables`, `dashboard`: what people look at."""

from pathlib import Path
from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace, report


def figures(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="NAME or NAME:DIMENSION,…; else the protocol's figures."),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="nature, npj, lancet, jmir, plos or elsevier.")] = None,
    formats: Annotated[
        str | None, typer.Option("--format", help="pdf,svg,png,tiff,eps; else the protocol's.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Draw the figures at a journal's sizes, each with its table (CSV) and its inputs (JSON).

    Example: review figures --preset nature --format pdf,svg
    Example: review figures label-trends:tasks evidence-gap-map:data,evaluation
    """
    from review import console, export

    opened = open_workspace(workspace)
    with console.progress(quiet=quiet) as progress:
        saved = export.figures(
            opened,
            names or None,
            preset_name=preset,
            formats=formats.split(",") if formats else None,
            progress=progress,
        )
    if as_json:
        console.emit({"figures": [item.to_dict() for item in saved]})
        return
    for item in saved:
        for path in item.files:
            console.say(str(path), quiet=quiet)
        if item.shortened:
            console.warn(f"{item.name}: {item.shortened}")


def tables(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="characteristics, label-shares, searches or a figure's."),
    ] = None,
    formats: Annotated[
        str | None, typer.Option("--format", help="csv,md,tex,docx,html; else all of them.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the review's tables, and those of its figures, for a manuscript.

    Example: review tables characteristics --format docx,tex
    """
    from review import console
    from review.tables.save import tables as write

    opened = open_workspace(workspace)
    with console.progress(quiet=quiet) as progress:
        saved = write(
            opened, names or None, formats=formats.split(",") if formats else None, progress=progress
        )
    if as_json:
        console.emit({"tables": [item.to_dict() for item in saved]})
        return
    for item in saved:
        for path in item.files:
            console.say(str(path), quiet=quiet)


def dashboard(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8501,
    host: Annotated[
        str, typer.Option(help="127.0.0.1 is this machine only; others can then open it too.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    workspace: WorkspaceOption = None,
) -> None:
    """Open the dashboard of this workspace in a browser; stop it with Ctrl-C.

    Example: review dashboard --port 8600 --no-browser
    """
    from review import console
    from review.serve import access
    from review.serve import dashboard as serve

    opened = open_workspace(workspace)
    console.note(access(host))
    console.note("Reading the workspace: once for each new state of its data …")
    raise typer.Exit(serve(opened, host=host, port=port, browser=browser))


def export(
    path: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="out.ris, .nbib, .bib, .csv or .xlsx.")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="ris, nbib, bibtex, csv, asreview, xlsx; else by suffix."),
    ] = None,
    which: Annotated[str, typer.Option(help="all, included, excluded or unsettled.")] = "all",
    osf: Annotated[
        Path | None, typer.Option("--osf", help="Instead of FILE: pack all for deposit into this folder.")
    ] = None,
    pseudonyms: Annotated[bool, typer.Option(help="With --osf: person-1, … instead of names.")] = False,
    with_abstracts: Annotated[
        bool, typer.Option("--with-abstracts", help="With --osf: those whose licence allows it.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write reports for other tools, with decisions and labels as fields; or pack the review for deposit.

    Example: review export included.ris --which included
    Example: review export asreview.csv --format asreview
    Example: review export --osf deposit --pseudonyms
    """
    if (path is None) == (osf is None):
        raise typer.BadParameter("name a FILE, or a folder with --osf")
    from review import console

    with console.progress(quiet=quiet) as progress:
        # Said before the libraries load: that alone can take seconds.
        progress("reading the workspace", 0, 1)
        from review import depositing, exchange

        opened = open_workspace(workspace)
        progress("reading the workspace", 1, 1)
        if osf is not None:
            outcome = depositing.deposit(
                opened, osf, pseudonyms=pseudonyms, with_abstracts=with_abstracts, progress=progress
            )
        elif path is not None:
            outcome = exchange.export(opened, path, format_name=format_name, which=which, progress=progress)
    report([outcome], as_json=as_json, quiet=quiet)


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Any file that review import reads.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="out.ris, .nbib, .bib, .csv or .xlsx.")],
    format_name: Annotated[str | None, typer.Option("--format", help="Else the suffix of OUT.")] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Change the format of a file, without a workspace.

    Example: review convert savedrecs.txt records.ris
    """
    from review import exchange

    report([exchange.convert(source, target, format_name=format_name)], as_json=as_json, quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(figures)
    app.command()(tables)
    app.command()(dashboard)
    app.command()(export)
    app.command()(convert)
