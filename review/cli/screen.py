"""`review screen`, `assign`, `resolve`: people decide."""

from typing import Annotated, Any

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace

StageOption = Annotated[
    str | None, typer.Option("--stage", help="title-abstract or full-text; else the protocol's first.")
]
AsOption = Annotated[
    str | None, typer.Option("--as", help="Who decides; else LITSCALE_PERSON or the account's name.")
]


def stage_of(workspace: Any, given: str | None) -> str:
    """The stage that was named, else the protocol's first."""
    name: str = workspace.protocol.stage(given or workspace.protocol.stages[0]).stage
    return name


def screen(
    stage: StageOption = None,
    person: AsOption = None,
    queue: Annotated[
        str,
        typer.Option(
            help="ranked; no-abstract: those without a usable abstract, screened whole; half: those that "
            "wait for another opinion (to be finished before a sample)."
        ),
    ] = "ranked",
    ranker: Annotated[str | None, typer.Option(help="blend, tfidf-svm …; else the protocol's.")] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="One line after the other: dumb terminals, screen readers.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Screen one report at a time; every decision is on disk before the next report shows.

    Example: review screen --as ann
    Example: review screen --as ann --stage full-text --plain
    """
    import os
    import sys

    from review import console

    opened = open_workspace(workspace)
    opened.protocol_version()  # said at once, not after the wait: without a frozen protocol nobody decides
    console.note("Opening the queue …")
    from review.screening.session import Session

    with Session(
        opened, person or console.person(), stage_of(opened, stage), queue=queue, ranker=ranker
    ) as session:
        if plain or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
            from review.screening.plain import run

            run(session, console.plain, input)
        else:
            from review.screening.app import ScreenApp

            ScreenApp(session).run()
            held = session.progress()
            console.say(f"{held.decided:,} decided in all, {held.included:,} in, {held.left:,} left.")


def assign(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Who joins.")] = None,
    leave: Annotated[
        list[str] | None, typer.Option("--leave", help="Who leaves; their decisions stay and count.")
    ] = None,
    stage: StageOption = None,
    calibration: Annotated[
        int | None, typer.Option(help="Draw a random block of this size that everyone screens first.", min=1)
    ] = None,
    agreement: Annotated[
        int | None,
        typer.Option(help="Draw a block by model score that two people screen, for review agree.", min=1),
    ] = None,
    ai: Annotated[
        int | None, typer.Option("--ai", help="Draw a random block on which suggestions are scored.", min=1)
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Who screens at a stage, and the blocks that are screened before all else.

    Example: review assign ann ben
    Example: review assign --calibration 50
    Example: review assign --leave ben
    """
    from dataclasses import asdict

    from review import console
    from review.screening import drawing, resolving

    opened = open_workspace(workspace)
    name, person = stage_of(opened, stage), console.person()
    for state, people in (("joined", names), ("left", leave)):
        if people:
            resolving.assign(opened, name, people, state, person)
    blocks = [
        drawing.draw(opened, name, kind, size, person)
        for kind, size in (("calibration", calibration), ("agreement", agreement), ("ai", ai))
        if size
    ]
    board = resolving.open_board(opened, name)
    told = {"stage": name, "team": board.team, "blocks": [block.name for block in board.blocks]}
    if as_json:
        console.emit({**told, "drawn": [asdict(block) for block in blocks]})
        return
    console.say(f"{name}: {', '.join(board.team) or 'whoever comes'}", quiet=quiet)
    for block in blocks:
        console.say(block.sentence(), quiet=quiet)


def resolve(
    report: Annotated[str | None, typer.Argument(help="A report or record id.")] = None,
    verdict: Annotated[str | None, typer.Argument(help="include or exclude (full-text also …).")] = None,
    how: Annotated[
        str, typer.Option(help="discussion, or third: somebody who had not voted.")
    ] = "discussion",
    reason: Annotated[str | None, typer.Option(help="The criterion that fails.")] = None,
    note: Annotated[str | None, typer.Option(help="What settled it.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Open a resolved conflict again.")] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Conflicts, and what else waits for a person.")
    ] = False,
    person: AsOption = None,
    stage: StageOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Settle conflicts; all opinions are kept. Without a report: one after the other.

    Example: review resolve --list
    Example: review resolve R969833fc310e61e3 include --how third --as cleo
    """
    from review import console
    from review.cli import conflict
    from review.screening import resolving

    opened = open_workspace(workspace)
    board = resolving.open_board(opened, stage_of(opened, stage))
    who = person or console.person()
    if undo and report:
        resolving.take_back(board, report, who)
        console.say(f"{report}: open again", quiet=quiet)
    elif report and verdict:
        resolving.resolve(board, report, verdict, who, how=how, reason=reason, note=note)
        console.say(f"{report}: {verdict} by {how}", quiet=quiet)
    elif listed or as_json:
        conflict.show(board, who, as_json=as_json)
    else:
        conflict.run(board, who)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(screen)
    app.command()(assign)
    app.command()(resolve)
