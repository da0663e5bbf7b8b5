"""Silver coding corrects like an audit, is called what it is, and yields to one."""

import json
from pathlib import Path

import pytest

from corpora.errors import InputError
from review import export
from review.facts import facts
from review.figures.base import drawn
from review.figures.presets import preset
from review.gathering.ingest import import_file
from review.labelling import auditing, tagging, taught, training
from review.linking import dedupe
from review.protocol import Import
from review.workspace import Workspace

PROTOCOL = """
seed = 3
[review]
title = "Language models in medicine"
[labels]
codebook = "nlp-medicine"
tagger = "keywords"
silver = "silver.jsonl"
key = "record_id"
"""


def make(folder: Path, coded: int = 40) -> Workspace:
    """120 records whose rules see an LLM in two of three; silver codes see one in every other."""
    workspace = Workspace.create(folder / "w", PROTOCOL)
    lines = ["title,abstract,year"]
    for number in range(120):
        word = "rule-based lexicons" if number % 3 == 0 else "a large language model"
        told = f'"Patients\' clinical notes were read by {word} in ward {number}."'
        lines.append(f"Notes of ward {number} read,{told},{2015 + number % 8}")
    (folder / "r.csv").write_text("\n".join(lines), "utf-8")
    import_file(workspace, Import(file=str(folder / "r.csv"), source="Own"))
    dedupe(workspace)
    tagging.tag(workspace, "keywords")
    ids = sorted(workspace.corpus.records(["record_id"])["record_id"].to_pylist())
    rows = [
        {
            "record_id": one, "scope": "in_scope",
            "methods": ["generative_llm"] if number % 2 else ["rule_based"],
        }
        for number, one in enumerate(ids[:coded])
    ]  # fmt: skip
    (workspace.root / "silver.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return workspace


def test_shares_are_corrected_and_the_picture_says_to_what(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    held = facts(workspace)
    audit, state = auditing.standing(workspace, held)
    assert audit is not None
    assert audit.silver
    assert state == "not audited by people; corrected to silver coding of 40 of 120 studies"
    assert set(audit.truth.columns) == {"scope", "methods", "family"}
    spec = export.spec_of("family-share")
    tidy = export.tidy_of(workspace, spec, held)
    assert tidy.silver
    assert any("a language model's of 40 of 120 studies and not people's" in note for note in tidy.notes)
    told = [text.get_text() for text in drawn(spec, tidy, preset("nature")).texts]
    assert "CORRECTED TO SILVER CODING, NOT AUDITED" in told
    counts = export.tidy_of(workspace, export.spec_of("records-per-year"), held)
    assert not counts.silver  # its bars are counts as tagged
    notes = export.tidy_of(workspace, export.spec_of("label-shares"), held).notes
    assert any("disagreements of tagger and the silver coding" in note for note in notes)
    assert not any("audit" in note for note in notes)
    frame, _ = export.shares(workspace, held)
    row = frame[(frame["dimension"] == "family") & (frame["label"] == "generative_llm")].iloc[0]
    assert row["naive"] == pytest.approx(2 / 3)
    assert abs(row["corrected"] - 0.5) < abs(row["naive"] - 0.5)
    assert row["low"] < 0.5 < row["high"]


def test_an_audit_by_people_takes_its_place(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    before = auditing.signature(workspace)
    auditing.draw(workspace, facts(workspace), 30, "ann")
    audit, state = auditing.standing(workspace, facts(workspace))
    assert audit is None
    assert "under way" in state
    assert before
    assert auditing.signature(workspace) is None


def test_what_a_tagger_learnt_from_is_a_stratum_of_its_own_coded_whole(tmp_path: Path) -> None:
    workspace = make(tmp_path, coded=60)
    rows = (workspace.root / "silver.jsonl").read_text("utf-8").splitlines(keepends=True)
    (workspace.root / "learnt.jsonl").write_text("".join(rows[:40]), "utf-8")
    path = workspace.root / "protocol.toml"
    learning = 'tagger = "linear"\ntraining = "learnt.jsonl"'
    path.write_text(path.read_text("utf-8").replace('tagger = "keywords"', learning), "utf-8")
    opened = Workspace(workspace.root)
    training.train(opened, training.source(opened))
    tagging.tag(opened, "linear")
    audit, _ = auditing.standing(opened, facts(opened))
    assert audit is not None
    # The 20 codes that the tagger did not see stand for the other 80 studies.
    told = audit.strata.value_counts().to_dict()
    assert told == {"learnt from": 40, "not learnt from": 80}
    assert len(audit.truth) == 60


def test_weights_that_ship_are_not_corrected_by_what_they_learnt_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make(tmp_path)
    known = facts(workspace).studies["study_id"].tolist()
    monkeypatch.setattr(taught, "_shipped", lambda _: frozenset(known[-3:]))
    with pytest.raises(InputError, match="3 studies that a tagger learnt from are not coded"):
        auditing.standing(workspace, facts(workspace))
