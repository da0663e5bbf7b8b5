"""The command line, in process: every verb, its errors, its JSON, its help."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from review.cli.main import app, main
from review.workspace import Workspace

HEAVY = (
    "Bio", "altair", "bibtexparser", "httpx", "lxml", "matplotlib", "numpy", "pandas",
    "pyalex", "pyarrow", "pydantic", "rapidfuzz", "scipy", "seaborn", "sklearn", "sqlalchemy",
    "streamlit", "torch", "transformers", "corpora", "classifiers", "dashboards",
)  # fmt: skip
RECORD = (
    "TY  - JOUR\nTI  - {title}\nAB  - We used ChatGPT to code {n} letters of patients.\n"
    "PY  - 2024\nER  - \n\n"
)


def ris(folder: Path, name: str = "a.ris", n: int = 3) -> Path:
    path = folder / name
    path.write_text("".join(RECORD.format(title=f"Coding of letters {k}", n=k) for k in range(n)))
    return path


def run(*arguments: str, code: int = 0) -> str:
    """Run the command as `main` does, errors included; gives stdout."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def as_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def failing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["review", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    return capsys.readouterr().err


def test_the_command_line_imports_nothing_heavy() -> None:
    code = "import sys, review.cli.main; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # How numbers are worded is all that the command line takes from a room.
    light = ("corpora", "corpora.words")
    loaded = {name.split(".")[0] for name in told.stdout.split() if name not in light}
    assert not loaded & set(HEAVY)


def commands() -> dict[str, typer.main.TyperCommand]:
    group = typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {})
        found |= {f"{name} {sub}": made for sub, made in inner.items()} if inner else {name: command}
    return found


def test_the_issue_s_verbs_are_there() -> None:
    assert set(commands()) >= {
        "new", "import", "harvest", "dedupe", "train", "tag", "flow", "figures", "status", "dashboard",
        "run", "demo", "protocol freeze", "protocol amend",
    }  # fmt: skip


@pytest.mark.parametrize("name", commands())
def test_every_verb_has_help_with_an_example(name: str) -> None:
    text = run(*name.split(), "--help")
    assert f"Example: review {name}" in " ".join(text.split())


@pytest.mark.parametrize("name", commands())
def test_every_verb_stands_in_the_readme(name: str) -> None:
    readme = Path(__file__).resolve().parents[2] / "README.md"
    assert f"review {name}" in readme.read_text("utf-8")


def test_import_twice_adds_nothing_and_a_copy_elsewhere_a_retrieval(in_folder: Path) -> None:
    run("new", "w")
    first = as_json("import", str(ris(in_folder)), "-w", "w")["done"][0]
    assert (first["promised"], first["delivered"], first["refused"]) == (3, 3, 0)
    assert first["counts"]["new"] == 3
    again = as_json("import", str(in_folder / "a.ris"), "-w", "w")["done"][0]
    assert again["run"] is None
    assert "imported already" in again["notes"][0]
    (in_folder / "b.ris").write_text((in_folder / "a.ris").read_text() + "\n")
    other = as_json("import", str(in_folder / "b.ris"), "-w", "w")["done"][0]
    assert other["counts"] == {"unchanged": 3}
    state = as_json("status", "-w", "w")
    assert state["retrievals"] == {"unknown": 6}
    assert state["records"] == {"unknown": 3}
    flow = as_json("flow", "-w", "w")
    assert flow["databases"]["records"] == 6
    assert flow["databases"]["duplicates_by_machine"] == 3


def test_stated_hits_that_differ_are_said(in_folder: Path) -> None:
    run("new", "w")
    told = as_json("import", str(ris(in_folder)), "--hits", "5", "--source", "Embase", "-w", "w")
    assert told["done"][0]["notes"] == ["a.ris: 5 hits were stated, the file holds 3 rows"]


