"""`review changes`, `search-check`, `search-report`, `enrich`, `cite`: what a search is answerable for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpora.words import counted
from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace, report

if TYPE_CHECKING:
    from review.gathering.harvesting import Options

BudgetOption = Annotated[float | None, typer.Option(min=0.0, help="Spend at most this many US dollars.")]


def changes(
    name: Annotated[str | None, typer.Argument(help="A search; without it, all run more than once.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write every changed record to this CSV.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """What the newest run of a search brought: new, changed, retracted, no longer matching.

    Example: review changes pubmed --out changes.csv
    """
    from review import console
    from review.gathering import changes as product

    updates = product.changes(open_workspace(workspace), name)
    if out:
        product.to_csv(updates, out)
    if as_json:
        console.emit({"updates": [update.to_dict() for update in updates]})
        return
    if not quiet:
        columns, rows = product.table(updates)
        console.table("Changes since the run before", columns, rows)
    for line in (line for update in updates for line in update.warnings()):
        console.warn(line)


def search_check(
    known: Annotated[Path, typer.Option(help="Papers that must be found: RIS, CSV, BibTeX, NBIB …")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Tell for each known paper: found, missed by the strategy, or absent from the source.

    Example: review search-check --known key-papers.ris
    """
    from review import console
    from review.gathering import searchcheck

    opened = open_workspace(workspace)
    with console.progress(quiet=quiet) as progress:
        checked = searchcheck.check(opened, known, progress)
    if as_json:
        summary = searchcheck.summary(checked)
        console.emit({"papers": [paper.to_dict() for paper in checked], "searches": summary})
        return
    if not quiet:
        columns, rows = searchcheck.table(checked)
        found = sum(paper.found for paper in checked)
        console.table(f"{found} of {len(checked)} known papers found", columns, rows)
    for paper in checked:
        if not paper.found:
            console.warn(f"row {paper.row}: {paper.title} {paper.identifier}: {paper.said()}")


def search_report(
    out: Annotated[
        Path | None, typer.Option(help="Write to this file: .md or .csv; else Markdown on the screen.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Report every search and imported file as PRISMA-S asks.

    Example: review search-report --out searches.csv
    """
    from review import console
    from review.gathering import searchreport

    rows = searchreport.report(open_workspace(workspace))
    if out:
        searchreport.write(rows, out)
        console.say(f"{counted(len(rows), 'search')} reported in {out}", quiet=quiet or as_json)
    if as_json:
        console.emit({"searches": rows})
    elif not out:
        console.say(searchreport.to_markdown(rows))


def enrich(
    budget: BudgetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fill missing abstracts and citation counts from OpenAlex by DOI and PMID; overwrites nothing.

    Example: review enrich --budget 0.10
    """
    from review import console
    from review.gathering import enriching

    opened = open_workspace(workspace)
    with console.progress(quiet=quiet) as progress:
        outcome = enriching.enrich(opened, _options(budget, quiet=quiet), progress)
    report([outcome], as_json=as_json, quiet=quiet)


def cite(
    backward: Annotated[bool, typer.Option("--backward", help="What the included studies cite.")] = False,
    forward: Annotated[bool, typer.Option("--forward", help="What cites the included studies.")] = False,
    budget: BudgetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Search citations of the included studies, in rounds, into the arm of other methods.

    Example: review cite --backward --forward
    """
    from review import console
    from review.gathering import citing

    opened = open_workspace(workspace)
    with console.progress(quiet=quiet) as progress:
        options = _options(budget, quiet=quiet)
        outcome = citing.cite(opened, backward=backward, forward=forward, options=options, progress=progress)
    report([outcome], as_json=as_json, quiet=quiet)


def _options(budget: float | None, *, quiet: bool) -> "Options":
    from review import console
    from review.gathering.harvesting import Options

    return Options(budget=budget, say=lambda text: console.note(text, quiet=quiet))


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(changes)
    app.command("search-check")(search_check)
    app.command("search-report")(search_report)
    app.command()(enrich)
    app.command()(cite)
