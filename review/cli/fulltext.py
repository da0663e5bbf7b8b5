"""`review fulltext`: which full texts are wanted, at hand, or not to be had."""

from pathlib import Path
from typing import Annotated, Any

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace, tell
from review.cli.screen import AsOption


def fulltext(
    report: Annotated[
        str | None, typer.Argument(help="A report or record id, DOI or PMID, to say something of it.")
    ] = None,
    link: Annotated[str | None, typer.Option(help="Retrieved: it stands at this address.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="Retrieved: this file, copied.", exists=True, dir_okay=False)
    ] = None,
    sought: Annotated[bool, typer.Option("--sought", help="Asked for, not here yet.")] = False,
    not_retrieved: Annotated[
        bool, typer.Option("--not-retrieved", help="Given up; needs --where and --why.")
    ] = False,
    where: Annotated[
        str | None, typer.Option(help="Where it was sought: library, author, publisher.")
    ] = None,
    why: Annotated[str | None, typer.Option(help="Why it could not be had.")] = None,
    get: Annotated[
        bool, typer.Option("--get", help="Fetch open copies; DOIs and PMIDs go to OpenAlex.")
    ] = False,
    attach: Annotated[
        Path | None, typer.Option(help="Attach a folder's files, named by report id, DOI or PMID.")
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="CSV of what is still to be had, for interlibrary loan.")
    ] = False,
    person: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Full texts: sought, retrieved, not retrieved; only what is retrieved can be assessed.

    Example: review fulltext --get
    Example: review fulltext --list > wanted.csv
    Example: review fulltext --attach pdfs/
    Example: review fulltext 10.1000/xyz --not-retrieved --where "library, author" --why "no answer"
    """
    from review import console
    from review.gathering import retrieval

    opened = open_workspace(workspace)
    who = person or console.person()
    if report:
        said = {"retrieved": link or file, "sought": sought, "not-retrieved": not_retrieved}
        states = [state for state, given in said.items() if given]
        if len(states) != 1 or (link and file):
            raise typer.BadParameter(f"{report}: say one of --link, --file, --sought, --not-retrieved")
        shown = retrieval.say(opened, report, states[0], who, place=link or where, why=why, file=file)
        console.say(f"{states[0]}: {shown.report}  {shown.fields['title']}", quiet=quiet or as_json)
        return
    if get or attach:
        with console.progress(quiet=quiet or as_json) as progress:
            done = retrieval.attach(opened, attach, who) if attach else retrieval.get(opened, who, progress)
        _tell(done, as_json=as_json, quiet=quiet, get=get)
        return
    found = retrieval.wanted(opened)
    if listed:
        console.plain(retrieval.loan_list(found).rstrip("\n"))
        return
    counts = retrieval.counts(found)
    lines = [f"{name:<14} {count:,}" for name, count in counts.items()]
    tell(counts, [*lines, *retrieval.given_up(found)], as_json=as_json, quiet=quiet)


def _tell(done: Any, *, as_json: bool, quiet: bool, get: bool) -> None:
    from review import console

    if as_json:
        console.emit(done.to_dict())
    else:
        console.say(f"{len(done.attached):,} attached, {len(done.missing):,} still to be had", quiet=quiet)
        for line in done.missing if get else ():
            console.say(f"  {line}", quiet=quiet)
    for name in done.unmatched:
        console.warn(f"  {name}: its name is no report or record id, DOI or PMID of one report; rename it")
    if done.unmatched:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command()(fulltext)
