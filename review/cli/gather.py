"""`review import`, `review harvest`, `review dedupe`: records in, duplicates linked."""

from pathlib import Path
from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace, report


def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to import.")],
    source: Annotated[str | None, typer.Option(help="Where the records come from: Embase, Scopus …")] = None,
    platform: Annotated[str | None, typer.Option(help="Through which platform: Ovid …")] = None,
    kind: Annotated[
        str,
        typer.Option(help="database, register, website, organisation, citation, contact or previous."),
    ] = "database",
    searched: Annotated[str | None, typer.Option(help="When the search was run.")] = None,
    strategy: Annotated[str | None, typer.Option(help="The strategy exactly as run.")] = None,
    limits: Annotated[str | None, typer.Option(help="Limits of the search.")] = None,
    hits: Annotated[int | None, typer.Option(help="Hits the platform stated.")] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="Do not recognise the format: ris, csv …")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="A column by hand, e.g. title=Article; may be repeated."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Import files (RIS, NBIB, BibTeX, CSV, TSV, Parquet); the same file twice adds nothing.

    Example: review import embase.ris --source Embase --platform Ovid --hits 1234
    """
    from review import console, ingest
    from review.protocol import import_item

    opened = open_workspace(workspace)
    outcomes = []
    for path in paths:
        item = import_item(
            file=str(path.resolve()),
            source=source,
            platform=platform,
            kind=kind,
            searched=searched,
            strategy=strategy,
            limits=limits,
            hits=hits,
            format=format_name,
            map=mapping or [],
        )
        with console.progress(quiet=quiet) as progress:
            outcomes.append(ingest.import_file(opened, item, progress))
    report(outcomes, as_json=as_json, quiet=quiet)


def harvest(
    name: Annotated[
        str | None, typer.Argument(help="A search of the protocol; without it, all of them.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(min=0.0, help="OpenAlex: spend at most this many US dollars.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="PubMed: only what came or changed from this day on (YYYY-MM-DD)."),
    ] = None,
    accept_warnings: Annotated[
        bool, typer.Option("--accept-warnings", help="Go on though the service ignored a term.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Throw an unfinished round away and begin anew.")
    ] = False,
    reparse: Annotated[
        bool, typer.Option("--reparse", help="Read the archived answers again, without the service.")
    ] = False,
    pubmed_xml: Annotated[
        Path | None, typer.Option(help="Take PubMed's baseline and update files from this folder.")
    ] = None,
    openalex_snapshot: Annotated[
        Path | None, typer.Option(help="Search OpenAlex's snapshot in this folder, not the service.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run the protocol's searches; an interrupted one goes on, a finished one is run anew whole.

    What a later run brings is compared with what is held: see review changes.

    Example: review harvest pubmed
    Example: review harvest openalex --budget 0.50
    """
    from review import console, harvesting

    opened = open_workspace(workspace)
    options = harvesting.Options(
        budget=budget,
        since=since,
        accept_warnings=accept_warnings,
        restart=restart,
        reparse=reparse,
        say=lambda text: console.note(text, quiet=quiet),
    )
    with console.progress(quiet=quiet) as progress:
        if pubmed_xml:
            outcomes = iter([harvesting.harvest_pubmed_files(opened, pubmed_xml, progress)])
        elif openalex_snapshot:
            outcomes = iter([harvesting.harvest_snapshot(opened, openalex_snapshot, name, progress)])
        else:
            outcomes = harvesting.harvest_each(opened, name, options, progress)
        report(outcomes, as_json=as_json, quiet=quiet)


def dedupe(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE...]", help="Plain files, without a workspace; needs --out."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With plain files: the CSV to write, one entry a row.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Link duplicates (same report) and versions of one study; nothing is deleted.

    Example: review dedupe
    Example: review dedupe a.ris b.csv --out clusters.csv
    """
    from review import console, linking

    with console.progress(quiet=quiet) as progress:
        if paths:
            if out is None:
                raise typer.BadParameter("plain files need --out FILE.csv")
            outcome = linking.dedupe_files(paths, out, progress)
        else:
            outcome = linking.dedupe(open_workspace(workspace), progress)
    report([outcome], as_json=as_json, quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command("import")(import_)
    app.command()(harvest)
    app.command()(dedupe)
