"""`review topics`: what a literature is about, without labels."""

from typing import Annotated

import typer

from review.cli.options import JsonOption, QuietOption, WorkspaceOption, consent, open_workspace, tell


def topics(
    mode: Annotated[
        str, typer.Option(help="umap-hdbscan, or kmeans: faster, and without outliers.")
    ] = "umap-hdbscan",
    count: Annotated[
        int | None, typer.Option("--topics", help="How many; else HDBSCAN says, and k-means makes 40.")
    ] = None,
    min_size: Annotated[
        int | None, typer.Option(help="Studies that make a topic (HDBSCAN); else one in 200, at least 10.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Else the protocol's seed.")] = None,
    encoder: Annotated[
        str, typer.Option(help="minilm, medcpt or another of review train --encoder, or a folder.")
    ] = "minilm",
    stability: Annotated[
        int, typer.Option(min=0, max=200, help="Subsamples clustered anew to say which topics are solid.")
    ] = 20,
    apply: Annotated[
        bool, typer.Option("--apply", help="Take the names, merges and removals of topics.toml.")
    ] = False,
    name_by_llm: Annotated[
        bool,
        typer.Option("--name-by-llm", help="Names by the model of LITSCALE_LLM_URL, marked."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Agree that words and titles go to that model.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the topics of the studies, say which of them are solid, and take what people name and merge.

    Example: review topics
    Example: review topics --mode kmeans --topics 30 --stability 10
    Example: review topics --name-by-llm
    Example: review topics --apply
    """
    from review import console, topicnames, topicparts
    from review import topics as work

    opened = open_workspace(workspace)
    if name_by_llm and (leaving := topicnames.sends(opened)):
        consent(leaving, yes=yes)
    with console.progress(quiet=quiet) as progress:
        if apply:
            outcome = work.apply(opened)
        elif name_by_llm:
            outcome = topicnames.name_by_llm(opened, progress)
        else:
            recipe = work.recipe(opened, mode=mode, topics=count, min_size=min_size, seed=seed)
            outcome = work.fit(opened, recipe, encoder=encoder, repeats=stability, progress=progress)
    for note in () if as_json else outcome.notes:
        console.warn(f"  {note}")
    found = topicparts.current(opened)
    told = {"done": [outcome.to_dict()], "topics": found.to_dict() if found else []}
    tell(told, [outcome.sentence(), *(found.sentences() if found else [])], as_json=as_json, quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command()(topics)
