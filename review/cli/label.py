"""`review train`, `review tag`: what each record is about."""

from pathlib import Path
from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace, report


def train(
    labels: Annotated[
        Path | None,
        typer.Option(help="Labelled records (JSONL, CSV, Parquet); else the protocol's."),
    ] = None,
    records: Annotated[
        Path | None, typer.Option(help="Where their texts are, if not in the labels file.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The column that joins labels and texts.")] = None,
    codebook: Annotated[
        str | None, typer.Option(help="A codebook by name or path; else the protocol's.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Without a workspace: the folder to write the model to.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Else the protocol's seed.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train the linear tagger and measure it on a held-out fifth, beside the keyword rules.

    Example: review train --labels labels.jsonl --records records.parquet
    """
    from review import console, training

    with console.progress(quiet=quiet) as progress:
        if out is not None:
            if labels is None:
                raise typer.BadParameter("--out needs --labels FILE")
            outcome = training.train_to_folder(
                training.Source(labels, records, key or "record_key"),
                codebook or "nlp-medicine",
                out,
                seed=42 if seed is None else seed,
                progress=progress,
            )
        else:
            opened = open_workspace(workspace)
            source = training.source(opened, labels, records, key)
            outcome = training.train(opened, source, codebook, seed=seed, progress=progress)
    report([outcome], as_json=as_json, quiet=quiet)


def tag(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A plain file, without a workspace; needs --out."),
    ] = None,
    tagger: Annotated[str | None, typer.Option(help="keywords or linear; else the protocol's.")] = None,
    model: Annotated[Path | None, typer.Option(help="A trained model's folder, for plain files.")] = None,
    codebook: Annotated[
        str, typer.Option(help="For plain files: a codebook by name or path.")
    ] = "nlp-medicine",
    out: Annotated[
        Path | None, typer.Option(help="With a plain file: the JSONL to write, one object a row.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Tag every record by the codebook.

    Example: review tag
    Example: review tag export.ris --codebook nlp-medicine --out tags.jsonl
    """
    from review import console, tagging

    with console.progress(quiet=quiet) as progress:
        if path is not None:
            if out is None:
                raise typer.BadParameter("a plain file needs --out FILE.jsonl")
            outcomes = [
                tagging.tag_file(path, out, tagger=tagger, model=model, codebook=codebook, progress=progress)
            ]
        else:
            opened = open_workspace(workspace)
            names = [tagger] if tagger else opened.protocol.labels.taggers()
            outcomes = [tagging.tag(opened, name, progress) for name in names]
    report(outcomes, as_json=as_json, quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(train)
    app.command()(tag)
