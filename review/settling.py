"""`review dedupe --review` and `--explain`: a person's word on pairs, and why a pair is what it is.

What the machine calls ``maybe``, and every link of two documents to one study, waits for a person.
A person's word is a row of the ledger, and is taken back by a row that supersedes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpora.dedupe.block import shared
from corpora.dedupe.match import likeness, reason, rule_for
from corpora.dedupe.normalise import COLUMNS, comparables
from corpora.errors import InputError
from review.linking import UNDONE, clusters
from review.workspace import Workspace

FIELDS = ("title", "authors", "year", "venue", "volume", "issue", "pages", "doi", "pmid", "source",
          "publication_types", "abstract")  # fmt: skip
"""What is shown of a record, in this order."""

VERDICTS = ("match", "not")


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair that waits for a person; ``verdict`` is the machine's."""

    left_id: str
    right_id: str
    kind: str
    verdict: str
    rule: str
    score: float
    reason: str


def waiting(workspace: Workspace) -> list[Pair]:
    """Pairs without a person's word, the likeliest first.

    Left out are pairs that are in one report (or study) already through other links.
    """
    part = workspace.latest("links")
    if part is None:
        return []
    found = clusters(workspace)
    said = {
        _key(row["left_id"], row["right_id"], row["kind"])
        for row in workspace.ledger.current("links")
        if row["verdict"] != UNDONE
    }
    table = workspace.corpus.table("links", "links", run_id=part.run.id)
    open_pairs = []
    for row in table.to_pylist():
        left, right, kind = row["left_id"], row["right_id"], row["kind"]
        together = found.reports if kind == "same_report" else found.studies
        asks = row["verdict"] == "maybe" or (kind == "same_study" and row["verdict"] == "match")
        if kind not in ("same_report", "same_study") or not asks or _key(left, right, kind) in said:
            continue
        settled = together.get(left) == together.get(right) and row["verdict"] == "maybe"
        if left in found.reports and right in found.reports and not settled:
            open_pairs.append(Pair(**row))
    return sorted(open_pairs, key=lambda pair: (-pair.score, pair.left_id, pair.right_id))


def say(workspace: Workspace, pair: tuple[str, str], kind: str, verdict: str, person: str) -> str:
    """Append a person's word on a pair; gives the row's UUID. A later word beats an earlier one."""
    if verdict not in VERDICTS:
        raise ValueError(f"verdict {verdict!r}: verdicts are {', '.join(VERDICTS)}")
    left, right = sorted(pair)
    return workspace.ledger.append(
        "links", {"left_id": left, "right_id": right, "kind": kind, "verdict": verdict, "person": person}
    )


def undo(workspace: Workspace, left: str, right: str, person: str) -> int:
    """Take back what people said of a pair; gives how many words that were.

    Raises:
        InputError: nobody said anything of it.

    """
    rows = [
        row
        for row in workspace.ledger.current("links")
        if {row["left_id"], row["right_id"]} == {left, right} and row["verdict"] != UNDONE
    ]
    if not rows:
        raise InputError(f"--undo {left} {right}: nobody has said anything of this pair")
    workspace.ledger.append_all(
        "links",
        [
            {"left_id": row["left_id"], "right_id": row["right_id"], "kind": row["kind"], "verdict": UNDONE,
             "person": person, "supersedes": row["uuid"]}
            for row in rows
        ],
    )  # fmt: skip
    return len(rows)


def shown(workspace: Workspace, ids: list[str]) -> dict[str, dict[str, str]]:
    """Record id → its fields as text."""
    table = workspace.corpus.records(["record_id", *FIELDS])
    rows = table.filter(pc.is_in(table["record_id"], pa.array(ids, pa.string()))).to_pylist()
    return {row["record_id"]: {name: _text(name, row[name]) for name in FIELDS} for row in rows}


def explain(workspace: Workspace, left: str, right: str) -> dict[str, Any]:
    """Why two records are, or are not, one report or one study.

    Raises:
        InputError: a record that is not held.

    """
    found = clusters(workspace)
    for record in (left, right):
        if record not in found.reports:
            raise InputError(f"--explain: no record {record} here; ids look like R969833fc310e61e3")
    table = workspace.corpus.records(COLUMNS)
    both = table.filter(pc.is_in(table["record_id"], pa.array([left, right])))
    one, two = comparables(both)
    alike = likeness(one, two)
    rule = rule_for(alike)
    return {
        "left_id": left,
        "right_id": right,
        "same_report": found.reports[left] == found.reports[right],
        "same_study": found.studies[left] == found.studies[right],
        "compared_by": shared(one, two),
        "rule": rule.name if rule else None,
        "verdict": f"{rule.kind} {rule.verdict}" if rule else "no rule holds",
        "likeness": {
            "title": round(alike.title, 3), "abstract": _share(alike.abstract),
            "authors": _share(alike.authors), "venue": _share(alike.venue),
        },
        "reason": reason(alike),
        "people": [
            {"kind": row["kind"], "verdict": row["verdict"], "person": row["person"], "at": row["at"]}
            for row in workspace.ledger.rows("links")
            if {row["left_id"], row["right_id"]} == {left, right}
        ],
        "chain": _chain(workspace, found.reports, left, right),
    }  # fmt: skip


def explained(told: Mapping[str, Any]) -> list[str]:
    """The same in lines for a person."""
    state = (
        "one report" if told["same_report"] else "one study, two reports" if told["same_study"] else "apart"
    )
    keys = ", ".join(told["compared_by"]) or "no shared key, so the machine never compared them"
    lines = [
        f"{told['left_id']} and {told['right_id']}: {state}",
        f"  rule      {told['rule'] or 'none'}: {told['verdict']}",
        f"  because   {told['reason']}",
        f"  likeness  {', '.join(f'{name} {share}' for name, share in told['likeness'].items())}",
        f"  compared  {keys}",
    ]
    lines += [
        f"  {said['person']} said {said['kind']} {said['verdict']} on {said['at']}" for said in told["people"]
    ]
    if len(told["chain"]) > 2:
        lines.append(f"  chain     {' – '.join(told['chain'])}")
    return lines


def _chain(workspace: Workspace, reports: Mapping[str, str], left: str, right: str) -> list[str]:
    """The shortest way from one record to the other over same-report links."""
    part = workspace.latest("links")
    if part is None or reports[left] != reports[right]:
        return []
    rows = workspace.corpus.table("links", "links", run_id=part.run.id).to_pylist()
    rows += [dict(row) for row in workspace.ledger.current("links")]
    near: dict[str, set[str]] = {}
    for row in rows:
        if row["kind"] == "same_report" and row["verdict"] == "match":
            near.setdefault(row["left_id"], set()).add(row["right_id"])
            near.setdefault(row["right_id"], set()).add(row["left_id"])
    ways = [[left]]
    seen = {left}
    for way in ways:
        if way[-1] == right:
            return way
        for record in sorted(near.get(way[-1], set()) - seen):
            seen.add(record)
            ways.append([*way, record])
    return []


def _key(left: str, right: str, kind: str) -> tuple[str, str, str]:
    return min(left, right), max(left, right), kind


def _share(value: float | None) -> float | str:
    return "not compared" if value is None else round(value, 3)


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "authors":
        return "; ".join(", ".join(filter(None, (one["family"], one["given"]))) for one in value)
    return "; ".join(value) if isinstance(value, list) else str(value)
