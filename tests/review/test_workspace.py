"""The workspace: found, versioned, frozen; a killed command's part is adopted, a lost one named."""

import json
import shutil
from pathlib import Path

import pytest

from corpora.errors import InputError, ProtocolError, StoreError, VersionError
from corpora.record import Record
from corpora.run import Run
from corpora.schema import to_table
from review.templates import NAMES, read_template
from review.workspace import WORKSPACE, Workspace

MINIMAL = '[review]\ntitle = "A review"\n'


def make(root: Path) -> Workspace:
    return Workspace.create(root / "review", MINIMAL)


def add(workspace: Workspace, title: str = "T") -> str:
    run = Run.begin("test", {})
    with workspace.writing("records", run) as part:
        part.add("records", to_table([Record(source="x", title=title)]))
    return run.id


def test_it_is_found_by_option_then_environment_then_upwards(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="review new DIR"):
        Workspace.find()
    root = make(in_folder).root
    inner = root / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert Workspace.find().root == root
    other = Workspace.create(in_folder / "other", MINIMAL).root
    monkeypatch.setenv(WORKSPACE, str(other))
    assert Workspace.find().root == other
    assert Workspace.find(root).root == root
    with pytest.raises(InputError, match="no protocol.toml here"):
        Workspace.find(inner)


@pytest.mark.parametrize("name", NAMES)
def test_every_template_is_a_valid_protocol(name: str, tmp_path: Path) -> None:
    assert Workspace.create(tmp_path / "w", read_template(name)).protocol.stages


def test_a_workspace_is_never_made_over_another(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(InputError, match="holds a protocol.toml already"):
        make(tmp_path)


def test_a_newer_workspace_is_refused_untouched(tmp_path: Path) -> None:
    root = make(tmp_path).root
    (root / "workspace.json").write_text('{"format": 99}')
    with pytest.raises(VersionError, match=r"format 99, this litscale knows up to 1"):
        Workspace(root)
    (root / "workspace.json").write_text("{}")
    with pytest.raises(StoreError, match="cannot be read"):
        Workspace(root)


def test_a_part_whose_row_is_missing_is_adopted(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    run = Run.begin("killed after the rename", {})
    with workspace.corpus.lock(), workspace.corpus.writer("records", run) as part:
        part.add("records", to_table([Record(source="x", title="T")]))
        part.commit()
    assert workspace.ledger.rows("runs") == []
    assert [row["uuid"] for row in Workspace(workspace.root).ledger.rows("runs")] == [run.id]


def test_a_part_that_the_ledger_lists_must_be_here(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    run = add(workspace)
    shutil.rmtree(workspace.root / "corpus" / "records" / f"run={run}")
    with pytest.raises(StoreError, match=f"records/run={run}"):
        Workspace(workspace.root)


def test_a_snapshot_names_the_state(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    empty = workspace.snapshot()
    add(workspace)
    one = workspace.snapshot()
    assert empty != one == Workspace(workspace.root).snapshot()
    workspace.ledger.append(
        "decisions",
        {"record_id": "R", "stage": "title-abstract", "verdict": "include", "reviewer": "a"},
    )
    assert workspace.snapshot() != one


def test_what_is_made_once_is_made_anew_in_another_state(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    made: list[str] = []

    def counted(state: str) -> str:
        return workspace.once("a", state, lambda: made.append(state) or state)  # type: ignore[func-returns-value]

    assert [counted(state) for state in "xxyyx"] == list("xxyyx")
    assert made == ["x", "y", "x"]
    assert workspace.once("b", "x", lambda: None) is None


def test_freeze_then_amend(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    with pytest.raises(ProtocolError, match="not frozen yet"):
        workspace.protocol_version()
    with pytest.raises(ProtocolError, match="nothing to amend"):
        workspace.amend("why")
    assert workspace.freeze() == 1
    with pytest.raises(ProtocolError, match="frozen already as version 1"):
        workspace.freeze()
    assert workspace.protocol_version() == 1
    with pytest.raises(ProtocolError, match="unchanged since version 1"):
        workspace.amend("why")
    workspace.ledger.append(
        "decisions",
        {"record_id": "R", "stage": "title-abstract", "verdict": "include", "reviewer": "a"},
    )
    workspace.protocol_path.write_text(MINIMAL + 'question = "Other?"\n')
    changed = Workspace(workspace.root)
    with pytest.raises(ProtocolError, match="changed since version 1"):
        changed.protocol_version()
    with pytest.raises(ProtocolError, match="decisions were made under version 1"):
        changed.freeze()
    with pytest.raises(ProtocolError, match="needs a reason"):
        changed.amend("  ")
    assert changed.amend("the question was unclear") == 2
    assert [row["reason"] for row in changed.ledger.rows("protocols")] == [
        None,
        "the question was unclear",
    ]


def test_run_json_holds_the_account(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    run = add(workspace)
    held = json.loads((workspace.root / f"corpus/records/run={run}/run.json").read_text())
    assert held["outcome"] == "done"
    assert held["files"]["records"]["rows"] == 1
    assert len(held["files"]["records"]["sha256"]) == 64
