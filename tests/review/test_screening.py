"""Screening by several people over one ledger: nothing lost, nothing doubled, nobody sees others."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from corpora.errors import InputError, LedgerError
from review import decisions, settling
from review.gathering import fulltexts
from review.gathering.ingest import import_file, withdraw
from review.ledger import Ledger
from review.linking import dedupe
from review.protocol import Import, ScreeningStage
from review.screening import resolving
from review.screening.session import Session
from review.screening.spool import Spool
from review.screening.votes import UNDONE, Ballots, people_needed
from review.workspace import Workspace

Make = Callable[..., Workspace]

TA = "title-abstract"


def screen_all(workspace: Workspace, person: str, stage: str = TA, queue: str = "ranked") -> int:
    """One person screens until nothing is left: statins in, others out."""
    with Session(workspace, person, stage, queue=queue) as session:
        count = 0
        while item := session.next():
            inside = (item.shown.fields["title"] or "").startswith("Statins")
            session.decide(item, "include" if inside else "exclude", None if inside else "sepsis")
            count += 1
        return count


# ---------------------------------------------------------------------- one person


def test_every_report_is_shown_once_and_decided(make_review: Make) -> None:
    workspace = make_review(20, 'mode = "single"')
    assert screen_all(workspace, "ann") == 19  # one has no abstract: a queue of its own
    assert screen_all(workspace, "ann", queue="no-abstract") == 1
    board = resolving.open_board(workspace, TA)
    assert resolving.settled_counts(board) == {"include": 4, "exclude": 16, "open": 0}
    rows = workspace.ledger.rows("decisions")
    assert all(row["generation"] is not None and row["text_hash"] and row["members"] for row in rows)
    assert {row["protocol_version"] for row in rows} == {1}


def test_undo_and_the_undo_of_an_undo(make_review: Make) -> None:
    workspace = make_review(8, 'mode = "single"')
    with Session(workspace, "ann", TA) as session:
        item = session.next()
        assert item
        session.decide(item, "exclude", "statin")
        assert session.undo()
        assert session.progress().decided == 0
        again = session.redo()
        assert again
        assert again.own == "exclude"
        assert [vote.reason for vote in session.board.ballots.votes(item.shown.report)] == ["statin"]
        session.undo()
        assert session.undo() is None
        assert session.may_decide(item)  # it is in the queue again, wherever a new ranking puts it
        assert session.progress().left == 7
    assert [row["verdict"] for row in workspace.ledger.rows("decisions")] == [
        "exclude", UNDONE, "exclude", UNDONE,
    ]  # fmt: skip


def test_skipped_reports_come_last_also_in_a_later_session(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    with Session(workspace, "ann", TA) as session:
        first = session.next()
        assert first
        session.skip(first)
        other = session.next()
        assert other
        assert other.shown.report != first.shown.report
    with Session(workspace, "ann", TA) as session:
        order = []
        while item := session.next():
            order.append(item.shown.report)
            session.decide(item, "include")
    assert order[-1] == first.shown.report
    assert len(order) == 5


def test_a_skip_is_undone_and_done_again(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    with Session(workspace, "ann", TA) as session:
        first = session.next()
        assert first
        session.skip(first)
        assert session.progress().skipped == 1
        back = session.undo()
        assert back
        assert back.shown.report == first.shown.report
        assert session.progress().skipped == 0
        again = session.redo()
        assert again
        assert session.progress().skipped == 1
        session.undo()
    with Session(workspace, "ann", TA) as session:
        assert session.progress().skipped == 0
        item = session.jump(first.shown.report)
        assert session.may_decide(item)
        session.skip(item)
        session.decide(item, "include")
        assert session.progress().skipped == 0  # what is decided is not postponed
        session.undo()
        assert session.progress().skipped == 1
    rows = [row["kind"] for row in workspace.ledger.rows("remarks")]
    assert rows == ["skip", UNDONE, "skip", UNDONE, "skip"]


def test_what_cannot_be_decided_is_refused_with_the_choices(make_review: Make) -> None:
    workspace = make_review(6)
    with Session(workspace, "ann", TA) as session:
        item = session.next()
        assert item
        with pytest.raises(InputError, match="there are include, maybe, exclude"):
            session.decide(item, "ongoing")
        with pytest.raises(InputError, match="criteria are sepsis, statin"):
            session.decide(item, "exclude", "dose")
        with pytest.raises(InputError, match="no report or record 'R0'"):
            session.jump("R0")
    with pytest.raises(InputError, match="the protocol has title-abstract, full-text"):
        Session(workspace, "ann", "abstract")
    assert not workspace.ledger.rows("decisions")


def test_notes_tags_and_key_papers(make_review: Make) -> None:
    workspace = make_review(6)
    with Session(workspace, "ann", TA) as session:
        item = session.next()
        assert item
        session.remarks.add(item.shown, "note", "ask Ben")
        session.remarks.add(item.shown, "tag", "dose")
        session.remarks.add(item.shown, "tag", "dose")  # again: off
        assert session.remarks.of(item.shown) == [("note", "ask Ben")]
        found, unknown = session.key_papers(["https://doi.org/10.1234/x0", "10.1234/none"])
        assert len(found) == 1
        assert unknown == ["10.1234/none"]
        rows, labels = session.queue.labels()
        assert labels.tolist() == [True]
        assert session.texts.ids[rows[0]] == found[0]
    with Session(workspace, "ben", TA) as session:
        other = session.jump(item.shown.report)
        assert session.remarks.of(other.shown) == []  # not Ben's
    assert resolving.settled_counts(resolving.open_board(workspace, TA))["open"] == 6  # decides nothing


# ---------------------------------------------------------------------- several people


def test_two_people_settle_and_a_conflict_waits_for_a_person(make_review: Make, either_ledger: str) -> None:
    workspace = make_review(6)
    screen_all(workspace, "ann")
    with Session(workspace, "ben", TA) as session:
        item = session.next()
        assert item
        own = next(v.verdict for v in session.board.ballots.votes(item.shown.report) if v.reviewer == "ann")
        session.decide(item, "maybe" if own == "exclude" else "exclude")
    board = resolving.open_board(workspace, TA)
    (conflict,) = resolving.conflicts(board)
    assert {vote.reviewer for vote in conflict.votes} == {"ann", "ben"}
    with pytest.raises(InputError, match="ben voted"):
        resolving.resolve(board, conflict.report, "include", "ben", how="third")
    resolving.resolve(board, conflict.report, "include", "cleo", how="third", note="read it twice")
    board = resolving.open_board(workspace, TA)
    assert not resolving.conflicts(board)
    assert board.ballots.outcome(conflict.report).verdict == "include"
    assert len(board.ballots.votes(conflict.report)) == 2  # both opinions are kept
    assert set(board.ballots.before[conflict.report]) == {"ann", "ben"}
    resolving.take_back(board, conflict.report, "cleo")
    assert len(resolving.conflicts(resolving.open_board(workspace, TA))) == 1


def test_order_is_trained_on_own_and_settled_votes_alone(make_review: Make) -> None:
    workspace = make_review(10)
    screen_all(workspace, "ann")
    with Session(workspace, "ben", TA) as session:
        assert session.queue.labels()[0].size == 0  # nine votes of Ann's, none settled, none of Ben's
        item = session.next()
        assert item
        session.decide(item, "include")
        assert session.queue.labels()[0].size == 1
        assert session.progress().decided == 1
    with Session(workspace, "cleo", TA) as session:
        # Only what the two agreed on has reached a third person's order.
        known = (session.board.verdicts() >= 0).sum()
        assert session.queue.labels()[0].size == known <= 1


def test_a_single_queue_gives_each_report_to_one_person(make_review: Make, either_ledger: str) -> None:
    workspace = make_review(30, 'mode = "single"')
    counts: dict[str, int] = {}
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            counts[name] = screen_all(Workspace(workspace.root), name)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("ann", "ben", "cleo", "dora")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    rows = workspace.ledger.current("decisions")
    assert sum(counts.values()) == len(rows) == 29  # no decision lost, none doubled
    assert max(Counter(row["record_id"] for row in rows).values()) == 1


def test_dual_review_by_four_gives_every_report_exactly_two_votes(
    make_review: Make, either_ledger: str
) -> None:
    workspace = make_review(16)
    threads = [
        threading.Thread(target=screen_all, args=(Workspace(workspace.root), name))
        for name in ("ann", "ben", "cleo", "dora")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    votes = Counter(row["record_id"] for row in workspace.ledger.current("decisions"))
    assert set(votes.values()) == {2}
    assert len(votes) == 15


def test_two_terminals_of_one_person_leave_one_vote(make_review: Make, either_ledger: str) -> None:
    workspace = make_review(6, 'mode = "single"')
    one, two = (Session(Workspace(workspace.root), "ann", TA) for _ in range(2))
    item = one.next()
    assert item
    same = two.jump(item.shown.report)
    assert two.may_decide(same)
    one.decide(item, "include")
    two.decide(same, "exclude")
    rows = [r for r in workspace.ledger.current("decisions") if r["record_id"] == item.shown.record_id]
    assert [row["verdict"] for row in rows] == ["exclude"]
    one.close(), two.close()


def test_who_leaves_gives_back_what_they_hold(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    resolving.assign(workspace, TA, ["ann", "ben"], "joined", "lead")
    gone = Session(workspace, "ben", TA)  # Ben's machine dies: the session is never closed
    held = gone.next()
    assert held
    gone.trainer.close()
    assert screen_all(Workspace(workspace.root), "ann") == 4
    assert resolving.assign(workspace, TA, ["ben"], "left", "lead") == ["ann"]
    assert screen_all(Workspace(workspace.root), "ann") == 1
    with pytest.raises(InputError, match="not of the team"):
        Session(Workspace(workspace.root), "ben", TA)


@pytest.mark.parametrize(
    ("mode", "votes", "state"),
    [
        ('mode = "one-include-passes"', ["include"], "settled"),
        ('mode = "one-include-passes"', ["exclude"], "half"),
        ('mode = "dual"\npeople = 3', ["include", "include"], "half"),
        ('mode = "dual"\npeople = 3', ["include", "maybe", "include"], "settled"),
        ('mode = "dual"\npeople = 3', ["include", "maybe", "exclude"], "conflict"),
        ('mode = "single-check"\ncheck = 100', ["exclude"], "half"),
    ],
)
def test_modes(make_review: Make, mode: str, votes: list[str], state: str) -> None:
    workspace = make_review(5, mode)
    record = resolving.open_board(workspace, TA).texts.ids[0]
    for person, verdict in enumerate(votes):
        decisions.decide(workspace, record, stage=TA, verdict=verdict, reviewer=f"p{person}")
    assert resolving.open_board(workspace, TA).ballots.outcome(record).state == state


def test_a_check_draws_its_share_and_all_machines_agree() -> None:
    stage = ScreeningStage(stage=TA, mode="single-check", check=20)
    drawn = [people_needed(stage, f"R{n}", 3) == 2 for n in range(5000)]
    assert 0.18 < sum(drawn) / 5000 < 0.22
    assert drawn == [people_needed(stage, f"R{n}", 3) == 2 for n in range(5000)]


def test_votes_before_a_conflict_are_kept_apart_from_later_ones() -> None:
    ballots = Ballots(ScreeningStage(stage=TA, mode="dual"), {"R1": "R1"})
    said = [("ann", "include"), ("ben", "exclude"), ("ben", "include")]
    ballots.feed(
        {
            "uuid": str(n),
            "seq": n,
            "record_id": "R1",
            "stage": TA,
            "verdict": v,
            "reason": None,
            "reviewer": p,
        }
        for n, (p, v) in enumerate(said, 1)
    )
    assert ballots.outcome("R1").verdict == "include"  # Ben was talked over: a resolution
    assert {p: v.verdict for p, v in ballots.before["R1"].items()} == {"ann": "include", "ben": "exclude"}


# ---------------------------------------------------------------------- full text


def test_full_text_needs_a_retrieved_report_and_one_reason(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(6)
    for person in ("ann", "ben"):
        screen_all(workspace, person)
    with Session(workspace, "ann", "full-text") as session:
        assert session.next() is None  # passed, but nobody has retrieved it
    passed = [one for one, held in _outcomes(workspace).items() if held == "include"]
    pdf = tmp_path / "paper.pdf"
    pdf.write_bytes(b"%PDF-1.4 made for a test")
    fulltexts.attach(workspace, passed[0], pdf, "ann")
    with pytest.raises(InputError, match="say where it was tried"):
        fulltexts.note(workspace, passed[1], "not-retrieved", "ann")
    fulltexts.note(workspace, passed[1], "not-retrieved", "ann", place="library", why="no copy")
    for person, reason in (("ann", "sepsis"), ("ben", "statin")):
        with Session(workspace, person, "full-text") as session:
            item = session.next()
            assert item
            assert item.shown.report == passed[0]
            with pytest.raises(InputError, match="exactly one reason"):
                session.decide(item, "exclude")
            session.decide(item, "exclude", reason)
            assert session.next() is None
    board = resolving.open_board(workspace, "full-text")
    assert [conflict.why for conflict in resolving.conflicts(board)] == ["sepsis or statin"]
    resolving.resolve(board, passed[0], "exclude", "ann", how="discussion", reason="sepsis")
    outcome = resolving.open_board(workspace, "full-text").ballots.outcome(passed[0])
    assert (outcome.verdict, outcome.reason) == ("exclude", "sepsis")


def _outcomes(workspace: Workspace) -> dict[str, str]:
    ballots = resolving.open_board(workspace, TA).ballots
    return {report: ballots.outcome(report).verdict for report in ballots.voted()}


# ---------------------------------------------------------------------- the corpus moves on


def test_a_late_copy_inherits_and_an_undone_link_asks_again(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(5, 'mode = "single"')
    screen_all(workspace, "ann")
    copy = tmp_path / "copy.csv"
    lines = (tmp_path / "review.csv").read_text("utf-8").splitlines()
    copy.write_text("\n".join([lines[0], lines[1].replace("A0,", "B0,", 1)]) + "\n", "utf-8")
    import_file(workspace, Import(file=str(copy), source="Other", kind="database"))
    dedupe(workspace)
    board = resolving.open_board(workspace, TA)
    inherited = [flag for flag in resolving.flags(board) if flag.kind == "inherited"]
    assert len(inherited) == 1
    report = inherited[0].report
    assert board.ballots.outcome(report).state == "settled"
    # The copy is screened with the report; then a person says that the two are apart.
    decisions.decide(
        workspace, report, stage=TA, verdict="include", reviewer="ann",
        members=" ".join(board.texts.members(report)),
    )  # fmt: skip
    left, right = board.texts.members(report)
    settling.say(workspace, (left, right), "same_report", "not", "ann")
    board = resolving.open_board(workspace, TA)
    assert [flag.kind for flag in resolving.flags(board)] == ["to confirm"]
    assert screen_all(workspace, "ann") == 2  # both sides come again
    assert not resolving.flags(resolving.open_board(workspace, TA))


def test_merging_reports_decided_apart_opens_a_conflict(make_review: Make) -> None:
    workspace = make_review(5, 'mode = "single"')
    screen_all(workspace, "ann")
    verdicts = _outcomes(workspace)
    inside = next(one for one, verdict in verdicts.items() if verdict == "include")
    outside = next(one for one, verdict in verdicts.items() if verdict == "exclude")
    settling.say(workspace, (inside, outside), "same_report", "match", "ann")
    (conflict,) = resolving.conflicts(resolving.open_board(workspace, TA))
    assert "merged" in conflict.why


def test_a_record_withdrawn_after_it_was_screened_keeps_its_decision(make_review: Make) -> None:
    workspace = make_review(5, 'mode = "single"')
    screen_all(workspace, "ann")
    withdraw(workspace, workspace.parts("records")[0].run.id, "wrong file", "ann")
    opened = Workspace(workspace.root)
    board = resolving.open_board(opened, TA)
    assert len(board.texts) == 0
    assert {flag.kind for flag in resolving.flags(board)} == {"withdrawn"}
    assert len(opened.ledger.rows("decisions")) == 4


# ---------------------------------------------------------------------- what can break


def test_a_ledger_that_is_away_loses_no_decision(make_review: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_review(6, 'mode = "single"')
    session = Session(workspace, "ann", TA)
    item = session.next()
    assert item

    def away(*_: object, **__: object) -> str:
        raise LedgerError("the ledger cannot be used: the server closed the connection")

    monkeypatch.setattr(Ledger, "replace", away)
    session.decide(item, "include")
    assert session.progress().spooled == 1
    monkeypatch.undo()
    session.trainer.close()  # the machine is switched off here; the spool stays on its disk
    assert len(Spool(workspace.root, "ann")) == 1
    with Session(Workspace(workspace.root), "ann", TA) as later:
        assert later.progress().decided == 1
        assert later.progress().spooled == 0
    assert [row["verdict"] for row in workspace.ledger.current("decisions")] == ["include"]
    assert not list((workspace.root / "spool").iterdir())


def test_a_line_that_a_kill_cut_off_is_no_decision_and_the_rest_is_kept(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    spool = Spool(workspace.root, "ann")
    row = {"uuid": "u1", "record_id": "R1", "stage": TA, "verdict": "include", "reviewer": "ann"}
    spool.keep("decisions", row, decisions.KEY)
    file = next((workspace.root / "spool").iterdir())
    file.write_bytes(file.read_bytes() + b'{"table": "decis')
    again = Spool(workspace.root, "ann")
    assert len(again) == 1
    again.keep("decisions", {**row, "uuid": "u2", "verdict": "exclude"}, decisions.KEY)
    assert len(Spool(workspace.root, "ann")) == 2
    assert again.flush(workspace) == 2
    assert [r["verdict"] for r in workspace.ledger.current("decisions")] == ["exclude"]


KILLED = """
import sys
from pathlib import Path
from review.screening.session import Session
from review.workspace import Workspace
with Session(Workspace(Path(sys.argv[1])), "ann", "title-abstract") as session:
    while item := session.next():
        session.decide(item, "include")
        print(item.shown.record_id, flush=True)
