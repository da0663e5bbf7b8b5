"""The `review` command: every verb, and how errors leave it.

Exit 0 when all went well, 1 for an error that a user can do something about, 2 for wrong usage;
anything else is a bug and shows its traceback.
"""

import sys
from typing import Annotated

import typer

from review.cli import (
    annotate,
    compare,
    elsewhere,
    flow,
    fulltext,
    gather,
    label,
    report,
    screen,
    search,
    setup,
    show,
    simulate,
    stop,
    topics,
    whole,
)

app = typer.Typer(
    name="review",
    help="Systematic and scoping reviews at the scale of a literature.\n\nStart with: review demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    setup,
    gather,
    search,
    screen,
    stop,
    fulltext,
    elsewhere,
    simulate,
    label,
    annotate,
    compare,
    topics,
    flow,
    show,
    report,
    whole,
):
    group.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"litscale {version('litscale')}")
        raise typer.Exit


@app.callback()
def _root(
    _show: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Systematic and scoping reviews at the scale of a literature."""


def main() -> None:
    """Run the command line; the entry point of `review` and `litscale`."""
    from corpora.errors import LitscaleError

    try:
        app()
    except LitscaleError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. What was committed is kept; run the same command to go on.\n")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (review … | head): no error of ours.
        sys.stderr.close()
        sys.exit(1)
