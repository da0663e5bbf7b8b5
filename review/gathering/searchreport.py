"""`review search-report`: what PRISMA-S asks of every search, as Markdown and CSV.

Rethlefsen et al. 2021, https://doi.org/10.1186/s13643-020-01542-z: database and platform (items 1
to 4), full strategy as run (8), limits (9), date of the search (13), records (15), updates (12).
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpora import cells
from corpora.errors import InputError
from corpora.run import Run
from corpora.words import counted
from review.gathering.ingest import statements
from review.workspace import Workspace

COLUMNS = (
    "search", "kind", "source", "platform", "strategy", "as_sent", "limits", "searched", "counts",
    "hits", "records", "not_held_before", "refused", "explained", "file", "software", "remarks", "run",
)  # fmt: skip
_MISSING = "not stated"


def report(workspace: Workspace) -> list[dict[str, str]]:
    """One row a run of a search or import, oldest first; what nobody stated is said to be missing."""
    said = statements(workspace)
    withdrawn = {row["run"]: row["reason"] for row in workspace.ledger.current("withdrawals")}
    return [
        _row(part.run, said.get(part.run.id, {}), withdrawn.get(part.run.id))
        for part in workspace.corpus.parts("records")
        if part.run.command in ("harvest", "import", "cite")
    ]


def _row(run: Run, said: Mapping[str, str], withdrawn: str | None) -> dict[str, str]:
    given, account = {**run.parameters, **said}, run.account
    details: Mapping[str, Any] = given.get("details", {})
    host, platform = details.get("host"), given.get("platform")
    row = {
        "search": given["search"],
        "kind": given.get("kind", "database"),
        "source": given.get("source_title", given["source"]),
        "platform": f"{platform} ({host})" if host and platform else platform,
        "strategy": given.get("query") or given.get("strategy"),
        "as_sent": details.get("translation") or "\n".join(details.get("urls", ())),
        "limits": _limits(given.get("limits")),
        "searched": details.get("searched") or given.get("searched") or _ran(run),
        "counts": _steps(details.get("counts", ())),
        # A service promises its hits; of a file only a person knows what its platform stated.
        "hits": given.get("hits", None if run.command == "import" else account.promised),
        "records": account.delivered,
        "not_held_before": account.counts.get("new", 0),
        "refused": account.refused,
        "explained": "; ".join(f"{count:,} {reason}" for reason, count in account.explained.items()),
        "file": given.get("file") or given.get("bulk"),
        "software": ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items())),
        "remarks": _remarks(given, details, withdrawn),
        "run": run.id,
    }
    empty = {"explained": "", "remarks": "", "file": "", "as_sent": "", "counts": "", "limits": "none stated"}
    return {
        name: str(row[name]) if row[name] not in (None, "") else empty.get(name, _MISSING) for name in COLUMNS
    }


def _ran(run: Run) -> str | None:
    """A harvest searched when it ran; when an imported file was searched only a person knows."""
    return None if run.command == "import" else run.started


def _limits(limits: Any) -> str | None:
    return limits if isinstance(limits, str) else "; ".join(limits or ()) or None


def _steps(counts: Any) -> str:
    """``12,000; with english[lang]: 11,200``."""
    return "; ".join(
        f"{step['count']:,}" if step["limit"] is None else f"with {step['limit']}: {step['count']:,}"
        for step in counts
    )


def _remarks(given: Mapping[str, Any], details: Mapping[str, Any], withdrawn: str | None) -> str:
    said = [f"WITHDRAWN: {withdrawn}"] if withdrawn else []
    if given.get("deduplicated"):
        said.append(f"duplicates removed elsewhere before: {given['deduplicated']} (stated, not derived)")
    if given.get("since"):
        said.append(f"only what came or changed since {given['since']}")
    if details.get("searched_in"):
        said.append(f"searched in {details['searched_in']}")
    if details.get("warnings"):
        said.append(f"warnings accepted: {'; '.join(details['warnings'])}")
    if details.get("slices") and len(details["slices"]) > 1:
        said.append(f"fetched in {counted(len(details['slices']), 'slice')} by Entrez date")
    return "; ".join(said)


def to_markdown(rows: list[dict[str, str]]) -> str:
    """A section a search, every item of `COLUMNS` that says something."""
    parts = ["# Searches\n"]
    for number, row in enumerate(rows, 1):
        parts.append(f"## {number}. {row['search']} ({row['source']})\n")
        for name in COLUMNS[1:]:
            if row[name]:
                label = name.replace("_", " ").capitalize()
                value = row[name]
                fenced = name in ("strategy", "as_sent") and value != _MISSING
                parts.append(f"- **{label}**:\n\n  ```\n  {_indent(value)}\n  ```\n" if fenced
                             else f"- **{label}**: {value}")  # fmt: skip
        parts.append("")
    return "\n".join(parts)


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")


def write(rows: list[dict[str, str]], path: Path) -> None:
    """Markdown or CSV, by the suffix.

    Raises:
        InputError: another suffix.

    """
    if path.suffix == ".csv":
        to_csv(rows, path)
    elif path.suffix == ".md":
        path.write_text(to_markdown(rows), "utf-8")
    else:
        raise InputError(f"--out {path}: write a file that ends in .md or .csv")


def to_csv(rows: list[dict[str, str]], path: Path) -> None:
    """Write all rows for a spreadsheet."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows({name: cells.safe(value) for name, value in row.items()} for row in rows)