"""


def test_kill_9_while_deciding_keeps_all_that_was_told(make_review: Make) -> None:
    workspace = make_review(60, 'mode = "single"')
    command = [sys.executable, "-c", KILLED, str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        told = [child.stdout.readline().strip() for _ in range(7)]
        os.kill(child.pid, signal.SIGKILL)
        told += child.stdout.read().split()
    kept = [row["record_id"] for row in workspace.ledger.current("decisions")]
    assert set(told) <= set(kept)
    assert len(kept) == len(set(kept)) <= len(told) + 1
    with Session(Workspace(workspace.root), "ann", TA) as session:
        assert session.progress().decided == len(kept)


def test_a_clock_that_jumps_changes_no_order(make_review: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_review(6, 'mode = "single"')
    record = resolving.open_board(workspace, TA).texts.ids[0]
    monkeypatch.setattr("review.ledger.now", lambda: "2031-01-01T00:00:00Z")
    decisions.decide(workspace, record, stage=TA, verdict="exclude", reviewer="ann")
    monkeypatch.setattr("review.ledger.now", lambda: "1999-01-01T00:00:00Z")
    decisions.decide(workspace, record, stage=TA, verdict="include", reviewer="ann")
    assert resolving.open_board(workspace, TA).ballots.outcome(record).verdict == "include"


def test_new_records_of_an_update_join_the_running_queue(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(5, 'mode = "single"')
    with Session(workspace, "ann", TA) as session:
        item = session.next()
        assert item
        session.decide(item, "include")
        more = tmp_path / "more.csv"
        lines = (tmp_path / "review.csv").read_text("utf-8").splitlines()
        new = lines[2].replace("A1,", "N1,").replace("drug 1", "drug 77").replace("x1", "x77")
        more.write_text("\n".join([lines[0], new.replace("number 1", "number 77")]) + "\n", "utf-8")
        other = Workspace(workspace.root)
        import_file(other, Import(file=str(more), source="Update", kind="database"))
        dedupe(other)
        left = 0
        while item := session.next():
            session.decide(item, "exclude")
            left += 1
        assert left == 4  # three that were there, and the new one
        assert session.progress().queue == 5


def test_an_amended_protocol_returns_what_was_decided_under_the_older_one(make_review: Make) -> None:
    workspace = make_review(6)
    screen_all(workspace, "ann")
    with Session(workspace, "ben", TA) as session:
        item = session.next()
        assert item
        title = item.shown.fields["title"]
        session.decide(item, "exclude" if title.startswith("Statins") else "include")
    (conflict,) = resolving.conflicts(resolving.open_board(workspace, TA))
    resolving.resolve(resolving.open_board(workspace, TA), conflict.report, "include", "cleo", how="third")
    path = workspace.protocol_path
    path.write_text(path.read_text("utf-8").replace("A statin was given.", "A statin was given by mouth."))
    amended = Workspace(workspace.root)
    amended.amend("the criterion was ambiguous")
    assert decisions.under_older(amended.ledger.current("decisions"), 2) == 6
    assert decisions.rescreen(amended, TA, "lead") == 6
    assert decisions.under_older(amended.ledger.current("decisions"), 3) == 0
    board = resolving.open_board(amended, TA)
    assert board.ballots.voted() == []
    assert board.ballots.outcome(conflict.report).state == "open"
    assert len(amended.ledger.rows("decisions")) == 12
    assert decisions.rescreen(amended, TA, "lead") == 0
    assert screen_all(amended, "ann") == 5
    assert {
        row["protocol_version"] for row in amended.ledger.current("decisions") if row["verdict"] != UNDONE
    } == {2}
