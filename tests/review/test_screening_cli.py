"""The verbs of screening as they are typed, in process, over one small review."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from corpora.errors import LitscaleError
from review.cli.main import app
from review.screening.session import Session
from review.workspace import Workspace

Make = Callable[..., Workspace]
TA = "title-abstract"


def run(workspace: Workspace, *arguments: str, code: int = 0, typed: str | None = None) -> str:
    result = CliRunner().invoke(app, [*arguments, "-w", str(workspace.root)], input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def as_json(workspace: Workspace, *arguments: str, code: int = 0) -> Any:
    return json.loads(run(workspace, *arguments, "--json", code=code))


def screen(workspace: Workspace, person: str, most: int = 1000, flip: int = 0) -> None:
    """The first ``flip`` reports get the wrong verdict."""
    with Session(Workspace(workspace.root), person, TA) as session:
        for number in range(most):
            item = session.next()
            if item is None:
                return
            inside = item.shown.fields["title"].startswith("Statins") != (number < flip)
            session.decide(item, "include" if inside else "exclude")


@pytest.fixture
def workspace(make_review: Make) -> Workspace:
    return make_review(20)


def test_a_dual_review_from_assignment_to_the_stop(workspace: Workspace) -> None:
    told = as_json(workspace, "assign", "ann", "ben", "--calibration", "4")
    assert told["team"] == ["ann", "ben"]
    assert told["blocks"] == ["title-abstract/calibration-1"]
    with pytest.raises(LitscaleError, match="not of the team"):
        run(workspace, "screen", "--as", "zoe", "--plain")
    screen(workspace, "ann", 4)
    screen(workspace, "ben", 4, flip=1)
    agreed = as_json(workspace, "agree", "--block", "calibration-1", "--resamples", "200")
    assert agreed["overall"]["records"] == 4
    assert agreed["basis"] == "random block"
    assert agreed["overall"]["figures"]["percent agreement"]["value"] == 0.75
    assert "Cohen's κ" in run(workspace, "agree", "--block", "calibration-1", "--resamples", "200")
    (conflict,) = as_json(workspace, "resolve")["conflicts"]
    with pytest.raises(LitscaleError, match="a third person is somebody who did not"):
        run(workspace, "resolve", conflict["report"], "include", "--how", "third", "--as", "ben")
    run(workspace, "resolve", conflict["report"], "exclude", "--how", "third", "--as", "cleo")
    assert as_json(workspace, "resolve")["conflicts"] == []
    screen(workspace, "ann")
    screen(workspace, "ben")
    assert "Everything is screened" in run(workspace, "stop", "--plan")
    assert as_json(workspace, "stop")["screened"] == 19
    row = as_json(workspace, "stop", "--accept", "--rule", "budget(10)")
    assert row["outcome"] == "stopped"
    assert (
        as_json(workspace, "stop", "--accept", "--rule", "consecutive(5000)", code=1)["outcome"]
        == "not reached"
    )
    run(workspace, "stop", "--undo")
    assert run(workspace, "stop", "--plan", "--undo", code=2) == ""


def test_screening_from_a_pipe_in_plain_lines(workspace: Workspace) -> None:
    told = run(workspace, "screen", "--as", "ann", "--plain", typed="i\ne2\ns\nq\n")
    assert told.count("Kept: ") == 2
    assert "Kept: exclude, statin." in told
    assert "2 decided in all" in told
    assert len(workspace.ledger.rows("decisions")) == 2


def test_full_texts_and_their_loan_list(workspace: Workspace) -> None:
    screen(workspace, "ann")
    screen(workspace, "ben")
    assert as_json(workspace, "fulltext")["to full text"] == 4
    listed = list(csv.DictReader(io.StringIO(run(workspace, "fulltext", "--list"))))
    assert len(listed) == 4
    doi = listed[0]["doi"]
    assert listed[0]["report"] in run(workspace, "fulltext", doi, "--link", "https://example.org/a")
    run(
        workspace,
        "fulltext",
        listed[1]["report"],
        "--not-retrieved",
        "--where",
        "library",
        "--why",
        "withdrawn",
    )
    assert run(workspace, "fulltext", doi, "--sought", "--not-retrieved", code=2) == ""
    counts = as_json(workspace, "fulltext")
    assert (counts["retrieved"], counts["not-retrieved"], counts["awaiting"]) == (1, 1, 2)
    flow = as_json(workspace, "flow")["databases"]
    assert (flow["sought"], flow["not_retrieved"], flow["pending"]) == (4, 1, 3)


def test_files_that_match_nothing_end_with_1(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "pdfs").mkdir()
    (tmp_path / "pdfs" / "smith.pdf").write_bytes(b"%PDF-1.4")
    told = as_json(workspace, "fulltext", "--attach", str(tmp_path / "pdfs"), code=1)
    assert told == {"attached": [], "missing": [], "unmatched": ["smith.pdf"]}


def test_decisions_are_taken_over(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("title,abstract,asreview_label\nA paper,An abstract of it,1\n", "utf-8")
    told = as_json(workspace, "take-over", str(file), "--as", "ann")["done"]
    assert [one["counts"] for one in told][1] == {"include": 1}
    with pytest.raises(LitscaleError, match="write it as THEIR WORDS=CRITERION"):
        run(workspace, "take-over", str(file), "--as", "ann", "--reason", "nonsense")


def test_nothing_is_sent_without_consent(make_review: Make) -> None:
    made = make_review(6, 'mode = "single"\n[suggestions]\nurl = "http://127.0.0.1:9/v1"\nmodel = "m:1"')
    result = CliRunner().invoke(app, ["suggest", "--next", "3", "-w", str(made.root)], input="n\n")
    assert result.exit_code == 1
    assert "3 reports go to m:1 at this machine" in result.stderr
    assert made.ledger.rows("suggestions") == []
    assert dict(as_json(made, "suggest", "--boxes"))["M2"].startswith("No language model")
