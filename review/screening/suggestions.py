"""A language model that suggests, and never decides (method rules, section 4; PRISMA-trAIce).

A suggestion fills no seat, settles no conflict, counts for no stop and trains no order. It is shown
only after one's own decision is locked, and it is scored on a random block decided without it. Any
OpenAI-compatible endpoint serves, one on this machine too; prompt, model, parameters and the raw
answer are kept. The key is read from ``LITSCALE_LLM_KEY`` and stored nowhere.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from classifiers.prompting.endpoint import KEY as KEY
from classifiers.prompting.endpoint import Endpoint, Settings, object_in
from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.run import Account, Run
from corpora.transport import LOOPBACK, Transport
from corpora.words import counted
from review.gathering.ingest import Outcome
from review.protocol import Protocol, Suggestions
from review.screening import drawing
from review.screening.board import Block, Board
from review.screening.texts import Shown
from review.screening.votes import Vote
from review.workspace import Workspace

SHOWN = "suggestion shown"

_SYSTEM = (
    "You help to screen records for a {kind} review. Judge only what the record says. Answer with one "
    'JSON object and nothing else: {{"verdict": "include" or "exclude", "criterion": the id of the first '
    'criterion that fails or null, "why": one sentence}}. If it cannot be told from the record, include.'
)


@dataclass(frozen=True, slots=True)
class Score:
    """How suggestions agree with people on a block that was decided without them.

    ``sensitivity`` and ``specificity`` with exact 95 % intervals (Clopper & Pearson 1934, doi
    10.1093/biomet/26.4.404); None where there is nothing to divide by.
    """

    block: str
    records: int
    included: int
    found: int
    sensitivity: tuple[float, float, float] | None
    specificity: tuple[float, float, float] | None

    def sentence(self) -> str:
        """For the report: never the share without its interval and its number."""
        if self.sensitivity is None:
            counts = counted(self.records, "record")
            return f"Block {self.block}: {counts}, none included; sensitivity cannot be told."
        point, low, high = self.sensitivity
        return (
            f"Block {self.block}: of {counted(self.included, 'record')} that people included, the model "
            f"suggested {self.found}; sensitivity {point:.2f} (exact 95 % interval {low:.2f} to {high:.2f})."
        )


def settings(protocol: Protocol) -> Suggestions:
    """The protocol's endpoint.

    Raises:
        InputError: the protocol has none.

    """
    if protocol.suggestions is None:
        raise InputError(
            "review suggest: the protocol has no [suggestions] with url and model, e.g. "
            'url = "http://127.0.0.1:11434/v1", model = "name:version"'
        )
    return protocol.suggestions


def consent(board: Board, reports: Iterable[str]) -> str:
    """What leaves this machine, and where to: to be agreed to before anything is sent."""
    held = settings(board.workspace.protocol)
    count = len(list(reports))
    host = urlsplit(held.url).hostname or ""
    where = "this machine" if host in LOOPBACK else host
    return f"Title and abstract of {counted(count, 'report')} go to {held.model} at {where} ({held.url})."


def to_ask(board: Board, block: str | None, number: int | None) -> list[str]:
    """The reports of a block, or the next ``number`` that nobody decided on, by the random order.

    Raises:
        InputError: neither or both are named, or no such block.

    """
    if (block is None) == (number is None):
        raise InputError("review suggest: say --block NAME or --next N")
    if block is not None:
        return list(_block(board, block).reports)
    return drawing.open_reports(board)[:number]


def _block(board: Board, name: str) -> Block:
    """A block of kind ``ai`` by its name, with or without the stage before it."""
    held = [one for one in board.blocks if one.kind == "ai"]
    for one in held:
        if name in (one.name, one.name.rpartition("/")[2]):
            return one
    names = ", ".join(one.name for one in held) or "none yet (review assign --ai 200)"
    raise InputError(f"block {name!r}: blocks of kind ai are {names}")


def suggest(
    board: Board,
    reports: list[str],
    person: str,
    *,
    progress: Progress = silent,
    transport: Transport | None = None,
) -> Outcome:
    """Ask the model about each report that it was not asked about in this form before.

    An answer that is no such object is kept raw as ``unreadable``, and counted.
    """
    held = settings(board.workspace.protocol)
    system = _SYSTEM.format(kind=board.workspace.protocol.review.kind)
    parameters = {"temperature": held.temperature, "max_tokens": held.max_tokens, "url": held.url}
    known = {
        (row["record_id"], row["model"], row["prompt"], row["text_hash"])
        for row in board.workspace.ledger.rows("suggestions")
    }
    run = Run.begin("suggest", {"model": held.model, "stage": board.stage.stage, **parameters})
    account = Account(promised=len(reports))
    counts = {"include": 0, "exclude": 0, "unreadable": 0, "asked before": 0}
    with transport or Transport(None, timeout=300.0) as line:
        for done, report in enumerate(reports, 1):
            shown = board.texts.shown(report)
            prompt = _prompt(board.workspace.protocol, shown)
            if (shown.record_id, held.model, system + prompt, shown.text_hash) in known:
                counts["asked before"] += 1
            else:
                raw, model = _answer(line, held, system, prompt)
                verdict, reason = _read(raw, board.workspace.protocol)
                counts[verdict] += 1
                board.workspace.ledger.append("suggestions", {
                    "record_id": shown.record_id, "stage": board.stage.stage, "verdict": verdict,
                    "reason": reason, "model": held.model, "prompt": system + prompt, "raw": raw,
                    "parameters": json.dumps({**parameters, "answered_by": model}, sort_keys=True),
                    "text_hash": shown.text_hash, "person": person,
                })  # fmt: skip
            account.delivered += 1
            progress("asking the model", done, len(reports))
    account.counts = counts
    run.account = account
    board.workspace.ledger.add_run("suggestions", run.finish())
    return Outcome("suggest", run)


class Newest:
    """The newest readable suggestion on each record of a stage; rows that came since are read on asking."""

    def __init__(self, workspace: Workspace, stage: str) -> None:
        self._ledger, self._stage = workspace.ledger, stage
        self._last = 0
        self._held: dict[str, dict[str, Any]] = {}

    def show(self, shown: Shown, own: Vote) -> list[str]:
        """What was suggested on a report, as lines; to be called once one's own decision is locked.

        After which vote it was shown is noted, so that a vote changed afterwards can be told.
        """
        for row in self._ledger.rows("suggestions", after=self._last):
            self._last = row["seq"]
            if row["stage"] == self._stage and row["verdict"] != "unreadable":
                self._held[row["record_id"]] = row
        rows = [self._held[one] for one in shown.members if one in self._held]
        if not rows:
            return []
        last = max(rows, key=lambda row: int(row["seq"]))
        row = {"record_id": shown.record_id, "stage": self._stage, "kind": SHOWN, "text": own.uuid}
        self._ledger.append("remarks", {**row, "person": own.reviewer})
        why = f": {last['reason']}" if last["reason"] else ""
        return [f"{last['model']} suggested {last['verdict']}{why} (it decides nothing)."]


def score(board: Board, block: str) -> Score:
    """Sensitivity and specificity on a block of kind ``ai`` by what people settled there.

    Raises:
        InputError: no such block, another kind, not settled whole, or records without suggestion.

    """
    held = _block(board, block)
    rows = [row for row in board.workspace.ledger.rows("suggestions") if row["stage"] == board.stage.stage]
    said = {board.texts.reports.get(row["record_id"]): row["verdict"] for row in rows}
    outcomes = {report: board.ballots.outcome(report) for report in held.reports}
    unsettled = [report for report, found in outcomes.items() if found.state != "settled"]
    silent_ones = [report for report in held.reports if report not in said]
    if unsettled or silent_ones:
        raise InputError(
            f"block {block}: {len(unsettled)} of {len(held.reports)} reports are not settled, "
            f"{len(silent_ones)} have no suggestion; a score needs both"
        )
    # An answer that cannot be read excludes nothing: a person would read that record.
    picked = {report: said[report] != "exclude" for report in held.reports}
    inside = [report for report, found in outcomes.items() if found.verdict == "include"]
    outside = [report for report in held.reports if report not in set(inside)]
    found_in = sum(picked[report] for report in inside)
    found_out = sum(not picked[report] for report in outside)
    return Score(
        block,
        len(held.reports),
        len(inside),
        found_in,
        exact(found_in, len(inside)),
        exact(found_out, len(outside)),
    )


def exact(hits: int, of: int, level: float = 0.95) -> tuple[float, float, float] | None:
    """A share with its Clopper-Pearson interval; None of nothing.

    >>> [round(one, 3) for one in exact(10, 10)]
    [1.0, 0.692, 1.0]
    """
    from scipy.stats import beta

    if not of:
        return None
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, of - hits)) if hits < of else 1.0
    return hits / of, low, high


def boxes(board: Board) -> list[tuple[str, str]]:
    """PRISMA-trAIce items that the ledger can answer (Holst et al. 2025, JMIR AI 4:e80247)."""
    rows = [row for row in board.workspace.ledger.rows("suggestions") if row["stage"] == board.stage.stage]
    if not rows:
        return [("M2", "No language model was used at this stage.")]
    models = sorted({row["model"] for row in rows})
    asked = len({row["record_id"] for row in rows})
    unreadable = sum(row["verdict"] == "unreadable" for row in rows)
    parameters = sorted({row["parameters"] for row in rows})
    return [
        ("M1", "Declared in the protocol's [suggestions]."),
        ("M2", f"{', '.join(models)}, through an OpenAI-compatible endpoint."),
        ("M3", f"Suggestions at {board.stage.stage}; no decision, no seat, no stop, no training."),
        ("M4", f"Title and abstract of {counted(asked, 'report')}."),
        (
            "M5",
            f"One JSON object an answer: verdict, criterion, why; {counted(unreadable, 'answer')} could "
            "not be read.",
        ),
        ("M6", f"Prompt kept with every answer; parameters {'; '.join(parameters)}."),
        (
            "M8",
            "Shown to a person only after their own decision; people decided every record. "
            f"{counted(_changed(board), 'decision was')} changed after a suggestion was shown.",
        ),
        ("M9", "Scored on a random block decided without the suggestions."),
        ("R1", "Records excluded by AI: 0."),
    ]


def _changed(board: Board) -> int:
    """People's votes that replaced one after which a suggestion was shown to them."""
    remarks = board.workspace.ledger.rows("remarks")
    shown = {row["text"] for row in remarks if row["kind"] == SHOWN and row["stage"] == board.stage.stage}
    told: set[tuple[str, str]] = set()
    changed = 0
    for row in board.workspace.ledger.rows("decisions"):
        key = row["record_id"], row["reviewer"]
        changed += key in told and row["stage"] == board.stage.stage
        if row["uuid"] in shown:
            told.add(key)
    return changed


