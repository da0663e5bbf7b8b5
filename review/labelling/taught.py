"""Which studies of a workspace its taggers learnt from: they are audited apart.

A study that people audited must not teach a tagger afterwards, or the audit no longer measures it
(`held_out`, `spoilt`). For the weights that ship this cannot happen: they were fixed before any
audit was drawn, so what they learnt from makes the tagger look better there, but no sample biased.
"""

from collections.abc import Mapping

from classifiers import learnt
from classifiers.codebook import load as load_codebook
from classifiers.labels import Labelled, read_labels
from corpora.errors import InputError
from corpora.formats.detect import open_file
from corpora.record import build, key_text
from review import linking
from review.labelling import tagging, training
from review.workspace import Workspace

TRAINING = "learnt from"
"""The stratum of studies that a tagger had learnt from when an audit was drawn."""

_COLUMNS = ("record_id", "doi", "pmid")


def studies(workspace: Workspace) -> frozenset[str]:
    """Studies that the taggers whose labels are shown learnt from: the workspace's own, and those that ship.

    Raises:
        InputError: it cannot be told what one of them learnt from.

    """
    return labelled(workspace) | _shipped(workspace)


def _shipped(workspace: Workspace) -> frozenset[str]:
    """Studies with a title that weights in use learnt from before they shipped."""
    labels = workspace.protocol.labels
    codebook = load_codebook(labels.codebook)
    found: set[str] = set()
    for name in labels.taggers():
        folder = tagging.shipped_here(name, codebook)
        if folder is None or workspace.latest("models", tagger=name):
            continue
        clusters = linking.clusters(workspace).studies
        table = workspace.corpus.records(["record_id", "title"])
        held = learnt.among(folder, table["title"].to_pylist())
        ids = table["record_id"].to_pylist()
        found |= {clusters[one] for one, known in zip(ids, held, strict=True) if known}
    return frozenset(found)


def labelled(workspace: Workspace) -> frozenset[str]:
    """Studies that stand in the protocol's training labels; empty without a trained tagger.

    A labelled row is found by its key if that is a record id, a DOI or a PMID, else by its title.

    Raises:
        InputError: a tagger was trained on a file that the protocol does not name.

    """
    labels = workspace.protocol.labels
    models = [part for name in labels.taggers() if (part := workspace.latest("models", tagger=name))]
    if not models:
        return frozenset()
    if labels.training is None:
        raise InputError(
            f"{workspace.protocol_path}: a tagger was trained on "
            f"{models[-1].run.parameters.get('labels')!r}, which the protocol does not name, so it cannot be "
            'told which studies it learnt from; name the file there as: [labels] training = "…" (and '
            "training_records, key)"
        )
    given = training.source(workspace)
    found = read_labels(given.labels, load_codebook(labels.codebook), given.key)
    return frozenset(placed(workspace, found, given).values())


def placed(workspace: Workspace, found: Labelled, given: training.Source) -> dict[int, str]:
    """Row of a labels file → its study, for the rows whose record is here.

    A row is found by its key if that is a record id, a DOI or a PMID, else by its title.
    """
    clusters = linking.clusters(workspace).studies
    if given.key in _COLUMNS:
        known = _by_column(workspace, clusters, given.key)
        return {row: known[key] for row, key in enumerate(found.keys) if key in known}
    titles = {row: str(one["title"]) for row, one in enumerate(found.rows) if one.get("title")}
    if given.records is not None:
        rows = {key: row for row, key in enumerate(found.keys)}
        for line in open_file(given.records).rows:
            record = build(line.fields, source="labels")
            key = dict(record.extra).get(given.key)
            if record.title and key in rows:
                titles.setdefault(rows[key], record.title)
    known = _by_column(workspace, clusters, "title")
    keys = {row: key_text(title) for row, title in titles.items()}
    return {row: known[key] for row, key in keys.items() if key in known}


def _by_column(workspace: Workspace, clusters: Mapping[str, str], column: str) -> dict[str, str]:
    table = workspace.corpus.records(list(dict.fromkeys(["record_id", column])))
    ids, cells = table["record_id"].to_pylist(), table[column].to_pylist()
    pairs = (
        (key_text(cell) if column == "title" else cell, one) for one, cell in zip(ids, cells, strict=True)
    )
    return {cell: clusters[one] for cell, one in pairs if cell}


def held_out(workspace: Workspace) -> frozenset[str]:
    """Audited studies that no tagger had learnt from when they were drawn: they never train."""
    from review.labelling.auditing import audits

    drawn = ((one, audit.strata[one]) for audit in audits(workspace) for one in audit.studies)
    return frozenset(one for one, stratum in drawn if stratum != TRAINING)


def spoilt(workspace: Workspace) -> list[str]:
    """Studies of `held_out` that stand in the training labels after all, sorted."""
    return sorted(held_out(workspace) & labelled(workspace))
