"""What figures are made from, and what makes them stale.

A figure names one material (`FigureSpec.needs`) and everything that it reads (`FigureSpec.reads`).
Both are looked up here, so that a new kind of figure adds a line and no other module changes.
Modules are imported where they are needed: a figure of years must not load the screening.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pandas as pd

from classifiers.codebook import load as load_codebook
from corpora.registry import unknown
from review import measures, topicparts
from review.counting import flow_of
from review.facts import Facts
from review.labelling import auditing
from review.workspace import Workspace

Material = Callable[[Workspace, Facts, pd.DataFrame], Any]

_DECIDED = (
    "decisions", "links", "resolutions", "fulltexts", "stops", "withdrawals", "removals", "releases",
    "suggestions",
)  # fmt: skip


def _studies(workspace: Workspace, held: Facts, shown: pd.DataFrame) -> Any:
    del workspace, held
    return shown


def _flow(workspace: Workspace, held: Facts, shown: pd.DataFrame) -> Any:
    del held, shown
    return flow_of(workspace)


def _topics(workspace: Workspace, held: Facts, shown: pd.DataFrame) -> Any:
    del held
    return topicparts.on_studies(workspace, shown)


def _topic_report(workspace: Workspace, held: Facts, shown: pd.DataFrame) -> Any:
    del held, shown
    return topicparts.report(workspace)


MATERIALS: dict[str, Material] = {
    "studies": _studies,
    "flow": _flow,
    "measures": measures.evaluations,
    "courses": measures.courses,
    "agreements": measures.agreements,
    "topics": _topics,
    "topic-report": _topic_report,
}
"""Name → what a figure's ``compute`` gets: from the workspace, its facts and the shown studies."""


def material(name: str, workspace: Workspace, held: Facts, shown: pd.DataFrame) -> Any:
    """One material by name; an unknown name lists the known ones."""
    if name not in MATERIALS:
        raise unknown("material", name, MATERIALS)
    return MATERIALS[name](workspace, held, shown)


# ---------------------------------------------------------------- what makes a figure stale


def _records(workspace: Workspace) -> Any:
    return workspace.hash_of("records", ledger=("patches",))


def _links(workspace: Workspace) -> Any:
    return workspace.hash_of("links", ledger=("links",))


def _decisions(workspace: Workspace) -> Any:
    return workspace.hash_of(ledger=_DECIDED)


def _tagged(workspace: Workspace, dimension: str) -> dict[str, str | None]:
    """The taggers that speak for a dimension and for what the codebook ties to it, each with its run.

    ``*`` is the whole codebook. A dimension that the codebook lacks is read by nobody's label.
    """
    book = load_codebook(workspace.protocol.labels.codebook)
    root = book.root_of(dimension)
    asked = [one for one in book.dimensions if dimension == "*" or one.id == root]
    ties = [name.split(".")[0] for name in (book.gate, *(one.applies_when for one in asked)) if name]
    taggers = {workspace.protocol.labels.tagger_of(name) for name in (*(one.id for one in asked), *ties)}
    parts = {tagger: workspace.latest("labels", tagger=tagger) for tagger in sorted(taggers)}
    return {tagger: part.run.id if part else None for tagger, part in parts.items()}


def _topic_parts(workspace: Workspace) -> Any:
    return workspace.hash_of("topics")


SIGNATURES: dict[str, Callable[[Workspace], Any]] = {
    "records": _records,
    "links": _links,
    "decisions": _decisions,
    "models": lambda workspace: workspace.hash_of("models"),
    "blocks": lambda workspace: workspace.hash_of(ledger=("blocks",)),
    "topics": _topic_parts,
}
"""What can be read besides ``labels:<dimension>`` → a value that changes when it does."""


def signatures(workspace: Workspace, reads: tuple[str, ...]) -> dict[str, Any]:
    """A value for each thing that is read; what reads it is stale only when one of them changes."""
    made: dict[str, Any] = {}
    for name in reads:
        kind, _, dimension = name.partition(":")
        if dimension:
            made[name] = _tagged(workspace, dimension)
        elif kind in SIGNATURES:
            made[name] = SIGNATURES[kind](workspace)
        else:
            raise unknown("thing that a figure reads", name, SIGNATURES)
    if any(name.startswith("labels:") for name in reads):
        state = workspace.snapshot()
        made["audit"] = workspace.once("audit", state, lambda: auditing.signature(workspace))
    stages = [stage.model_dump() for stage in workspace.protocol.screening]
    made["protocol"] = hashlib.sha256(json.dumps(stages, sort_keys=True).encode()).hexdigest()[:16]
    return made
