"""Methods, second half: who decided what, in which order, until when; full texts."""

import json
from collections.abc import Iterator

from corpora.errors import InputError
from review import removing
from review.report.document import Block, Grid, Heading, Text
from review.report.gathering import Material
from review.report.numbers import listed, sentence, were
from review.report.searching import day
from review.screening import stops
from review.screening.agreeing import agree
from review.screening.board import Board
from review.screening.votes import UNDONE

NAMES = {"title-abstract": "titles and abstracts", "full-text": "full texts"}

_MODES = {
    "single": "One person was to decide on each report.",
    "one-include-passes": "One inclusion let a report pass; excluding it needed two people.",
}


def removals(m: Material) -> Iterator[Block]:
    """What was taken out before screening, by which condition, by whom and why."""
    rows = [row for row in m.workspace.ledger.current("removals") if row["how"] != UNDONE]
    if not rows:
        return
    yield Heading(3, "Removed before screening")
    out, back = removing.standing(m.workspace, m.clusters.reports)
    number = m.numbers.count("removals.out", len(out), "ledger: removals", "report")
    told = f"{number} {were(len(out))} removed before screening"
    if back:
        again = m.numbers.count("removals.back", back, "ledger: removals", "report")
        told += f"; {again} that a removal lists {were(back)} decided on or met again, and not removed"
    yield Text(sentence(told))
    yield Grid(
        "Removals, in their order",
        ("Date", "Condition", "Reason", "Decided by", "Records listed"),
        tuple(
            (
                day(row["at"]), row["condition"], row["reason"],
                "a model (automation tool)" if row["how"] == removing.AUTOMATION else "people",
                m.numbers(f"removals.{row['uuid']}", len(json.loads(row["records"])), "ledger: removals"),
            )
            for row in rows
        ),
    )  # fmt: skip


def selection(m: Material) -> Iterator[Block]:
    """One section a stage."""
    if not m.boards:
        yield Heading(3, "Selection")
        yield Text("There are no records yet, so nothing was screened.", notice=True)
    for stage, board in m.boards.items():
        yield Heading(3, f"Selection by {NAMES[stage]}")
        told = (mode(board), people(m, board), taken_over(m, board), order(m, board))
        yield Text(" ".join(part for part in told if part))
        if board.ballots.voted():
            yield from agreement(m, board)
            yield Text(conflicts(m, board))
        yield from stopping(m, board)


def mode(board: Board) -> str:
    """How many people a report needs, in words."""
    stage = board.stage
    if stage.mode == "dual":
        return (
            f"{_number(stage.people)} people were to decide on each report without seeing each other's "
            "decisions; differing decisions were a conflict."
        )
    if stage.mode == "single-check":
        return (
            f"One person was to decide on each report, and a second person on {stage.check:g} % of them, "
            "chosen by a hash that nobody could foresee."
        )
    return _MODES[stage.mode]


def _number(count: int) -> str:
    return {2: "Two", 3: "Three", 4: "Four", 5: "Five"}.get(count, f"{count:,}")


def people(m: Material, board: Board) -> str:
    """How many people decided on how many reports."""
    stage = board.stage.stage
    where = "ledger: decisions"
    voted = board.ballots.voted()
    voters = {vote.reviewer for report in voted for vote in board.ballots.votes(report)}
    if not voters:
        return "Nobody has decided yet."
    who = m.numbers.count(f"screening.{stage}.people", len(voters), where, "person")
    reports = m.numbers.count(f"screening.{stage}.voted", len(voted), where, "report")
    states = [board.ballots.outcome(report).state for report in voted]
    settled = m.numbers(f"screening.{stage}.settled", states.count("settled"), where)
    half = states.count("half")
    told = f"{who} decided on {reports}; {settled} of these {'is' if settled == '1' else 'are'} settled"
    if half:
        number = m.numbers(f"screening.{stage}.half", half, where)
        told += f", {number} {'waits' if half == 1 else 'wait'} for a second decision"
    return sentence(told)


def taken_over(m: Material, board: Board) -> str:
    """Decisions that were made in another tool, by the runs that brought them."""
    stage = board.stage.stage
    rows = [run for run in m.runs if run.kind == "take-over" and run.parameters["stage"] == stage]
    if not rows:
        return ""
    tools = listed(sorted({run.parameters["tool"] for run in rows}))
    files = m.numbers.count(f"screening.{stage}.taken", len(rows), "ledger: runs", "file")
    return f"Decisions of {files} were taken over from {tools}; what ordered them is not known here."


def order(m: Material, board: Board) -> str:
    """What ordered the reports; an order decides nothing."""
    stage = board.stage.stage
    rows = [row for row in m.workspace.ledger.rows("rankings") if row["stage"] == stage]
    if not rows:
        return "The ledger holds no ranking of this stage: no model ordered the reports."
    names = sorted({row["ranker"] for row in rows})
    number = m.numbers.count(f"screening.{stage}.rankings", len(rows), "ledger: rankings", "ranking")
    return (
        f"Reports were shown in an order made by {listed(names)} ({number}), trained on settled reports and "
        "on each person's own decisions only; an order excludes nothing."
    )


def agreement(m: Material, board: Board) -> Iterator[Block]:
    """Agreement on each block drawn for it, else on what two people happened to decide."""
    blocks: list[str | None] = [block.name for block in board.blocks if block.kind == "agreement"]
    rows = [row for name in blocks or [None] for row in _agreed(m, board, name)]
    if not rows:
        yield Text("No report was decided by two people, so agreement cannot be computed.")
        return
    yield Grid(
        f"Agreement on {NAMES[board.stage.stage]} before conflicts were discussed",
        ("On", "Reports", "Figure", "Value", "95 % interval"),
        tuple(rows),
        ("Include or maybe against exclude; bootstrap intervals. Other overlap: these reports were neither "
         "drawn at random nor all screened by all, so the figures describe them only.",),
    )  # fmt: skip


