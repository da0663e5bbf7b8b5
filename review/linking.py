"""Duplicates linked in a workspace: the machine's links, and people's over them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from corpora import schema
from corpora.dedupe.cluster import Clusters, cluster
from corpora.dedupe.link import COLUMNS, cluster_rows, find_links
from corpora.dedupe.normalise import ABSTRACT
from corpora.files import write_whole
from corpora.formats.detect import open_file
from corpora.progress import Progress, silent
from corpora.record import Record, build
from corpora.run import Account, Run
from corpora.store import Part
from review.gathering.ingest import Outcome
from review.workspace import Workspace

UNDONE = "undone"
"""Verdict of the row that takes a person's word back: the machine's counts again."""


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
            for kind, verdict in zip(links["kind"].to_pylist(), links["verdict"].to_pylist(), strict=True)
        )
        run.account.counts = dict(sorted(counts.items()))
    return Outcome("dedupe", run)


def dedupe_files(paths: Sequence[Path], out: Path, progress: Progress = silent) -> Outcome:
    """Link duplicates within plain files, without a workspace.

    Writes a CSV with one entry per row of the files, in their order: row, record_id, report,
    study, relation, rule, score (and file, if there are several). A row that cannot be read keeps
    its number and stands alone.
    """
    refused: list[str] = []
    places: list[tuple[str, int]] = []
    tables = [_comparable(rows) for rows in _batches(paths, places, refused)]
    run = Run.begin("dedupe", {"files": [path.name for path in paths]}, libraries=("rapidfuzz",))
    table = cluster_rows(pa.concat_tables([_FIELDS.empty_table(), *tables]), progress)
    del tables
    table["row"] = [number for _, number in places]
    if len(paths) > 1:
        table["file"] = [name for name, _ in places]
    write_whole(out, table.to_csv(index=False).encode())
    run.account = Account(len(places), len(places) - len(refused), len(refused))
    run.account.counts = {"reports": table["report"].nunique(), "studies": table["study"].nunique()}
    return Outcome(f"dedupe → {out}", run.finish(), tuple(refused))


_FIELDS = pa.schema([schema.RECORDS.field(name) for name in COLUMNS])
_BATCH = 5_000


def _batches(
    paths: Sequence[Path], places: list[tuple[str, int]], refused: list[str]
) -> Iterator[list[Record]]:
    """Records of all rows, some at a time; fills in where each stood and which cannot be read."""
    batch: list[Record] = []
    for number, path in enumerate(paths):
        for row in open_file(path).rows:
            places.append((path.name, row.number))
            if row.refused:
                refused.append(f"{path.name}: row {row.number}: {row.refused}")
            fields = {} if row.refused else row.fields
            # The place is the key: every row of a plain file is a record of its own.
            key = {"accession": f"{number}:{path.name}:{row.number}"}
            batch.append(build({**fields, **key}, source="file"))
            if len(batch) == _BATCH:
                yield batch
                batch = []
    yield batch


def _comparable(records: Sequence[Record]) -> pa.Table:
    """Only what is compared, and of abstracts only their start: a million rows must fit."""
    columns = {
        name: [getattr(record, name) for record in records]
        for name in COLUMNS
        if name not in ("abstract", "authors")
    }
    columns["abstract"] = [(record.abstract or "")[:ABSTRACT] or None for record in records]
    columns["authors"] = [
        [{"family": author.family, "given": author.given} for author in record.authors] for record in records
    ]
    return pa.table({name: columns[name] for name in COLUMNS}, schema=_FIELDS)


def deduped(workspace: Workspace) -> Part | None:
    """The links made of exactly the records that are held now; None if dedupe is due."""
    part = workspace.latest("links")
    return part if part and part.run.input_hash == workspace.hash_of("records") else None


def to_confirm(workspace: Workspace) -> list[tuple[str, str]]:
    """Pairs of reports that the machine takes for one study and no person has spoken on.

    The method rules ask for a person's word on each before the final flow.
    """
    reports = clusters(workspace).reports
    part = workspace.latest("links")
    if part is None:
        return []
    columns = ["left_id", "right_id", "kind", "verdict"]
    machine = workspace.corpus.table("links", "links", columns, part.run.id).to_pylist()
    people = workspace.ledger.current("links")
    said = {_pair(row, reports) for row in people if row["kind"] == "same_study" and row["verdict"] != UNDONE}
    told = {
        _pair(row, reports) for row in machine if row["kind"] == "same_study" and row["verdict"] == "match"
    }
    return sorted(pair for pair in told - said if pair[0] != pair[1])


def _pair(row: Mapping[str, str], reports: Mapping[str, str]) -> tuple[str, str]:
    one, two = (reports.get(row[end], row[end]) for end in ("left_id", "right_id"))
    return min(one, two), max(one, two)


def clusters(workspace: Workspace) -> Clusters:
    """Reports and studies by the newest machine links and all people's links."""
    state = workspace.hash_of("records", "links", ledger=("links",))
    return workspace.once("clusters", state, lambda: _clusters(workspace))


def _clusters(workspace: Workspace) -> Clusters:
    part = workspace.latest("links")
    table = (
        workspace.corpus.table("links", "links", run_id=part.run.id) if part else schema.LINKS.empty_table()
    )
    ids = workspace.corpus.records(["record_id"])["record_id"].to_pylist()
    people = [
        {name: row[name] for name in ("left_id", "right_id", "kind", "verdict")}
        for row in workspace.ledger.current("links")
        if row["verdict"] != UNDONE
    ]
    narrow = pa.schema([(name, pa.string()) for name in ("left_id", "right_id", "kind", "verdict")])
    return cluster(ids, table, pa.Table.from_pylist(people, narrow))
