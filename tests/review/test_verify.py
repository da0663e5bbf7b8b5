"""`review verify`: a changed decision, file, figure or report is named; what holds, holds."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from review import verifying
from review.decisions import decide
from review.differing import ABSENT, Difference, Verified
from review.workspace import Workspace
from tests.review import reported
from tests.review.test_cli import as_json, run


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("verify") / "review"
    reported.make(folder)
    run("figures", "-w", str(folder), "-q")
    run("report", "--format", "html", "-w", str(folder), "-q")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def root(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "copy"))


def test_what_was_just_built_holds_without_the_cache(root: Path) -> None:
    shutil.rmtree(root / "cache")
    found = as_json("verify", "-w", str(root))
    assert found["holds"]
    assert found["differing"] == found["notes"] == []
    assert found["compared"]["figures"] == 2
    assert found["compared"]["numbers"] > 100
    assert not (root / "cache").exists()


def test_a_changed_decision_names_the_very_numbers(root: Path) -> None:
    workspace = Workspace(root)
    row = next(
        row for row in workspace.ledger.current("decisions")
        if row["stage"] == "full-text" and row["verdict"] == "include"
    )  # fmt: skip
    decide(workspace, row["record_id"], stage="full-text", verdict="exclude", reason="statin",
           reviewer=row["reviewer"], members=row["members"])  # fmt: skip
    told = run("verify", "--all", "-w", str(root), code=1)
    assert "report: included.reports: 4 → 3" in told
    assert "report: included.studies: 4 → 3" in told
    assert "report: share.scope.in_scope.n: 4 → 3" in told
    assert "report: conflicts" not in told
    assert "report: dedupe" not in told
    assert "figures/prisma-flow: row" in told
    assert "figures/records-per-year: stale" in told
    short = run("verify", "-w", str(root), code=1)
    assert len(short.splitlines()) < min(40, len(told.splitlines()))
    assert "numbers: " in short
    assert "  … " in short
    assert "figures: 0 of 2 hold, 2 differ" in short
    assert "Make them anew: review report, review figures" in short


def test_a_summary_counts_items_and_shows_the_first() -> None:
    found = Verified({"numbers": 5, "figures": 3})
    assert found.lines() == ["compared 5 numbers, 3 figures: all hold"]
    found.differing += [Difference("report", f"n.{k}", k, k + 1) for k in range(4)]
    found.differing += [Difference("report", "n.9", ABSENT, 1)]
    found.differing += [
        Difference("figures/a", "row", ABSENT, "x"),
        Difference("figures/a.svg", "sha256", "1", "2"),
    ]
    found.notes += ["figures/a: stale: since", "figures/b: stale: since"]
    told = found.lines()
    assert told[0] == "numbers: 1 of 5 hold, 4 differ, 1 would be new"
    assert told[1:5] == ["  report: n.0: 0 → 1", "  report: n.1: 1 → 2", "  report: n.2: 2 → 3", "  … 2 more"]
    assert told[5].startswith("figures: 1 of 3 hold, 1 differ, 1 stale")
    assert told[6:9] == [
        "  figures/a: row: not there → x", "  figures/a.svg: sha256: 1 → 2", "  figures/b: stale",
    ]  # fmt: skip
    assert "review verify --all" in told[-1]


def test_a_flipped_byte_of_a_part_is_named(root: Path) -> None:
    paths = [sorted((root / "corpus").glob(f"{kind}/*/{kind}.parquet"))[0] for kind in ("records", "labels")]
    for path in paths:
        body = bytearray(path.read_bytes())
        body[len(body) // 3] ^= 1
        path.write_bytes(bytes(body))
    told = run("verify", "--all", "-w", str(root), code=1)
    for path in paths:
        assert f"{path.relative_to(root)}: sha256" in told
    assert "corpus/links" not in told


def test_a_part_whose_own_account_was_changed_too_is_named(root: Path) -> None:
    path = next((root / "corpus" / "labels").glob("*/run.json"))
    told = json.loads(path.read_text("utf-8"))
    told["files"]["labels"]["sha256"] = "0" * 64
    path.write_text(json.dumps(told), "utf-8")
    found = verifying.verify(Workspace(root))
    assert {one.what for one in found.differing} == {"list of files", "sha256"}


def test_a_touched_report_or_figure_is_named(root: Path) -> None:
    page = root / "report" / "report.html"
    page.write_text(page.read_text("utf-8").replace("4 studies", "5 studies"), "utf-8")
    table = root / "figures" / "records-per-year.csv"
    lines = table.read_text("utf-8").splitlines()
    lines[1] = lines[1].rsplit(",", 1)[0] + ",77"
    table.write_text("\n".join(lines) + "\n", "utf-8")
    (root / "figures" / "prisma-flow.png").write_bytes(b"other")
    told = run("verify", "--all", "-w", str(root), code=1)
    assert "report.html: sha256" in told
    assert "report.json: sha256" not in told
    assert "figures/prisma-flow.png: sha256" in told
    assert "figures/records-per-year.csv: sha256" in told
    assert "figures/records-per-year: row 1" in told
    assert "77 → " in told


def test_a_report_that_no_run_wrote_is_named(root: Path) -> None:
    path = root / "report" / "report.json"
    path.write_text(path.read_text("utf-8").replace('"litscale":', '"litscale" :'), "utf-8")
    found = verifying.verify(Workspace(root))
    assert [(one.where, one.what) for one in found.differing] == [("report.json", "sha256")]


def test_a_reason_that_was_changed_is_a_section_that_differs(root: Path) -> None:
    workspace = Workspace(root)
    path = workspace.protocol_path
    path.write_text(path.read_text().replace("A statin was given.", "Any statin was given."))
    found = verifying.verify(Workspace(root))
    sections = [one.what for one in found.differing if one.where == "report, section"]
    assert "Methods: Eligibility criteria: words" in sections
    assert "Methods: Protocol and registration: words" in sections


def test_no_report_is_no_error_but_a_named_one_is(root: Path, tmp_path: Path) -> None:
    from tests.review.test_cli import CliRunner, app

    shutil.rmtree(root / "report")
    assert "numbers" not in as_json("verify", "-w", str(root))["compared"]
    result = CliRunner().invoke(app, ["verify", str(tmp_path / "none.json"), "-w", str(root)])
    assert result.exit_code == 1
    assert "review report" in str(result.exception)
