"""Topics of a workspace: fitted over its studies, kept as a part, named and merged by people.

A document is a study (its most complete record with an abstract), so that copies of a paper do not
make a topic. Studies are those that shares are about: the included ones, or all while nobody has
decided. What was fitted lies in ``corpus/topics/run=<id>/``; what people make of it is
`review.topicfile`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

import pyarrow as pa

from classifiers import encode
from classifiers.topics import model
from classifiers.topics.clusters import Mode, Recipe, need_libraries
from classifiers.topics.stability import Stability, stability
from corpora import schema
from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.record import digest, text_hash
from corpora.run import Account, Run
from corpora.words import counted
from review import patches, topicfile, topicparts
from review.facts import facts, shown
from review.gathering.ingest import Outcome
from review.workspace import Workspace

SHORT = 100
"""Letters below which an abstract is not usable (method rules, section 5)."""


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
    before = topicparts.current(workspace)
    if before is not None and before.part.run.input_hash == run.input_hash:
        notes = topicfile.renew(workspace, before.part.run.id, before.tables, before.groups)
        return Outcome("topics, up to date", None, tuple(notes))
    ids, texts = [one.record_id for one in documents], [one.text for one in documents]
    vectors = encode.embed(texts, workspace.root / "cache" / "embeddings", encoder=machine, progress=progress)
    fitted = model.fit(ids, texts, vectors, recipe, progress)
    solid = stability(fitted.vectors, fitted.labels, fitted.recipe, repeats, progress) if repeats else None
    names = topicparts.names(workspace, fitted, before)
    tables = topicparts.tables(fitted, names, solid, {one.record_id: one.hash for one in documents}, left_out)
    run.account = _account(fitted, solid, len(left_out))
    run.notes.append(f"population: {population}")
    with workspace.writing("topics", run) as part:
        for name, table in tables.items():
            part.add(name, table)
    made = topicparts.current(workspace)
    assert made is not None
    notes = topicfile.renew(workspace, run.id, made.tables, before.groups if before else {})
    return Outcome("topics", run, (*_remarks(fitted, solid, left_out), *notes))


def apply(workspace: Workspace) -> Outcome:
    """Take the names, merges and removals that stand in ``topics.toml``, as a run of their own.

    Raises:
        InputError: no fit, no file, or a file that names a topic that is not there or misses one.

    """
    fitted = topicparts.current(workspace)
    if fitted is None:
        raise InputError(f"{workspace.root}: no topics were fitted; run: review topics")
    groups = topicfile.read(workspace, fitted.part.run.id, fitted.tables["topics"])
    if groups == fitted.groups and topicparts.applied(workspace, fitted.part.run.id) is not None:
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


# ---------------------------------------------------------------- what is said


def _account(fitted: model.Fit, solid: Stability | None, left_out: int) -> Account:
    before, after = int((fitted.first < 0).sum()), int((fitted.labels < 0).sum())
    counts = {"topics": len(fitted.words), "outliers at first": before, "outliers left": after}
    if solid is not None:
        counts["topics solid"] = int(solid.solid.sum())
    documents = len(fitted.ids)
    explained = {f"left out, {topicparts.LEFT_OUT}": left_out} if left_out else {}
    return Account(documents + left_out, documents, explained=explained, counts=counts)


def _remarks(fitted: model.Fit, solid: Stability | None, left_out: Sequence[str]) -> list[str]:
    made = []
    if left_out:
        more = f" and {len(left_out) - 3:,} more (they stand in the run)" if len(left_out) > 3 else ""
        made.append(f"without an abstract of {SHORT} letters: {', '.join(left_out[:3])}{more}")
    wanted = fitted.recipe.topics
    if wanted is not None and len(fitted.words) < wanted:
        made.append(f"{counted(wanted, 'topic was')} asked for, only {len(fitted.words)} were found")
    if solid is not None:
        for what, which in (("as a class", "with_outliers"), ("left aside", "without_outliers")):
            values = [getattr(pair, which) for pair in solid.pairs]
            mean = sum(values) / len(values)
            made.append(
                f"over seeds, outliers {what}: adjusted Rand index {mean:.2f} on average "
                f"({min(values):.2f} to {max(values):.2f}, {counted(len(values), 'pair')})"
            )
    return made
