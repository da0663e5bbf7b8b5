"""`review release`: a version of the review, frozen; the next flow takes its studies as previous.

A release is one row of the ledger: the snapshot, the runs that it was made from, the included studies
with their reports and records, the reports that were not settled, and every number of its flow.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from corpora.errors import InputError
from corpora.registry import unknown
from corpora.words import counted
from review import counting, linking
from review.flow import Flow, count_flow
from review.flow.parts import ends
from review.workspace import Workspace

FINAL, INTERIM = "final", "interim"
_TAG = re.compile(r"\w[\w.+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Released:
    """One version, as the ledger has it."""

    tag: str
    at: str
    state: str
    records: int
    reports: int
    studies: int
    unsettled: int
    snapshot: str
    protocol_version: int
    person: str

    def sentence(self) -> str:
        """For a person."""
        left = f", {counted(self.unsettled, 'report')} not settled" if self.unsettled else ""
        return (
            f"{self.tag} ({self.state}, {self.at}, protocol {self.protocol_version}, "
            f"snapshot {self.snapshot}): {counted(self.studies, 'study')} included in {self.reports:,} "
            f"reports; {counted(self.records, 'record')} identified{left}"
        )


def release(workspace: Workspace, tag: str, person: str, *, interim: bool = False) -> Released:
    """Freeze the present state under a tag.

    ``unsettled`` counts what awaits classification or is ongoing too: it is carried into the next flow.

    Raises:
        InputError: no usable tag, or one that is taken.
        UnaccountedError: the flow is not final and ``interim`` is not said.
        ProtocolError: the protocol is not frozen, or was changed since.

    """
    if not _TAG.fullmatch(tag):
        raise InputError(f"review release {tag!r}: a tag is letters, digits and . _ + -, as in v1.0")
    if tag in {row["tag"] for row in workspace.ledger.rows("releases")}:
        raise InputError(f"review release {tag}: is taken; versions are never changed, choose another tag")
    known = counting.known(workspace)
    flow = count_flow(known)
    if not interim:
        flow.require_final()
    end = ends(known)
    studies: dict[str, dict[str, list[str]]] = {}
    unsettled = []
    for record, report in sorted(known.reports.items()):
        if end[report] == "in":
            studies.setdefault(known.studies[record], {}).setdefault(report, []).append(record)
        elif end[report] == "open":
            unsettled.append(record)
    runs = sorted(set(counting.retrievals(workspace)["run"]))
    workspace.ledger.append("releases", {
        "tag": tag, "state": INTERIM if flow.interim else FINAL, "snapshot": workspace.snapshot(),
        "runs": json.dumps(runs), "studies": json.dumps([list(held.values()) for held in studies.values()]),
        "unsettled": json.dumps(unsettled), "flow": json.dumps(flow.to_dict()), "person": person,
        "protocol_version": workspace.protocol_version(),
    })  # fmt: skip
    return next(one for one in listed(workspace) if one.tag == tag)


def listed(workspace: Workspace) -> list[Released]:
    """All versions, the oldest first."""
    reports = linking.clusters(workspace).reports
    return [_released(row, reports) for row in workspace.ledger.rows("releases")]


def _released(row: dict[str, Any], reports: dict[str, str]) -> Released:
    studies, flow = json.loads(row["studies"]), json.loads(row["flow"])
    return Released(
        tag=row["tag"],
        at=row["at"],
        state=row["state"],
        records=flow["databases"]["records"] + flow["other"]["records"],
        reports=sum(map(len, studies)),
        studies=len(studies),
        unsettled=len({reports.get(one, one) for one in json.loads(row["unsettled"])}),
        snapshot=row["snapshot"],
        protocol_version=row["protocol_version"],
        person=row["person"],
    )


def flow_at(workspace: Workspace, tag: str) -> Flow:
    """The flow of a version, as it was released.

    Raises:
        UnknownNameError: no such version; lists those that are there.

    """
    rows = {row["tag"]: row for row in workspace.ledger.rows("releases")}
    if tag not in rows:
        raise unknown("version", tag, rows)
    return Flow.from_dict(json.loads(rows[tag]["flow"]))
