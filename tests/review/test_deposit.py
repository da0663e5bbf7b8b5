"""`review export --osf`: no abstract, no key, no name; checksums that hold; the same bytes twice."""

import csv
import hashlib
import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from review import depositing
from review.patches import fill
from review.workspace import Workspace
from tests.review import reported
from tests.review.test_cli import CliRunner, app, run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("deposit") / "review"
    workspace = reported.make(folder)
    record = workspace.corpus.records(["record_id"])["record_id"][0].as_py()
    fill(workspace, record, "abstract", f"{reported.ABSTRACT} filled by hand", "ann")
    workspace.ledger.append("annotations", {
        "record_id": record, "dimension": "x", "label": "y", "value": "1", "annotator": "ben",
        "codebook_hash": "h", "quote": f"{reported.ABSTRACT[:20]} quoted",
    })  # fmt: skip
    workspace.ledger.append("suggestions", {
        "record_id": record, "stage": "title-abstract", "verdict": "include", "model": "m",
        "parameters": "{}", "prompt": reported.ABSTRACT, "raw": reported.ABSTRACT, "person": "ann",
    })  # fmt: skip
    run("report", "--format", "html", "-w", str(folder), "-q")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def packed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "deposit"
    run("export", "--osf", str(out), "--pseudonyms", "-w", str(root), "-q")
    return out


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


def bodies(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items())}


def test_no_abstract_and_no_key_leave(packed: Path) -> None:
    for name, body in bodies(packed).items():
        assert b"ABSTRACT-OF-OTHERS" not in body, name
        assert reported.KEY.encode() not in body, name
    assert b"api_key=REMOVED" in (packed / "ledger" / "statements.csv").read_bytes()


def test_keys_of_the_environment_are_taken_out(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "Embase")  # stands in many places
    depositing.deposit(Workspace(root), tmp_path / "d")
    assert not any(b"Embase" in body for body in bodies(tmp_path / "d").values())


def test_people_are_pseudonyms(packed: Path) -> None:
    rows = table(packed / "ledger" / "decisions.csv")
    assert {row["reviewer"] for row in rows} == {"person-1", "person-2"}
    fulltexts = (packed / "ledger" / "fulltexts.csv").read_text("utf-8")
    assert "person-1 asked" in fulltexts
    for path in (packed / "ledger").iterdir():
        for row in table(path):
            assert not {"ann", "ben"} & {word for cell in row.values() for word in str(cell).split("/")}


def test_a_name_in_what_was_built_is_told_with_its_words_and_what_to_do(root: Path, tmp_path: Path) -> None:
    made = depositing.deposit(Workspace(root), tmp_path / "d", pseudonyms=True)
    told = next(note for note in made.notes if note.startswith("report/report.html"))
    assert "holds the name ann (person-1): “…" in told
    assert "1 not retrieved (ann asked: 1)" in told
    assert "replace it here and in SHA256SUMS" in made.notes[-1]
    assert not depositing.deposit(Workspace(root), tmp_path / "open").notes


def test_names_stay_unless_pseudonyms_are_asked_for(root: Path, tmp_path: Path) -> None:
    depositing.deposit(Workspace(root), tmp_path / "d")
    rows = table(tmp_path / "d" / "ledger" / "decisions.csv")
    assert {row["reviewer"] for row in rows} == {"ann", "ben"}


def test_checksums_hold_and_cover_every_file(packed: Path) -> None:
    told = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=packed, capture_output=True)
    assert told.returncode == 0, told.stdout
    listed = [line[66:] for line in (packed / "SHA256SUMS").read_text("utf-8").splitlines()]
    assert sorted([*listed, "SHA256SUMS"]) == sorted(bodies(packed))
    assert {
        "README.md", "protocol/protocol-v1.toml", "codebook/nlp-medicine.json", "ledger/decisions.csv",
        "records.csv", "retrievals.csv", "environment/versions.json", "report/report.html",
    } <= set(listed)  # fmt: skip


def test_records_have_identifiers_and_titles_that_a_spreadsheet_does_not_run(packed: Path) -> None:
    rows = table(packed / "records.csv")
    assert len(rows) == 10
    assert list(rows[0]) == list(depositing.RECORDS)
    assert "'=cmd|' /C calc'!A0" in {row["title"] for row in rows}
    assert len({row["report_id"] for row in rows}) == 8


def test_labels_are_the_very_part_that_the_ledger_lists(packed: Path, root: Path) -> None:
    part = Workspace(root).latest("labels", tagger="keywords")
    assert part is not None
    copy = packed / "runs" / "labels" / part.run.id / "labels.parquet"
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == part.run.files["labels"].sha256


def test_two_deposits_give_the_same_bytes(root: Path, packed: Path, tmp_path: Path) -> None:
    run("export", "--osf", str(tmp_path / "again"), "--pseudonyms", "-w", str(root), "-q")
    assert bodies(tmp_path / "again") == bodies(packed)


def test_only_open_abstracts_go_and_only_if_asked_for(tmp_path: Path) -> None:
    from review.gathering.ingest import import_file
    from review.protocol import Import

    workspace = Workspace.create(tmp_path / "w", '[review]\ntitle = "T"\n')
    file = tmp_path / "a.csv"
    file.write_text("title,abstract,licence\nA,open words,cc-by\nB,closed words,cc-by-nc-nd\nC,no words,\n")
    import_file(workspace, Import(file=str(file), source="X", map={"licence": "licence"}))
    depositing.deposit(workspace, tmp_path / "d", with_abstracts=True)
    told = (tmp_path / "d" / "records.csv").read_text("utf-8")
    assert "open words" in told
    assert "closed words" not in told
    assert "no words" not in told


def test_a_folder_that_holds_something_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    result = CliRunner().invoke(app, ["export", "--osf", str(tmp_path), "-w", str(root)])
    assert "is not empty" in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert CliRunner().invoke(app, ["export", "-w", str(root)]).exit_code == 2
