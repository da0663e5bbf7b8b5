"""Figures of a workspace: computed from its facts, drawn only when what they read has changed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from corpora.progress import Progress, silent
from corpora.registry import load
from corpora.run import FileEntry, Run
from review import materials
from review.analysis.labelshares import label_shares
from review.analysis.tidy import Context, Tidy
from review.facts import Facts, facts, shown, unheard
from review.figures.base import FigureSpec
from review.figures.presets import formats_for, preset
from review.figures.save import SavedFigure, escaped, save
from review.gathering.ingest import Outcome, file_hash
from review.labelling import auditing
from review.workspace import Workspace


def figures(
    workspace: Workspace,
    names: Sequence[str] | None = None,
    *,
    preset_name: str | None = None,
    formats: Sequence[str] | None = None,
    progress: Progress = silent,
) -> list[SavedFigure]:
    """Draw figures (the protocol's unless named) into ``figures/`` and give what was written."""
    return _draw(workspace, names, preset_name=preset_name, formats=formats, progress=progress)[0]


def _draw(
    workspace: Workspace,
    names: Sequence[str] | None = None,
    *,
    preset_name: str | None = None,
    formats: Sequence[str] | None = None,
    progress: Progress = silent,
) -> tuple[list[SavedFigure], Run]:
    """The figures and the run that drew them, which the ledger lists with the files' hashes."""
    chosen = preset(preset_name or workspace.protocol.figures.preset)
    # The protocol's formats are meant for its own preset; another one brings its own.
    own = preset_name in (None, workspace.protocol.figures.preset)
    given = tuple(formats) if formats else workspace.protocol.figures.formats if own else ()
    wanted = formats_for(chosen, given)
    specs = [spec_of(name) for name in names or workspace.protocol.figures.names]
    run = Run.begin(
        "figures",
        {"names": [spec.name for spec in specs], "preset": chosen.name, "formats": list(wanted)},
        seed=workspace.protocol.seed,
        input_hash=workspace.snapshot(),
        libraries=("matplotlib", "seaborn", "pandas"),
    )
    held = facts(workspace)
    folder = workspace.root / "figures"
    folder = folder if own else folder / chosen.name
    saved = []
    about = population(workspace, held)
    for number, spec in enumerate(specs):
        progress("drawing figures", number, len(specs))
        tidy = tidy_of(workspace, spec, held, about)
        inputs = inputs_of(workspace, spec)
        saved.append(save(spec, tidy, folder, chosen, wanted, inputs))
    progress("drawing figures", len(specs), len(specs))
    run.account.promised, run.account.delivered = len(specs), len(saved)
    run.files = {path.name: FileEntry(None, file_hash(path)) for item in saved for path in item.files}
    workspace.ledger.add_run("figures", run.finish())
    return saved, run


def draw(workspace: Workspace, names: Sequence[str], progress: Progress = silent) -> Outcome:
    """The step of `review run`: draw the named figures by the protocol."""
    saved, run = _draw(workspace, names, progress=progress)
    short = tuple(f"{item.name}: {item.shortened}" for item in saved if item.shortened)
    return Outcome("figures", run, short)


def stale(workspace: Workspace) -> list[str]:
    """The protocol's figures that are missing, or whose inputs, preset or formats changed."""
    wanted = workspace.protocol.figures
    due = []
    for name in wanted.names:
        spec = spec_of(name)
        path = workspace.root / "figures" / f"{spec.name}.json"
        try:
            told = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            due.append(name)
            continue
        now = inputs_of(workspace, spec)
        formats = formats_for(preset(wanted.preset), wanted.formats)
        same = (told.get("inputs"), told.get("preset"), tuple(told.get("formats", ())))
        if same != (now, wanted.preset, formats) or not _complete(path, told):
            due.append(name)
    return due


def _complete(path: Path, told: dict[str, Any]) -> bool:
    return all(path.with_suffix(f".{kind}").exists() for kind in (*told["formats"], "csv"))


def spec_of(name: str) -> FigureSpec:
    """A figure by its name, or for other dimensions of the codebook: ``label-trends:tasks``.

    >>> spec_of("label-trends:tasks").name
    'label-trends-tasks'
    """
    plain, _, given = name.partition(":")
    spec: FigureSpec = load("figures", plain)
    return spec.on(*given.split(",")) if given else spec


def inputs_of(workspace: Workspace, spec: FigureSpec) -> dict[str, Any]:
    """A value for each thing that a figure reads; it is stale only when one of them changes."""
    return materials.signatures(workspace, spec.reads)


def tidy_of(
    workspace: Workspace, spec: FigureSpec, held: Facts, about: tuple[pd.DataFrame, Context] | None = None
) -> Tidy:
    """The table of one figure; whoever makes several gives their `population`, read once."""
    studies, context = about or population(workspace, held)
    return computed(spec, materials.material(spec.needs, workspace, held, studies), context)


def computed(spec: FigureSpec, material: Any, context: Context) -> Tidy:
    """A figure's table, marked where shares that it draws are corrected to silver coding."""
    tidy = spec.compute(material, context)
    if tidy.empty and any(name.startswith("labels:") for name in spec.reads):
        tidy = replace(tidy, instead=tidy.instead or context.unheard)
    drawn = not spec.as_tagged and "status" in tidy.frame
    corrected = drawn and bool((tidy.frame["status"] == "corrected").any())
    return replace(tidy, silver=corrected and context.audit is not None and context.audit.silver)


def population(workspace: Workspace, held: Facts) -> tuple[pd.DataFrame, Context]:
    """The studies that figures show: the included ones, or all while nobody has decided."""
    studies, named = shown(held.studies)
    audit, state = auditing.standing(workspace, held)
    return studies, Context(
        population=named,
        labels=held.labels,
        titles=held.codebook.titles(),
        simulated=is_simulated(workspace),
        audit=audit,
        audit_state=state,
        codebook=held.codebook,
        unheard=unheard(workspace),
    )


def shares(workspace: Workspace, held: Facts) -> tuple[pd.DataFrame, str]:
    """Every label's share, safe for a spreadsheet, and how auditing stands."""
    studies, context = population(workspace, held)
    return escaped(label_shares(studies, context, held.codebook).frame), context.audit_state


def share_lines(frame: pd.DataFrame) -> list[str]:
    """The shares for a terminal: labels that the tagger or people gave at least once."""
    told = []
    for dimension, part in frame.groupby("dimension", sort=False):
        told += ["", f"{dimension} (of {part['over'].iloc[0]})"]
        for _, row in part.sort_values("naive", ascending=False).iterrows():
            if row["n"] or row["discordant"]:
                told.append(f"  {row['title'][:38]:<38} {_share(row)}")
    return told


def _share(row: pd.Series) -> str:
    naive = "–" if pd.isna(row["naive"]) else f"{row['naive']:.1%}"
    counts = f"{row['n']:,} of {row['denominator']:,}"
    if row["status"] != "corrected":
        return f"{naive:>6} naive ({counts}), {row['status']}"
    interval = f"{row['corrected']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"
    return f"{interval}, n coded = {row['audited']:,}; naive {naive} ({counts})"


def is_simulated(workspace: Workspace) -> bool:
    """Whether the protocol says that its literature is invented."""
    return "SIMULATED" in workspace.protocol.review.title
