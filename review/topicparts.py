"""A fit of topics as it is kept: written as a part, read back, and handed to figures."""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from classifiers.topics import model
from classifiers.topics.naming import Successor, named
from classifiers.topics.stability import Stability
from corpora import schema
from corpora.store import Part
from review import topicfile
from review.analysis.topics import MODEL, placed
from review.topicfile import Group
from review.workspace import Workspace

LEFT_OUT = "no usable abstract"


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fit as it was kept, tables by name, and its ``groups``: topic id → what people call it."""

    part: Part
    tables: dict[str, pd.DataFrame]
    groups: dict[str, Group]

    def sentences(self) -> list[str]:
        """A line a topic, for a terminal."""
        told = [f"{'topic':<6} {'studies':>7}  {'stability (by chance)':<22} name"]
        for row in self.to_dict():
            known = "not measured"
            if row["jaccard"] is not None:
                solid = "solid" if row["solid"] else "not solid"
                known = f"{row['jaccard']:.2f} ({row['null']:.2f}) {solid}"
            gone = " (removed)" if row["removed"] else ""
            gone += f" [named by {row['named_by']}]" if row["named_by"].startswith(MODEL) else ""
            told.append(f"{row['topic']:<6} {row['studies']:>7,}  {known:<22} {row['name']}{gone}")
        return told

    def to_dict(self) -> list[dict[str, Any]]:
        """For ``--json``."""
        made = []
        for row in self.tables["topics"].to_dict("records"):
            numbers = {key: None if pd.isna(row[key]) else float(row[key]) for key in ("jaccard", "null")}
            made.append(
                {
                    "topic": row["topic"], "studies": int(row["studies"]), "core": int(row["core"]),
                    "words": list(row["words"]), "examples": list(row["examples"]), **numbers,
                    "solid": None if numbers["jaccard"] is None else bool(row["solid"]),
                    **asdict(self.groups[row["topic"]]),
                }
            )  # fmt: skip
        return made


def current(workspace: Workspace) -> Fitted | None:
    """The newest fit with the names that were applied to it; None if nothing was fitted."""
    part = workspace.latest("topics", step="fit")
    return None if part is None else _read(workspace, part)


def names(workspace: Workspace, fitted: model.Fit, before: Fitted | None) -> list[Successor]:
    """Ids of the topics: the newest fit's where more than half is the same, else new ones."""
    topics: list[set[str]] = [set() for _ in fitted.words]
    for one, label in zip(fitted.ids, fitted.labels.tolist(), strict=True):
        if label >= 0:
            topics[label].add(one)
    earlier: dict[str, set[str]] = {}
    if before is not None:
        held = before.tables["studies"].dropna(subset=["topic"])
        earlier = {str(topic): set(part) for topic, part in held.groupby("topic")["record_id"]}
    known = workspace.corpus.table("topics", "topics", ["topic"], everything=True)["topic"].to_pylist()
    return named(topics, earlier, known)


