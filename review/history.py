"""Where a study comes from and what became of it: records, versions, retrievals, links, decisions, labels.

Reads only the rows of one study from the parts. Decisions are told once they are settled, never
before (method rules, section 4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from classifiers.codebook import Codebook
from classifiers.keywords import KeywordTagger
from corpora.errors import CodebookError, StoreError, UnknownNameError
from corpora.store import Part
from review import decisions, linking
from review.facts import Facts
from review.gathering import fulltexts
from review.screening.standing import closed_reports
from review.workspace import Workspace

_SHOWN = ["record_id", "content_hash", "source", "source_key", "title", "year", "venue", "retraction"]


@dataclass(frozen=True, slots=True)
class History:
    """Everything that is known of a study, as rows to show; lists are in the order of their commits."""

    records: list[dict[str, Any]]
    retrievals: list[dict[str, Any]]
    links: list[dict[str, Any]]
    patches: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    labels: list[dict[str, Any]]


def history(workspace: Workspace, held: Facts, study_id: str) -> History:
    """The history of one study of the facts.

    Raises:
        StoreError: a part is missing or damaged.

    """
    row = held.studies.loc[held.studies["study_id"] == study_id].iloc[0]
    ids, reports = list(row["record_ids"]), set(row["report_ids"])
    parts = workspace.parts("records")
    return History(
        records=_records(parts, ids),
        retrievals=_retrievals(parts, ids),
        links=_links(workspace, ids),
        patches=_patches(workspace, parts, ids),
        decisions=_decisions(workspace, reports),
        labels=_labels(workspace, held, ids, study_id),
    )


def _rows(part: Part, name: str, ids: Sequence[str], columns: list[str]) -> list[dict[str, Any]]:
    """Rows of one part's table about these records."""
    if name not in part.run.files:
        return []
    path = part.path / f"{name}.parquet"
    try:
        table = pq.read_table(path, columns=columns, filters=[("record_id", "in", list(ids))])
    except OSError as error:
        raise StoreError(f"{path}: missing or damaged ({error}); restore it from a backup") from error
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _records(parts: Sequence[Part], ids: Sequence[str]) -> list[dict[str, Any]]:
    """Every version of every record with the run that brought it."""
    return [
        {**row, "run": part.run.id, "at": part.run.ended or part.run.started}
        for part in parts
        for row in _rows(part, "records", ids, _SHOWN)
    ]


def _retrievals(parts: Sequence[Part], ids: Sequence[str]) -> list[dict[str, Any]]:
    columns = ["record_id", "search", "source", "kind", "origin", "row"]
    return [
        {**row, "run": part.run.id, "at": part.run.ended or part.run.started}
        for part in parts
        for row in _rows(part, "retrievals", ids, columns)
    ]


def _links(workspace: Workspace, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The machine's links of the newest run, then people's, of any of these records."""
    part = workspace.latest("links")
    made: list[dict[str, Any]] = []
    if part is not None:
        path = part.path / "links.parquet"
        table = pq.read_table(path, filters=[[("left_id", "in", ids)], [("right_id", "in", ids)]])
        made += [{**row, "by": "machine", "at": part.run.ended} for row in table.to_pylist()]
    for row in workspace.ledger.current("links"):
        if row["left_id"] in ids or row["right_id"] in ids:
            names = ("left_id", "right_id", "kind", "verdict", "reason", "at")
            made.append({**{name: row[name] for name in names}, "by": row["person"]})
    return made


def _patches(workspace: Workspace, parts: Sequence[Part], ids: Sequence[str]) -> list[dict[str, Any]]:
    columns = ["record_id", "field", "value", "origin"]
    machine = [
        {**row, "at": part.run.ended} for part in parts for row in _rows(part, "patches", ids, columns)
    ]
    people = [
        {"record_id": row["record_id"], "field": row["field"], "value": row["value"],
         "origin": row["person"], "at": row["at"]}
        for row in workspace.ledger.current("patches")
        if row["record_id"] in ids
    ]  # fmt: skip
    return machine + people


def _decisions(workspace: Workspace, reports: set[str]) -> list[dict[str, Any]]:
    """What is closed at each stage, and where the full text is."""
    known = linking.clusters(workspace).reports
    made = []
    for stage in workspace.protocol.screening:
        ballots = decisions.ballots(workspace, known, stage)
        for report in sorted(reports & closed_reports(workspace, known, ballots)):
            found = ballots.outcome(report)
            made.append(
                {"report": report, "stage": stage.stage, "verdict": found.verdict,
                 "reason": found.reason or "", "how": found.why or stage.mode}
            )  # fmt: skip
    for report, row in fulltexts.standing(workspace, known).items():
        if report in reports:
            made.append(
                {"report": report, "stage": "full text", "verdict": row["status"],
                 "reason": row["note"] or "", "how": row["place"] or ""}
            )  # fmt: skip
    return made


def _labels(workspace: Workspace, held: Facts, ids: Sequence[str], study_id: str) -> list[dict[str, Any]]:
    """Labels that were given, or nearly: dimension, label, probability, given, unsure, words.

    Probabilities are the highest of the study's records; ``words`` are those that the codebook's
    keyword rules find, whichever tagger spoke.
    """
    runs = {told["run"] for told in held.labels.values()}
    words = _words(held.codebook, *held.text(study_id))
    best: dict[tuple[str, str], dict[str, Any]] = {}
    columns = ["record_id", "dimension", "label", "probability", "value", "unsure"]
    for part in workspace.parts("labels"):
        if part.run.id not in runs:
            continue
        for row in _rows(part, "labels", ids, columns):
            spoken = held.labels.get(row["dimension"])
            if spoken is None or spoken["run"] != part.run.id or not (row["value"] or row["unsure"]):
                continue
            key = row["dimension"], row["label"]
            before = best.get(key)
            if before is None or (row["value"], row["probability"]) > (
                before["value"],
                before["probability"],
            ):
                best[key] = {**row, "tagger": spoken["tagger"], "words": words.get(".".join(key), "")}
    order = [one.id for one in held.codebook.all_dimensions()]
    return sorted(best.values(), key=lambda row: (order.index(row["dimension"]), -row["probability"]))


def _surer(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool((one["value"], one["probability"]) > (other["value"], other["probability"]))


def _words(codebook: Codebook, title: str, abstract: str) -> Mapping[str, str]:
    """Label → the words that speak for it by the keyword rules; nothing for a codebook without rules."""
    try:
        found = KeywordTagger(codebook).explain(title, abstract)
    except (UnknownNameError, CodebookError):
        return {}
    told: dict[str, list[str]] = {}
    for label, word in found:
        told.setdefault(label, []).append(word)
    return {label: ", ".join(dict.fromkeys(words)) for label, words in told.items()}
