"""The workspace behind the dashboard, read-only.

A session stays with the state of the data that it began with; when a harvest, a decision or an audit
changes the workspace meanwhile, the sidebar says so and offers the new state. What is computed is
kept by (workspace, snapshot, what, filters), for all sessions.
"""

import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from dashboards.facets import Facet, facets_of
from review import export, facts, pipeline
from review.analysis.tidy import Context
from review.facts import Facts
from review.protocol import FILE
from review.workspace import WORKSPACE, Workspace

T = TypeVar("T")
_PINNED = "snapshot"
_KEPT = 400


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What every page reads. ``studies`` are those that shares are about; ``shown`` marks them in all."""

    workspace: Workspace
    facts: Facts
    studies: pd.DataFrame
    shown: NDArray[np.bool_]
    context: Context
    facets: tuple[Facet, ...]
    due: tuple[str, ...]

    @property
    def title(self) -> str:
        """The review's title."""
        return self.workspace.protocol.review.title

    @property
    def silver(self) -> bool:
        """Whether shares are corrected to a language model's codes; nobody may take that for an audit."""
        return self.context.audit is not None and self.context.audit.silver


def open_source() -> Source:
    """The state that this session shows; the present one when it begins."""
    workspace = present()
    if _PINNED not in st.session_state:
        st.session_state[_PINNED] = workspace.snapshot()
    return _load(str(workspace.root), st.session_state[_PINNED])


def present() -> Workspace:
    """The workspace named in the environment, or found upwards; opened anew when its protocol changed."""
    given = os.environ.get(WORKSPACE)
    path = Path(given) / FILE if given else None
    return _opened(given, path.stat().st_mtime_ns if path and path.is_file() else 0)


def newer(source: Source) -> str:
    """The snapshot of the workspace now, if it is another than the shown one, else nothing."""
    now = present().snapshot()
    return now if now != source.facts.snapshot else ""


def renew(snapshot: str) -> None:
    """Let this session go on with another state."""
    st.session_state[_PINNED] = snapshot


def once(source: Source, *key: Hashable, make: Callable[[], T]) -> T:
    """What ``make`` gives, computed once for this state and key. It is shared: nobody may change it."""
    made: T = _once((str(source.workspace.root), source.facts.snapshot, *key), make)
    return made


@st.cache_resource(max_entries=_KEPT, show_spinner=False)
def _once(key: tuple[Hashable, ...], _make: Callable[[], Any]) -> Any:
    del key
    return _make()


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(given: str | None, stamp: int) -> Workspace:
    del stamp
    return Workspace.find(Path(given) if given else None)


@st.cache_resource(max_entries=3, show_spinner="Reading the workspace: once for each new state of its data …")
def _load(root: str, snapshot: str) -> Source:
    """Everything of the present state; the snapshot only names the entry."""
    del snapshot
    workspace = Workspace(Path(root))
    read = facts.facts(workspace)  # held to the end, so that whoever asks for them meanwhile shares them
    held = _swift(read)
    studies, context = export.population(workspace, held)
    shown = held.studies["study_id"].isin(set(studies["study_id"])).to_numpy()
    return Source(
        workspace=workspace,
        facts=held,
        studies=studies,
        shown=np.asarray(shown, dtype=bool),
        context=_found_quickly(context),
        facets=facets_of(held, context),
        due=tuple(name for name, _ in pipeline.due(workspace)),
    )


def _swift(held: Facts) -> Facts:
    """The same facts in Python's own objects: looking 100,000 of them up is four times as fast."""
    studies = held.studies.assign(study_id=held.studies["study_id"].astype(object))
    for name in ("sources", *(one.id for one in held.codebook.all_dimensions())):
        if name in studies:
            cells = [None if cell is None else tuple(cell.tolist()) for cell in studies[name]]
            studies[name] = pd.Series(cells, index=studies.index, dtype=object)
    return replace(held, studies=studies)


def _found_quickly(context: Context) -> Context:
    """The same for the ids of the studies that were coded."""
    audit = context.audit
    if audit is None:
        return context
    strata, truth = audit.strata.copy(), audit.truth.copy()
    strata.index, truth.index = strata.index.astype(object), truth.index.astype(object)
    return replace(context, audit=replace(audit, strata=strata, truth=truth))
