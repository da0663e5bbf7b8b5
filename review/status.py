"""`review status`: what is there, what is due, what is open."""

from collections import Counter
from typing import Any

from corpora.run import Account
from corpora.words import counted
from review import decisions, linking, pipeline
from review.workspace import KINDS, Workspace


def describe(workspace: Workspace) -> dict[str, Any]:
    """Everything that `review status` says, as plain data."""
    corpus, ledger = workspace.corpus, workspace.ledger
    retrievals = corpus.table("records", "retrievals", ["source"])
    records = corpus.records(["source"])
    clusters = linking.clusters(workspace)
    frozen = workspace.frozen()
    accounts = [part.run.account for part in workspace.parts("records")]
    return {
        "workspace": str(workspace.root),
        "title": workspace.protocol.review.title,
        "protocol": {
            "frozen": frozen["version"] if frozen else None,
            "changed_since": frozen is not None and frozen["text"] != workspace.protocol_text,
        },
        "retrievals": dict(Counter(sorted(retrievals["source"].to_pylist()))),
        "records": dict(Counter(sorted(records["source"].to_pylist()))),
        "refused": sum(account.refused for account in accounts),
        "unaccounted": sum(_unaccounted(account) for account in accounts),
        "reports": len(set(clusters.reports.values())),
        "studies": len(set(clusters.studies.values())),
        "deduplicated": linking.deduped(workspace) is not None,
        "parts": {kind: len(workspace.parts(kind)) for kind in KINDS},
        "decisions": dict(
            Counter(
                f"{row['stage']} {row['verdict']}" for row in decisions.present(ledger.current("decisions"))
            )
        ),
        "due": [f"{name}: {why}" for name, why in pipeline.due(workspace)],
        "snapshot": workspace.snapshot(),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The same for a person."""
    protocol = found["protocol"]
    stamp = f"frozen as version {protocol['frozen']}" if protocol["frozen"] else "not frozen yet"
    stamp += ", changed since (review protocol amend)" if protocol["changed_since"] else ""
    by_source = ", ".join(f"{source} {count:,}" for source, count in found["records"].items())
    said = [
        f"{found['title']}",
        f"  workspace   {found['workspace']}",
        f"  protocol    {stamp}",
        f"  identified  {counted(sum(found['retrievals'].values()), 'retrieval')} of "
        f"{counted(sum(found['records'].values()), 'record')} ({by_source or 'none yet'})",
        f"  refused     {counted(found['refused'], 'row')}, kept raw; {found['unaccounted']:,} "
        "unaccounted for",
        f"  reports     {found['reports']:,} in {counted(found['studies'], 'study')}"
        + (
            ""
            if found["deduplicated"] or not found["reports"]
            else " (duplicates not linked for these records)"
        ),
        f"  decisions   {sum(found['decisions'].values()):,}",
    ]
    said += [f"  due         {item}" for item in found["due"]] or ["  due         nothing"]
    return said


def _unaccounted(account: Account) -> int:
    return abs(account.unaccounted)
