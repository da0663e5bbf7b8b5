"""`review export` and `review convert`: every report once, best fields, decisions and labels."""

import csv
import io
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpora.errors import InputError, UnknownNameError
from corpora.formats.detect import open_file
from corpora.record import Record
from review import exchange, linking
from review.cli.main import app
from review.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(demo_root: Path) -> Workspace:
    return Workspace(demo_root)


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_every_report_is_exported_once(workspace: Workspace, tmp_path: Path) -> None:
    reports = set(linking.clusters(workspace).reports.values())
    exchange.export(workspace, tmp_path / "all.csv")
    rows = read(tmp_path / "all.csv")
    assert len(rows) == len(reports)
    assert {row["report_id"] for row in rows} == reports
    assert {row["decision"] for row in rows} == {"include", "exclude"}
    assert all(row["reason"] for row in rows if row["decision"] == "exclude")
    assert any(row["label tasks"] for row in rows)
    counts = {}
    for which in ("included", "excluded", "unsettled"):
        exchange.export(workspace, tmp_path / "part.csv", which=which)
        counts[which] = len(read(tmp_path / "part.csv"))
    assert counts["included"] + counts["excluded"] + counts["unsettled"] == len(reports)
    assert counts["unsettled"] == 0


def test_fields_come_from_the_best_record_and_say_so(workspace: Workspace, tmp_path: Path) -> None:
    exchange.export(workspace, tmp_path / "all.csv")
    several = [row for row in read(tmp_path / "all.csv") if "; " in row["sources"] and row["filled"]]
    assert several
    texts = {row["record_id"]: row for row in workspace.corpus.records().to_pylist()}
    for row in several:
        held = [texts[record] for record in row["records"].split("; ")]
        assert bool(row["abstract"]) == any(record["abstract"] for record in held)
        assert row["doi"] in {record["doi"] or "" for record in held}


def test_the_most_complete_record_is_shown() -> None:
    bare = Record(source="a", source_key="1", title="T", doi="10.1/x", url="u")
    full = Record(source="b", source_key="2", title="T", abstract="A", year=2020)
    shown, filled = exchange.best([bare, full])
    assert (shown.source, shown.abstract, shown.doi) == ("b", "A", "10.1/x")
    assert filled == {"doi": "a", "url": "a"}
    assert exchange.best([full, bare])[0] == shown


@pytest.mark.parametrize("suffix", ["ris", "bib", "xlsx", "csv"])
def test_an_export_can_be_imported_again(suffix: str, workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / f"out.{suffix}"
    exchange.export(workspace, path, which="included")
    rows = list(open_file(path).rows)
    exchange.export(workspace, tmp_path / "same.csv", which="included")
    assert [row.fields.get("title") for row in rows] == [row["title"] for row in read(tmp_path / "same.csv")]
    assert not [row for row in rows if row.refused]


def test_wrong_wishes(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'included'"):
        exchange.export(workspace, tmp_path / "a.csv", which="include")
    with pytest.raises(InputError, match=r"write .ris"):
        exchange.export(workspace, tmp_path / "a.doc")


def test_convert_names_what_it_leaves_out(tmp_path: Path) -> None:
    source = tmp_path / "a.ris"
    source.write_text("TY  - JOUR\nTI  - First\nXX  - kept\nER  - \n\nTY  - JOUR\nTI  - Cut off")
    told = CliRunner().invoke(app, ["convert", str(source), str(tmp_path / "a.csv")], catch_exceptions=False)
    assert told.exit_code == 0
    assert "2 promised, 1 delivered, 1 refused" in told.output
    assert "row 1: the file ends inside this record" in told.output
    (row,) = read(tmp_path / "a.csv")
    assert (row["title"], row["ris:XX"]) == ("First", "kept")
