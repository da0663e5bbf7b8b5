"""Figures of quality: what they say of real workspaces, and what they say where there is nothing yet."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from classifiers.codebook import load as load_codebook
from classifiers.reliability import coverage_by_dimension
from classifiers.tagger import decide
from corpora.registry import load
from review import export, measures
from review.analysis import quality
from review.analysis.tidy import Audit, Context
from review.facts import facts
from review.labelling import auditing
from review.screening import drawing, resolving, stops
from review.screening.agreement import Votes, agreement
from review.workspace import Workspace
from tests.review import coding, quality_data
from tests.review.conftest import Make
from tests.review.test_stops import SINGLE, TA, board, decide_relevant, screen

NAMES = ("calibration", "coverage-accuracy", "screening-recall", "agreement", "audit-errors")
BOOK = load_codebook("nlp-medicine")
CONTEXT = Context("all of them", titles=BOOK.titles(), codebook=BOOK)


def drawn(workspace: Workspace, *names: str) -> dict[str, tuple[pd.DataFrame, dict[str, Any]]]:
    """Table and JSON of figures of a workspace."""
    opened = Workspace(workspace.root)
    export.figures(opened, names, formats=["png"])
    folder = opened.root / "figures"
    return {
        name: (pd.read_csv(folder / f"{name}.csv"), json.loads((folder / f"{name}.json").read_text()))
        for name in names
    }


# ------------------------------------------------------------------ the tagger's own numbers


def test_calibration_is_read_from_the_model_that_speaks(demo_copy: Path) -> None:
    workspace = Workspace(demo_copy)
    part = workspace.latest("models", tagger="linear")
    assert part is not None
    told = json.loads((part.path / "evaluation.json").read_text())
    made = drawn(workspace, "calibration", "coverage-accuracy")
    frame, meta = made["calibration"]
    assert list(dict.fromkeys(frame["dimension"])) == [one["dimension"] for one in told["calibration"]]
    points = [point for one in told["calibration"] for point in one["diagram"]]
    assert frame["mean"].tolist() == pytest.approx([point["mean"] for point in points])
    assert frame["n"].tolist() == [point["count"] for point in points]
    assert (frame["low"] <= frame["share"]).all()
    assert (frame["share"] <= frame["high"]).all()
    assert "Tagger linear: out of fold, against labels.jsonl of this review." in meta["notes"]
    frame, meta = made["coverage-accuracy"]
    first = told["abstention"][0]
    rows = frame[frame["dimension"] == first["dimension"]].set_index("point")
    assert rows.loc["all", "accuracy"] == first["accuracy_all"]
    assert (rows.loc["sure", "coverage"], rows.loc["sure", "accuracy"]) == (
        first["cells_sure"], first["accuracy_sure"],
    )  # fmt: skip
    assert "Accuracy against coverage" in meta["alt"]


def test_weights_that_ship_are_said_to_be_measured_on_silver_labels(
    make_review: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_review(6)
    text = workspace.protocol_path.read_text("utf-8")
    workspace.protocol_path.write_text(f'{text}\n[labels]\ntagger = "transformer"\n', "utf-8")
    opened = Workspace(workspace.root)
    held = facts(opened)
    found = measures.evaluations(opened, held, held.studies)
    assert found.missing == {}
    (note,) = quality.calibration(found, CONTEXT).notes
    assert "silver labels" in note
    assert "not human truth" in note
    assert quality.calibration(found, CONTEXT).frame["dimension"].nunique() > 10


def test_a_tagger_that_was_never_measured_is_named(make_review: Make) -> None:
    workspace = coding.tagged(make_review(20))
    frame, meta = drawn(workspace, "calibration")["calibration"]
    assert frame.empty
    assert any("Tagger keywords: not measured" in note for note in meta["notes"])


def test_a_curve_ends_at_all_decisions_and_begins_with_the_surest() -> None:
    draw = np.random.default_rng(1)
    scores = draw.random((400, len(BOOK.label_ids()))).astype(np.float32)
    codes = (draw.random(scores.shape) < scores).astype(np.int8)
    thresholds = np.full(scores.shape[1], 0.5, np.float32)
    values, _ = decide(BOOK, scores, thresholds)
    curves = coverage_by_dimension(BOOK, codes, values, scores, thresholds)
    columns = BOOK.columns("scope")
    right = (values[:, columns] == (codes[:, columns] == 1)).mean()
    assert curves["scope"][-1] == {"coverage": 1.0, "accuracy": pytest.approx(right, abs=1e-4)}
    by_fold = np.broadcast_to(thresholds, scores.shape)
    assert coverage_by_dimension(BOOK, codes, values, scores, by_fold) == curves
    # Where a label's probability is what it should be, the surest decisions err least.
    free = next(d.id for d in BOOK.dimensions if d.kind == "multi" and not d.applies_when)
    plain = scores >= 0.5
    alone = coverage_by_dimension(BOOK, codes, plain, scores, thresholds)[free]
    assert alone[2]["accuracy"] > alone[-1]["accuracy"] + 0.1


# ------------------------------------------------------------------ screening


def test_recall_shows_the_sample_and_what_it_verified(make_review: Make) -> None:
    workspace = make_review(60, SINGLE)
    found = decide_relevant(workspace, "ann")
    left = len(drawing.open_reports(board(workspace)))
    stops.sample(board(workspace), 40, "ann")
    frame, _ = drawn(workspace, "screening-recall")["screening-recall"]
    assert frame["bound"].isna().all()  # drawn, not screened: nothing is verified
    screen(workspace, "ann", 40)
    stops.accept(board(workspace), "ann")
    frame, meta = drawn(workspace, "screening-recall")["screening-recall"]
    last = frame.iloc[-1]
    assert (last["screened"], last["n"], last["pool"]) == (found + 40, found, 59)
    tested = stops.sample_result(board(workspace), board(workspace).blocks[-1])
    assert left == tested.unscreened
    assert (last["bound"], last["at_most"], last["confidence"]) == (
        tested.bound, found + tested.missed, 0.95,
    )  # fmt: skip
    assert frame["n"].is_monotonic_increasing
    assert "recall verified to be at least" in meta["alt"]
    assert any("stopped by sample" in note for note in meta["notes"])
    assert any("1 without a usable abstract are apart" in note for note in meta["notes"])


def test_recall_shows_a_stop_by_a_rule(make_review: Make) -> None:
    workspace = make_review(40, SINGLE)
    decide_relevant(workspace, "ann")
    screen(workspace, "ann", 6)
    stops.accept(board(workspace), "ann")
    screen(workspace, "ann", 3)
    frame, _ = drawn(workspace, "screening-recall")["screening-recall"]
    assert set(frame["rule"]) == {"consecutive(5)"}
    assert set(frame["stopped_at"]) == {14}
    assert frame["screened"].max() == 17
    assert frame["bound"].isna().all()


def test_agreement_is_that_of_the_drawn_block(make_review: Make) -> None:
    workspace = make_review(40, 'mode = "dual"')
    frame, meta = drawn(workspace, "agreement")["agreement"]
    assert frame.empty
    resolving.assign(workspace, TA, ["ann", "ben"], "joined", "lead")
    drawing.draw(workspace, TA, "agreement", 20, "lead")
    for person in ("ann", "ben"):
        screen(workspace, person, 20)
    frame, meta = drawn(workspace, "agreement")["agreement"]
    assert set(frame["block"]) == {"agreement-1"}
    assert set(frame["measure"]) == set(quality.COEFFICIENTS)
    assert set(frame["n"]) == {20}
    assert not frame["marked"].any()
    assert "ann and ben at title-abstract, agreement-1: κ 1.00" in meta["alt"]


def test_an_overlap_that_nobody_drew_is_marked() -> None:
    rows = [(f"R{i}", who, "include" if i % 3 else "exclude") for who in ("ann", "ben") for i in range(9)]
    report = agreement(Votes.of(rows), basis="other overlap", resamples=50)
    tidy = quality.agreement([quality.Agreed(TA, "other overlap", report)], CONTEXT)
    assert tidy.frame["marked"].all()
    assert any(note.startswith("Marked") for note in tidy.notes)


# ------------------------------------------------------------------ the audit


def test_errors_of_the_tagger_are_counted_by_label(make_review: Make) -> None:
    workspace = coding.tagged(make_review(60))
    frame, meta = drawn(workspace, "audit-errors")["audit-errors"]
    assert frame.empty
    audit = auditing.draw(workspace, facts(workspace), 50, "ann")
    truth = coding.as_tagged(workspace, audit)
    wrong = [one for one, given in truth.items() if given["drugs"].labels == {"other"}][:8]
    for record in wrong:  # people say statin where the tagger said another drug
        truth[record]["drugs"] = coding.said("statin")
        truth[record]["dose"] = coding.said("high")
    coding.code(workspace, audit, truth)
    frame, meta = drawn(workspace, "audit-errors")["audit-errors"]
    rows = frame.set_index(["dimension", "label"])
    statin, other = rows.loc[("drugs", "statin")], rows.loc[("drugs", "other")]
    assert (statin["n"], statin["false_negative"], statin["false_positive"]) == (50, 8, 0)
    assert (other["false_negative"], other["false_positive"]) == (0, 8)
    assert (statin["precision"], rows.loc[("mice", "yes"), "false_positive"]) == (1.0, 0)
    assert 0 < statin["recall"] < 1
    assert (statin["heading"], statin["title"]) == ("Drugs", "Statin")
    assert "most for Drugs: " in meta["alt"]
    assert "8 missed" in meta["alt"] or "8 given wrongly" in meta["alt"]


def test_precision_weighs_strata_by_their_rates() -> None:
    """A stratum audited at a tenth of the rate of another counts ten times as much."""
    ids = [f"S{i}" for i in range(110)]
    strata = pd.Series(["few"] * 100 + ["all"] * 10, index=ids)
    studies = pd.DataFrame({"study_id": ids, "scope": [["in_scope"]] * 110})
    coded = [*ids[:10], *ids[100:]]
    truth = pd.DataFrame({"scope": [["in_scope"]] * 10 + [["out_of_scope"]] * 10}, index=coded)
    tidy = quality.audit_errors(
        studies, Context("all", audit=Audit("audit-1", "2026", strata, truth), codebook=BOOK)
    )
    row = tidy.frame.set_index("label").loc["in_scope"]
    assert (row["true_positive"], row["false_positive"]) == (10, 10)
    assert row["precision"] == pytest.approx(100 / 110)


# ------------------------------------------------------------------ nothing yet


@pytest.mark.parametrize("name", NAMES)
def test_where_there_is_nothing_it_is_said_what_to_do(name: str) -> None:
    spec = load("figures", name)
    made = {
        "measures": quality_data.measures(BOOK, 0),
        "courses": quality_data.courses(0),
        "agreements": quality_data.agreements(0),
        "studies": pd.DataFrame({"study_id": []}),
    }
    tidy = spec.compute(made[spec.needs], CONTEXT)
    assert tidy.empty
    assert "review " in tidy.instead
    assert spec.alt(tidy)
