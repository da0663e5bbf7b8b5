"""`review simulate`: what an order would have saved on a finished review."""

from pathlib import Path
from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption


def simulate(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A finished review, any readable format.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for order.csv, metrics.json and the figure.")],
    label_column: Annotated[
        str, typer.Option("--label-column", help="The column with 1 for included and 0 for excluded.")
    ] = "label_included",
    ranker: Annotated[
        str, typer.Option(help="blend, tfidf-svm, embedding-linear, blend-embedding.")
    ] = "blend",
    seed: Annotated[int, typer.Option(help="Draws the priors, and whatever else is random.", min=0)] = 42,
    priors: Annotated[
        str | None, typer.Option(help="Rows known beforehand, from 0: 12,340. Else one of each kind.")
    ] = None,
    criteria: Annotated[
        Path | None,
        typer.Option(help="A text file with the eligibility criteria.", exists=True, dir_okay=False),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Screen a finished review again and measure the order; needs no workspace.

    Example: review simulate finished.csv --label-column included --out simulated
    """
    from corpora.errors import InputError
    from review import console
    from review.screening.replay import replay

    try:
        rows = [int(part) for part in priors.split(",")] if priors else None
    except ValueError as error:
        raise InputError(f"--priors {priors!r}: write row numbers with commas, e.g. 12,340") from error
    with console.progress(quiet=quiet or as_json) as progress:
        done = replay(
            path,
            label_column=label_column,
            ranker=ranker,
            seed=seed,
            out=out,
            priors=rows,
            criteria=criteria,
            progress=progress,
        )
    if as_json:
        console.emit({**done.metrics, "files": [str(file) for file in done.files]})
        return
    if not quiet:
        told = done.metrics
        share = f"{told['included']:,} of {told['records']:,} included"
        title = f"{told['file']}: {share}, ranker {ranker}, seed {seed}"
        console.table(title, ["metric", "value"], list(told["metrics"].items()))
    for file in done.files:
        console.say(str(file), quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command()(simulate)
