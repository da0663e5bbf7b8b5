"""`review new`, `review status`, `review protocol`: the workspace itself."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from corpora.words import counted
from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace


def new(
    folder: Annotated[Path, typer.Argument(help="Where to make the workspace.")],
    template: Annotated[
        str, typer.Option(help="The protocol to start from: scoping, systematic, nlp-vs-llm or rag-medicine.")
    ] = "scoping",
    quiet: QuietOption = False,
) -> None:
    """Make a workspace with a protocol to fill in.

    Example: review new my-review --template scoping
    """
    from review import console
    from review.templates import read_template
    from review.workspace import Workspace

    workspace = Workspace.create(folder, read_template(template))
    console.say(f"Made {workspace.root}", quiet=quiet)
    console.say(f"Next: edit {folder}/protocol.toml, then: review run -w {folder}", quiet=quiet)
    if "transformer" in workspace.protocol.labels.taggers() and not all(
        map(find_spec, ("torch", "transformers"))
    ):
        console.say(
            "Its tagger transformer needs more than is here: pip install 'litscale[transformer,offline]'; "
            'or tag by rules: [labels] tagger = "keywords" in protocol.toml',
            quiet=quiet,
        )


def status(
    workspace: WorkspaceOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """Say what is there, what is due and what is open.

    Example: review status --json
    """
    from review import console

    with console.progress(quiet=quiet) as progress:
        # Said before the libraries load: that alone can take seconds.
        progress("reading the workspace", 0, 1)
        from review.status import describe, lines

        found = describe(open_workspace(workspace))
        progress("reading the workspace", 1, 1)
    if as_json:
        console.emit(found)
    else:
        for line in lines(found):
            console.say(line, quiet=quiet)


def freeze(workspace: WorkspaceOption = None, quiet: QuietOption = False) -> None:
    """Stamp the protocol with version, date and hash; decisions carry the version.

    Example: review protocol freeze
    """
    from review import console

    version = open_workspace(workspace).freeze()
    console.say(f"Protocol frozen as version {version}.", quiet=quiet)


def amend(
    reason: Annotated[str, typer.Option(help="Why the protocol changed; it is reported.")],
    rescreen: Annotated[
        bool,
        typer.Option("--rescreen", help="Return what was decided under older criteria to be decided again."),
    ] = False,
    workspace: WorkspaceOption = None,
    quiet: QuietOption = False,
) -> None:
    """Stamp a changed protocol as a new version, with the reason.

    Example: review protocol amend --reason 'criterion 2 was ambiguous'
    Example: review protocol amend --reason 'criterion 3 is new' --rescreen
    """
    from review import console, decisions
    from review.protocol import judges_alike

    opened = open_workspace(workspace)
    before = opened.frozen()
    version = opened.amend(reason)
    changed = before is not None and not judges_alike(before["text"], opened.protocol_text)
    older = decisions.under_older(opened.ledger.current("decisions"), version) if changed else 0
    console.say(f"Protocol amended: version {version}, because: {reason}", quiet=quiet)
    if rescreen:
        stages = opened.protocol.stages
        back = sum(decisions.rescreen(opened, stage, console.person()) for stage in stages)
        console.say(
            f"{counted(back, 'decision was')} taken back, to be made again by the same people.",
            quiet=quiet,
        )
    elif older:
        console.warn(
            f"{counted(older, 'decision was')} made under older criteria and kept as decided "
            "(--rescreen returns what is older)."
        )


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(new)
    app.command()(status)
    protocol = typer.Typer(help="Freeze or amend the protocol.", no_args_is_help=True)
    protocol.command()(freeze)
    protocol.command()(amend)
    app.add_typer(protocol, name="protocol")
