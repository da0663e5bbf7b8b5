"""A person's word on pairs: the terminal, taking back, explaining."""

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from corpora.errors import InputError
from review import console, linking, settling
from review.cli import settle
from review.cli.main import app
from review.gathering.ingest import import_file
from review.protocol import Import
from review.workspace import Workspace

UNLIKE = """title,abstract,year,doi
Sepsis in the tropics,An abstract of one paper.,2020,10.1234/same
Dental care at sea,Another abstract altogether.,2021,10.1234/same
"""


@pytest.fixture
def workspace(demo_copy: Path, tmp_path: Path) -> Workspace:
    """The demonstration, whose same-study links were confirmed, and two unlike titles of one DOI."""
    made = Workspace(demo_copy)
    file = tmp_path / "unlike.csv"
    file.write_text(UNLIKE, "utf-8")
    import_file(made, Import(file=str(file), source="Own"))
    linking.dedupe(made)
    return made


def test_what_waits_and_a_word_that_is_taken_back(workspace: Workspace) -> None:
    pairs = settling.waiting(workspace)
    assert pairs
    assert [pair.score for pair in pairs] == sorted((pair.score for pair in pairs), reverse=True)
    pair = next(pair for pair in pairs if pair.kind == "same_report")
    ends = (pair.left_id, pair.right_id)
    before = linking.clusters(workspace).reports
    assert before[ends[0]] != before[ends[1]]
    settling.say(workspace, ends, "same_report", "match", "ada")
    joined = linking.clusters(workspace).reports
    assert joined[ends[0]] == joined[ends[1]]
    assert ends not in [(one.left_id, one.right_id) for one in settling.waiting(workspace)]
    assert settling.undo(workspace, *ends, "ada") == 1
    assert linking.clusters(workspace).reports == before
    assert settling.waiting(workspace) == pairs
    with pytest.raises(InputError, match="nobody has said anything"):
        settling.undo(workspace, *ends, "ada")


def test_a_not_is_remembered_and_beats_the_machine(workspace: Workspace) -> None:
    table = workspace.corpus.table("links", "links").to_pylist()
    row = next(row for row in table if (row["kind"], row["verdict"]) == ("same_report", "match"))
    ends = (row["left_id"], row["right_id"])
    settling.say(workspace, ends, "same_report", "not", "ada")
    reports = linking.clusters(workspace).reports
    assert reports[ends[0]] != reports[ends[1]]
    told = settling.explain(workspace, *ends)
    assert not told["same_report"]
    assert told["people"][0]["verdict"] == "not"
    assert any("ada said same_report not" in line for line in settling.explained(told))


def test_the_terminal(workspace: Workspace) -> None:
    total = len(settling.waiting(workspace))

    def run(*words: str, typed: str = "") -> str:
        line = ["dedupe", *words, "-w", str(workspace.root)]
        told = CliRunner().invoke(app, line, input=typed, catch_exceptions=False)
        assert told.exit_code == 0, told.output
        return told.output

    output = run("--review", typed="m\nu\nn\ns\nq\n")
    assert f"1 of {total}" in output
    assert "1 pair settled" in output
    rows = workspace.ledger.rows("links")
    verdicts = [row["verdict"] for row in rows if row["person"] != "simulated-reviewer"]
    assert verdicts == ["match", "undone", "not"]
    left, right = rows[-1]["left_id"], rows[-1]["right_id"]
    assert "apart" in run("--explain", left, right)
    assert "1 word on" in run("--undo", left, right)
    assert len(settling.waiting(workspace)) == total


def test_a_pair_fits_the_screen_with_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Console(force_terminal=True, width=80, height=24, soft_wrap=True)
    monkeypatch.setattr(console, "out", page)
    left = dict.fromkeys(settling.FIELDS, "word " * 300) | {"year": "2024", "volume": ""}
    right = left | {"abstract": "", "volume": "", "issue": "", "pages": "", "publication_types": ""}
    few = {**left, "venue": "", "issue": "", "pages": "", "doi": "10.1/a", "pmid": "1", "source": "x"}
    for one in (few, few | {"title": "A title"}):
        shown = page.render_lines(settle._fitting(one, one, "1 of 2  Are these the same report?"))
        assert len(shown) <= 22
        text = "\n".join("".join(part.text for part in line) for line in shown)
        assert one["title"][:7] in text
        assert "abstract" in text
        assert " more)" in text
    monkeypatch.setattr(console, "out", Console(force_terminal=False, width=80))
    assert settle._fitting(left, right, "1 of 2").row_count == len([name for name in left if left[name]])


def test_every_pair_of_the_machine_can_be_explained(workspace: Workspace) -> None:
    for row in workspace.corpus.table("links", "links").to_pylist()[:40]:
        told = settling.explain(workspace, row["left_id"], row["right_id"])
        assert told["rule"] == row["rule"]
        assert told["compared_by"]
        assert told["reason"] == row["reason"]
    with pytest.raises(InputError, match="no record nowhere"):
        settling.explain(workspace, "nowhere", row["left_id"])


def test_a_chain_is_shown(workspace: Workspace) -> None:
    ids = sorted(set(linking.clusters(workspace).reports.values()))[:3]
    for pair in ((ids[0], ids[1]), (ids[1], ids[2])):
        settling.say(workspace, pair, "same_report", "match", "ada")
    assert settling.explain(workspace, ids[0], ids[2])["chain"] == ids
