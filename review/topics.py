"""Topics of a workspace: fitted over its studies, kept as a part, named and merged by people.

A document is a study (its most complete record with an abstract), so that copies of a paper do not
make a topic. Studies are those that shares are about: the included ones, or all while nobody has
decided. What was fitted lies in ``corpus/topics/run=<id>/``; what people make of it is
`review.topicfile`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import pandas as pd
import pyarrow as pa

from classifiers import encode
from classifiers.topics import model
from classifiers.topics.clusters import Mode, Recipe, need_libraries
from classifiers.topics.naming import Successor, named
from classifiers.topics.stability import Stability, stability
from corpora import schema
from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.record import digest, text_hash
from corpora.run import Account, Run
from corpora.store import Part
from review import patches, topicfile
from review.facts import facts, shown
from review.ingest import Outcome
from review.topicfile import Group
from review.workspace import Workspace

SHORT = 100
"""Letters below which an abstract is not usable (method rules, section 5)."""

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


def recipe(
    workspace: Workspace, *, mode: str, topics: int | None, min_size: int | None, seed: int | None
) -> Recipe:
    """How to fit, with the protocol's seed unless one is given."""
    return Recipe(cast(Mode, mode), topics, min_size, workspace.protocol.seed if seed is None else seed)


def fit(
    workspace: Workspace,
    recipe: Recipe,
    *,
    encoder: str = "minilm",
    repeats: int = 20,
    progress: Progress = silent,
) -> Outcome:
    """Fit topics over the studies that shares are about, and write ``topics.toml`` for people to edit.

    ``repeats``: subsamples of the stability report; 0 leaves it out. The same studies, texts and
    settings as in the newest fit: nothing is done.

    Raises:
        MissingExtraError: what topics or embeddings need is not installed.
        InputError: too few studies with an abstract, or nothing alike among them.

    """
    need_libraries()
    machine = encode.by_name(encoder)
    documents, left_out, population = _documents(workspace)
    parameters = {
        "step": "fit", **asdict(recipe), "encoder": encoder, "encoder_key": machine.key, "stability": repeats
    }  # fmt: skip
    read = [*(one.record_id + one.hash for one in documents), *left_out, *map(str, parameters.items())]
    run = Run.begin(
        "topics", parameters, seed=recipe.seed, input_hash=digest(*read),
        libraries=("bertopic", "umap-learn", "hdbscan", "scikit-learn"),
    )  # fmt: skip
    before = current(workspace)
    if before is not None and before.part.run.input_hash == run.input_hash:
        notes = topicfile.renew(workspace, before.part.run.id, before.tables, before.groups)
        return Outcome("topics, up to date", None, tuple(notes))
    ids, texts = [one.record_id for one in documents], [one.text for one in documents]
    vectors = encode.embed(texts, workspace.root / "cache" / "embeddings", encoder=machine, progress=progress)
    fitted = model.fit(ids, texts, vectors, recipe, progress)
    solid = stability(fitted.vectors, fitted.labels, fitted.recipe, repeats, progress) if repeats else None
    names = _names(workspace, fitted, before)
    tables = _tables(fitted, names, solid, {one.record_id: one.hash for one in documents}, left_out)
    run.account = _account(fitted, solid, len(left_out))
    run.notes.append(f"population: {population}")
    with workspace.writing("topics", run) as part:
        for name, table in tables.items():
            part.add(name, table)
    made = current(workspace)
    assert made is not None
    notes = topicfile.renew(workspace, run.id, made.tables, before.groups if before else {})
    return Outcome("topics", run, (*_remarks(fitted, solid, left_out), *notes))


