"""`review import`, `review harvest`, `review dedupe`: records in, duplicates linked."""

from pathlib import Path
from typing import Annotated

import typer

from corpora.words import counted
from review.cli.options import JsonOption, QuietOption, WorkspaceOption, as_text, open_workspace, report


def import_(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="FILE...", help="Files to import.")] = None,
    source: Annotated[str | None, typer.Option(help="Where the records come from: Embase, Scopus …")] = None,
    platform: Annotated[str | None, typer.Option(help="Through which platform: Ovid …")] = None,
    kind: Annotated[
        str,
        typer.Option(help="database, register, website, organisation, citation, contact or previous."),
    ] = "database",
    searched: Annotated[str | None, typer.Option(help="When the search was run (YYYY-MM-DD).")] = None,
    strategy: Annotated[
        str | None, typer.Option(help="The strategy exactly as run, or a text file that holds it.")
    ] = None,
    limits: Annotated[str | None, typer.Option(help="Limits of the search.")] = None,
    hits: Annotated[int | None, typer.Option(help="Hits the platform stated.")] = None,
    deduplicated: Annotated[
        str | None,
        typer.Option(help="Duplicates removed elsewhere before: 'EndNote, 312 removed'."),
    ] = None,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="A library of several sources: each row names its own.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take nothing of a file with a bad row.")] = False,
    format_name: Annotated[
        str | None, typer.Option("--format", help="Do not recognise the format: ris, csv …")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="A column by hand, e.g. title=Article; may be repeated."),
    ] = None,
    undo: Annotated[str | None, typer.Option(help="Take this run back; decisions on it stay.")] = None,
    add_to: Annotated[str | None, typer.Option(help="Add what is known of this run's search later.")] = None,
    reason: Annotated[str, typer.Option(help="Why it is taken back.")] = "imported by mistake",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Import files of any known format; the same file twice adds nothing. --undo takes a run back.

    On a terminal, what a report of the search needs and nobody said is asked for.

    Example: review import embase.ris --source Embase --platform Ovid --hits 1234
    Example: review import --undo 20261124T013700Z-1a2b3c4d
    """
    from review import console
    from review.gathering import ingest
    from review.protocol import import_item

    if not (paths or undo or add_to):
        raise typer.BadParameter("name a file to import, or a run with --undo or --add-to")
    opened = open_workspace(workspace)
    said = {"source": source, "platform": platform, "searched": searched, "strategy": as_text(strategy),
            "limits": limits, "hits": hits, "deduplicated": deduplicated}  # fmt: skip
    if undo:
        report([ingest.withdraw(opened, undo, reason, console.person())], as_json=as_json, quiet=quiet)
        return
    if add_to:
        said["source_title"] = said.pop("source")
        given = {name: str(value) for name, value in said.items() if value is not None}
        ingest.state(opened, add_to, given, console.person())
        console.say(f"{add_to}: {', '.join(given)} added", quiet=quiet or as_json)
        return
    if not (quiet or as_json):
        said = console.ask_missing(said, mixed=mixed)
    outcomes = []
    for path in paths or ():
        item = import_item(file=str(path.resolve()), kind=kind, mixed=mixed, format=format_name,
                           map=mapping or [], **said)  # fmt: skip
        with console.progress(quiet=quiet) as progress:
            outcomes.append(ingest.import_file(opened, item, progress, strict=strict))
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
    from review import console
    from review.gathering import harvesting

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
    by_hand: Annotated[
        bool, typer.Option("--review", help="Settle the pairs that wait for a person, side by side.")
    ] = False,
    explain: Annotated[
        tuple[str, str] | None, typer.Option(metavar="ID1 ID2", help="Why two records are what they are.")
    ] = None,
    undo: Annotated[
        tuple[str, str] | None, typer.Option(metavar="ID1 ID2", help="Take back what people said of a pair.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Link duplicates (same report) and versions of one study; nothing is deleted.

    Example: review dedupe
    Example: review dedupe --review
    Example: review dedupe a.ris b.csv --out clusters.csv
    """
    from review import console, linking, settling
    from review.cli import settle

    if explain or undo or by_hand:
        opened = open_workspace(workspace)
        if by_hand:
            settle.run(opened, console.person())
        elif undo:
            count = settling.undo(opened, *undo, console.person())
            console.say(f"{counted(count, 'word')} on {undo[0]} and {undo[1]} taken back", quiet=quiet)
        elif explain:
            told = settling.explain(opened, *explain)
            if as_json:
                console.emit(told)
            else:
                console.say("\n".join(settling.explained(told)))
        return
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
