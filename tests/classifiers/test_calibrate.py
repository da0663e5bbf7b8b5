"""Calibration, thresholds and blends on data whose truth is known; measures at their corners."""

import numpy as np
import pytest

from classifiers.baseline import decided, out_of_fold
from classifiers.blend import Blend, crossfit, fit_blend
from classifiers.calibrate import FEW, Calibration, calibrate
from classifiers.codebook import Codebook, Dimension, Label
from classifiers.evaluate import by_group, confusion, evaluate, intervals, macro_interval
from classifiers.reliability import coverage, coverage_curve, recall_at, reliability
from classifiers.tagger import Texts, conditioned, decide, passing
from classifiers.thresholds import NEVER, best_threshold, choose, promise, recall_threshold


def labels(*names: str) -> tuple[Label, ...]:
    return tuple(Label(id=name, title=name) for name in names)


BOOK = Codebook(
    name="made",
    version="1",
    title="Made",
    gate="scope.out",
    dimensions=(
        Dimension(id="scope", title="Scope", kind="one", labels=labels("in", "out")),
        Dimension(id="topic", title="Topic", labels=labels("a", "b", "c", "d")),
        Dimension(id="rag", title="RAG", kind="flag", labels=labels("yes")),
        Dimension(id="source", title="Source", applies_when="rag.yes", labels=labels("web", "book")),
    ),
)
IDS = {name: place for place, name in enumerate(BOOK.label_ids())}
A, B, C, D = (IDS[f"topic.{name}"] for name in "abcd")


