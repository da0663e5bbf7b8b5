"""Appendices: strategies as run, what was left out and why, deviations, runs."""

import json
from collections.abc import Iterator
from typing import Any

from review.flow.tables import tables
from review.packing import without_keys
from review.report.document import Block, Code, Grid, Heading, Items, Text
from review.report.gathering import Made, Material
from review.report.numbers import sentence, were
from review.report.searching import amendments, day
from review.screening import resolving, stops

_ELSEWHERE = ("query", "strategy", "details", "archive", "map", "people")
"""Parameters of a run that stand in another appendix, only say where a file is, or name people."""


def strategies(m: Material) -> Iterator[Block]:
    """Every search, letter by letter (PRISMA-S 8)."""
    yield Heading(3, "Search strategies as they were run")
    if not m.searches:
        yield Text("No search was run.")
    for row in m.searches:
        yield Text(
            f"{row['search']}: {row['source']}, {row['platform']}; searched {row['searched']}; limits: "
            f"{row['limits']}; run {row['run']}."
        )
        yield Code(without_keys(row["strategy"])[0])
        if row["as_sent"]:
            yield Text("As the service took it:")
            yield Code(without_keys(row["as_sent"])[0])
        if row["counts"]:
            yield Text(f"Counted step by step: {row['counts']}.")
        if row["remarks"]:
            yield Text(sentence(row["remarks"]))


_LISTS = {
    "excluded": (
        "Reports excluded at full text",
        {"reference": "Report", "reason": "First criterion failed"},
    ),
    "not-retrieved": (
        "Reports not retrieved",
        {"reference": "Report", "sought_at": "Sought at", "why": "Why not", "said": "Said on"},
    ),
    "awaiting": ("Reports awaiting classification", {"reference": "Report"}),
    "ongoing": ("Reports of ongoing studies", {"reference": "Report"}),
}
"""The tables behind the flow's boxes that a report prints: heading, and columns by their names there."""


def excluded(m: Material) -> Iterator[Block]:
    """Reports excluded at full text with reason; those not to be had; those that wait."""
    if "full-text" not in m.protocol.stages or not m.boards:
        return
    m.progress("listing reports", 0)
    found = tables(m.workspace)
    for name, (heading, columns) in _LISTS.items():
        yield Heading(3, heading)
        frame = found[name][list(columns)].fillna("").astype(str)
        if frame.empty:
            yield Text("None.")
            continue
        number = m.numbers.count(f"appendix.{name}", len(frame), "flow", "report")
        rows = tuple(tuple(row) for row in frame.itertuples(index=False, name=None))
        yield Grid(f"{heading} ({number})", tuple(columns.values()), rows)


def deviations(m: Material) -> Iterator[Block]:
    """Where the review left its protocol, as far as the ledger shows it."""
    yield Heading(3, "Amendments and deviations")
    told = list(amendments(m))
    told += [
        f"Run {row['run']} was taken back on {day(row['at'])}: {row['reason']}"
        for row in m.workspace.ledger.current("withdrawals")
    ]
    for stage, board in m.boards.items():
        stop = stops.last_stop(board)
        if stop and stop["outcome"] != "stopped":
            told.append(f"Screening of {stage}: the rule {stop['rule']} was not reached on {day(stop['at'])}")
        if stop and stops.why_void(board, stop):
            told.append(f"Screening of {stage}: the stop of {day(stop['at'])} is void")
        kinds: dict[str, int] = {}
        for flag in resolving.flags(board):
            kinds[flag.kind] = kinds.get(flag.kind, 0) + 1
        for kind, count in sorted(kinds.items()):
            number = m.numbers.count(f"flags.{stage}.{kind}", count, "ledger and corpus", "report")
            told.append(sentence(f"{number} of {stage} {were(count)} flagged: {kind}"))
    yield Items(tuple(told)) if told else Text("The ledger shows none.")


def runs(m: Material) -> Iterator[Block]:
    """What made the data, in order, with parameters and versions."""
    yield Heading(3, "Runs")
    rows = tuple(map(_run, m.runs))
    if not rows:
        yield Text("No run has made data yet.")
        return
    yield Grid(
        "Every run that made data",
        ("Run", "Verb", "Ended", "Outcome", "Parameters", "Versions"),
        rows,
        ("Strategies and answers of services stand in the appendix of searches; drawings and exports change "
         "no data and are left out.",),
    )  # fmt: skip


def _run(run: Made) -> tuple[str, ...]:
    shown = [
        f"{name} {_value(value)}"
        for name, value in sorted(run.parameters.items())
        if name not in _ELSEWHERE and value not in (None, "", [], {})
    ]
    versions = [f"{name} {held}" for name, held in sorted(run.versions.items())]
    return run.id, run.verb, run.at, run.outcome, "; ".join(shown), ", ".join(versions)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return without_keys(text)[0]