# ---------------------------------------------------------------------- the endpoint


def _prompt(protocol: Protocol, shown: Shown) -> str:
    listed = "\n".join(f"- {one.id}: {one.text}" for one in protocol.criteria)
    fields = shown.fields
    return (
        f"Question: {protocol.review.question}\nEligibility criteria, in order:\n{listed}\n\n"
        f"Title: {fields['title'] or '(none)'}\nAbstract: {fields['abstract'] or '(none)'}"
    )


def _answer(line: Transport, held: Suggestions, system: str, prompt: str) -> tuple[str, str]:
    """The model's words, and the name and version that the endpoint gives itself."""
    settings = Settings(held.url, held.model, held.temperature, held.max_tokens, timeout=300.0)
    with Endpoint(settings, line=line) as endpoint:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": prompt}]
        reply = endpoint.ask(messages)
    return reply.text or reply.refusal or "", reply.model


def _read(raw: str, protocol: Protocol) -> tuple[str, str | None]:
    """Verdict and reason of an answer; ``unreadable`` for anything but the object asked for.

    >>> from review.protocol import Review
    >>> _read('```json\\n{"verdict": "exclude", "criterion": null, "why": "no"}\\n```',
    ...       Protocol(review=Review(title="T")))
    ('exclude', 'no')
    """
    found = object_in(raw) or {}
    verdict = found.get("verdict")
    if verdict not in ("include", "exclude"):
        return "unreadable", None
    criteria = {one.id for one in protocol.criteria}
    criterion = found.get("criterion") if found.get("criterion") in criteria else None
    parts = [str(part) for part in (criterion, found.get("why")) if part]
    return verdict, ": ".join(parts) or None
