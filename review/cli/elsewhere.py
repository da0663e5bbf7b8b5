"""`review take-over`, `review suggest`: what other tools decided, and what a language model suggests."""

from pathlib import Path
from typing import Annotated

import typer

from review.cli.options import (
    JsonOption,
    QuietOption,
    WorkspaceOption,
    YesOption,
    consent,
    open_workspace,
    report,
    tell,
)
from review.cli.screen import AsOption, StageOption, stage_of


def take_over(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="An .asreview project, CSV or RIS export.")],
    person: Annotated[
        str | None, typer.Option("--as", help="Whose decisions they are; for Rayyan: the one to take.")
    ] = None,
    tool: Annotated[str | None, typer.Option(help="asreview, rayyan or covidence; else recognised.")] = None,
    on: Annotated[
        str | None,
        typer.Option("--list", help="Covidence: irrelevant, full text review, included, excluded."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Where the records come from, if they are not held yet.")
    ] = None,
    reason: Annotated[
        list[str] | None, typer.Option(help="'THEIR WORDS=CRITERION'; may be repeated.")
    ] = None,
    stage: StageOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Take over labels of ASReview and decisions of Rayyan or Covidence, each under a person's name.

    The file's records are imported too. The same file again adds nothing; what the person decided
    here stays. Covidence exports a consensus: take it over once for each person who reached it.

    Example: review take-over project.asreview --as ann
    Example: review take-over irrelevant.csv --tool covidence --list irrelevant --as ann
    """
    from corpora.errors import InputError
    from review import console
    from review.screening import takeover

    pairs = [pair.rpartition("=") for pair in reason or ()]
    if bad := [text for _, sign, text in pairs if not sign]:
        raise InputError(f"--reason {bad[0]!r}: write it as THEIR WORDS=CRITERION")
    opened = open_workspace(workspace)
    with console.progress(quiet=quiet or as_json) as progress:
        done = takeover.take_over(
            opened,
            path,
            stage=stage_of(opened, stage),
            tool=tool,
            reviewer=person,
            on=on,
            source=source,
            reasons={old.strip(): new.strip() for old, _, new in pairs},
            progress=progress,
        )
        report(done, as_json=as_json, quiet=quiet)


def suggest(
    block: Annotated[
        str | None, typer.Option(help="Ask about a block drawn with review assign --ai.")
    ] = None,
    number: Annotated[
        int | None, typer.Option("--next", help="Ask about so many reports that nobody decided yet.", min=1)
    ] = None,
    score: Annotated[
        str | None, typer.Option(help="Sensitivity on a block that people have settled.")
    ] = None,
    boxes: Annotated[
        bool, typer.Option("--boxes", help="PRISMA-trAIce items, filled from the ledger.")
    ] = False,
    yes: YesOption = False,
    person: AsOption = None,
    stage: StageOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Ask a language model what it would decide. It decides nothing and trains nothing.

    A suggestion is shown to a person after their own decision only, and not at all in a block on
    which suggestions are scored. What leaves the machine, and to where, is said and asked first.

    Example: review suggest --block ai-1
    Example: review suggest --score ai-1
    """
    from dataclasses import asdict

    from review import console
    from review.screening import resolving, suggestions

    opened = open_workspace(workspace)
    board = resolving.open_board(opened, stage_of(opened, stage))
    if score:
        told = suggestions.score(board, score)
        tell(asdict(told), [told.sentence()], as_json=as_json)
        return
    if boxes:
        items = suggestions.boxes(board)
        if as_json:
            console.emit(dict(items))
        else:
            console.table("PRISMA-trAIce", ["item", "answer"], [tuple(item) for item in items])
        return
    reports = suggestions.to_ask(board, block, number)
    consent(suggestions.consent(board, reports), yes=yes)
    with console.progress(quiet=quiet or as_json) as progress:
        outcome = suggestions.suggest(board, reports, person or console.person(), progress=progress)
    report([outcome], as_json=as_json, quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command("take-over")(take_over)
    app.command()(suggest)
