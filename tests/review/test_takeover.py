"""Decisions made in other tools become decisions of a named person, once, and never over one's own."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from corpora.errors import InputError
from review.screening import resolving
from review.screening.session import Session
from review.screening.takeover import take_over
from review.workspace import Workspace

Make = Callable[..., Workspace]
TA = "title-abstract"
LONG = (
    "It was written for this test and says nothing of any patient; it is long enough to be ranked by words."
)


def exported(path: Path, labels: list[str], notes: list[str] | None = None) -> Path:
    """An ASReview export: one record a label."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["title", "abstract", "doi", "asreview_label", "asreview_note"])
        for number, label in enumerate(labels):
            note = (notes or [""] * len(labels))[number]
            writer.writerow(
                [f"Foreign paper {number}", f"Abstract {number}. {LONG}", f"10.77/f{number}", label, note]
            )
    return path


def irrelevant(path: Path, reason: str = "") -> Path:
    """A Covidence export of two records."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["Title", "Authors", "Abstract", "Covidence #", "Notes", "Tags"])
        for number in range(2):
            notes = f"Exclusion reason: {reason}; " if reason else ""
            writer.writerow([f"Covidence paper {number}", "Doe, J", LONG, f"#{number}", notes, "pilot"])
    return path


def votes(workspace: Workspace) -> list[tuple[str, str]]:
    return [(row["reviewer"], row["verdict"]) for row in workspace.ledger.current("decisions")]


def test_labels_of_asreview_become_decisions_with_their_records(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(5)
    file = exported(tmp_path / "a.csv", ["1", "0", "", "1"], ["see figure", "", "", ""])
    imported, decided = take_over(workspace, file, stage=TA, reviewer="ann")
    assert imported.run is not None
    assert imported.run.account.delivered == 4
    assert decided.run is not None
    account = decided.run.account
    assert (account.promised, account.delivered, account.refused) == (4, 4, 0)
    assert account.counts == {"exclude": 1, "include": 2, "undecided": 1}
    assert sorted(votes(workspace)) == [("ann", "exclude"), ("ann", "include"), ("ann", "include")]
    (note,) = [row for row in workspace.ledger.rows("remarks") if row["kind"] == "note"]
    assert (note["text"], note["person"]) == ("see figure", "ann")
    board = resolving.open_board(workspace, TA)
    assert len(board.ballots.voted()) == 3
    assert all(
        board.ballots.outcome(one).state == "half" for one in board.ballots.voted()
    )  # dual: ben is due


def test_the_same_file_again_adds_nothing_and_another_person_adds_theirs(
    make_review: Make, tmp_path: Path
) -> None:
    workspace = make_review(5)
    file = exported(tmp_path / "a.csv", ["1", "0", "1"])
    list(take_over(workspace, file, stage=TA, reviewer="ann"))
    (again,) = take_over(workspace, file, stage=TA, reviewer="ann")
    assert again.run is not None
    assert again.run.account.counts == {"taken over before": 3}
    list(take_over(workspace, file, stage=TA, reviewer="ben"))
    assert len(votes(workspace)) == 6
    board = resolving.open_board(workspace, TA)
    assert {board.ballots.outcome(one).state for one in board.ballots.voted()} == {"settled"}


def test_what_was_decided_here_stays(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(5)
    file = exported(tmp_path / "a.csv", ["", "", ""])
    list(take_over(workspace, file, stage=TA, reviewer="ann"))
    with Session(workspace, "ann", TA) as session:
        own = [one for one in session.texts.ids if "Foreign" in session.texts.shown(one).fields["title"]]
        item = session.jump(own[0])
        assert session.may_decide(item)
        session.decide(item, "maybe")
    place = int(item.shown.fields["title"].split()[-1])
    labels = ["0", "0", "0"]
    other = exported(tmp_path / "b.csv", labels)
    (_, decided) = take_over(workspace, other, stage=TA, reviewer="ann")
    assert decided.run is not None
    assert decided.run.account.counts == {"decided here already, kept (they differ)": 1, "exclude": 2}
    board = resolving.open_board(workspace, TA)
    assert [vote.verdict for vote in board.ballots.votes(board.texts.reports[item.shown.record_id])] == [
        "maybe"
    ]
    assert place in range(3)


def test_rows_that_cannot_be_read_are_named_and_counted(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(5)
    file = exported(tmp_path / "a.csv", ["1", "perhaps", "0"])
    *_, decided = take_over(workspace, file, stage=TA, reviewer="ann")
    assert decided.run is not None
    assert (decided.run.account.promised, decided.run.account.delivered) == (3, 2)
    assert decided.run.account.refused == 1
    assert any("perhaps" in note for note in decided.notes)
    assert decided.run.account.unaccounted == 0


def test_covidence_reasons_are_mapped_or_refused_whole(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(5)
    file = irrelevant(tmp_path / "c.csv", "Wrong population")
    with pytest.raises(InputError, match=r"'Wrong population' \(2\); map each with --reason"):
        list(take_over(workspace, file, stage="full-text", tool="covidence", on="excluded", reviewer="ann"))
    assert votes(workspace) == []
    with pytest.raises(InputError, match="no criterion; the protocol's are sepsis, statin"):
        list(take_over(workspace, file, stage="full-text", tool="covidence", on="excluded", reviewer="ann",
                       reasons={"Wrong population": "nonsense"}))  # fmt: skip
    list(take_over(workspace, file, stage="full-text", tool="covidence", on="excluded", reviewer="ann",
                   reasons={"wrong population": "sepsis"}))  # fmt: skip
    rows = workspace.ledger.current("decisions")
    assert {(row["verdict"], row["reason"]) for row in rows} == {("exclude", "sepsis")}
    remarks = {(row["kind"], row["text"]) for row in workspace.ledger.rows("remarks")}
    assert remarks == {("note", "reason given elsewhere: Wrong population"), ("tag", "pilot")}


def test_what_nobody_can_answer_for_is_refused(make_review: Make, tmp_path: Path) -> None:
    workspace = make_review(5)
    plain = tmp_path / "plain.csv"
    plain.write_text("title,abstract\nA,B\n")
    with pytest.raises(InputError, match="not recognised; say what made it with --tool"):
        list(take_over(workspace, plain, stage=TA))
    with pytest.raises(InputError, match="2 decisions without a person; say whose they are with --as"):
        list(take_over(workspace, exported(tmp_path / "a.csv", ["1", "0"]), stage=TA))
    with pytest.raises(InputError, match="the protocol has title-abstract, full-text"):
        list(take_over(workspace, plain, stage="abstract", tool="asreview"))
    assert votes(workspace) == []