def apply(workspace: Workspace) -> Outcome:
    """Take the names, merges and removals that stand in ``topics.toml``, as a run of their own.

    Raises:
        InputError: no fit, no file, or a file that names a topic that is not there or misses one.

    """
    fitted = current(workspace)
    if fitted is None:
        raise InputError(f"{workspace.root}: no topics were fitted; run: review topics")
    groups = topicfile.read(workspace, fitted.part.run.id, fitted.tables["topics"])
    if groups == fitted.groups and _applied(workspace, fitted.part.run.id) is not None:
        return Outcome("topics --apply, up to date", None)
    run = Run.begin("topics --apply", {"step": "groups", "fit": fitted.part.run.id})
    rows = [{"topic": topic, **asdict(group)} for topic, group in groups.items()]
    kept = {group.name for group in groups.values() if not group.removed}
    removed = sum(group.removed for group in groups.values())
    run.account = Account(len(rows), len(rows), counts={"groups": len(kept), "topics removed": removed})
    with workspace.writing("topics", run) as part:
        part.add("groups", pa.Table.from_pylist(rows, schema=schema.TOPIC_GROUPS))
    return Outcome("topics --apply", run)


# ---------------------------------------------------------------- documents


@dataclass(frozen=True, slots=True)
class _Document:
    record_id: str
    text: str
    hash: str


def _documents(workspace: Workspace) -> tuple[list[_Document], list[str], str]:
    """A text a study, by study id; the studies without one; who they are."""
    studies, population = shown(facts(workspace).studies)
    rows = patches.records(workspace, ["record_id", "title", "abstract"]).to_pylist()
    texts = {row["record_id"]: (row["title"] or "", row["abstract"] or "") for row in rows}
    found, left_out = [], []
    for study, records in sorted(zip(studies["study_id"], studies["record_ids"], strict=True)):
        # The most complete record stands first.
        title, abstract = next((texts[one] for one in records if len(texts[one][1]) >= SHORT), ("", ""))
        if abstract:
            found.append(_Document(study, f"{title}\n{abstract}".strip(), text_hash(title, abstract)))
        else:
            left_out.append(study)
    return found, left_out, population


# ---------------------------------------------------------------- what is kept


def _names(workspace: Workspace, fitted: model.Fit, before: Fitted | None) -> list[Successor]:
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


def _tables(
    fitted: model.Fit,
    names: list[Successor],
    solid: Stability | None,
    hashes: dict[str, str],
    left_out: list[str],
) -> dict[str, pa.Table]:
    ids = [one.id for one in names]
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
        for place, one in enumerate(names)
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
    tables = {
        name: workspace.corpus.table("topics", name, run_id=part.run.id).to_pandas()
        for name in ("studies", "topics", "hierarchy", "stability", "seeds")
    }
    groups = topicfile.by_keywords(tables["topics"])
    if (applied := _applied(workspace, part.run.id)) is not None:
        rows = workspace.corpus.table("topics", "groups", run_id=applied.run.id).to_pylist()
        groups |= {row["topic"]: Group(row["name"], row["removed"], row["named_by"]) for row in rows}
    return Fitted(part, tables, groups)


def _applied(workspace: Workspace, fit_id: str) -> Part | None:
    return workspace.latest("topics", step="groups", fit=fit_id)


def _account(fitted: model.Fit, solid: Stability | None, left_out: int) -> Account:
    before, after = int((fitted.first < 0).sum()), int((fitted.labels < 0).sum())
    counts = {"topics": len(fitted.words), "outliers at first": before, "outliers left": after}
    if solid is not None:
        counts["topics solid"] = int(solid.solid.sum())
    documents = len(fitted.ids)
    explained = {f"left out, {LEFT_OUT}": left_out} if left_out else {}
    return Account(documents + left_out, documents, explained=explained, counts=counts)


def _remarks(fitted: model.Fit, solid: Stability | None, left_out: Sequence[str]) -> list[str]:
    made = []
    if left_out:
        more = f" and {len(left_out) - 3:,} more (they stand in the run)" if len(left_out) > 3 else ""
        made.append(f"without an abstract of {SHORT} letters: {', '.join(left_out[:3])}{more}")
    wanted = fitted.recipe.topics
    if wanted is not None and len(fitted.words) < wanted:
        made.append(f"{wanted} topics were asked for, only {len(fitted.words)} were found")
    if solid is not None:
        for what, which in (("as a class", "with_outliers"), ("left aside", "without_outliers")):
            values = [getattr(pair, which) for pair in solid.pairs]
            mean = sum(values) / len(values)
            made.append(
                f"over seeds, outliers {what}: adjusted Rand index {mean:.2f} on average "
                f"({min(values):.2f} to {max(values):.2f}, {len(values)} pairs)"
            )
    return made
