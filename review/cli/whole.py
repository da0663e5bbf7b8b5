"""`review run`, `review demo`: everything that is due, and the whole product in small."""

from pathlib import Path
from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace


def run(workspace: WorkspaceOption = None, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Do everything that is due, in order; what is up to date is skipped and said.

    A step that fails does not keep the others from being done; exit 1 says that one did.

    Example: review run -w my-review
    """
    from review import console, pipeline

    opened = open_workspace(workspace)
    events = []
    with console.progress(quiet=quiet) as progress:
        for event in pipeline.run(opened, progress):
            events.append(event)
            if event.failed and not as_json:
                console.warn(event.sentence())
            elif not as_json:
                console.say(event.sentence(), quiet=quiet)
                for note in event.notes:
                    console.warn(f"  {note}")
    if as_json:
        console.emit({"steps": [event.to_dict() for event in events]})
    for line in pipeline.failures(events):
        console.warn(line)
    if any(event.failed for event in events):
        raise typer.Exit(1)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to make the workspace.")] = Path("litscale-demo"),
    records: Annotated[int, typer.Option(help="Size of the simulated literature.", min=50)] = 2000,
    seed: Annotated[int, typer.Option(help="Same seed, same literature.")] = 42,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show the whole product on a SIMULATED literature, offline, in a few minutes.

    Example: review demo litscale-demo --records 2000
    """
    from review import console
    from review.demo import demo as play

    with console.progress(quiet=quiet or as_json) as progress:
        result = play(
            folder,
            records=records,
            seed=seed,
            progress=progress,
            say=lambda text: console.say(text, quiet=quiet or as_json),
        )
    if as_json:
        console.emit(result)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(run)
    app.command()(demo)
