"""Decisions: how one is written, and what all of them have settled so far."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from corpora.record import digest
from review import removing
from review.derived import derived
from review.protocol import ScreeningStage
from review.screening.votes import UNDONE, VERDICTS, Ballots
from review.workspace import Workspace

COLUMNS = ["report_id", "stage", "verdict", "reason"]
KEY = ("record_id", "stage", "reviewer")

_SETTLED = pa.schema([(name, pa.string()) for name in COLUMNS])
_READ = ("seq", "uuid", "record_id", "stage", "reviewer", "verdict", "reason", "members")


def decide(
    workspace: Workspace,
    record_id: str,
    *,
    stage: str,
    verdict: str,
    reviewer: str,
    reason: str | None = None,
    text_hash: str | None = None,
    **more: Any,
) -> str:
    """Append one person's decision on the report that this record stands for; gives its UUID.

    A later decision of the same person on the same record and stage supersedes the earlier one.
    ``more``: uuid, members, block, generation, rank.

    Raises:
        ProtocolError: the protocol is not frozen, or was changed since.
        ValueError: the verdict or stage is not one of the protocol's.

    """
    check(workspace, stage, verdict)
    row = {
        "record_id": record_id,
        "stage": stage,
        "verdict": verdict,
        "reason": reason,
        "reviewer": reviewer,
        "text_hash": text_hash,
        "protocol_version": workspace.protocol_version(),
        **more,
    }
    return workspace.ledger.replace("decisions", row, KEY)


def check(workspace: Workspace, stage: str, verdict: str) -> None:
    """Refuse a verdict or stage that the protocol does not know.

    Raises:
        ValueError: says which there are.

    """
    known = (*VERDICTS.get(stage, ()), UNDONE)
    if stage not in workspace.protocol.stages or verdict not in known:
        raise ValueError(
            f"verdict {verdict!r} at stage {stage!r}: stages are {', '.join(workspace.protocol.stages)}"
            + (f", verdicts there {', '.join(known)}" if len(known) > 1 else "")
        )


def decide_all(workspace: Workspace, rows: Iterable[Mapping[str, Any]], *, stage: str, reviewer: str) -> int:
    """Append many decisions of one person in one transaction; gives their number.

    Each row has record_id, verdict, and may have reason and text_hash. For imports and for the
    demonstration; nothing is superseded.
    """
    version = workspace.protocol_version()
    made = []
    for row in rows:
        check(workspace, stage, row["verdict"])
        made.append({**row, "stage": stage, "reviewer": reviewer, "protocol_version": version})
    workspace.ledger.append_all("decisions", made)
    return len(made)


def rescreen(workspace: Workspace, stage: str, person: str) -> int:
    """Return what was decided at a stage under an older protocol to be decided again; gives its number.

    Nothing is deleted: each such decision and resolution is taken back by a row that supersedes it, and
    the report comes to the same people once more.
    """
    version = workspace.protocol_version()
    count = 0
    for table, extra in (("decisions", {}), ("resolutions", {"person": person})):
        rows = [
            row
            for row in workspace.ledger.current(table)
            if row["stage"] == stage and row["verdict"] != UNDONE and row["protocol_version"] < version
        ]
        made = [
            {
                **{name: value for name, value in row.items() if name not in ("seq", "uuid", "at")},
                "verdict": UNDONE,
                "reason": None,
                "supersedes": row["uuid"],
                "protocol_version": version,
                **extra,
            }
            for row in rows
        ]
        workspace.ledger.append_all(table, made)
        count += len(made) if table == "decisions" else 0
    return count


def present(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the current rows of the ledger's decisions those that hold: what was taken back is none."""
    return [row for row in rows if row["verdict"] != UNDONE]


def under_older(rows: Iterable[dict[str, Any]], version: int) -> int:
    """How many present decisions were made under an older version of the protocol."""
    return sum((row["protocol_version"] or 0) < version for row in present(rows))


def ballots(workspace: Workspace, reports: Mapping[str, str], stage: ScreeningStage) -> Ballots:
    """All votes and resolutions of one stage, as they stand; shared, so that nobody may feed them more."""
    tables = workspace.ledger.state()
    seed = workspace.protocol.seed
    state = (reports, stage, seed, tables["decisions"], tables["resolutions"])

    def count() -> Ballots:
        held = Ballots(stage, reports, seed)
        held.feed(workspace.ledger.rows("decisions", columns=_READ))
        held.resolve(workspace.ledger.current("resolutions"))
        return held

    return workspace.once(f"ballots of {stage.stage}", state, count)


def passed(workspace: Workspace, reports: Mapping[str, str]) -> set[str]:
    """Reports that go on to full text: included by title and abstract, or without that stage all.

    What was removed before screening goes nowhere.
    """
    if "title-abstract" not in workspace.protocol.stages:
        return set(reports.values()) - removing.standing(workspace, reports)[0].keys()
    first = ballots(workspace, reports, workspace.protocol.stage("title-abstract"))
    return {report for report in first.voted() if first.outcome(report).verdict == "include"}


def settled(workspace: Workspace, reports: Mapping[str, str]) -> pd.DataFrame:
    """One row a report and stage that is settled or in conflict: report_id, stage, verdict, reason.

    ``reports`` maps record id to report id. A report half screened has no row: it awaits.
    Verdicts are those of the stage (a maybe passes as include), and conflict. They are derived once for a
    state of the ledger and kept: with 100,000 decisions counting takes seconds.
    """
    stages = workspace.protocol.screening
    rules = [workspace.protocol.seed, *(stage.model_dump() for stage in stages)]
    held = digest(*(f"{record} {report}" for record, report in sorted(reports.items())))
    marks = workspace.ledger.marks("decisions", "resolutions")

    def write(into: Path) -> None:
        made = verdicts([ballots(workspace, reports, stage) for stage in stages])
        pq.write_table(pa.Table.from_pandas(made, _SETTLED, preserve_index=False), into / "settled.parquet")

    table = pq.read_table(derived(workspace, "settled", [held, rules, marks], write) / "settled.parquet")
    return pd.DataFrame(table.to_pydict(), columns=COLUMNS)


def verdicts(stages: Sequence[Ballots]) -> pd.DataFrame:
    """`settled` of ballots that are at hand."""
    rows = []
    for held in stages:
        for report in held.voted():
            found = held.outcome(report)
            if found.state == "settled":
                rows.append((report, held.stage.stage, found.verdict, found.reason))
            elif found.state.endswith("conflict"):
                rows.append((report, held.stage.stage, "conflict", None))
    return pd.DataFrame(rows, columns=COLUMNS)
