"""Audits: drawn once with known probabilities, apart from training, finished only when all is coded."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import learnt
from classifiers.codebook import load as load_codebook
from corpora.errors import InputError, UnknownNameError
from review import export, linking
from review.facts import facts, shown
from review.gathering.ingest import import_file
from review.labelling import auditing, auditplan, tagging, taught, training
from review.labelling.answers import Answer
from review.labelling.auditing import allocated, stratified
from review.labelling.taught import TRAINING
from review.linking import dedupe
from review.protocol import Import
from review.workspace import Workspace
from tests.review import coding
from tests.review.conftest import Make, rows


@pytest.fixture
def workspace(make_review: Make) -> Workspace:
    return coding.tagged(make_review(60))


def draw(workspace: Workspace, size: int = 30, **options: object) -> auditing.Drawn:
    return auditing.draw(workspace, facts(workspace), size, "ann", **options)  # type: ignore[arg-type]


# ------------------------------------------------------------------ drawing


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.floats(0, 1))
def test_each_stratum_gives_by_its_size_but_never_too_few(sizes: list[int], share: float) -> None:
    counts = np.array(sizes)
    low = np.minimum(counts, 5)
    size = int(low.sum() + share * (counts.sum() - low.sum()))
    drawn = allocated(counts, size)
    assert drawn.sum() == size
    assert (drawn >= low).all()
    assert (drawn <= counts).all()
    free = (drawn > low) & (drawn < counts)
    if free.sum() > 1:
        rates = drawn[free] / counts[free]
        assert rates.max() - rates.min() <= (1 / counts[free]).max() + 1e-9


def test_a_size_that_the_strata_do_not_allow_is_refused() -> None:
    for size in (9, 111):
        with pytest.raises(InputError, match="2 strata with 5 each at least need 10, and there are 110"):
            allocated(np.array([100, 10]), size)


def test_bands_hold_about_the_same_number_of_studies() -> None:
    years = [2000 + i for i in range(20)] + [2020] * 40 + [2021] * 40
    frame = pd.DataFrame({"study_id": [f"S{i}" for i in range(100)], "year": years, "family": [[]] * 100})
    bands = Counter(stratified(frame, frozenset(), 300).tolist())
    assert bands == {
        "2000-2019 | No method stated": 20,
        "2020 | No method stated": 40,
        "2021 | No method stated": 40,
    }
    assert set(stratified(frame, frozenset(), 60)) == {"2000-2021 | No method stated"}


def test_an_audit_is_kept_with_its_probabilities(workspace: Workspace) -> None:
    drawn = draw(workspace)
    assert auditing.audits(workspace) == [drawn]
    assert len(drawn.studies) == 30
    held, _ = shown(facts(workspace).studies)
    assert set(drawn.strata) == set(held["study_id"])
    sizes, taken = Counter(drawn.strata.values()), Counter(drawn.strata[one] for one in drawn.studies)
    for study in drawn.studies:
        stratum = drawn.strata[study]
        assert drawn.probabilities[study] == pytest.approx(taken[stratum] / sizes[stratum])
    (row,) = [row for row in workspace.ledger.rows("blocks") if row["stage"] == "labels"]
    assert json.loads(row["parameters"])["seed"] == workspace.protocol.seed
    assert any("30 of 60 studies" in line for line in drawn.lines())


def test_an_audit_is_drawn_once(workspace: Workspace) -> None:
    draw(workspace)
    with pytest.raises(InputError, match="drawn once and never topped up"):
        draw(workspace, 5)
    assert len(auditing.audits(workspace)) == 1


def test_the_same_seed_draws_the_same_studies(make_review: Make) -> None:
    one, two = (draw(coding.tagged(make_review(40, name=name))) for name in ("one", "two"))
    assert one.studies == two.studies


def test_a_dimension_that_is_not_there_draws_nothing(workspace: Workspace) -> None:
    with pytest.raises(UnknownNameError, match="'drugs'"):
        draw(workspace, dimensions=["drug"])
    assert auditing.audits(workspace) == []


def test_untagged_studies_cannot_be_audited(make_review: Make) -> None:
    with pytest.raises(InputError, match="nothing is tagged yet; run: review tag"):
        draw(make_review(10), 5)


# ------------------------------------------------------------------ under way, finished, spoilt


def test_there_is_no_corrected_share_before_everything_is_coded(workspace: Workspace) -> None:
    drawn = draw(workspace)
    held = facts(workspace)
    truth = coding.as_tagged(workspace, drawn)
    last = next(reversed(truth))
    coding.code(workspace, drawn, {k: v for k, v in truth.items() if k != last})
    audit, told = auditing.standing(workspace, held)
    assert audit is None
    assert told == "audit-1 is under way: 29 of 30 studies are coded"
    assert auditing.signature(workspace) is None
    coding.code(workspace, drawn, {last: truth[last]})
    audit, told = auditing.standing(workspace, held)
    assert audit is not None
    assert told == "audit-1: 30 of 60 studies coded by people"
    assert auditing.signature(workspace) is not None
    said = held.studies.set_index("study_id").loc[audit.truth.index]
    for dimension in ("drugs", "family", "mice"):
        assert [list(cell) for cell in said[dimension]] == audit.truth[dimension].tolist()


def test_shares_are_corrected_by_what_people_said(workspace: Workspace) -> None:
    drawn = draw(workspace, 50)
    truth = coding.as_tagged(workspace, drawn)
    wrong = [one for one, given in truth.items() if given["drugs"].labels == {"other"}][:8]
    for record in wrong:
        truth[record]["drugs"] = coding.said("statin")
        truth[record]["dose"] = coding.said("high")
    coding.code(workspace, drawn, truth)
    table, told = export.shares(workspace, facts(workspace))
    row = table.set_index(["dimension", "label"]).loc[("drugs", "statin")]
    assert told == "audit-1: 50 of 60 studies coded by people"
    assert (row["naive"], row["audited"], row["discordant"]) == (0.2, 50, 8)
    assert row["corrected"] > 0.3
    assert row["low"] < row["corrected"] < row["high"]
    assert any("n coded = 50; naive 20.0%" in line for line in export.share_lines(table))


def test_two_coders_settle_before_the_audit_is_finished(workspace: Workspace) -> None:
    drawn = draw(workspace, people=2)
    truth = coding.as_tagged(workspace, drawn)
    coding.code(workspace, drawn, truth)
    assert "0 of 30" in auditing.standing(workspace, facts(workspace))[1]
    first = next(iter(truth))
    other = {
        **truth,
        first: {**truth[first], "mice": coding.said("" if truth[first]["mice"].labels else "yes")},
    }
    coding.code(workspace, drawn, other, who="ben")
    assert "29 of 30" in auditing.standing(workspace, facts(workspace))[1]


def test_new_studies_are_audited_apart(workspace: Workspace, tmp_path: Path) -> None:
    drawn = draw(workspace)
    coding.code(workspace, drawn, coding.as_tagged(workspace, drawn))
    lines = [line.replace("A", "B", 1).replace("x", "y") for line in rows(80).splitlines()]
    file = tmp_path / "more.csv"
    file.write_text("\n".join(["record_id,title,abstract,year,doi", *lines[61:]]) + "\n", "utf-8")
    import_file(workspace, Import(file=str(file), source="More", kind="database"))
    dedupe(workspace)
    coding.tag(workspace)
    held = facts(workspace)
    new = set(held.studies["study_id"]) - set(drawn.strata)
    assert new
    table, _ = export.shares(workspace, held)
    assert set(table["status"]) == {"not audited"}
    second = draw(workspace, len(new))
    assert set(second.strata) == new
    assert "audit-2 is under way" in auditing.standing(workspace, held)[1]
    coding.code(workspace, second, coding.as_tagged(workspace, second))
    audit, _ = auditing.standing(workspace, facts(workspace))
    assert audit is not None
    assert audit.name == "audit-1, audit-2"
    assert set(audit.strata.index) == set(held.studies["study_id"])


# ------------------------------------------------------------------ training


def test_training_records_are_a_stratum_of_their_own(demo_copy: Path) -> None:
    workspace = Workspace(demo_copy)
    held = facts(workspace)
    learnt_from = taught.studies(workspace)
    population, _ = shown(held.studies)
    assert 0.2 < len(learnt_from & set(population["study_id"])) / len(population) < 0.4
    drawn = draw(workspace, 120)
    apart = {one for one, name in drawn.strata.items() if name == TRAINING}
    assert apart == learnt_from & set(population["study_id"])
    assert len(apart & set(drawn.studies)) >= 5
    assert taught.held_out(workspace) == set(drawn.studies) - apart
    assert taught.spoilt(workspace) == []


def test_what_the_shipped_weights_learnt_from_is_a_stratum_too(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = workspace.corpus.records(["record_id", "title"]).to_pylist()
    known, studies = table[:18], linking.clusters(workspace).studies
    learnt.write(tmp_path, [row["title"].upper() for row in known])
    monkeypatch.setattr(tagging, "shipped_here", lambda name, codebook: tmp_path)
    drawn = draw(workspace, 40)
    apart = {one for one, name in drawn.strata.items() if name == TRAINING}
    assert apart == {studies[row["record_id"]] for row in known}
    assert len(apart & set(drawn.studies)) >= 5
    coding.code(workspace, drawn, coding.as_tagged(workspace, drawn))
    audit, told = auditing.standing(workspace, facts(workspace))
    assert audit is not None  # the weights were fixed before the draw: nothing is spoilt
    assert "18 studies that a tagger learnt from were audited apart" in told
    (tmp_path / learnt.FILE).unlink()
    with pytest.raises(InputError, match="which studies the model learnt from cannot be told"):
        taught.studies(workspace)


def test_an_audit_that_was_trained_on_corrects_nothing(demo_copy: Path) -> None:
    workspace = Workspace(demo_copy)
    drawn = draw(workspace, 120)
    coding.code(workspace, drawn, coding.as_tagged(workspace, drawn))
    assert auditing.standing(workspace, facts(workspace))[0] is not None
    labels = workspace.root / "labels.jsonl"
    rows_of = facts(workspace).studies.set_index("study_id")["record_ids"]
    record = next(rows_of[one][0] for one in drawn.studies if drawn.strata[one] != TRAINING)
    labels.write_text(labels.read_text() + json.dumps({"record_id": record, "scope": "in_scope"}) + "\n")
    audit, told = auditing.standing(workspace, facts(workspace))
    assert audit is None
    assert "has since learnt from 1 audited studies" in told


def test_audited_studies_are_refused_as_training_labels(demo_copy: Path) -> None:
    workspace = Workspace(demo_copy)
    given = training.source(workspace)
    codebook = load_codebook(workspace.protocol.labels.codebook)
    assert training.join(given, codebook, workspace).labelled.keys
    draw(workspace, 40)
    assert training.join(given, codebook, workspace).labelled.keys  # what was learnt from before may stay
    audited = sorted(taught.held_out(workspace))[0]
    table = workspace.corpus.records(["record_id", "title"]).to_pylist()
    studies = linking.clusters(workspace).studies
    title = next(row["title"] for row in table if studies[row["record_id"]] == audited and row["title"])
    labels = workspace.root / "more.jsonl"
    labels.write_text(json.dumps({"record_key": "x1", "title": title, "rag": True}) + "\n", "utf-8")
    with pytest.raises(InputError, match="1 labelled studies were drawn for an audit and never train"):
        training.join(training.Source(labels, None, "record_key"), codebook, workspace)


def test_training_that_the_protocol_does_not_name_is_refused(demo_copy: Path) -> None:
    protocol = demo_copy / "protocol.toml"
    text = "\n".join(line for line in protocol.read_text().splitlines() if not line.startswith("training"))
    protocol.write_text(text)
    with pytest.raises(InputError, match=r"trained on 'labels.jsonl', which the protocol does not name"):
        draw(Workspace(demo_copy), 100)


def test_figures_are_drawn_anew_when_an_audit_is_finished(demo_copy: Path) -> None:
    workspace = Workspace(demo_copy)
    drawn = draw(workspace, 100)
    assert export.stale(workspace) == []
    truth = coding.as_tagged(workspace, drawn)
    for number, one in enumerate(truth.values()):
        if number % 3 == 0:
            one["methods"] = Answer(frozenset({"generative_llm", "neural"}))
    coding.code(workspace, drawn, truth)
    due = set(export.stale(workspace))
    assert due == set(workspace.protocol.figures.names) - {"prisma-flow"}
    export.figures(workspace, ["family-share"], formats=["png"])
    table = pd.read_csv(workspace.root / "figures" / "family-share.csv")
    assert "corrected" in set(table["status"])
    told = json.loads((workspace.root / "figures" / "family-share.json").read_text())
    assert any(note.startswith("Corrected by audit-1: 100 of") for note in told["notes"])


# ------------------------------------------------------------------ the plan


def test_the_plan_gets_narrower_with_size(workspace: Workspace) -> None:
    planned = auditplan.plan(workspace, facts(workspace), (20, 40, 60))
    assert list(planned.strata) == [20, 40, 60]
    row = next(one for one in planned.rows if one.label == "drugs.statin")
    assert row.naive == pytest.approx(0.2)
    assert row.half[20] > row.half[40] > row.half[60] == 0
    assert min(row.years[20].values()) > row.half[20]
    assert any("Drugs" not in line and "drugs: Statin" in line for line in planned.lines())
    assert auditing.audits(workspace) == []


def test_a_plan_for_impossible_sizes_says_the_smallest(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="at least 10 must be drawn"):
        auditplan.plan(workspace, facts(workspace), (3, 900))