def tables(
    fitted: model.Fit,
    successors: list[Successor],
    solid: Stability | None,
    hashes: dict[str, str],
    left_out: list[str],
) -> dict[str, pa.Table]:
    """A fit as the tables of a part; ``hashes`` of texts by record id."""
    ids = [one.id for one in successors]
    studies = [
        {
            "record_id": record, "topic": ids[label] if label >= 0 else None, "core": first >= 0,
            "x": x, "y": y, "left_out": None, "text_hash": hashes[record],
        }
        for record, label, first, (x, y) in zip(
            fitted.ids, fitted.labels.tolist(), fitted.first.tolist(), fitted.plane.tolist(), strict=True
        )
    ]  # fmt: skip
    studies += [{"record_id": record, "left_out": LEFT_OUT} for record in left_out]
    cores = [int((fitted.first == label).sum()) for label in range(len(ids))]
    topics = [
        {
            "topic": one.id, "words": [word for word, _ in fitted.words[place]],
            "weights": [weight for _, weight in fitted.words[place]],
            "examples": [fitted.ids[row] for row in fitted.examples[place]],
            "studies": fitted.sizes[place], "core": cores[place], "earlier": one.jaccard,
            **({} if solid is None else _solidity(solid, place)),
        }
        for place, one in enumerate(successors)
    ]  # fmt: skip
    nodes = [*ids, *(f"node {step}" for step in range(1, len(fitted.hierarchy) + 1))]
    hierarchy = [
        {"node": nodes[len(ids) + step], "left": nodes[one.left], "right": nodes[one.right],
         "distance": one.distance, "words": list(one.words)}
        for step, one in enumerate(fitted.hierarchy)
    ]  # fmt: skip
    made = {"studies": studies, "topics": topics, "hierarchy": hierarchy}
    if solid is not None:
        made["stability"] = [
            {"topic": ids[place], "subsample": row, "jaccard": float(solid.jaccard[row, place]),
             "null": float(solid.null[row, place])}
            for row in range(len(solid.jaccard)) for place in range(len(ids))
        ]  # fmt: skip
        made["seeds"] = [one._asdict() for one in solid.pairs]
    return {
        name: pa.Table.from_pylist(rows, schema=schema.KINDS["topics"][name]) for name, rows in made.items()
    }


def _solidity(solid: Stability, place: int) -> dict[str, Any]:
    return {
        "jaccard": float(solid.mean[place]),
        "null": float(solid.chance[place]),
        "solid": bool(solid.solid[place]),
    }


def _read(workspace: Workspace, part: Part) -> Fitted:
    held = {
        name: workspace.corpus.table("topics", name, run_id=part.run.id).to_pandas()
        for name in ("studies", "topics", "hierarchy", "stability", "seeds")
    }
    groups = topicfile.by_keywords(held["topics"])
    if (people := applied(workspace, part.run.id)) is not None:
        rows = workspace.corpus.table("topics", "groups", run_id=people.run.id).to_pylist()
        groups |= {row["topic"]: Group(row["name"], row["removed"], row["named_by"]) for row in rows}
    return Fitted(part, held, groups)


def applied(workspace: Workspace, fit_id: str) -> Part | None:
    """What people made of a fit, as it was applied last."""
    return workspace.latest("topics", step="groups", fit=fit_id)


# ---------------------------------------------------------------- for figures


def on_studies(workspace: Workspace, studies: pd.DataFrame) -> pd.DataFrame:
    """Studies with their topics (`review.analysis.topics.placed`); as they are if nothing was fitted."""
    fitted = current(workspace)
    if fitted is None:
        return studies
    topics = fitted.tables["topics"]
    solid = {
        row["topic"]: None if pd.isna(row["jaccard"]) else bool(row["solid"])
        for row in topics.to_dict("records")
    }
    shown = {topic: None if group.removed else group.name for topic, group in fitted.groups.items()}
    named_by = {topic: group.named_by for topic, group in fitted.groups.items()}
    return placed(studies, fitted.tables["studies"], shown, solid, named_by)


def report(workspace: Workspace) -> pd.DataFrame:
    """Stability, hierarchy and agreement over seeds as one table (`review.analysis.topics`)."""
    fitted = current(workspace)
    if fitted is None or fitted.tables["stability"].empty:
        return pd.DataFrame({"kind": [], "n": []})
    held = fitted.tables
    runs = held["stability"].groupby("topic")["jaccard"]
    topics = held["topics"].rename(columns={"topic": "id", "studies": "n"})
    topics = topics.assign(
        kind="topic",
        name=[fitted.groups[topic].name for topic in topics["id"]],
        named_by=[fitted.groups[topic].named_by for topic in topics["id"]],
        low=[runs.min()[topic] for topic in topics["id"]],
        high=[runs.max()[topic] for topic in topics["id"]],
    )[["kind", "id", "name", "named_by", "n", "jaccard", "low", "high", "null", "solid"]]
    nodes = held["hierarchy"].rename(columns={"node": "id"}).drop(columns="words").assign(kind="node", n=0)
    return pd.concat([topics, nodes, held["seeds"].assign(kind="seeds", n=0)], ignore_index=True)
