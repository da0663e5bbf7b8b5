"""The demonstration: from two simulated services to figures; its numbers against the truth."""

import hashlib
import json
from pathlib import Path

import pytest

from corpora.errors import InputError
from corpora.simulator.literature import simulate
from review import export, linking, pipeline
from review.counting import flow_of
from review.decisions import decide, verdicts
from review.demo import demo
from review.facts import facts
from review.protocol import ScreeningStage
from review.screening.votes import Ballots
from review.workspace import Workspace


def test_it_runs_to_the_end_and_again_to_nothing(demo_copy: Path) -> None:
    workspace = Workspace(demo_copy)
    assert pipeline.due(workspace) == []
    before = workspace.snapshot()
    told: list[str] = []
    demo(demo_copy, records=300, seed=7, say=told.append)
    assert Workspace(demo_copy).snapshot() == before
    assert any("SIMULATED" in line for line in told)
    assert {path.stem for path in (demo_copy / "figures").iterdir()} == set(workspace.protocol.figures.names)
    with pytest.raises(InputError, match="of another size or seed"):
        demo(demo_copy, records=301, seed=7, say=told.append)


def test_reports_agree_with_the_truth(demo_root: Path) -> None:
    workspace = Workspace(demo_root)
    truth = {(one["source"], one["source_key"]): one for one in simulate(300, 7).truth()}
    rows = workspace.corpus.records(["record_id", "source", "source_key"]).to_pylist()
    true = {row["record_id"]: truth[row["source"], row["source_key"]]["report"] for row in rows}
    reports = linking.clusters(workspace).reports
    pairs = {(a, b) for a in reports for b in reports if a < b}
    found = {pair for pair in pairs if reports[pair[0]] == reports[pair[1]]}
    real = {pair for pair in pairs if true[pair[0]] == true[pair[1]]}
    assert len(found & real) / len(found) > 0.99
    assert len(found & real) / len(real) > 0.9


def test_a_persons_word_on_studies_settles_the_flow(demo_copy: Path) -> None:
    workspace = Workspace(demo_copy)
    flow_of(workspace).require_final()
    spoken = [row for row in workspace.ledger.current("links") if row["kind"] == "same_study"]
    assert spoken
    assert linking.to_confirm(workspace) == []
    studies = len(set(linking.clusters(workspace).studies.values()))
    joined = next(row for row in spoken if row["verdict"] == "match")
    undo = {key: joined[key] for key in ("left_id", "right_id", "kind", "person")}
    workspace.ledger.append("links", {**undo, "verdict": "not", "supersedes": joined["uuid"]})
    assert len(set(linking.clusters(workspace).studies.values())) == studies + 1


def test_every_number_of_the_flow_adds_up(demo_root: Path) -> None:
    told = json.loads((demo_root / "figures" / "prisma-flow.json").read_text())
    assert told["simulated"]
    workspace = Workspace(demo_root)
    held = facts(workspace)
    shown, context = export.population(workspace, held)
    assert len(shown) == (held.studies["status"] == "included").sum()
    assert "those included so far" in context.population


def test_figures_are_stale_only_for_what_they_read(demo_copy: Path) -> None:
    workspace = Workspace(demo_copy)
    assert export.stale(workspace) == []
    record = workspace.corpus.records(["record_id"])["record_id"][0].as_py()
    annotation = {"record_id": record, "dimension": "rag", "label": "yes", "value": "1",
                  "annotator": "ann", "codebook_hash": "x"}  # fmt: skip
    workspace.ledger.append("annotations", annotation)
    assert export.stale(workspace) == []
    decide(workspace, record, stage="title-abstract", verdict="exclude", reviewer="ann", reason="topic")
    assert set(export.stale(workspace)) == set(workspace.protocol.figures.names)


def test_every_figure_is_listed_with_its_files_hashes(demo_root: Path) -> None:
    workspace = Workspace(demo_root)
    (row,) = [row for row in workspace.ledger.rows("runs") if row["kind"] == "figures"]
    files = json.loads(row["files"])
    assert set(files) == {path.name for path in (demo_root / "figures").iterdir()}
    for name, sha in files.items():
        assert hashlib.sha256((demo_root / "figures" / name).read_bytes()).hexdigest() == sha


def test_search_finds_words_and_survives_any_text(demo_root: Path) -> None:
    held = facts(Workspace(demo_root))
    found = held.search("language mod")
    assert found
    title, abstract = held.text(found[0])
    assert "mod" in f"{title} {abstract}".lower()
    for odd in ('"', "a AND", "(", "*", "ünïcode", "NEAR/2", ""):
        held.search(odd)


@pytest.mark.parametrize(
    ("mode", "votes", "verdict"),
    [
        ("single", ["include"], "include"),
        ("single", ["maybe"], "include"),
        ("single", ["include", "exclude"], "conflict"),
        ("dual", ["include"], None),
        ("dual", ["include", "maybe"], "include"),
        ("dual", ["exclude", "exclude"], "exclude"),
        ("dual", ["include", "exclude"], "conflict"),
        ("one-include-passes", ["exclude"], None),
        ("one-include-passes", ["exclude", "include"], "include"),
        ("one-include-passes", ["exclude", "exclude"], "exclude"),
    ],
)
def test_votes_settle_by_the_mode(mode: str, votes: list[str], verdict: str | None) -> None:
    rows = [
        {"record_id": "R1", "stage": "title-abstract", "verdict": vote, "reviewer": str(n), "reason": None,
         "uuid": str(n), "seq": n}
        for n, vote in enumerate(votes)
    ]  # fmt: skip
    ballots = Ballots(ScreeningStage(stage="title-abstract", mode=mode), {"R1": "R1"})  # type: ignore[arg-type]
    ballots.feed(rows)
    found = verdicts([ballots])
    assert (found["verdict"].tolist() or [None])[0] == verdict


def test_a_later_decision_of_the_same_person_supersedes(demo_copy: Path) -> None:
    workspace = Workspace(demo_copy)
    before = len(workspace.ledger.current("decisions"))
    for verdict in ("exclude", "include"):
        decide(workspace, "R0", stage="title-abstract", verdict=verdict, reviewer="ann")
    rows = [row for row in workspace.ledger.current("decisions") if row["reviewer"] == "ann"]
    assert [row["verdict"] for row in rows] == ["include"]
    assert len(workspace.ledger.current("decisions")) == before + 1
    with pytest.raises(ValueError, match="verdicts there include, maybe, exclude"):
        decide(workspace, "R0", stage="title-abstract", verdict="yes", reviewer="ann")