def simulated(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True probabilities, codes drawn from them, and scores that are a distorted logit."""
    random = np.random.default_rng(seed)
    logit = random.normal(-1.5, 1.8, (n, len(IDS)))
    chance = 1 / (1 + np.exp(-logit))
    codes = (random.random(chance.shape) < chance).astype(np.int8)
    codes[:, IDS["scope.in"]], codes[:, IDS["scope.out"]] = 1, 0
    return chance, codes, (0.4 * logit + 1.3).astype(np.float32)


def test_distorted_scores_become_the_true_probabilities() -> None:
    chance, codes, scores = simulated()
    made = calibrate(BOOK, scores, codes, bend=False)
    found = made.plain(BOOK, scores)
    for column in (A, B, C, D):
        assert np.abs(found[:, column] - chance[:, column]).mean() < 0.02
        assert made.slope[column] == pytest.approx(2.5, rel=0.1)
    again = Calibration.of(made.arrays())
    assert np.array_equal(again.apply(BOOK, scores), made.apply(BOOK, scores))


def test_the_intercept_follows_the_random_sample() -> None:
    _, codes, scores = simulated(6000)
    random = np.zeros(len(codes), np.bool_)
    random[:3000] = True
    # In the enriched half positives of a are twice as many as their scores would say.
    flipped = np.random.default_rng(1).random(len(codes)) < 0.3
    codes[~random & flipped, A] = 1
    made = calibrate(BOOK, scores, codes, random)
    share = made.plain(BOOK, scores)[random, A].mean()
    assert share == pytest.approx((codes[random, A] == 1).mean(), abs=0.015)
    naive = calibrate(BOOK, scores, codes).plain(BOOK, scores)[random, A].mean()
    assert naive > share + 0.03


def test_a_curve_bends_only_where_it_helps() -> None:
    random = np.random.default_rng(3)
    scores = random.uniform(-3, 3, (5000, len(IDS))).astype(np.float32)
    codes = np.zeros(scores.shape, np.int8)
    codes[:, A] = random.random(5000) < np.where(scores[:, A] > 1, 0.9, 0.1)  # a step, no sigmoid
    codes[:, B] = random.random(5000) < 1 / (1 + np.exp(-scores[:, B]))
    codes[:150, C] = 1
    made = calibrate(BOOK, scores, codes)
    assert A in made.curves
    assert C not in made.curves, "150 positives are too few"
    below = scores[:, A] < 0.5
    assert made.plain(BOOK, scores)[below, A].mean() == pytest.approx(0.1, abs=0.03)
    assert Calibration.of(made.arrays()).curves.keys() == made.curves.keys()


def test_thresholds_of_rare_labels_lean_on_their_dimension() -> None:
    random = np.random.default_rng(0)
    scores = random.random((2000, len(IDS))).astype(np.float32)
    codes = np.zeros(scores.shape, np.int8)
    codes[:, A] = scores[:, A] > 0.5
    codes[np.argsort(-scores[:, B])[:2], B] = 1
    found = choose(BOOK, scores, codes)
    assert found[A] == pytest.approx(0.5, abs=0.03)
    own = best_threshold(scores[:, [B]], codes[:, [B]])
    assert abs(found[B] - found[A]) < abs(found[B] - own), f"{FEW} positives are needed to stand alone"
    assert found[C] == NEVER


def test_a_promise_of_recall_is_kept_on_new_records() -> None:
    _, codes, scores = simulated(8000)
    half = np.arange(8000) % 2 == 0
    for recall in (0.8, 0.95):
        made = fit_blend(BOOK, [scores[half]], codes[half], recall=recall)
        values, _ = decide(BOOK, made.probabilities(BOOK, [scores[~half]]), made.thresholds)
        for column in (A, B):
            found = values[codes[~half, column] == 1, column].mean()
            assert found == pytest.approx(recall, abs=0.03)
    few = codes[half].copy()
    few[:, C] = 0
    few[:6, C] = 1
    chances = made.probabilities(BOOK, [scores[half]])
    limits = promise(BOOK, chances, few, 0.95)
    assert limits[C] <= recall_threshold(chances[:, [C]], few[:, [C]], 0.95), "it leans downwards only"
    assert limits[IDS["scope.out"]] == choose(BOOK, chances, few)[IDS["scope.out"]]


def test_what_the_gate_takes_is_made_up_for() -> None:
    scores = np.linspace(0, 1, 100, dtype=np.float32)[:, None]
    codes = np.ones((100, 1), np.int8)
    assert (scores >= recall_threshold(scores, codes, 0.9)).mean() == pytest.approx(0.9, abs=0.011)
    scores[50:55] = -1
    assert (scores >= recall_threshold(scores, codes, 0.9)).mean() == pytest.approx(0.9, abs=0.011)
    scores[50:80] = -1
    kept = (scores >= recall_threshold(scores, codes, 0.9)).mean()
    assert kept == pytest.approx(0.7, abs=0.011), "more than the promise allows is lost: nearly all others"
    assert recall_threshold(np.full((2, 1), -1, np.float32), np.ones((2, 1), np.int8), 0.9) == 0.5


def test_the_better_model_gets_the_weight() -> None:
    chance, codes, scores = simulated(1500)
    noise = scores + np.random.default_rng(5).normal(scale=2, size=scores.shape).astype(np.float32)
    made = fit_blend(BOOK, [scores, noise], codes)
    assert made.weights[0, A] > 0.8
    assert np.allclose(made.weights.sum(axis=0), 1)
    again = Blend.of(made.arrays())
    assert np.allclose(again.probabilities(BOOK, [scores, noise]), made.probabilities(BOOK, [scores, noise]))
    folds = np.arange(len(codes)) % 4
    out = crossfit(BOOK, [scores], codes, folds)
    assert np.abs(out.scores[:, A] - chance[:, A]).mean() < 0.05
    changed = codes.copy()
    changed[folds == 0, A] = 1 - changed[folds == 0, A]
    other = crossfit(BOOK, [scores], changed, folds)
    assert np.array_equal(out.scores[folds == 0], other.scores[folds == 0]), "no row calibrates itself"
    assert np.array_equal(out.thresholds[folds == 0], other.thresholds[folds == 0])


def test_gate_and_condition_multiply() -> None:
    scores = np.full((1, len(IDS)), 0.5, np.float32)
    scores[0, IDS["scope.out"]] = 0.2
    out = conditioned(BOOK, scores)
    assert out[0, A] == pytest.approx(0.4)
    assert out[0, IDS["source.web"]] == pytest.approx(0.5 * 0.5 * 0.8)
    assert out[0, IDS["scope.in"]] == 0.5
    codes = np.zeros((2, len(IDS)), np.int8)
    codes[1, IDS["scope.out"]] = 1
    masked = passing(BOOK, codes)
    assert (masked[1, 2:] == -1).all()
    assert (masked[0] >= 0).all()
    assert masked[1, IDS["scope.out"]] == 1


def test_reliability_tells_good_from_boastful() -> None:
    chance, codes, _ = simulated(8000)
    good = {told["dimension"]: told for told in reliability(BOOK, codes, chance.astype(np.float32))}["topic"]
    assert good["ece"] < 0.01
    assert good["slope"] == pytest.approx(1, abs=0.05)
    assert good["brier_skill"] > 0.2
    assert sum(point["count"] for point in good["diagram"]) == good["records"] * 4
    logit = np.log(chance / (1 - chance))
    boastful = (1 / (1 + np.exp(-3 * logit))).astype(np.float32)
    bad = {told["dimension"]: told for told in reliability(BOOK, codes, boastful)}["topic"]
    assert bad["slope"] < 0.5
    assert bad["ece"] > 5 * good["ece"]
    shares = np.broadcast_to((codes == 1).mean(axis=0), codes.shape).astype(np.float32)
    flat = {told["dimension"]: told for told in reliability(BOOK, codes, shares)}["topic"]
    assert flat["brier_skill"] == pytest.approx(0, abs=1e-3)


def test_abstention_leaves_the_harder_cells() -> None:
    chance, codes, _ = simulated()
    scores = chance.astype(np.float32)
    limits = np.full(len(IDS), 0.5, np.float32)
    values, unsure = decide(BOOK, scores, limits)
    told = {one["dimension"]: one for one in coverage(BOOK, codes, values, unsure)}["topic"]
    assert told["accuracy_unsure"] < told["accuracy_all"] < told["accuracy_sure"]
    curve = coverage_curve(codes[:, [A, B, C, D]], scores[:, [A, B, C, D]] >= 0.5, scores[:, [A, B, C, D]],
                           limits[[A, B, C, D]])  # fmt: skip
    assert curve[-1]["coverage"] == 1
    assert curve[2]["accuracy"] > curve[-1]["accuracy"]
    three = np.zeros((1, len(IDS)), np.float32)
    true = np.zeros((1, len(IDS)), np.int8)
    three[0, [A, B, C, D]] = 0.9, 0.8, 0.7, 0.1
    true[0, [A, D]] = 1
    assert recall_at(BOOK, true, three, 3)["topic"] == 0.5


def test_reports_of_errors() -> None:
    codes = np.zeros((40, len(IDS)), np.int8)
    codes[:, IDS["scope.in"]] = 1
    codes[:20, A] = 1
    codes[20:, B] = 1
    values = codes == 1
    values[:5, A], values[:5, B] = False, True
    values[5, A] = False
    missed = confusion(BOOK, codes, values, "topic")
    assert missed["a"] == {"b": 5, "(none)": 1}
    scores = values.astype(np.float32)
    told = evaluate(BOOK, codes, scores, values).labels[A]
    low, high = intervals(codes, scores, values)[A]["f1"] or (0, 0)
    assert low < told.f1 < high
    assert intervals(codes, scores, values)[C]["f1"] is None
    low, high = macro_interval(BOOK, codes, values, "topic")
    assert low < evaluate(BOOK, codes, scores, values).macro_f1()["topic"] < high  # type: ignore[operator]
    years = ["2020"] * 20 + ["2024"] * 20
    drift = {one["group"]: one for one in by_group(BOOK, codes, values, years, "topic")}
    assert drift["2024"]["macro_f1"] == 1.0
    assert drift["2020"]["macro_f1"] < 0.9


def test_the_baseline_never_sees_the_row_it_scores() -> None:
    words = ["alpha beta gamma", "delta epsilon zeta"]
    texts = Texts([None] * 40, [words[row % 2] for row in range(40)])
    codes = np.full((40, len(IDS)), -1, np.int8)
    codes[:, A] = np.arange(40) % 2
    folds = np.repeat(np.arange(4), 10)
    scores = out_of_fold(texts, codes, folds, [A])
    assert (scores[codes[:, A] == 1, A] > scores[codes[:, A] == 0, A].max()).all()
    liar = codes.copy()
    liar[folds == 0, A] = 1 - liar[folds == 0, A]
    assert np.array_equal(out_of_fold(texts, liar, folds, [A])[folds == 0], scores[folds == 0])
    made = decided(BOOK, scores, codes, folds)
    assert ((made.scores[:, A] >= made.thresholds[:, A]) == (codes[:, A] == 1)).all()
