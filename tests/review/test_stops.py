"""`review stop` over a real ledger: what may be claimed, the one sample, and what a stop leaves out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from corpora.errors import InputError
from review.counting import flow_of
from review.gathering.ingest import import_file
from review.linking import dedupe
from review.protocol import Import
from review.screening import drawing, resolving, stops
from review.screening.session import Session
from review.screening.stopping import verified
from review.workspace import Workspace

Make = Callable[..., Workspace]
TA = "title-abstract"
SINGLE = 'mode = "single"\nstop = "consecutive(5)"\ntarget = 0.9'
DUAL = 'mode = "dual"\nstop = "consecutive(5)"'


def relevant(session: Session, report: str) -> bool:
    return (session.texts.shown(report).fields["title"] or "").startswith("Statins")


def screen(workspace: Workspace, person: str, most: int = 10_000, queue: str = "ranked") -> int:
    """Screen the relevant ones first, then the others, in the order of ids: no model in the way."""
    with Session(workspace, person, TA, queue=queue) as session:
        count = 0
        while count < most and (item := session.next()):
            inside = relevant(session, item.shown.report)
            session.decide(item, "include" if inside else "exclude")
            count += 1
        return count


def decide_relevant(workspace: Workspace, person: str, leave: int = 0) -> int:
    """Decide on the relevant reports, all but ``leave`` of them."""
    with Session(workspace, person, TA) as session:
        inside = [one for one in session.texts.ids if relevant(session, one)]
        for report in inside[: len(inside) - leave]:
            item = session.jump(report)
            assert session.may_decide(item)
            session.decide(item, "include")
        return len(inside) - leave


def board(workspace: Workspace) -> resolving.Board:
    return resolving.open_board(workspace, TA)


def test_every_claim_is_named_and_nothing_unverified_is_called_verified(make_review: Make) -> None:
    workspace = make_review(40, SINGLE)
    decide_relevant(workspace, "ann")
    told = stops.standing(board(workspace), "buscar(0.9, 0.95) or consecutive(3)")
    assert (told.pool, told.screened, told.found, told.no_abstract) == (39, 8, 8, 1)
    assert {one.claim for one in told.verdict.all()} == {"model-based", "heuristic"}
    text = "\n".join(told.lines())
    assert "not corrected for repeated looks" in text
    assert "verified" not in text
    row = stops.accept(board(workspace), "ann", "consecutive(3)")
    assert row["outcome"] == "not reached"
    assert "not verified by a random sample" in row["sentence"]


def test_the_sample_is_fixed_drawn_once_and_screened_first(make_review: Make) -> None:
    workspace = make_review(60, SINGLE)
    found = decide_relevant(workspace, "ann")
    before = board(workspace)
    planned = stops.plan(before)
    unscreened = len(drawing.open_reports(before))
    assert (planned.found, planned.unscreened, planned.screened) == (found, unscreened, found)
    drawn = stops.sample(before, 40, "ann")
    assert (drawn.size, drawn.of) == (40, unscreened)
    with pytest.raises(InputError, match="never topped up"):
        stops.sample(board(workspace), 3, "ann")
    with pytest.raises(InputError, match="40 of 40 reports are not settled"):
        stops.accept(board(workspace), "ann")
    with Session(workspace, "ann", TA) as session:
        first = session.next()
        assert first is not None
        assert first.block == drawn.name
    assert screen(workspace, "ann", 40) == 40
    row = stops.accept(board(workspace), "ann")
    bound = verified.lower_bound(found, unscreened, 40, 0, 0.05)
    assert row["outcome"] == ("stopped" if bound >= 0.9 else "not reached")
    assert row["outcome"] == "stopped"
    assert "at least" in row["sentence"]
    left, rule = stops.unscreened(board(workspace))
    assert (len(left), rule) == (unscreened - 40, "sample")


def test_what_a_stop_left_out_is_counted_as_automation_and_never_as_screened(
    make_review: Make, tmp_path: Path
) -> None:
    workspace = make_review(60, SINGLE)
    decide_relevant(workspace, "ann")
    stops.sample(board(workspace), 40, "ann")
    screen(workspace, "ann", 40)
    stops.accept(board(workspace), "ann")
    arm = flow_of(Workspace(workspace.root)).databases
    assert (arm.screened, arm.unscreened, arm.awaiting) == (52, 7, 1)  # one has no abstract
    assert screen(workspace, "ann", queue="no-abstract") == 1
    arm = flow_of(Workspace(workspace.root)).databases
    assert (arm.screened, arm.unscreened, arm.awaiting) == (53, 7, 0)
    more = tmp_path / "more.csv"
    lines = (tmp_path / "review.csv").read_text("utf-8").splitlines()
    more.write_text("\n".join([lines[0], lines[2].replace("A1,", "N1,").replace("drug 1", "drug 99")
                              .replace("x1", "x991")]) + "\n", "utf-8")  # fmt: skip
    import_file(workspace, Import(file=str(more), source="Own"))
    dedupe(workspace)
    later = board(Workspace(workspace.root))
    stop = stops.last_stop(later)
    assert stop is not None
    assert stops.why_void(later, stop) == "records came, changed or went since"
    assert stops.unscreened(later) == (set(), "")
    assert any("VOID" in line for line in stops.standing(later).lines())


def test_a_sample_that_fails_stops_nothing_and_reports_its_bound(make_review: Make) -> None:
    workspace = make_review(60, SINGLE)
    found = decide_relevant(workspace, "ann", leave=6)
    stops.sample(board(workspace), 40, "ann")
    screen(workspace, "ann", 40)
    now = board(workspace)
    (block,) = now.blocks
    hits = sum(now.ballots.outcome(report).verdict == "include" for report in block.reports)
    assert hits > 0
    row = stops.accept(now, "ann")
    assert row["outcome"] == "not reached"
    bound = verified.lower_bound(found, int(block.parameters["of"]), 40, hits, 0.05)
    assert verified.down(bound) in row["sentence"]
    assert stops.unscreened(board(workspace)) == (set(), "")


def test_half_screened_reports_are_finished_before_a_sample(make_review: Make) -> None:
    workspace = make_review(30, DUAL)
    screen(workspace, "ann", 9)
    screen(workspace, "ben", 4)
    half = [one for one in board(workspace).ballots.voted() if not stops._is_settled(board(workspace), one)]
    assert half
    with pytest.raises(InputError, match=r"half screened or in conflict.*--queue half"):
        stops.sample(board(workspace), 5, "ann")
    assert screen(workspace, "ann", queue="half") + screen(workspace, "ben", queue="half") == len(half)
    assert stops.sample(board(workspace), 5, "ann").size == 5


def test_a_stop_is_taken_back(make_review: Make) -> None:
    workspace = make_review(30, SINGLE)
    with pytest.raises(InputError, match="was not stopped"):
        stops.take_back(board(workspace), "ann")
    screen(workspace, "ann", 29)
    assert stops.accept(board(workspace), "ann", "budget(29)")["outcome"] == "stopped"
    stops.take_back(board(workspace), "ann")
    assert stops.last_stop(board(workspace)) is None
    assert [row["outcome"] for row in workspace.ledger.rows("stops")] == ["stopped", "undone"]


def test_a_reviewer_s_panel_tells_nothing_of_others(make_review: Make) -> None:
    workspace = make_review(30, DUAL)
    screen(workspace, "ben", 20)
    with Session(workspace, "ann", TA) as session:
        assert session.progress().decided == 0
        lines = "\n".join(session.stop_lines())
    assert "0 irrelevant records in a row" in lines


def test_reports_that_wait_or_conflict_do_not_count_as_screened(make_review: Make) -> None:
    workspace = make_review(30, DUAL)
    with Session(workspace, "ann", TA) as session:
        shown = session.next()
        assert shown
        session.decide(shown, "include")
    held = stops.state(board(workspace))
    assert (held.n, held.found) == (0, 0)
    with Session(workspace, "ben", TA) as session:
        item = session.jump(shown.shown.report)
        assert session.may_decide(item)
        session.decide(item, "exclude")
    assert stops.state(board(workspace)).n == 0
    resolving.resolve(board(workspace), shown.shown.report, "include", "cleo", how="third")
    held = stops.state(board(workspace))
    assert (held.n, held.found) == (1, 1)
