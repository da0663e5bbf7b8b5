"""`review flow`, `review remove`, `review release`: what is counted, taken out, and frozen."""

from pathlib import Path
from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace, tell
from review.cli.screen import AsOption


def flow(
    final: Annotated[bool, typer.Option("--final", help="Refuse while anything is unsettled.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the diagram: .svg, .pdf, .png, .tiff, .docx; or .csv.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Whose sizes --out has; else the protocol's journal.")
    ] = None,
    fields: Annotated[
        Path | None, typer.Option("--csv", help="Write the CSV that the PRISMA2020 package for R reads.")
    ] = None,
    tables: Annotated[
        Path | None, typer.Option(help="Write the reports behind the boxes, one CSV each, into a folder.")
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", help="The flow of a released version, as it was.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Count the PRISMA 2020 flow from the data; it says INTERIM until all is settled.

    Example: review flow --json
    Example: review flow --out flow.docx --tables flow-tables
    """
    from review import console, releasing
    from review.counting import flow_of

    if release and tables:
        raise typer.BadParameter("--tables are of the present state; leave --release out")
    opened = open_workspace(workspace)
    counted = releasing.flow_at(opened, release) if release else flow_of(opened)
    if final:
        counted.require_final()
    if as_json:
        console.emit(counted.to_dict())
    elif not quiet:
        columns, rows = counted.table()
        console.table(f"{counted.title} ({'INTERIM' if counted.interim else 'final'})", columns, rows)
        for note in counted.notes:
            console.say(note)
    if out or fields or tables:
        from review.flow import files

        if out:
            shortened = files.write(opened, counted, out, preset)
            console.note(f"{out}", quiet=quiet)
            if shortened:
                console.warn(f"{out}: {shortened}")
        for lost in files.write_fields(counted, fields) if fields else ():
            console.warn(f"{fields}: {lost}")
        for path, n in files.write_tables(opened, tables).items() if tables else ():
            console.note(f"{path}: {n:,} reports", quiet=quiet)


def remove(
    where: Annotated[
        str | None, typer.Option(help="'year < 2015', 'language = fre and not title ~ trial' …")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; it stands in the flow diagram.")] = None,
    by_automation: Annotated[
        bool, typer.Option("--by-automation", help="A model decided: counted as automation tools.")
    ] = False,
    undo: Annotated[
        str | None, typer.Option(metavar="ID", help="Take a removal back; its reports return.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    person: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Take reports out before screening, in bulk; without --where: list what was taken out.

    Fields: year, citation_count, language, publication_type, keyword, source, venue, title, abstract, doi,
    pmid, retraction. A report that somebody has decided on stays; what comes in later is not removed.

    Example: review remove --where "year < 2015" --reason "published before 2015"
    Example: review remove --undo 4f1c
    """
    from review import console, removing

    opened = open_workspace(workspace)
    who = person or console.person()
    if undo:
        count = removing.undo(opened, undo, who)
        tell({"undone": undo, "records": count}, [f"{count:,} records return"], as_json=as_json, quiet=quiet)
        return
    if where is None:
        rows = removing.listed(opened)
        tell({"removals": rows}, removing.lines(rows), as_json=as_json)
        return
    if reason is None:
        raise typer.BadParameter("say why with --reason: it stands in the flow diagram")
    planned = removing.plan(opened, where)
    for line in planned.lines():
        console.note(line, quiet=quiet)
    asked = not yes and planned.reports
    if asked and (as_json or not typer.confirm(f"Remove {len(planned.reports):,} reports?", err=True)):
        console.warn("nothing was removed: not agreed (--yes agrees)")
        raise typer.Exit(1)
    made = removing.remove(opened, planned, reason, who, automation=by_automation)
    told = f"{len(planned.reports):,} reports removed: {reason}; to take it back: review remove --undo {made}"
    tell({"removal": made, **planned.to_dict()}, [told], as_json=as_json, quiet=quiet)


def release(
    tag: Annotated[str | None, typer.Argument(help="The name of the version, as v1.0.")] = None,
    interim: Annotated[
        bool, typer.Option("--interim", help="Also while something is unsettled; the version says so.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="The versions so far.")] = False,
    person: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Freeze a version; once new searches are in, the flow counts what they brought beside it.

    Example: review release v1.0
    Example: review release --list
    """
    from dataclasses import asdict

    from review import console, releasing

    if (tag is None) != listed:
        raise typer.BadParameter("name a TAG, or say --list")
    opened = open_workspace(workspace)
    if tag is None:
        versions = releasing.listed(opened)
        lines = [one.sentence() for one in versions] or ["No version was released yet."]
        tell({"releases": [asdict(one) for one in versions]}, lines, as_json=as_json)
        return
    made = releasing.release(opened, tag, person or console.person(), interim=interim)
    tell(asdict(made), [made.sentence()], as_json=as_json, quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(flow)
    app.command()(remove)
    app.command()(release)
