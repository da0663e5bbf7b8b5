"""`review remove`: reports taken out before screening, in bulk, by a condition and for a reason.

Append-only: a removal lists the records that it took out, an undo is a row that supersedes it. A
report counts as removed while all its records are listed and nobody has decided on it; so what
comes in later, also as a copy, is screened until somebody removes it too (method rules, section 7).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corpora.errors import InputError
from corpora.words import counted
from review import conditions, linking, patches
from review.screening.votes import UNDONE
from review.workspace import Workspace

AUTOMATION, OTHER = "automation", "other"
"""Who decided: a model (PRISMA's automation tools), or people (removed for other reasons)."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Why a report is out: whether a model decided, the reason, and the row of the ledger."""

    automation: bool
    reason: str
    row: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a condition would remove: report → its records. ``refused``: report → why it stays."""

    condition: str
    reports: dict[str, tuple[str, ...]]
    refused: dict[str, str]
    titles: dict[str, str]

    def lines(self, sample: int = 10) -> list[str]:
        """For a person who is asked: the numbers, and the first titles of what goes and of what stays."""
        told = [f"{counted(len(self.reports), 'report matches')} {self.condition!r}"]
        told += _first([f"  {one}  {self.titles[one]}" for one in self.reports], sample)
        if self.refused:
            told.append(f"{len(self.refused):,} more match and stay:")
            stay = [f"  {one}  {self.titles[one]}: {why}" for one, why in self.refused.items()]
            told += _first(stay, 2 * sample)
        return told

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"condition": self.condition, "reports": list(self.reports), "refused": self.refused}


def _first(lines: list[str], most: int) -> list[str]:
    rest = len(lines) - most
    return [*lines[:most], f"  … and {rest:,} more (--json names all)"] if rest > 0 else lines


def standing(workspace: Workspace, reports: Mapping[str, str]) -> tuple[dict[str, Removed], int]:
    """The reports that are removed now; and how many are listed by a removal, but are not.

    ``reports`` maps record id to report id.
    """
    listed: dict[str, Removed] = {}
    for row in workspace.ledger.current("removals"):
        if row["how"] != UNDONE:
            told = Removed(row["how"] == AUTOMATION, row["reason"], row["uuid"])
            for record in json.loads(row["records"]):
                listed.setdefault(record, told)
    if not listed:
        return {}, 0
    touched = {reports[record] for record in listed if record in reports}
    whole = touched - {report for record, report in reports.items() if record not in listed}
    voted = _decided(workspace, reports)
    first = {
        reports[record]: told for record, told in sorted(listed.items(), reverse=True) if record in reports
    }
    removed = {report: first[report] for report in sorted(whole) if report not in voted}
    return removed, len(touched) - len(removed)


def _decided(workspace: Workspace, reports: Mapping[str, str]) -> set[str]:
    """Reports with anybody's decision, at any stage."""
    rows = workspace.ledger.current("decisions")
    return {
        reports[row["record_id"]] for row in rows if row["verdict"] != UNDONE and row["record_id"] in reports
    }


def plan(workspace: Workspace, condition: str) -> Plan:
    """What a condition would remove. A report matches if each of its records does.

    A field that a record lacks is taken from the report's other records. Reports on which somebody
    decided, or that were drawn into a random block, stay.

    Raises:
        InputError: the condition cannot be read.

    """
    parsed = conditions.parse(condition)
    reports = linking.clusters(workspace).reports
    members: dict[str, list[dict[str, Any]]] = {}
    columns = list(dict.fromkeys(["record_id", "title", *parsed.fields]))
    for row in patches.records(workspace, columns).to_pylist():
        members.setdefault(reports[row["record_id"]], []).append(row)
    out, _ = standing(workspace, reports)
    decided, drawn = _decided(workspace, reports), _drawn(workspace, reports)
    found: dict[str, tuple[str, ...]] = {}
    refused: dict[str, str] = {}
    titles = {}
    for report, rows in sorted(members.items()):
        if report in out or not all(parsed.test(_filled(row, rows)) for row in rows):
            continue
        titles[report] = next((row["title"] for row in rows if row["title"]), "(no title)")
        if report in decided:
            refused[report] = "somebody has decided on it"
        elif report in drawn:
            refused[report] = f"drawn into block {drawn[report]}"
        else:
            found[report] = tuple(sorted(row["record_id"] for row in rows))
    return Plan(condition, found, refused, titles)


def _drawn(workspace: Workspace, reports: Mapping[str, str]) -> dict[str, str]:
    return {
        reports[record]: row["name"]
        for row in workspace.ledger.rows("blocks")
        for record in json.loads(row["records"])
        if record in reports
    }


def _filled(row: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A record with its gaps filled from the report's other records; where it came from is its own."""
    empty = [name for name, value in row.items() if value in (None, "", []) and name != "source"]
    given = {name: next((o[name] for o in rows if o[name] not in (None, "", [])), None) for name in empty}
    return {**row, **given}


def remove(workspace: Workspace, planned: Plan, reason: str, person: str, *, automation: bool) -> str:
    """Take the planned reports out; gives the id of the removal.

    Raises:
        InputError: no reason, or nothing to remove.
        ProtocolError: the protocol is not frozen, or was changed since.

    """
    if not reason.strip():
        raise InputError("review remove: say why with --reason")
    if not planned.reports:
        raise InputError(f"review remove: no report that could be removed matches {planned.condition!r}")
    records = sorted(record for members in planned.reports.values() for record in members)
    row = {
        "condition": planned.condition,
        "reason": reason.strip(),
        "how": AUTOMATION if automation else OTHER,
        "records": json.dumps(records),
        "person": person,
        "protocol_version": workspace.protocol_version(),
    }
    return workspace.ledger.append("removals", row)


def undo(workspace: Workspace, name: str, person: str) -> int:
    """Take a removal back; its reports return to the queue. Gives the number of its records.

    ``name`` is the removal's id or enough of its beginning.

    Raises:
        InputError: no such removal, several, or it was taken back before.

    """
    rows = [row for row in workspace.ledger.current("removals") if row["how"] != UNDONE]
    hits = [row for row in rows if name and row["uuid"].startswith(name)]
    if len(hits) != 1:
        known = ", ".join(row["uuid"] for row in rows) or "none"
        raise InputError(
            f"--undo {name}: names {counted(len(hits), 'removal')} that stand; those that do: {known}"
        )
    kept = {column: hits[0][column] for column in ("condition", "reason", "protocol_version")}
    workspace.ledger.append(
        "removals",
        {**kept, "how": UNDONE, "records": "[]", "person": person, "supersedes": hits[0]["uuid"]},
    )
    return len(json.loads(hits[0]["records"]))


def listed(workspace: Workspace) -> list[dict[str, Any]]:
    """Every removal in the ledger's order, with what became of it: the number of reports it holds out now."""
    out, _ = standing(workspace, linking.clusters(workspace).reports)
    taken_back = {row["supersedes"] for row in workspace.ledger.rows("removals") if row["supersedes"]}
    return [
        {
            **{name: row[name] for name in ("uuid", "at", "person", "condition", "reason", "how")},
            "records": len(json.loads(row["records"])),
            "reports_out_now": sum(one.row == row["uuid"] for one in out.values()),
            "undone": row["uuid"] in taken_back,
        }
        for row in workspace.ledger.rows("removals")
        if row["how"] != UNDONE
    ]


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """`listed` for a person."""
    if not rows:
        return ["Nothing was removed."]
    return [
        f"{row['uuid']}  {row['at']}  {row['person']}: {row['condition']} ({row['reason']}"
        f"{', by a model' if row['how'] == AUTOMATION else ''}), "
        + ("taken back" if row["undone"] else f"{counted(row['reports_out_now'], 'report')} out now")
        for row in rows
    ]
