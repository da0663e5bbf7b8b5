"""`review screen --plain` and `review resolve` as processes of their own: pipes, and a dumb terminal."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from corpora.errors import LedgerError
from review import decisions
from review.ledger import Ledger
from review.screening import plain
from review.screening.session import Session
from review.screening.spool import Spool
from review.workspace import Workspace

Make = Callable[..., Workspace]

TA = "title-abstract"
PROMPT = "i=include e=exclude m=maybe s=skip u=undo ?=help q=quit >"


def command(workspace: Workspace, *words: str) -> list[str]:
    code = "from review.cli.main import app; app()"
    return [sys.executable, "-c", code, *words, "-w", str(workspace.root)]


def piped(workspace: Workspace, typed: str, *words: str, **environment: str) -> str:
    """What the command says when its input comes out of a pipe."""
    told = subprocess.run(
        command(workspace, *(words or ("screen", "--as", "ann", "--plain"))),
        input=typed, capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "Traceback" not in told.stderr
    return told.stdout


def said(workspace: Workspace, typed: str, person: str = "ann", stage: str = TA) -> str:
    """The same within this process."""
    lines, answers = list[str](), iter(typed.splitlines())

    def ask(_: str) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    with Session(workspace, person, stage) as session:
        plain.run(session, lines.append, ask)
    return "\n".join(lines)


def decided(workspace: Workspace) -> list[tuple[str, str | None]]:
    return [(row["verdict"], row["reason"]) for row in workspace.ledger.current("decisions")]


# ---------------------------------------------------------------------- processes


def test_through_a_pipe_that_ends_in_the_middle_of_an_answer(make_review: Make) -> None:
    workspace = make_review(8, 'mode = "single"')
    told = piped(workspace, "i\ne 2\nmaybe\ne\n")  # the criterion is never named
    assert sorted(decided(workspace)) == [("exclude", "statin"), ("include", None), ("maybe", None)]
    lines = told.splitlines()
    assert lines[0] == "Screening title-abstract as ann. Type ? and Enter for help."
    assert lines[-2:] == ["3 decided in all, 2 in, 4 left.", "Everything is kept."]
    assert lines.count(PROMPT) == 4
    assert sum(line.startswith("Title: ") for line in lines) == 4
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in told
    assert "\r" not in told
    assert "*Statins* for *sepsis*" in told
    assert "asthma in ~mice~" in told


def test_a_terminal_without_the_alphabet_of_a_title_shows_what_it_can(make_review: Make) -> None:
    workspace = make_review(4, 'mode = "single"')
    told = piped(workspace, "n Übergröße\ni\n", PYTHONIOENCODING="ascii")
    assert told.isascii()
    assert "Report R" in told
    assert len(decided(workspace)) == 1


@contextmanager
def dumb_terminal(words: list[str]) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A real terminal that can do nothing."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"}
    ) as child:
        os.close(theirs)
        try:
            yield ours, child
        finally:
            child.kill()
            os.close(ours)


def until(terminal: int, wanted: str, seconds: float = 60) -> str:
    """What the terminal shows up to some text."""
    shown, end = "", time.monotonic() + seconds
    while wanted not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"{wanted!r} never came; there was: {shown}"
        shown += os.read(terminal, 4096).decode()
    return shown


def test_in_a_dumb_terminal_every_line_is_plain_and_every_answer_kept_at_once(make_review: Make) -> None:
    workspace = make_review(8, 'mode = "single"')
    with dumb_terminal(command(workspace, "screen", "--as", "ann")) as (terminal, child):
        shown = until(terminal, "q=quit > ")
        os.write(terminal, b"e\n")
        shown += until(terminal, "number or id (Enter: none) > ")
        assert "1. sepsis: Patients have sepsis." in shown
        os.write(terminal, b"1\n")
        shown += until(terminal, "q=quit > ")
        assert "Kept: exclude, sepsis." in shown
        assert decided(workspace) == [("exclude", "sepsis")]
        os.write(terminal, b"\x04")  # the end of the input
        shown += until(terminal, "Everything is kept.")
        assert child.wait(30) == 0
    assert "\x1b" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


# ---------------------------------------------------------------------- answers


def test_what_is_not_understood_decides_nothing(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    pasted = "in this text\nexclude those without sepsis\ne.g. mice\nMaybe not\ni.\n17\nx\nevery\n"
    told = said(workspace, pasted)
    assert told.count("Not done: ") == 8
    assert "Not done: 'in this text' is no key here; ? lists them" in told
    assert decided(workspace) == []


def test_every_key_does_what_help_says(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    told = said(
        workspace,
        "?\nc\np\nn ask Ben\nt dose\n/ statins sepsis\nj 2\nw\nh\n"
        "\ns\nI\nu\ny\n\n2\nk 10.1234/x0 nothing\nb\n",
    )
    assert "1-9    exclude at once, by the criterion of this number" in told
    assert "2. statin: A statin was given." in told
    assert "decided by you   0 of 5" in told
    assert "The note is kept." in told
    assert "2 reports hold: statins sepsis." in told
    assert "The model goes by: " in told
    assert "Skipped: it comes again after all others." in told
    assert "Kept: include." in told
    assert "Taken back: you have not decided on it." in told
    assert "Done again: your decision is include." in told
    assert "Kept: exclude, statin." in told
    assert "1 key papers train the order now. Not held here: nothing." in told
    assert "Not done: this report has an abstract" in told
    assert sorted(decided(workspace)) == [("exclude", "statin"), ("include", None)]
    rows = workspace.ledger.current("remarks")
    assert {(row["kind"], row["text"]) for row in rows} >= {
        ("note", "ask Ben"),
        ("tag", "dose"),
        ("skip", ""),
    }


def test_a_report_that_was_looked_up_shows_no_rank_also_when_it_is_shown_again(make_review: Make) -> None:
    workspace = make_review(12, 'mode = "single"')
    told = said(workspace, "/ statins\nj 1\nw\nh\n")
    blocks = told.split("\nReport ")[2:]
    assert len(blocks) == 3
    assert all("out of the queue's order" in block and "rank" not in block for block in blocks)


def test_an_abstract_of_several_lines_is_one_answer(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    lines = "Asthma was seen\n\ni\ne\nin mice.\n.\ni\n"
    told = piped(workspace, "b\n" + lines, "screen", "--as", "ann", "--queue", "no-abstract")
    assert "typed by ann." in told
    assert [row["value"] for row in workspace.ledger.rows("patches")] == ["Asthma was seen   i e in mice."]
    assert decided(workspace) == [("include", None)]
    assert told.splitlines()[-4:-2] == [
        "5 with an abstract wait in a queue of their own: review screen --queue ranked",
        "What people differ on is settled with: review resolve",
    ]


def test_nothing_of_another_person_is_said(make_review: Make) -> None:
    workspace = make_review(6)
    with Session(workspace, "zoltan", TA) as session:
        while item := session.next():
            session.remarks.add(item.shown, "note", "zebranote")
            session.decide(item, "exclude", "statin")
    told = said(workspace, "p\n" + "w\nj " + item_of(workspace) + "\np\n\ni\n" * 1)
    assert "Kept: include." in told
    assert not re.search("zoltan|zebra|exclude, statin|you decided", told)
    assert "decided by you   0 of 5" in told


def item_of(workspace: Workspace) -> str:
    """A report that somebody has decided on."""
    return str(workspace.ledger.rows("decisions")[0]["record_id"])


def test_a_ledger_that_is_away_is_asked_again(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    lines = list[str]()

    def away(*_: object, **__: object) -> None:
        raise LedgerError("the ledger cannot be used: the server closed the connection")

    def ask(_: str) -> str:
        number = len(asked)
        asked.append(lines[-1])
        if number == 0:
            for name in ("_begin", "replace", "rows"):
                broken.setattr(Ledger, name, away)
            return "i"
        if number == 2:
            broken.undo()
        if number == 4:
            raise EOFError
        return ""

    asked = list[str]()
    with pytest.MonkeyPatch.context() as broken, Session(workspace, "ann", TA) as session:
        plain.run(session, lines.append, ask)
    told = "\n".join(lines)
    assert "Kept, on this machine until the ledger answers: include." in told
    assert told.count("What you decided is kept. Enter tries again, q quits") == 2
    assert lines[-2:] == ["1 decided in all, 1 in, 4 left.", "Everything is kept."]
    assert decided(workspace) == [("include", None)]


def test_two_terminals_of_one_person_share_what_waits_and_lose_none_of_it(make_review: Make) -> None:
    workspace = make_review(6, 'mode = "single"')
    one, two = Spool(workspace.root, "ann"), Spool(workspace.root, "ann")
    row = {"stage": TA, "verdict": "include", "reviewer": "ann"}
    one.keep("decisions", {**row, "uuid": "u1", "record_id": "R1"}, decisions.KEY)
    two.keep("decisions", {**row, "uuid": "u2", "record_id": "R2"}, decisions.KEY)
    assert two.flush(workspace) == 2  # also what the other terminal wrote
    one.keep("decisions", {**row, "uuid": "u3", "record_id": "R3"}, decisions.KEY)
    assert one.flush(workspace) == 1
    assert one.flush(workspace) == two.flush(workspace) == len(one) == len(two) == 0
    assert [row["uuid"] for row in workspace.ledger.rows("decisions")] == ["u1", "u2", "u3"]


# ---------------------------------------------------------------------- resolve


def test_resolve_shows_all_opinions_asks_again_and_ends_with_its_input(make_review: Make) -> None:
    workspace = make_review(6)
    for person, verdict in (("ann", "include"), ("ben", "exclude")):
        with Session(workspace, person, TA) as session:
            while item := session.next():
                session.remarks.add(item.shown, "note", f"{person} was here")
                session.decide(item, verdict, "statin" if verdict == "exclude" else None)
    told = piped(workspace, "x\ne\n9\ne\nsepsis\nno sepsis there\ns\ni\n\n", "resolve", "--as", "cleo")
    assert "1 of 5  R" in told
    for line in (
        "  ann: include",
        "  ben: exclude (statin)",
        "  ann, note: ann was here",
        "2. statin: A statin was given.",
    ):
        assert line in told.splitlines()
    assert "'x' is no answer here." in told
    assert "Not done: reason '9': the protocol's criteria are sepsis, statin" in told
    assert "Kept: exclude, sepsis, by cleo as a third person." in told
    assert told.splitlines()[-1] == "Open conflicts: 3"
    rows = workspace.ledger.current("resolutions")
    assert [(row["verdict"], row["reason"], row["how"], row["note"]) for row in rows] == [
        ("exclude", "sepsis", "third", "no sepsis there"),
        ("include", None, "third", None),
    ]


def test_resolve_hides_what_one_has_yet_to_screen(make_review: Make) -> None:
    from review.screening import drawing, resolving

    workspace = make_review(8)
    resolving.assign(workspace, TA, ["ann", "ben", "cleo"], "joined", "ann")
    drawing.draw(workspace, TA, "calibration", 2, "ann")
    for person, verdict in (("ann", "include"), ("ben", "exclude")):
        with Session(workspace, person, TA) as session:
            for _ in range(2):
                item = session.next()
                assert item
                assert item.block
                session.decide(item, verdict)
    told = piped(workspace, "i\n\n", "resolve", "--as", "cleo")
    assert "Not shown: 2 on reports that you have yet to screen yourself." in told
    assert "ann" not in told
    assert workspace.ledger.rows("resolutions") == []
    assert "  ben: exclude" in piped(workspace, "", "resolve", "--as", "ann")
