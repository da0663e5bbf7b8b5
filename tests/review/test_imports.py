"""Imports that are taken back, completed later, refused whole, or come from a mixed library."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpora.errors import FormatError, InputError
from review import linking
from review.cli.main import app
from review.counting import flow_of
from review.decisions import decide_all
from review.gathering import ingest, searchreport
from review.protocol import Import
from review.workspace import Workspace

PROTOCOL = '[review]\ntitle = "Imports"\n'
RIS = "TY  - JOUR\nAN  - {an}\nTI  - {title}\nAB  - {title}\nDB  - {db}\nER  - \n\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "w", PROTOCOL)


def ris(path: Path, *rows: tuple[str, str, str]) -> Path:
    path.write_text("".join(RIS.format(an=an, title=title, db=db) for an, title, db in rows))
    return path


def bring(workspace: Workspace, path: Path, **said: object) -> ingest.Outcome:
    return ingest.import_file(workspace, Import(file=str(path), **said))  # type: ignore[arg-type]


def test_an_import_is_taken_back_after_screening_began(workspace: Workspace, tmp_path: Path) -> None:
    one = ris(tmp_path / "one.ris", ("1", "First", ""), ("2", "Second", ""))
    two = ris(tmp_path / "two.ris", ("2", "Second", ""), ("3", "Third", ""))
    first = bring(workspace, one, source="Embase")
    bring(workspace, two, source="Embase")
    linking.dedupe(workspace)
    workspace.freeze()
    ids = {row["source_key"]: row["record_id"] for row in workspace.corpus.records().to_pylist()}
    rows = [{"record_id": ids[key], "verdict": "include"} for key in "12"]
    decide_all(workspace, rows, stage="title-abstract", reviewer="ada")
    assert first.run is not None
    outcome = ingest.withdraw(workspace, first.run.id, "wrong file", "ada")
    assert outcome.run is not None
    assert outcome.run.account.counts == {"records gone": 1, "of them decided (decisions are kept)": 1}
    again = Workspace(workspace.root)
    assert sorted(again.corpus.records(["source_key"])["source_key"].to_pylist()) == ["2", "3"]
    assert linking.deduped(again) is None
    linking.dedupe(again)
    flow = flow_of(again)
    assert (flow.databases.records, flow.databases.screened) == (2, 1)
    assert len(again.ledger.current("decisions")) == 2
    assert searchreport.report(again)[0]["remarks"] == "WITHDRAWN: wrong file"
    with pytest.raises(InputError, match="taken back already"):
        ingest.withdraw(again, first.run.id, "", "ada")
    with pytest.raises(InputError, match="no such run of an import"):
        ingest.withdraw(again, "nothing", "", "ada")
    back = bring(again, one, source="Embase")
    assert back.run is not None
    assert back.run.account.counts["unchanged"] == 2
    assert flow_of(again).databases.screened == 2


def test_a_mixed_library_takes_the_source_of_each_row(workspace: Workspace, tmp_path: Path) -> None:
    path = ris(tmp_path / "m.ris", ("1", "A", "Embase"), ("2", "B", "PsycINFO"), ("3", "C", ""))
    outcome = bring(workspace, path, mixed=True)
    assert outcome.run is not None
    assert outcome.run.account.counts["source unknown"] == 1
    found = workspace.corpus.records(["source_key", "source"]).to_pylist()
    assert {row["source_key"]: row["source"] for row in found} == {
        "1": "embase",
        "2": "psycinfo",
        "3": "unknown",
    }


def test_what_is_said_later_is_reported_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    outcome = bring(workspace, ris(tmp_path / "a.ris", ("1", "A", "")))
    assert outcome.run is not None
    before = searchreport.report(workspace)[0]
    assert (before["searched"], before["hits"], before["records"]) == ("not stated", "not stated", "1")
    said = {
        "searched": "2026-03-01",
        "strategy": "cats",
        "source_title": "Embase",
        "deduplicated": "EndNote, 3",
    }
    ingest.state(workspace, outcome.run.id, said, "ada")
    ingest.state(workspace, outcome.run.id, {"searched": "2026-03-02"}, "ada")
    row = searchreport.report(workspace)[0]
    assert (row["searched"], row["strategy"], row["source"]) == ("2026-03-02", "cats", "Embase")
    assert "EndNote, 3 (stated, not derived)" in row["remarks"]
    assert flow_of(workspace).databases.identified == {"database": {"Embase": 1}}
    with pytest.raises(InputError, match="say one of"):
        ingest.state(workspace, outcome.run.id, {"colour": "red"}, "ada")


def test_strict_takes_nothing_of_a_file_with_a_bad_row(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "cut.ris"
    path.write_text(RIS.format(an="1", title="A", db="") + "TY  - JOUR\nTI  - Cut off")
    item = Import(file=str(path))
    with pytest.raises(FormatError, match=r"row 1: .*--strict takes nothing"):
        ingest.import_file(workspace, item, strict=True)
    assert workspace.corpus.records().num_rows == 0
    outcome = ingest.import_file(workspace, item)
    assert outcome.run is not None
    assert outcome.run.account.refused == 1


def test_as_a_user_types_it(workspace: Workspace, tmp_path: Path) -> None:
    def run(*words: str) -> str:
        told = CliRunner().invoke(app, ["import", *words, "-w", str(workspace.root)], catch_exceptions=False)
        assert told.exit_code == 0, told.output
        return told.output

    path = ris(tmp_path / "a.ris", ("1", "A", ""))
    (tmp_path / "strategy.txt").write_text("cats\nOR dogs\n")
    run(str(path), "--source", "Embase", "--strategy", str(tmp_path / "strategy.txt"))
    row = searchreport.report(workspace)[0]
    assert row["strategy"] == "cats\nOR dogs"
    assert "platform added" in run("--add-to", row["run"], "--platform", "Ovid")
    assert searchreport.report(workspace)[0]["platform"] == "Ovid"
    assert "1 records gone" in run("--undo", row["run"])
