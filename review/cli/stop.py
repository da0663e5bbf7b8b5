"""`review stop`, `review agree`: figures that justify an end, and how far people agree."""

from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace, tell
from review.cli.screen import AsOption, StageOption, stage_of


def stop(
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Sample sizes against the recall that each can prove, and the work."),
    ] = False,
    sample: Annotated[
        int | None, typer.Option(help="Fix the size and draw the one random sample of the unscreened.", min=1)
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Stop by the finished sample, else by the rule.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take a stop back and go on.")] = False,
    rule: Annotated[
        str | None, typer.Option(help="'buscar(0.95, 0.95) and consecutive(50)' …; else the protocol's.")
    ] = None,
    person: AsOption = None,
    stage: StageOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """What the stopping rules say now; estimates and the verified sample are never mixed.

    Example: review stop
    Example: review stop --plan
    Example: review stop --sample 400
    Example: review stop --accept
    """
    from dataclasses import asdict

    from review import console
    from review.screening import resolving, stops

    if sum((plan, sample is not None, accept, undo)) > 1:
        raise typer.BadParameter("--plan, --sample, --accept and --undo exclude each other")
    opened = open_workspace(workspace)
    board = resolving.open_board(opened, stage_of(opened, stage))
    who = person or console.person()
    if plan:
        planned = stops.plan(board)
        if planned.smallest and not as_json and not quiet:
            console.table("A verified sample, before it is drawn", *planned.table())
        tell(asdict(planned), [planned.advice], as_json=as_json, quiet=quiet)
    elif sample is not None:
        drawn = stops.sample(board, sample, who)
        tell(asdict(drawn), [drawn.sentence()], as_json=as_json, quiet=quiet)
    elif accept:
        row = stops.accept(board, who, rule)
        tell(row, [f"{row['outcome']}: {row['sentence']}"], as_json=as_json, quiet=quiet)
        if row["outcome"] != "stopped":
            raise typer.Exit(1)
    elif undo:
        stops.take_back(board, who)
        console.say(f"{board.stage.stage}: screening goes on", quiet=quiet or as_json)
    else:
        told = stops.standing(board, rule)
        tell(told.to_dict(), told.lines(), as_json=as_json)


def agree(
    block: Annotated[
        str | None, typer.Option(help="A block drawn with review assign; else all that two people decided.")
    ] = None,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples.", min=100, max=100_000)] = 2000,
    stage: StageOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cohen's κ, Gwet's AC1, Krippendorff's α, positive and negative agreement, with intervals.

    They are computed on each person's last decision before a conflict was opened.

    Example: review agree --block agreement-1
    """
    from review.screening import agreeing, resolving

    opened = open_workspace(workspace)
    board = resolving.open_board(opened, stage_of(opened, stage))
    told = agreeing.agree(board, block, resamples=resamples)
    tell(told.to_dict(), told.lines(), as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(stop)
    app.command()(agree)