def test_run_does_what_is_due_and_then_nothing(in_folder: Path) -> None:
    run("new", "w")
    ris(in_folder / "w")
    protocol = in_folder / "w" / "protocol.toml"
    protocol.write_text(protocol.read_text() + '\n[[import]]\nfile = "a.ris"\nsource = "Embase"\n')
    first = as_json("run", "-w", "w")["steps"]
    assert [step["step"] for step in first] == ["import a.ris", "dedupe", "tag keywords", "figures"]
    assert not any(step["up_to_date"] for step in first)
    assert all(step["up_to_date"] for step in as_json("run", "-w", "w")["steps"])
    assert as_json("status", "-w", "w")["due"] == []
    (in_folder / "w" / "figures" / "prisma-flow.svg").unlink()
    again = {step["step"]: step["up_to_date"] for step in as_json("run", "-w", "w")["steps"]}
    assert again == {"import a.ris": True, "dedupe": True, "tag keywords": True, "figures": False}


def test_status_answers_though_a_file_is_missing(
    in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("new", "w")
    protocol = in_folder / "w" / "protocol.toml"
    text = protocol.read_text().replace('tagger = "keywords"', 'tagger = "linear"\ntraining = "l.jsonl"')
    protocol.write_text(text + '\n[[import]]\nfile = "a.ris"\n')
    assert as_json("status", "-w", "w")["due"] == ["import a.ris: not imported yet, or changed"]
    ris(in_folder / "w")
    run("import", "w/a.ris", "-w", "w")
    due = as_json("status", "-w", "w")["due"]
    assert "train linear: l.jsonl is missing" in due
    told = failing(capsys, monkeypatch, "run", "-w", "w")
    assert "train linear: FAILED: " in told
    assert "l.jsonl: the labels cannot be read" in told
    assert "the others: mend what is named above" in told
    assert (in_folder / "w" / "figures" / "prisma-flow.svg").is_file()


def test_a_killed_run_goes_on(in_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("new", "w")
    ris(in_folder / "w")
    protocol = in_folder / "w" / "protocol.toml"
    protocol.write_text(protocol.read_text() + '\n[[import]]\nfile = "a.ris"\n')

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("review.linking.find_links", killed)
    monkeypatch.setattr(sys, "argv", ["review", "run", "-w", "w"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 130
    monkeypatch.undo()
    steps = {step["step"]: step["up_to_date"] for step in as_json("run", "-w", "w")["steps"]}
    assert steps == {"import a.ris": True, "dedupe": False, "tag keywords": False, "figures": False}


def test_plain_files_need_no_workspace(in_folder: Path) -> None:
    path = ris(in_folder)
    path.write_text(path.read_text() + "TY  - JOUR\nTI  - cut")
    run("tag", str(path), "--codebook", "nlp-medicine", "--out", "tags.jsonl")
    rows = [json.loads(line) for line in (in_folder / "tags.jsonl").read_text().splitlines()]
    assert [row["row"] for row in rows] == [0, 1, 2, 3]
    assert rows[0]["labels"]["methods"] == ["generative_llm"]
    assert rows[0]["labels"]["family"] == ["generative_llm"]
    assert rows[0]["scores"]["methods.generative_llm"] >= 0.5
    assert "cut off" in rows[3]["refused"]
    run("dedupe", str(path), "--out", "clusters.csv")
    found = pd.read_csv(in_folder / "clusters.csv")
    assert found.columns.tolist() == ["row", "record_id", "report", "study", "relation", "rule", "score"]
    assert found["row"].tolist() == [0, 1, 2, 3]


def test_training_on_labels_with_texts(in_folder: Path, demo_root: Path) -> None:
    truth = [json.loads(line) for line in (demo_root / "labels.jsonl").read_text().splitlines()]
    records = Workspace(demo_root).corpus.records(["record_id", "title", "abstract"]).to_pylist()
    texts = {row["record_id"]: row for row in records}
    lines = [json.dumps({**row, **texts[row["record_id"]]}) for row in truth]
    Path("labels.jsonl").write_text("\n".join(lines))
    told = as_json("train", "--labels", "labels.jsonl", "--key", "record_id", "--out", "model")
    assert told["done"][0]["delivered"] == len(truth)
    assert "held out by group" in Path("model/MODEL_CARD.md").read_text()
    run("tag", str(ris(in_folder)), "--model", "model", "--out", "tags.jsonl")
    assert len(Path("tags.jsonl").read_text().splitlines()) == 3


ERRORS = {
    "no workspace": (("status",), "make one with: review new DIR"),
    "no file": (("import", "none.ris", "-w", "w"), "none.ris: cannot be read"),
    "bad kind": (("import", "a.ris", "--kind", "datbase", "-w", "w"), "--kind = 'datbase'"),
    "bad map": (("import", "a.ris", "--map", "title", "-w", "w"), "field=column"),
    "no search": (("harvest", "-w", "w"), "no [[search]] in the protocol"),
    "unknown search": (("harvest", "x", "-w", "w"), "unknown search 'x'"),
    "unknown preset": (("figures", "--preset", "natrue", "-w", "w"), "did you mean 'nature'"),
    "unknown figure": (("figures", "prisma", "-w", "w"), "unknown figure 'prisma'"),
    "unknown template": (("new", "v", "--template", "scopin"), "did you mean 'scoping'"),
    "unknown tagger": (("tag", "--tagger", "linar", "-w", "w"), "did you mean 'linear'"),
    "no model": (("tag", "--tagger", "linear", "-w", "w"), "run: review train"),
    "format": (("figures", "--preset", "jmir", "--format", "pdf", "-w", "w"), "does not take pdf"),
    "there already": (("new", "w"), "holds a protocol.toml already"),
    "not final": (("flow", "--final", "-w", "full"), "awaiting screening: 3"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_to_do_and_exit_1(
    case: str, in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, said = ERRORS[case]
    run("new", "w")
    ris(in_folder)
    if "full" in arguments:
        run("new", "full")
        run("import", "a.ris", "-w", "full")
    err = failing(capsys, monkeypatch, *arguments)
    assert err.splitlines()[-1].startswith("Error: ") or "Error: " in err
    assert said in err
    assert "Traceback" not in err


def test_wrong_usage_exits_2() -> None:
    assert CliRunner().invoke(app, ["import"]).exit_code == 2
    assert CliRunner().invoke(app, ["tag", "x.ris"]).exit_code == 2


def test_a_protocol_is_frozen_and_amended(in_folder: Path) -> None:
    run("new", "w")
    assert "version 1" in run("protocol", "freeze", "-w", "w")
    protocol = in_folder / "w" / "protocol.toml"
    protocol.write_text(protocol.read_text().replace("Title of the review", "Another title"))
    assert as_json("status", "-w", "w")["protocol"] == {"frozen": 1, "changed_since": True}
    assert "version 2" in run("protocol", "amend", "--reason", "the title was wrong", "-w", "w")
    assert as_json("status", "-w", "w")["protocol"] == {"frozen": 2, "changed_since": False}


def test_labels_that_the_protocol_does_not_name_are_said_to_be_shown_nowhere(in_folder: Path) -> None:
    run("new", "w")
    protocol = in_folder / "w" / "protocol.toml"
    protocol.write_text(protocol.read_text().replace('tagger = "keywords"', 'tagger = "linear"'))
    run("import", str(ris(in_folder)), "--source", "Embase", "-w", "w")
    (note,) = as_json("tag", "--tagger", "keywords", "-w", "w")["done"][0]["notes"]
    assert "the protocol's tagger is linear" in note
    assert '[labels] tagger = "keywords"' in note
    told = as_json("compare", "--with", "nlp-vs-llm", "-w", "w")["notes"]
    assert any("tagger linear has given no labels; those of keywords exist" in one for one in told)


def test_quiet_says_nothing(in_folder: Path) -> None:
    assert run("new", "w", "--quiet") == ""
    assert run("import", str(ris(in_folder)), "--source", "Embase", "-w", "w", "-q") == ""
