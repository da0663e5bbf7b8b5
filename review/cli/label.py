"""`review train`, `review evaluate`, `review tag`: what each record is about."""

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
)

LabelsOption = Annotated[
    Path | None, typer.Option(help="Labelled records (JSONL, CSV, Parquet); else the protocol's.")
]
RecordsOption = Annotated[Path | None, typer.Option(help="Where their texts are, if not in the labels file.")]
KeyOption = Annotated[str | None, typer.Option(help="The column that joins labels and texts.")]
CodebookOption = Annotated[str | None, typer.Option(help="A codebook by name or path; else the protocol's.")]
SeedOption = Annotated[int | None, typer.Option(help="Else the protocol's seed.")]


def train(
    labels: LabelsOption = None,
    records: RecordsOption = None,
    key: KeyOption = None,
    codebook: CodebookOption = None,
    tagger: Annotated[
        str | None,
        typer.Option(help="linear, descriptions or transformer, which --encoder implies."),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="minilm, biomedbert, biolinkbert, medcpt, bioclinical-modernbert, or a folder."),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="A commit of the encoder on the hub, in place of the pinned one.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, max=20, help="Folds of the transformer's training.")] = 4,
    lora: Annotated[
        int, typer.Option(min=0, help="Rank of LoRA adapters; 0 trains the encoder's own weights.")
    ] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Else the recipe's.")] = None,
    early_stopping: Annotated[
        int,
        typer.Option(min=0, help="Epochs without gain on a held-out tenth that end a training; 0: none do."),
    ] = 0,
    promise_recall: Annotated[
        float | None,
        typer.Option(
            min=0.5, max=0.99, help="Thresholds that keep this share of each label's records, not of best F1."
        ),
    ] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="Folder from which a stopped training goes on.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Without a workspace: the folder to write the model to.")
    ] = None,
    seed: SeedOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a tagger, measured out of fold beside the keyword rules.

    Example: review train --labels labels.jsonl --records records.parquet
    Example: review train --encoder biomedbert --labels labels.jsonl --codebook nlp-medicine --out model
    Example: review train --promise-recall 0.95
    """
    from review import console
    from review.labelling import training

    name = tagger or ("transformer" if encoder else "linear")
    choice = training.Choice(
        name,
        encoder or "minilm",
        revision,
        folds,
        lora,
        epochs,
        patience=early_stopping,
        recall=promise_recall,
        kept=checkpoints,
    )
    with console.progress(quiet=quiet) as progress:
        if out is not None:
            if labels is None:
                raise typer.BadParameter("--out needs --labels FILE")
            outcome = training.train_to_folder(
                training.Source(labels, records, key or "record_key"),
                codebook or "nlp-medicine",
                out,
                choice=choice,
                seed=42 if seed is None else seed,
                progress=progress,
            )
        else:
            opened = open_workspace(workspace)
            source = training.source(opened, labels, records, key)
            outcome = training.train(opened, source, codebook, choice=choice, seed=seed, progress=progress)
    report([outcome], as_json=as_json, quiet=quiet)


def evaluate(
    labels: LabelsOption = None,
    records: RecordsOption = None,
    key: KeyOption = None,
    codebook: CodebookOption = None,
    tagger: Annotated[
        list[str] | None,
        typer.Option(help="keywords, tfidf-logistic, linear, transformer; may be repeated."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Score this trained model instead; the labels must be new to it."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The JSON report to write.")] = None,
    seed: SeedOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """How good the taggers are: all of them on the same folds, or one model on labels new to it.

    Example: review evaluate --labels labels.jsonl --records records.parquet --out evaluation.json
    Example: review evaluate --model model --labels audit.jsonl --records records.parquet
    """
    from review import console
    from review.labelling import evaluating, training

    with console.progress(quiet=quiet) as progress:
        opened = None
        if labels is None or codebook is None:
            opened = open_workspace(workspace) if labels is None or workspace is not None else None
        source = (
            training.source(opened, labels, records, key)
            if opened
            else training.Source(Path(labels or ""), records, key or "record_key")
        )
        outcome = evaluating.evaluate_taggers(
            source,
            codebook or (opened.protocol.labels.codebook if opened else "nlp-medicine"),
            workspace=opened,
            names=tagger or ["keywords", "tfidf-logistic", "linear"],
            model=model,
            out=out,
            seed=42 if seed is None else seed,
            progress=progress,
        )
    report([outcome], as_json=as_json, quiet=quiet)


def tag(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A plain file, without a workspace; needs --out."),
    ] = None,
    tagger: Annotated[
        str | None,
        typer.Option(help="By name; else the protocol's, and for plain files the best at hand."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A trained model's folder, for plain files; else the shipped one.")
    ] = None,
    codebook: Annotated[
        str, typer.Option(help="For plain files: a codebook by name or path.")
    ] = "nlp-medicine",
    out: Annotated[
        Path | None, typer.Option(help="With a plain file: the JSONL to write, one object a row.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="process; machine: a process a GPU or core; ray: a cluster (RAY_ADDRESS).")
    ] = "process",
    workers: Annotated[int | None, typer.Option(min=1, help="How many, for machine and ray.")] = None,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Tag every record by the codebook. A workspace's killed run goes on where it was.

    Example: review tag
    Example: review tag --engine machine --workers 8
    Example: review tag export.ris --codebook nlp-medicine --out tags.jsonl
    """
    from review import console
    from review.labelling import tagging

    if path is not None:
        if out is None:
            raise typer.BadParameter("a plain file needs --out FILE.jsonl")
        if engine != "process":
            raise typer.BadParameter("--engine is for workspaces; a plain file is tagged in this process")
        with console.progress(quiet=quiet) as progress:
            outcome = tagging.tag_file(
                path, out, tagger=tagger, model=model, codebook=codebook, agreed=yes, progress=progress
            )
        report([outcome], as_json=as_json, quiet=quiet)
        return
    opened = open_workspace(workspace)
    outcomes = []
    for name in [tagger] if tagger else opened.protocol.labels.taggers():
        if agreed := tagging.sends(opened, name):
            consent(agreed, yes=yes)
        with console.progress(quiet=quiet) as progress:
            outcomes.append(
                tagging.tag(opened, name, progress, engine=engine, workers=workers, agreed=bool(agreed))
            )
    report(outcomes, as_json=as_json, quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(train)
    app.command()(evaluate)
    app.command()(tag)
