"""The workspace behind the dashboard, read-only; its facts are cached by snapshot."""

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from review import export, facts, pipeline
from review.analysis.tidy import Context
from review.counting import flow_of
from review.facts import Facts
from review.flow import Flow
from review.workspace import WORKSPACE, Workspace


@dataclass(frozen=True, slots=True)
class Source:
    """What every page reads. ``studies`` are those that figures show, ``all`` every study."""

    title: str
    root: Path
    facts: Facts
    flow: Flow
    studies: pd.DataFrame
    context: Context
    due: tuple[str, ...]
    preset: str


def open_source() -> Source:
    """The present state of the workspace named in the environment, or found upwards."""
    given = os.environ.get(WORKSPACE)
    workspace = Workspace.find(Path(given) if given else None)
    return _load(str(workspace.root), workspace.snapshot())


@st.cache_resource(max_entries=2, show_spinner="Reading the workspace …")
def _load(root: str, snapshot: str) -> Source:
    """Everything of one snapshot; a new snapshot is another cache entry."""
    del snapshot
    workspace = Workspace(Path(root))
    held = facts.facts(workspace)
    studies, context = export.population(workspace, held)
    return Source(
        title=workspace.protocol.review.title,
        root=workspace.root,
        facts=held,
        flow=flow_of(workspace),
        studies=studies,
        context=context,
        due=tuple(name for name, _ in pipeline.due(workspace)),
        preset=workspace.protocol.figures.preset,
    )
