"""Coding by people: what is asked, what is hidden, what a kill leaves, how far they agree."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from classifiers.codebook import parse
from corpora.errors import CodebookError, InputError, LitscaleError
from review.facts import facts
from review.labelling import annotating, answers, asking, auditing, concord
from review.labelling.annotating import Session
from review.labelling.answers import Answer, Coded
from review.workspace import Workspace
from tests.review import coding
from tests.review.coding import said
from tests.review.conftest import Make
from tests.review.test_screening_cli import as_json, run


@pytest.fixture
def workspace(make_review: Make) -> Workspace:
    return coding.tagged(make_review(20))


def draw(workspace: Workspace, size: int = 12, **options: object) -> auditing.Drawn:
    return auditing.draw(workspace, facts(workspace), size, "ann", **options)  # type: ignore[arg-type]


def finish(session: Session, flip: int = 0) -> int:
    """Answer everything by the title; the first ``flip`` records get mice where there are none."""
    count = 0
    while (item := session.next()) is not None:
        title = item.shown.fields["title"]
        while (question := session.question(item)) is not None:
            mice = ("mice" in title) != (count < flip)
            given = {
                "scope": said("in"),
                "drugs": said("statin" if "Statins" in title else "other"),
                "dose": said("low"),
                "mice": said("yes" if mice else ""),
            }
            session.answer(item, question, given.get(question.id, Answer()))
        count += 1
    return count


# ------------------------------------------------------------------ what is asked


def test_questions_follow_the_codebook(workspace: Workspace) -> None:
    book = facts(workspace).codebook
    asked = answers.questions(book)
    assert [one.id for one in asked] == ["scope", "drugs", "dose", "mice", "days", "start"]
    assert [one.id for one in answers.questions(book, ["family"])] == ["scope", "drugs"]
    assert [one.id for one in answers.questions(book, ["dose"])] == ["scope", "drugs", "dose"]
    assert answers.unanswered(book, asked, {}).id == "scope"  # type: ignore[union-attr]
    assert answers.unanswered(book, asked, {"scope": said("out")}) is None
    given = {"scope": said("in"), "drugs": said("other")}
    assert answers.unanswered(book, asked, given).id == "mice"  # type: ignore[union-attr]
    given["drugs"] = said("statin")
    assert answers.unanswered(book, asked, given).id == "dose"  # type: ignore[union-attr]


def test_a_studys_labels_are_the_union_over_its_reports(workspace: Workspace) -> None:
    book = facts(workspace).codebook
    parts = [{"drugs": said("statin")}, {"drugs": said("other")}]
    made = answers.union(book, parts, answers.questions(book))
    assert made["drugs"] == ["other", "statin"]
    assert made["family"] == ["generative_llm", "traditional_nlp"]
    assert made["mice"] == []


@pytest.mark.parametrize(
    ("question", "answer", "told"),
    [
        ("scope", said(""), "takes exactly one label, got 0"),
        ("drugs", said("statins"), "label 'statins'; statin, other"),
        ("days", Answer(value="thirty", quote="thirty days"), "is no number"),
        ("days", Answer(value="30", quote="forty days"), "does not stand in title or abstract"),
        ("days", Answer(value="30"), "does not stand in title or abstract"),
        ("start", Answer(value="2024-13"), "is no date; write 2024, 2024-05 or 2024-05-31"),
        ("start", Answer(value="24"), "is no date"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(
    workspace: Workspace, question: str, answer: Answer, told: str
) -> None:
    session = Session(workspace, "ann", None)
    item = session.next()
    assert item is not None
    asked = next(one for one in session.asked if one.id == question)
    with pytest.raises(InputError, match=told):
        session.answer(item, asked, answer)
    assert workspace.ledger.rows("annotations") == []


def test_a_field_is_kept_with_the_records_words(workspace: Workspace) -> None:
    session = Session(workspace, "ann", None)
    item = session.next()
    assert item is not None
    days = next(one for one in session.asked if one.id == "days")
    session.answer(item, days, Answer(value="30", quote="Patients  for THIRTY days"))
    start = next(one for one in session.asked if one.id == "start")
    session.answer(item, start, Answer(value="2024-02"))
    session.spool.flush(workspace)
    rows = {row["dimension"]: row for row in workspace.ledger.rows("annotations")}
    assert (rows["days"]["value"], rows["days"]["quote"]) == ("30", "Patients  for THIRTY days")
    assert (rows["start"]["value"], rows["start"]["quote"]) == ("2024-02", None)


def test_fields_join_a_codebook_without_a_new_name_for_the_others() -> None:
    whole = parse(coding.CODEBOOK, "small")
    assert [one.kind for one in whole.fields] == ["number", "date"]
    assert whole.label_ids()[-1] == "mice.yes"
    start, end = coding.CODEBOOK.index("[[fields]]"), coding.CODEBOOK.index("[[rollups]]")
    bare = parse(coding.CODEBOOK[:start] + coding.CODEBOOK[end:], "small")
    dumped = bare.model_dump_json(exclude={"fields", "inherit"})
    assert bare.hash == hashlib.sha256(dumped.encode()).hexdigest()[:16] != whole.hash
    with pytest.raises(CodebookError, match="ids of dimensions, roll-ups and fields must differ: drugs"):
        parse(coding.CODEBOOK.replace('id = "start"', 'id = "drugs"'), "small")
    with pytest.raises(CodebookError, match="names labels that no dimension has: drugs.x"):
        parse(coding.CODEBOOK.replace('"drugs.statin"', '"drugs.x"'), "small")


# ------------------------------------------------------------------ the queue


def test_an_audit_comes_in_the_order_of_the_draw(workspace: Workspace) -> None:
    drawn = draw(workspace)
    session = Session(workspace, "ann", drawn)
    seen = []
    while (item := session.next()) is not None:
        seen.append(item.study)
        assert (item.place, item.of) == (len(seen), 12)
        while (question := session.question(item)) is not None:
            session.answer(item, question, said("out") if question.id == "scope" else Answer())
    assert tuple(seen) == drawn.studies
    assert session.left() == 0
    assert Session(workspace, "ben", drawn).next() is None
    audit, _ = auditing.standing(workspace, facts(workspace))
    assert audit is not None
    assert audit.truth["drugs"].tolist() == [[]] * 12


def test_outside_an_audit_its_studies_do_not_come(workspace: Workspace) -> None:
    drawn = draw(workspace)
    session = Session(workspace, "ann", None)
    assert session.left() == 8
    finish(session)
    rows = workspace.ledger.rows("annotations")
    coded = {row["record_id"] for row in rows}
    assert {row["block"] for row in rows} == {None}
    held = facts(workspace).studies.set_index("study_id")["record_ids"]
    assert not coded & {record for one in drawn.studies for record in held[one]}


def test_skipped_records_come_last_and_a_step_back_asks_again(workspace: Workspace) -> None:
    session = Session(workspace, "ann", None)
    first = session.next()
    assert first is not None
    session.skip(first)
    second = session.next()
    assert second is not None
    assert second.shown.report != first.shown.report
    session.answer(second, session.asked[0], said("in"))
    session.answer(second, session.asked[1], said("statin"))
    assert session.back(second) is session.asked[1]
    assert session.question(second) is session.asked[1]
    session.answer(second, session.asked[1], said("other"))
    session.spool.flush(workspace)
    now = {row["dimension"]: row["label"] for row in workspace.ledger.current("annotations")}
    assert now == {"scope": "in", "drugs": "other"}
    assert len(workspace.ledger.rows("annotations")) == 3


def test_a_record_can_be_coded_again(workspace: Workspace) -> None:
    finish(Session(workspace, "ann", None))
    record = workspace.ledger.rows("annotations")[0]["record_id"]
    session = Session(workspace, "ann", None, [record])
    item = session.next()
    assert item is not None
    assert item.given == {}
    session.answer(item, session.asked[0], said("out"))
    assert session.next() is None
    held = answers.coded(workspace, session.texts.reports, None)[record]
    settled = held.settled(session.codebook, session.asked, 1)
    assert settled == {"scope": said("out")}
    with pytest.raises(InputError, match="no record id, DOI or PMID"):
        Session(workspace, "ann", None, ["R0"])


def test_the_taggers_word_is_hidden_in_an_audit(workspace: Workspace) -> None:
    drawn = draw(workspace)
    with pytest.raises(InputError, match="--suggest: in audit-1 the tagger's word is hidden"):
        Session(workspace, "ann", drawn, suggest=True)
    told: list[str] = []
    asking.run(Session(workspace, "ann", drawn), told.append, answer_with(["1", "q"]))
    assert not any("tagger" in line for line in told)
    session = Session(workspace, "ann", None, suggest=True)
    told.clear()
    asking.run(session, told.append, answer_with(["1", "q"]))
    assert any(line.startswith("  The tagger says: ") for line in told)
    told.clear()
    asking.run(Session(workspace, "ann", None), told.append, answer_with(["1", "q"]))
    assert not any("The tagger says" in line for line in told)


# ------------------------------------------------------------------ a kill

KILLED = """
import os, signal, sys
from pathlib import Path
from review.labelling.annotating import Session
from review.labelling.answers import Answer
from review.labelling.auditing import audits
from review.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
session = Session(workspace, "ann", audits(workspace)[0])
for number in range(3):
    item = session.next()
    while (question := session.question(item)) is not None:
        label = {"scope": "in", "drugs": "other"}.get(question.id, "")
        session.answer(item, question, Answer(frozenset(label.split())))
        print(item.shown.report, question.id, flush=True)
        if number == 2 and question.id == "drugs":
            os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_between_two_answers_loses_none(workspace: Workspace) -> None:
    drawn = draw(workspace)
    root = Path(__file__).resolve().parents[2]
    line = [sys.executable, "-c", textwrap.dedent(KILLED), str(workspace.root)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=root, env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    said_before = [tuple(line.split()) for line in done.stdout.splitlines()]
    again = Workspace(workspace.root)
    session = Session(again, "ann", drawn)
    item = session.next()
    assert item is not None
    assert item.shown.report == said_before[-1][0]
    assert set(item.given) == {"scope", "drugs"}
    assert session.question(item).id == "mice"  # type: ignore[union-attr]
    kept = {
        (session.texts.reports[row["record_id"]], row["dimension"])
        for row in again.ledger.rows("annotations")
    }
    assert kept == set(said_before)


# ------------------------------------------------------------------ two people


@pytest.fixture
def dual(workspace: Workspace) -> auditing.Drawn:
    drawn = draw(workspace, people=2)
    assert finish(Session(workspace, "ann", drawn)) == 12
    assert finish(Session(workspace, "ben", drawn), flip=3) == 12
    return drawn


def test_agreement_by_dimension_is_that_of_the_votes(workspace: Workspace, dual: auditing.Drawn) -> None:
    found = {one.dimension: one for one in concord.concord(workspace, dual, resamples=200)}
    assert found["drugs"].records == 12
    assert found["drugs"].figures["Cohen's κ"].value == pytest.approx(1.0)
    mice = found["mice"]
    weights = {one: 1 / dual.probabilities[one] for one in dual.studies}
    differ = sum(weights[one] for one in dual.studies[:3]) / sum(weights.values())
    assert mice.figures["percent agreement"].value == pytest.approx(1 - differ)
    assert mice.labels["yes"].value == mice.figures["Cohen's κ"].value
    low, high = mice.figures["percent agreement"].low, mice.figures["percent agreement"].high
    assert low is not None
    assert high is not None
    assert low <= 1 - differ <= high
    assert list(found["days"].figures) == ["percent agreement"]
    assert any("Cohen's κ" in line for line in mice.lines())


def test_differences_are_settled_and_all_opinions_stay(workspace: Workspace, dual: auditing.Drawn) -> None:
    assert auditing.standing(workspace, facts(workspace))[0] is None
    session = Session(workspace, "cleo", dual, settle=True)
    assert session.left() == 3
    told: list[str] = []
    asking.run(session, told.append, answer_with(["n", "n", "y"]))
    assert sum(line.startswith("  ann: ") for line in told) == 3
    assert session.left() == 0
    audit, _ = auditing.standing(workspace, facts(workspace))
    assert audit is not None
    assert [audit.truth.loc[one, "mice"] for one in dual.studies[:3]] == [[], [], ["yes"]]
    rows = workspace.ledger.rows("annotations")
    assert sum(row["role"] == "consensus" for row in rows) == 3
    assert {row["annotator"] for row in rows if row["dimension"] == "mice"} == {"ann", "ben", "cleo"}


def test_one_coder_settles_nothing_in_a_dual_audit(workspace: Workspace) -> None:
    drawn = draw(workspace, people=2)
    finish(Session(workspace, "ann", drawn))
    book = facts(workspace).codebook
    held = answers.coded(workspace, {}, drawn.name)
    asked = answers.questions(book)
    assert all(one.settled(book, asked, 2) is None and one.settled(book, asked, 1) for one in held.values())
    with pytest.raises(InputError, match="no record in audit-1 was finished by two people"):
        concord.concord(workspace, drawn)


def test_a_difference_on_the_gate_comes_first(workspace: Workspace) -> None:
    book = facts(workspace).codebook
    asked = answers.questions(book)
    full = {
        "scope": said("in"),
        "drugs": said("other"),
        "mice": said(""),
        "days": Answer(),
        "start": Answer(),
    }
    held = Coded({"ann": full, "ben": {"scope": said("out")}}, {})
    assert held.open_question(book, asked) is asked[0]
    held.consensus["scope"] = said("out")
    assert held.open_question(book, asked) is None
    assert held.settled(book, asked, 2) == {"scope": said("out")}
    held.consensus["scope"] = said("in")
    assert held.open_question(book, asked) is asked[1]


# ------------------------------------------------------------------ labels to learn from


def test_only_what_was_coded_outside_audits_may_train(workspace: Workspace, tmp_path: Path) -> None:
    drawn = draw(workspace)
    finish(Session(workspace, "ann", drawn))
    finish(Session(workspace, "ann", None))
    out = tmp_path / "labels.jsonl"
    assert annotating.export_labels(workspace, out) == (8, 0)
    made = [json.loads(line) for line in out.read_text().splitlines()]
    held = facts(workspace).studies.set_index("study_id")["record_ids"]
    audited = {record for one in drawn.studies for record in held[one]}
    assert not audited & {row["record_id"] for row in made}
    assert all(set(row) == {"record_id", "scope", "drugs", "dose", "mice"} for row in made)
    from classifiers.labels import read_labels

    assert len(read_labels(out, facts(workspace).codebook, "record_id").keys) == 8


# ------------------------------------------------------------------ the terminal


def answer_with(lines: list[str]) -> asking.Ask:
    left = iter(lines)

    def ask(_: str) -> str:
        try:
            return next(left)
        except StopIteration as error:
            raise EOFError from error

    return ask


def test_what_is_not_understood_decides_nothing(workspace: Workspace) -> None:
    session = Session(workspace, "ann", None)
    told: list[str] = []
    typed = ["", "b", "7", "x", "0", "?", "1", "1 9", "0 1", "2", "maybe", "t", "n", "x", "", "-", "q"]
    asking.run(session, told.append, answer_with(typed))
    item = session.next()
    assert item is not None
    assert item.given["drugs"] == said("other")
    assert item.given["mice"] == said("")
    assert session.question(item).id == "start"  # type: ignore[union-attr]
    shown = "\n".join(told)
    assert "This is the first question." in shown
    assert shown.count("Not kept: ") == 7
    assert "Any statin." not in shown
    assert told[-1] == "Everything is kept. 20 records left."


def test_the_verbs_as_they_are_typed(workspace: Workspace) -> None:
    assert as_json(workspace, "audit", "--plan", "--n", "12")["of"] == 20
    drawn = as_json(workspace, "audit", "--n", "12", "--dimensions", "drugs,mice")
    assert len(drawn["studies"]) == 12
    text = run(workspace, "annotate", "--as", "ann", typed="1\n2\ny\n2\n")
    assert "Coding as ann, audit-1. 12 records left." in text
    assert "Everything is kept. 10 records left." in text
    told = as_json(workspace, "audit")
    assert told["state"] == "audit-1 is under way: 2 of 12 studies are coded"
    assert {row["status"] for row in told["shares"]} == {"not audited"}
    out = workspace.root / "shares.csv"
    run(workspace, "audit", "--out", str(out))
    assert "statin" in out.read_text()
    with pytest.raises(LitscaleError, match="audits are audit-1"):
        run(workspace, "annotate", "--audit", "audit-9")
    assert as_json(workspace, "annotate", "--out", str(workspace.root / "l.jsonl")) == {
        "written": 0,
        "differ": 0,
    }
