"""`review stop`: what the stopping rules say of a stage, and the one verified sample.

Only settled decisions count. Records without a usable abstract, in conflict, half screened or
skipped are outside: they are screened whole (method rules, section 5).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from corpora.errors import InputError
from review.screening import drawing
from review.screening.board import Block, Board
from review.screening.stopping import verified
from review.screening.stopping.base import Screened, Verdict
from review.screening.stopping.compose import check, parse
from review.screening.votes import UNDONE

if TYPE_CHECKING:
    from review.screening.session import Session

DEFAULT = "buscar(0.95, 0.95) and consecutive(50)"
SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a stage stands: counts, what each rule says, and whether an earlier stop still holds."""

    rule: str
    pool: int
    screened: int
    found: int
    no_abstract: int
    verdict: Verdict
    stop: dict[str, Any] | None
    void: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a terminal: model-based claims and heuristics, never as if they were verified."""
        told = [
            f"pool       {self.pool:,} reports that can be ranked; {self.screened:,} settled, "
            f"{self.found:,} relevant",
            f"apart      {self.no_abstract:,} without a usable abstract: screened whole "
            "(--queue no-abstract)",
            f"rule       {self.rule}: {'STOP' if self.verdict.stop else 'go on'}",
        ]
        told += [f"  {one.claim:<12} {one.sentence}" for one in self.verdict.all()]
        if self.stop:
            told.append(f"stop       {self.stop['outcome']} on {self.stop['at']} by {self.stop['person']}")
            told.append(f"  {self.stop['sentence']}")
        if self.void:
            told.append(f"VOID, recompute: {self.void}")
        return told


def standing(board: Board, rule: str | None = None) -> Standing:
    """What the rule of the stage says now, and of the last stop."""
    text = rule or board.stage.stop or DEFAULT
    found = state(board, text)
    stop = last_stop(board)
    return Standing(
        rule=str(parse(text)),
        pool=found.pool,
        screened=found.n,
        found=found.found,
        no_abstract=int((board.population & ~board.texts.rankable).sum()),
        verdict=check(parse(text), found),
        stop=stop,
        void=why_void(board, stop) if stop else "",
    )


# ---------------------------------------------------------------------- the state a rule sees


def state(board: Board, rule: str = "") -> Screened:
    """The settled decisions of the stage, in the order in which they were settled.

    Occasions and controls cost a ranking; they are made where ``rule`` asks for them.
    """
    pool = _pool(board)
    rows = [(_settled_at(board, report), report) for report in sorted(pool) if _is_settled(board, report)]
    order = [report for _, report in sorted(rows)]
    labels = np.array([board.ballots.outcome(report).verdict == "include" for report in order], dtype=bool)
    random = [r for b in board.blocks if b.kind == "calibration" for r in b.reports if _is_settled(board, r)]
    keys = {board.texts.reports.get(row["record_id"]) for row in _remarks(board, "key")} - {None}
    stage = board.stage.stage
    decided = [row for row in board.workspace.ledger.rows("decisions") if row["stage"] == stage]
    switched, since = _switch(board, decided, order, labels)
    return Screened(
        labels=labels,
        pool=len(pool),
        control=_control(board) if "qbcb" in rule else np.empty(0, dtype=bool),
        occasions=_occasions(board, order, labels) if "chao" in rule or "rivest" in rule else None,
        keys_found=sum(board.ballots.outcome(str(key)).verdict == "include" for key in keys),
        keys_total=len(keys),
        hours=hours(decided),
        random=np.array([board.ballots.outcome(r).verdict == "include" for r in random], dtype=bool),
        switched=switched,
        since_switch=since,
    )


def own_lines(session: "Session") -> list[str]:
    """The rule of the stage by one person's own decisions: nobody else's show through."""
    votes = [
        (vote.seq, vote.verdict in ("include", "maybe"))
        for report in session.board.ballots.voted()
        for vote in session.board.ballots.votes(report)
        if vote.reviewer == session.person and session.texts.rankable[session.texts.index[report]]
    ]
    labels = np.array([side for _, side in sorted(votes)], dtype=bool)
    rule = parse(session.stage.stop or DEFAULT)
    pool = int((session.board.population & session.texts.rankable).sum())
    verdict = check(rule, Screened(labels, pool, hours=session.progress().seconds / 3600))
    lines = [f"{one.claim}: {one.sentence}" for one in verdict.all()]
    return ["", f"By your own decisions, {rule} says: {'STOP' if verdict.stop else 'go on'}.", *lines]


def _pool(board: Board) -> set[str]:
    inside = board.population & (board.texts.rankable | (board.stage.stage == "full-text"))
    return {board.texts.ids[place] for place in np.flatnonzero(inside)}


def _is_settled(board: Board, report: str) -> bool:
    return board.ballots.outcome(report).state == "settled"


def _settled_at(board: Board, report: str) -> int:
    """The sequence of the vote that settled it."""
    return max((vote.seq for vote in board.ballots.votes(report)), default=0)


def _remarks(board: Board, kind: str) -> list[dict[str, Any]]:
    return [row for row in board.workspace.ledger.current("remarks") if row["kind"] == kind]


def hours(decided: Sequence[Mapping[str, Any]]) -> float:
    """Time at work on these decisions: gaps between one person's, up to ten minutes each.

    A clock that jumps back adds nothing, one that jumps ahead ten minutes at most.
    """
    from datetime import datetime

    last: dict[str, datetime] = {}
    total = 0.0
    for row in decided:
        at = datetime.fromisoformat(row["at"])
        gap = (at - last.get(row["reviewer"], at)).total_seconds()
        total += min(max(gap, 0.0), 600.0)
        last[row["reviewer"]] = at
    return total / 3600


def _switch(
    board: Board, decided: Sequence[Mapping[str, Any]], order: Sequence[str], labels: Any
) -> tuple[bool, int]:
    """Whether a second model ranks now, and the records since the last relevant one under it."""
    rankers = {
        (row["reviewer"], row["generation"]): row["ranker"]
        for row in board.workspace.ledger.rows("rankings")
        if row["stage"] == board.stage.stage
    }
    if not rankers:
        return False, 0
    by = {row["record_id"]: rankers.get((row["reviewer"], row["generation"])) for row in decided}
    named = [by.get(board.texts.shown(report).record_id) for report in order[-500:]]
    first = next((name for name in by.values() if name not in (None, "random")), None)
    if not named or named[-1] in (None, "random", first):
        return False, 0
    since = 0
    for name, side in zip(reversed(named), reversed(labels[-500:].tolist()), strict=True):
        if name != named[-1] or side:
            break
        since += 1
    return True, since


def _control(board: Board) -> Any:
    """Which relevant records of calibration blocks a ranking trained without them has reached."""
    controls = [
        report
        for block in board.blocks
        if block.kind == "calibration"
        for report in block.reports
        if board.ballots.outcome(report).verdict == "include"
    ]
    if not controls:
        return np.empty(0, dtype=bool)
    block = {report for one in board.blocks if one.kind == "calibration" for report in one.reports}
    scores = drawing.model_scores(board, without=block)
    if scores is None:
        return np.zeros(len(controls), dtype=bool)
    screened = sum(_is_settled(board, report) for report in _pool(board) - block)
    others = [scores[board.texts.index[report]] for report in _pool(board) - block]
    line = np.sort(others)[::-1][max(screened - 1, 0)] if others else 0.0
    return np.array([scores[board.texts.index[one]] >= line for one in controls], dtype=bool)


def _occasions(board: Board, order: Sequence[str], labels: Any) -> Any:
    """Which view of the texts would alone have ranked each relevant record among those screened.

    Scores are cross-fitted in five folds, so that no learner has seen the record it is asked for.
    """
    from classifiers.rankers.svm import LinearView

    held = drawing.features_of(board)
    rows = np.array([board.texts.index[report] for report in order], dtype=np.int64)
    seed = board.workspace.protocol.seed
    folds = np.random.default_rng(seed).permutation(len(rows)) % 5
    captured = np.zeros((len(rows), len(held.views)), dtype=bool)
    for column, view in enumerate(held.views):
        for fold in range(5):
            rest = folds != fold
            model = LinearView(view, cost=0.11, ratio=9.8, seed=seed, criteria=True)
            if model.fit(held, rows[rest], labels[rest]):
                scores = model.scores(held)
                line = np.sort(scores)[::-1][len(rows) - 1]
                captured[~rest, column] = scores[rows[~rest]] >= line
    return captured[labels]


# ---------------------------------------------------------------------- planning and the sample


def plan(board: Board) -> verified.Plan:
    """What a sample of everything unscreened could prove now."""
    found = state(board)
    unscreened = len(drawing.open_reports(board))
    return verified.plan(found.found, unscreened, board.stage.target, _alpha(board), found.n)


def _alpha(board: Board) -> float:
    return board.stage.alpha / board.stage.samples


def sample(board: Board, size: int, person: str) -> drawing.Drawn:
    """Fix and draw the verified sample; it is screened before all else, in the stage's mode.

    Raises:
        InputError: as many samples as the protocol allows were drawn, or reports are half screened.

    """
    drawn = [block for block in board.blocks if block.kind == SAMPLE]
    if len(drawn) >= board.stage.samples:
        raise InputError(
            f"review stop --sample: {len(drawn)} drawn, the protocol allows {board.stage.samples}; a sample "
            "is never topped up: report the bound it gave, or screen the rest (more samples need `samples` "
            "in the protocol beforehand, and share alpha)"
        )
    unsettled = [one for one in board.ballots.voted() if not _is_settled(board, one)]
    if unsettled:
        raise InputError(
            f"review stop --sample: {len(unsettled)} reports are half screened or in conflict, the first is "
            f"{unsettled[0]}; settle them first: review screen --queue half, then review resolve"
        )
    return drawing.draw(board.workspace, board.stage.stage, SAMPLE, size, person)


def sample_result(board: Board, block: Block) -> verified.Result:
    """The test of a sample that was screened whole.

    Raises:
        InputError: it is not screened whole yet.

    """
    open_ones = [one for one in block.reports if not _is_settled(board, one)]
    if open_ones:
        raise InputError(
            f"sample {block.name}: {len(open_ones)} of {len(block.reports)} reports are not settled yet"
        )
    hits = sum(board.ballots.outcome(one).verdict == "include" for one in block.reports)
    inside = set(block.reports)
    before = [one for one in _pool(board) - inside if _is_settled(board, one) and _before(board, one, block)]
    found = sum(board.ballots.outcome(one).verdict == "include" for one in before)
    return verified.result(
        found, int(block.parameters["of"]), len(block.reports), hits, board.stage.target, _alpha(board)
    )


def _before(board: Board, report: str, block: Block) -> bool:
    """Whether a report was settled before the sample was drawn: it was then not in what was sampled."""
    return _settled_at(board, report) <= int(block.parameters.get("after", 1 << 62))


# ---------------------------------------------------------------------- stopping


def accept(board: Board, person: str, rule: str | None = None) -> dict[str, Any]:
    """Stop the stage: by the finished sample if there is one, else by the rule; gives the ledger's row.

    A sample that failed, or a rule that says go on, is recorded as not reached and stops nothing.
    """
    samples = [block for block in board.blocks if block.kind == SAMPLE]
    if samples:
        tested = sample_result(board, samples[-1])
        text, reached, sentence = SAMPLE, tested.proved, tested.sentence()
        numbers = {**asdict(tested), "claim": "verified"}
    else:
        told = standing(board, rule)
        text, reached = told.rule, told.verdict.stop
        sentence = methods_sentence(told)
        numbers = {"pool": told.pool, "screened": told.screened, "found": told.found, "claim": "not verified"}
    row = {
        "stage": board.stage.stage,
        "rule": text,
        "state": json.dumps({**numbers, "fingerprint": pool_hash(board)}, sort_keys=True),
        "outcome": "stopped" if reached else "not reached",
        "sentence": sentence,
        "person": person,
        "protocol_version": board.workspace.protocol_version(),
    }
    board.workspace.ledger.replace("stops", row, ("stage",))
    return row


def take_back(board: Board, person: str) -> None:
    """Go on screening after a stop.

    Raises:
        InputError: there is no stop.

    """
    stop = last_stop(board)
    if stop is None:
        raise InputError(f"review stop --undo: {board.stage.stage} was not stopped")
    row = {name: stop[name] for name in ("stage", "rule", "state", "protocol_version")}
    board.workspace.ledger.replace(
        "stops", {**row, "outcome": UNDONE, "sentence": "", "person": person}, ("stage",)
    )


def methods_sentence(told: Standing) -> str:
    """For the methods section, where no sample verified anything."""
    claims = " ".join(f"[{one.claim}] {one.sentence}" for one in told.verdict.all())
    ended = "Screening was stopped by" if told.verdict.stop else "Screening went on past"
    return (
        f"{ended} the rule {told.rule} after {told.screened:,} of {told.pool:,} records with a usable "
        f"abstract ({told.found:,} relevant). {claims} Recall was not verified by a random sample."
    )


def last_stop(board: Board) -> dict[str, Any] | None:
    """The newest stop of the stage that was not taken back."""
    rows = [row for row in board.workspace.ledger.current("stops") if row["stage"] == board.stage.stage]
    return rows[-1] if rows and rows[-1]["outcome"] != UNDONE else None


def why_void(board: Board, stop: dict[str, Any]) -> str:
    """Why an earlier stop does not hold any more; empty if it does."""
    if json.loads(stop["state"])["fingerprint"] != pool_hash(board):
        return "records came, changed or went since"
    return ""


def pool_hash(board: Board) -> str:
    """Names the reports that a stop speaks of, with their texts."""
    from corpora.record import digest

    return digest(board.texts.fingerprint, *sorted(_pool(board)))


def unscreened(board: Board) -> tuple[set[str], str]:
    """Reports that a valid stop leaves unscreened, and the rule; nothing without one."""
    stop = last_stop(board)
    if stop is None or stop["outcome"] != "stopped" or why_void(board, stop):
        return set(), ""
    return set(drawing.open_reports(board)), str(stop["rule"])