def _agreed(m: Material, board: Board, block: str | None) -> list[tuple[str, ...]]:
    try:
        found = agree(board, block)
    except InputError:
        return []
    if not found.overall.records:
        return []
    on = f"{block.rpartition('/')[2]} ({found.basis})" if block else found.basis
    key = f"agreement.{board.stage.stage}.{block or 'all'}"
    where = "ledger: decisions before conflicts"
    shared = m.numbers(f"{key}.records", found.overall.records, where)
    made: list[tuple[str, ...]] = []
    for name, figure in found.overall.figures.items():
        value = m.numbers(f"{key}.{name}", figure.value, where, ".3f")
        if figure.low is None or figure.high is None:
            interval = f"none: {figure.why}"
        else:
            low, high = (m.numbers(f"{key}.{name}.{end}", x, where, ".3f")
                         for end, x in (("low", figure.low), ("high", figure.high)))  # fmt: skip
            interval = f"{low} to {high}"
        made.append((on, shared, name, value, interval))
    return made


def conflicts(m: Material, board: Board) -> str:
    """Conflicts opened, how they were settled, and those that are open."""
    stage, where = board.stage.stage, "ledger: decisions, resolutions"
    opened, resolved = board.ballots.before, board.ballots.resolutions
    still = sum(board.ballots.outcome(one).state.endswith("conflict") for one in board.ballots.voted())
    if not (opened or resolved or still):
        return "No decisions were in conflict."
    number = m.numbers.count(f"conflicts.{stage}.opened", len(opened), where, "report")
    told = [f"people's verdicts differed on {number}"]
    for how, words in (("discussion", "by discussion"), ("third", "by a third person")):
        count = sum(one.how == how for one in resolved.values())
        if count:
            told.append(
                f"{m.numbers(f'conflicts.{stage}.{how}', count, where)} {were(count)} settled {words}"
            )
    told.append(f"{m.numbers(f'conflicts.{stage}.open', still, where)} {'is' if still == 1 else 'are'} open")
    return sentence("; ".join(told))


def stopping(m: Material, board: Board) -> Iterator[Block]:
    """The claim of the last stop in its own words and class, and what it left unread."""
    stage, where = board.stage.stage, "ledger: stops"
    stop = stops.last_stop(board)
    if stop is None:
        yield Text(left_open(m, board))
        return
    claim = json.loads(stop["state"]).get("claim", "not verified")
    void = stops.why_void(board, stop)
    reached = stop["outcome"] == "stopped"
    ended = "stopped" if reached else "not stopped: the rule was not reached"
    yield Text(
        f"On {day(stop['at'])} this stage was {ended} (rule: {stop['rule']}; claim: {claim}). "
        f"{m.numbers(f'stop.{stage}.sentence', stop['sentence'], where)}"
    )
    if void:
        yield Text(f"This stop is void, its claim does not hold any more: {void}.", notice=True)
    if void or not reached:
        yield Text(left_open(m, board))
    left, _ = stops.unscreened(board)
    if left:
        number = m.numbers.count(f"stop.{stage}.unscreened", len(left), where, "report")
        yield Text(
            sentence(f"{number} {were(len(left))} left unscreened by this stop; nobody has read them, and "
                     "they are not counted as screened"))  # fmt: skip
    apart = int((board.population & ~board.texts.rankable).sum())
    if apart and stage == "title-abstract":
        number = m.numbers.count(f"stop.{stage}.apart", apart, "corpus: records", "report")
        yield Text(
            sentence(f"{number} without a usable abstract, or in a language that the order does not cover, "
                     f"{were(apart)} outside the stop and {were(apart)} to be screened whole"))  # fmt: skip


def left_open(m: Material, board: Board) -> str:
    """How much of a stage that was not stopped is open."""
    gone, _ = removing.standing(m.workspace, m.clusters.reports)
    ids = [one for one, inside in zip(board.texts.ids, board.population, strict=True) if inside]
    open_now = [one for one in ids if board.ballots.outcome(one).state != "settled" and one not in gone]
    stage, left = board.stage.stage, len(open_now)
    number = m.numbers.count(f"screening.{stage}.open", left, "ledger: decisions", "report")
    if not ids:
        return "No report has come to this stage yet."
    if not left:
        return "Screening was not stopped early: every report of this stage was decided."
    return f"Screening was not stopped early; {number} {'is' if left == 1 else 'are'} not settled yet."


def full_texts(m: Material) -> Iterator[Block]:
    """Sought, retrieved, not to be had."""
    if "full-text" not in m.protocol.stages or not m.boards:
        return
    yield Heading(3, "Full texts")
    states = [row["status"] for row in m.texts_sought.values()]
    where = "ledger: fulltexts"
    told = []
    for state, words in (
        ("retrieved", "retrieved"),
        ("not-retrieved", "not to be had"),
        ("sought", "sought and not retrieved yet"),
    ):
        count = states.count(state)
        told.append(f"{m.numbers(f'fulltexts.{state}', count, where)} {were(count)} {words}")
    yield Text(sentence(f"of the full texts, {listed(told)}"))
    if m.verdicts("full-text", "exclude"):
        yield Text("A report was excluded here for exactly one reason, the first criterion that it failed.")
