"""`review export` and `review convert`: records for other tools, with what was decided and labelled.

An export has one row a report. Its fields are those of its most complete record; a field that this
one lacks is taken from another record of the report, and the column ``filled`` says from which.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpora.formats import write
from corpora.formats.detect import open_file
from corpora.formats.write import Item
from corpora.progress import Progress, silent
from corpora.record import Record, build, settle
from corpora.registry import load, unknown
from corpora.run import Account, Run
from corpora.schema import RECORDS, from_table
from review import decisions, linking, patches
from review.facts import facts
from review.gathering.ingest import Outcome
from review.workspace import Workspace

WHICH = ("all", "included", "excluded", "unsettled")
_OWN = ("source", "source_key", "unread", "extra")
"""Fields that are never taken from another record."""


def export(
    workspace: Workspace,
    path: Path,
    *,
    format_name: str | None = None,
    which: str = "all",
    progress: Progress = silent,
) -> Outcome:
    """Write the reports that were chosen, with their decision, reason, study and labels.

    Raises:
        InputError: an unknown suffix or format, or a record that the format cannot hold.

    """
    name = format_name or write.name_for(path)
    chosen = _chooser(which)
    items = [item for item in _items(workspace, progress) if chosen(item.extra.get("decision", ""))]
    run = Run.begin(
        "export",
        {"file": path.name, "format": name, "which": which},
        input_hash=workspace.snapshot(),
    )
    count = write.write(path, items, name)
    run.account = Account(len(items), count)
    run.account.counts = {"with a decision": sum(bool(item.extra.get("decision")) for item in items)}
    workspace.ledger.add_run("exports", run.finish())
    return Outcome(f"{which} reports → {path}", run)


def write_studies(workspace: Workspace, studies: frozenset[str], path: Path, format_name: str) -> int:
    """Write the reports of some studies; gives their number. Nothing is noted in the ledger.

    Raises:
        InputError: an unknown format.

    """
    return write.write(path, _items(workspace, silent, studies), format_name)


def convert(source: Path, target: Path, *, format_name: str | None = None) -> Outcome:
    """Change a file's format, without a workspace; rows that cannot be read are named and left out.

    Raises:
        InputError: a suffix or format that is not known.

    """
    name = format_name or write.name_for(target)
    reading = open_file(source)
    implied = load("formats", reading.format).source or "file"
    rows = list(reading.rows)
    kept = settle(build(row.fields, source=implied) for row in rows if not row.refused)
    items = [Item(record, dict(record.extra)) for record in kept]
    count = write.write(target, items, name)
    refused = [f"{source.name}: row {row.number}: {row.refused}" for row in rows if row.refused]
    run = Run.begin("convert", {"from": reading.format, "to": name}).finish()
    run.account = Account(len(rows), count, len(refused))
    return Outcome(f"{source.name} → {target.name}", run, tuple(refused))


def _chooser(which: str) -> Callable[[str], bool]:
    if which not in WHICH:
        raise unknown("choice", which, WHICH)
    if which == "all":
        return lambda _: True
    wanted = {"included": "include", "excluded": "exclude", "unsettled": ""}[which]
    return lambda decision: decision == wanted


def _items(workspace: Workspace, progress: Progress, studies: frozenset[str] | None = None) -> Iterator[Item]:
    """One item a report, of some studies or of all, sorted by report id."""
    clusters = linking.clusters(workspace)
    verdicts = _verdicts(workspace, clusters.reports)
    labels = _labels(workspace)
    members: dict[str, list[Record]] = {}
    table = patches.records(workspace, RECORDS.names)
    if studies is not None:
        wanted = [record for record, study in clusters.studies.items() if study in studies]
        table = table.filter(pc.is_in(table["record_id"], pa.array(wanted, pa.string())))
    for record in from_table(table):
        members.setdefault(clusters.reports[record.record_id], []).append(record)
    for done, (report, held) in enumerate(sorted(members.items()), 1):
        shown, filled = best(held)
        study = clusters.studies[report]
        extra = {
            **verdicts.get(report, {}),
            "report_id": report,
            "study_id": study,
            "sources": "; ".join(sorted({record.source for record in held})),
            "records": "; ".join(record.record_id for record in held),
            "filled": "; ".join(f"{field} from {source}" for field, source in filled.items()),
            **labels.get(study, {}),
        }
        yield Item(shown, {name: value for name, value in extra.items() if value})
        if done % 500 == 0:
            progress("exporting reports", done, len(members))


def best(held: list[Record]) -> tuple[Record, dict[str, str]]:
    """The most complete record of a report, its empty fields filled from the others.

    Gives the record, and for each filled field the source it came from.

    >>> a, b = Record(source="x", title="T", abstract="A"), Record(source="y", title="T", doi="10.1/x")
    >>> shown, filled = best([a, b])
    >>> shown.source, shown.doi, filled
    ('x', '10.1/x', {'doi': 'y'})
    """
    names = [field.name for field in fields(Record) if field.name not in _OWN]
    ordered = sorted(held, key=lambda r: (-_weight(r, names), r.source, r.source_key))
    first, others = ordered[0], ordered[1:]
    found: dict[str, Any] = {}
    filled: dict[str, str] = {}
    for name in names:
        if getattr(first, name) in (None, "", ()):
            giver = next((one for one in others if getattr(one, name) not in (None, "", ())), None)
            if giver:
                found[name], filled[name] = getattr(giver, name), giver.source
    return replace(first, **found), filled


def _weight(record: Record, names: list[str]) -> int:
    """A record with an abstract stands before any without."""
    filled = sum(getattr(record, name) not in (None, "", ()) for name in names)
    return filled + len(names) * bool(record.abstract)


def _verdicts(workspace: Workspace, reports: dict[str, str]) -> dict[str, dict[str, str]]:
    """Report → decision of the last stage that settled it, and its reason."""
    settled = decisions.settled(workspace, reports)
    found: dict[str, dict[str, str]] = {}
    for stage in workspace.protocol.stages:
        for row in settled[settled["stage"] == stage].to_dict("records"):
            reason = row["reason"] if isinstance(row["reason"], str) else ""
            found[row["report_id"]] = {"decision": row["verdict"], "stage": stage, "reason": reason}
    return found


def _labels(workspace: Workspace) -> dict[str, dict[str, str]]:
    """Study → dimension → its labels, where a tagger has spoken."""
    if workspace.latest("labels") is None:
        return {}
    held = facts(workspace)
    found: dict[str, dict[str, str]] = {}
    for row in held.studies.to_dict("records"):
        labels = {
            dimension: "; ".join(row[dimension])
            for dimension in held.labels
            if row.get(dimension) is not None and len(row[dimension])
        }
        found[row["study_id"]] = {f"label {name}": value for name, value in labels.items()}
    return found
