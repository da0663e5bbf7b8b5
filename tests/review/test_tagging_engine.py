"""A workspace tagged through every engine: the same labels, resumed, counted; and nothing sent unasked."""

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from classifiers.prompting.endpoint import Settings
from corpora.errors import CodebookError, InputError, UnknownNameError
from review.cli.main import app
from review.facts import facts
from review.labelling import tagging
from review.workspace import Workspace
from tests.classifiers.conftest import Model, model
from tests.review import coding
from tests.review.conftest import Make

__all__ = ["model"]


@pytest.fixture
def workspace(make_review: Make) -> Workspace:
    return coding.tagged(make_review(20))


def run(workspace: Workspace, *arguments: str) -> dict[str, Any]:
    told = CliRunner().invoke(app, ["tag", "-w", str(workspace.root), *arguments, "--json"])
    assert told.exit_code == 0, told.output
    done: dict[str, Any] = json.loads(told.stdout)["done"][0]
    return done


def labels(workspace: Workspace) -> bytes:
    part = Workspace(workspace.root).latest("labels", tagger="keywords")
    assert part is not None
    return (part.path / "labels.parquet").read_bytes()


def forget(workspace: Workspace) -> None:
    for path in (workspace.root / "cache" / "scores").rglob("*.parquet"):
        path.unlink()


def test_every_engine_commits_the_same_labels(workspace: Workspace) -> None:
    first = run(workspace)
    assert (first["delivered"], first["notes"]) == (20, [])
    held = labels(workspace)
    again = run(workspace)
    assert "20 records were scored by an earlier run, and not again" in again["notes"]
    assert labels(workspace) == held
    forget(workspace)
    assert run(workspace, "--engine", "machine", "--workers", "2")["notes"] == []
    assert labels(workspace) == held
    with pytest.raises(UnknownNameError, match="did you mean 'machine'"):
        tagging.tag(workspace, "keywords", engine="machin")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of ray's own, at its start
def test_a_cluster_commits_the_same_labels(workspace: Workspace) -> None:
    pytest.importorskip("ray")
    run(workspace)
    held = labels(workspace)
    forget(workspace)
    assert run(workspace, "--engine", "ray", "--workers", "1")["notes"] == []
    assert labels(workspace) == held


def test_rules_beside_a_codebook_tag_and_a_change_of_them_is_due(workspace: Workspace) -> None:
    run(workspace)
    opened = Workspace(workspace.root)
    assert tagging.tagged(opened, "keywords") is not None
    drugs = facts(opened).studies["drugs"].tolist()
    assert sum("statin" in given for given in drugs) == 4
    rules = workspace.root / "small.keywords.toml"
    rules.write_text(rules.read_text().replace('["statin"]', '["placebo"]'), "utf-8")
    assert tagging.tagged(opened, "keywords") is None
    run(workspace)
    assert not any("statin" in given for given in facts(Workspace(workspace.root)).studies["drugs"])


def test_rules_beside_a_codebook_tag_a_plain_file(workspace: Workspace, tmp_path: Path) -> None:
    file, out = tmp_path / "a.csv", tmp_path / "tags.jsonl"
    file.write_text("title,abstract\nA statin trial,In mice.\n", "utf-8")
    told = tagging.tag_file(file, out, tagger="keywords", codebook=str(workspace.root / "small.toml"))
    assert told.run.account.delivered == 1
    assert json.loads(out.read_text())["labels"]["drugs"] == ["statin"]
    (workspace.root / "small.keywords.toml").unlink()
    with pytest.raises(
        CodebookError, match=r"codebook small: no keyword rules; write them into NAME\.keywords"
    ):
        tagging.tag_file(file, out, tagger="keywords", codebook=str(workspace.root / "small.toml"))


# ---------------------------------------------------------------------- a language model


@pytest.fixture
def asked(workspace: Workspace, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace with a language model elsewhere (the loopback, taken for another machine)."""
    for name, value in {
        "URL": model.url, "MODEL": "tiny", "CACHE": str(tmp_path / "answers"), "PRICES": "1000,2000",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"LITSCALE_LLM_{name}", value)
    monkeypatch.delenv("LITSCALE_LLM_AGREED", raising=False)
    monkeypatch.setattr(Settings, "local", False)
    return workspace


def answer(_: int, body: dict[str, Any]) -> str:
    text = body["messages"][1]["content"]
    if "trial number 7" in text:
        return "I would rather not."
    title = text.partition("Title: ")[2].partition("\n")[0]
    drug = "statin" if "Statin" in title else "other"
    dose = {"label": "not_reported", "evidence": ""} if drug == "statin" else None
    return json.dumps(
        {
            "scope": {"label": "in", "evidence": title},
            "drugs": [{"label": drug, "evidence": title}],
            "dose": dose,
            "mice": [],
        }
    )


def test_nothing_is_sent_before_somebody_agrees(asked: Workspace, model: Model) -> None:
    told = CliRunner().invoke(app, ["tag", "--tagger", "llm", "-w", str(asked.root)])
    assert "say --yes" in str(told.exception)
    assert "Title and abstract of 20 records go to tiny at 127.0.0.1" in told.stderr
    assert "tokens in and" in told.stderr
    assert "by the prices given" in told.stderr
    with pytest.raises(InputError, match="nobody agreed yet"):
        tagging.tag(asked, "llm")
    assert model.asked == []


@pytest.mark.parametrize("engine", ["process", "machine"])
def test_what_was_asked_is_counted_and_what_has_no_answer_is_refused(
    asked: Workspace, model: Model, engine: str
) -> None:
    model.script = answer
    told = run(asked, "--tagger", "llm", "--yes", "--engine", engine)
    assert (told["delivered"], told["refused"]) == (19, 1)
    assert told["counts"]["asked"] == 20
    assert told["counts"]["requests"] == 22  # one answer was asked for three times
    assert told["counts"]["tokens in"] == 2_200
    assert "cost: 2.64 by the prices given" in told["notes"]
    assert any("1 record has no labels: unreadable after 3 answers" in note for note in told["notes"])
    part = Workspace(asked.root).latest("labels", tagger="llm")
    assert part is not None
    table = Workspace(asked.root).corpus.table(
        "labels", "labels", ["record_id", "label", "value"], part.run.id
    )
    assert len(set(table["record_id"].to_pylist())) == 19
    assert len(table.filter(pc.and_(table["value"], pc.equal(table["label"], "statin")))) == 4
    assert tagging.sends(asked, "llm") is None  # everything is answered: nothing would leave
