"""From votes to verdicts: which reports are settled at which stage, by the protocol's mode."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from review.protocol import ScreeningStage
from review.workspace import Workspace

VERDICTS = ("include", "maybe", "exclude")
COLUMNS = ["report_id", "stage", "verdict", "reason"]


def decide(
    workspace: Workspace,
    record_id: str,
    *,
    stage: str,
    verdict: str,
    reviewer: str,
    reason: str | None = None,
    text_hash: str | None = None,
) -> str:
    """Append one person's decision on the report that this record stands for; gives its UUID.

    A later decision of the same person on the same record and stage supersedes the earlier one.

    Raises:
        ProtocolError: the protocol is not frozen, or was changed since.
        ValueError: the verdict or stage is not one of the protocol's.

    """
    if verdict not in VERDICTS or stage not in workspace.protocol.stages:
        raise ValueError(
            f"verdict {verdict!r} at stage {stage!r}: verdicts are {', '.join(VERDICTS)}, "
            f"stages are {', '.join(workspace.protocol.stages)}"
        )
    earlier = [
        row["uuid"]
        for row in workspace.ledger.current("decisions")
        if (row["record_id"], row["stage"], row["reviewer"]) == (record_id, stage, reviewer)
    ]
    return workspace.ledger.append(
        "decisions",
        {
            "record_id": record_id,
            "stage": stage,
            "verdict": verdict,
            "reason": reason,
            "reviewer": reviewer,
            "text_hash": text_hash,
            "protocol_version": workspace.protocol_version(),
            "supersedes": earlier[-1] if earlier else None,
        },
    )


def decide_all(workspace: Workspace, rows: Iterable[Mapping[str, Any]], *, stage: str, reviewer: str) -> int:
    """Append many decisions of one person in one transaction; gives their number.

    Each row has record_id, verdict, and may have reason and text_hash. For imports and for the
    demonstration; nothing is superseded.
    """
    version = workspace.protocol_version()
    made = []
    for row in rows:
        if row["verdict"] not in VERDICTS:
            raise ValueError(f"verdict {row['verdict']!r}: verdicts are {', '.join(VERDICTS)}")
        made.append({**row, "stage": stage, "reviewer": reviewer, "protocol_version": version})
    workspace.ledger.append_all("decisions", made)
    return len(made)


def settled(
    decisions: Iterable[Mapping[str, Any]],
    reports: Mapping[str, str],
    stages: Sequence[ScreeningStage],
) -> pd.DataFrame:
    """One row a report and stage that is settled or in conflict.

    ``decisions`` are the ledger's current rows, ``reports`` maps record id to report id. A
    report half screened has no row: it awaits. Verdicts are include, exclude and conflict.
    """
    modes: dict[str, str] = {stage.stage: stage.mode for stage in stages}
    votes: dict[tuple[str, str], dict[str, tuple[str, str | None]]] = {}
    for row in decisions:
        report = reports.get(row["record_id"])
        if report is not None and row["stage"] in modes and row["verdict"] in VERDICTS:
            by_reviewer = votes.setdefault((report, row["stage"]), {})
            by_reviewer[row["reviewer"]] = (row["verdict"], row["reason"])
    rows = []
    for (report, stage), by_reviewer in sorted(votes.items()):
        verdict = _verdict([verdict for verdict, _ in by_reviewer.values()], modes[stage])
        if verdict:
            reasons = [reason for _, reason in by_reviewer.values() if reason]
            reason = reasons[0] if verdict == "exclude" and reasons else None
            rows.append((report, stage, verdict, reason))
    return pd.DataFrame(rows, columns=COLUMNS)


def _verdict(votes: list[str], mode: str) -> str | None:
    """Method rules, section 4: what one, two or more votes settle in each mode.

    >>> _verdict(["include"], "dual"), _verdict(["include", "maybe"], "dual")
    (None, 'include')
    >>> _verdict(["exclude"], "one-include-passes"), _verdict(["include"], "one-include-passes")
    (None, 'include')
    """
    passes = [vote != "exclude" for vote in votes]
    if mode == "one-include-passes":
        if any(passes):
            return "include"
        return "exclude" if len(votes) > 1 else None
    if mode == "dual" and len(votes) < 2:
        return None
    if all(passes):
        return "include"
    return "conflict" if any(passes) else "exclude"
