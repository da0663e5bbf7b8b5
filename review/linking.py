"""Duplicates linked in a workspace: the machine's links, and people's over them."""

from collections import Counter

import pyarrow as pa

from corpora import schema
from corpora.dedupe.cluster import Clusters, cluster
from corpora.dedupe.link import COLUMNS, find_links
from corpora.progress import Progress, silent
from corpora.run import Run
from corpora.store import Part
from review.ingest import Outcome
from review.workspace import Workspace


def dedupe(workspace: Workspace, progress: Progress = silent) -> Outcome:
    """Compare all records and commit the links as a new part; earlier links stay."""
    records = workspace.corpus.records(COLUMNS)
    run = Run.begin(
        "dedupe",
        {},
        input_hash=workspace.hash_of("records"),
        libraries=("rapidfuzz",),
    )
    links = find_links(records, progress)
    with workspace.writing("links", run) as part:
        part.add("links", links)
        run.account.promised = run.account.delivered = records.num_rows
        counts = Counter(
            f"{kind} {verdict}"
            for kind, verdict in zip(
                links["kind"].to_pylist(), links["verdict"].to_pylist(), strict=True
            )
        )
        run.account.counts = dict(sorted(counts.items()))
    return Outcome("dedupe", run)


def deduped(workspace: Workspace) -> Part | None:
    """The links made of exactly the records that are held now; None if dedupe is due."""
    part = workspace.latest("links")
    return part if part and part.run.input_hash == workspace.hash_of("records") else None


def clusters(workspace: Workspace) -> Clusters:
    """Reports and studies by the newest machine links and all people's links."""
    part = workspace.latest("links")
    table = (
        workspace.corpus.table("links", "links", run_id=part.run.id)
        if part
        else schema.LINKS.empty_table()
    )
    ids = workspace.corpus.records(["record_id"])["record_id"].to_pylist()
    people = [
        {name: row[name] for name in ("left_id", "right_id", "kind", "verdict")}
        for row in workspace.ledger.current("links")
    ]
    narrow = pa.schema([(name, pa.string()) for name in ("left_id", "right_id", "kind", "verdict")])
    return cluster(ids, table, pa.Table.from_pylist(people, narrow))
