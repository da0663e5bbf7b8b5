"""The simulation of stopping rules: what it feeds to them, what it counts, on rankings with known ends."""

import numpy as np
import pytest

from corpora.errors import InputError, UnknownNameError
from review.screening import rulestudy
from review.screening.rulestudy import SAMPLE, SCENARIOS, Case, Outcome, Ranking, run, study
from review.screening.stopping.compose import parse


def ranking(labels: np.ndarray, learners: int = 3, seed: int = 0) -> Ranking:
    n = len(labels)
    noise = np.random.default_rng(seed).normal(0, 0.05, (n, learners))
    return Ranking(labels, np.clip(np.arange(n)[:, None] / n + noise, 0, 0.999))


def good(n: int = 600, relevant: int = 40, seed: int = 0) -> Ranking:
    weights = np.exp(-np.arange(n) / (n / 12))
    labels = np.zeros(n, dtype=bool)
    rows = np.random.default_rng(seed).choice(n, relevant, replace=False, p=weights / weights.sum())
    labels[rows] = True
    return ranking(labels)


def case(labels: str, seen: str | None = None) -> Case:
    truth = np.array([one == "+" for one in labels])
    said = truth if seen is None else np.array([one == "+" for one in seen])
    return Case(truth, said, np.zeros((len(truth), 0)))


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


REVIEWS = {"a": [good(seed=1), good(seed=2)], "b": [good(900, 80, seed=3)], "c": [good(400, 15, seed=4)]}


def test_recall_and_work_at_the_stop() -> None:
    plain, sampled = run(parse("consecutive(20)"), case("+" * 9 + "-" * 90 + "+"), rng(), grid=0.01)
    assert plain == Outcome(recall=0.9, kept=0.9, work=0.29, stopped=True)
    assert sampled.bound is not None
    whole, after = run(parse("consecutive(95)"), case("+" * 9 + "-" * 90 + "+"), rng(), grid=0.01)
    assert whole == after == Outcome(recall=1.0, kept=1.0, work=1.0, stopped=False)


def test_what_the_reviewers_miss_is_shown_but_not_kept() -> None:
    truth = "+" * 10 + "-" * 90
    plain, sampled = run(
        parse("consecutive(20)"), case(truth, "-" * 2 + "+" * 8 + "-" * 90), rng(), grid=0.01
    )
    assert (plain.recall, plain.kept) == (1.0, 0.8)
    assert sampled.overclaimed == (sampled.bound > 0.8)


def test_a_sample_that_proves_nothing_leaves_all_to_be_screened() -> None:
    # Thirty relevant records are hidden in the last seventy: any sample of 78 % meets several.
    _, sampled = run(parse("consecutive(20)"), case("+" * 20 + "-" * 20 + "-+++-++" * 10), rng(), grid=0.01)
    assert (sampled.recall, sampled.work, sampled.stopped) == (1.0, 1.0, False)
    assert sampled.bound < 0.95


def test_a_sample_whose_size_is_enough_proves_and_stops() -> None:
    _, sampled = run(parse("consecutive(20)"), case("+" * 100 + "-" * 900), rng(), grid=0.01)
    assert sampled.stopped
    assert 0.95 <= sampled.bound <= 1
    assert sampled.work == pytest.approx(0.12 + 0.88 * 0.39, abs=0.01)
    assert not sampled.overclaimed


def test_controls_are_drawn_until_there_are_enough_and_count_as_work() -> None:
    many, _ = run(parse("qbcb(0.8, 0.8)"), case("+" * 300 + "-" * 300), rng(), grid=0.01)
    assert many.stopped
    assert many.recall >= 0.8
    few, _ = run(parse("qbcb(0.95, 0.95)"), case("+" * 58 + "-" * 300), rng(), grid=0.01)
    assert (few.work, few.stopped) == (1.0, False)  # 59 controls are not to be had


def test_safe_screens_its_random_records_first_and_changes_the_model() -> None:
    # The second learner ranks the last relevant record first; the first one never would.
    truth = np.array([True] * 20 + [False] * 479 + [True])
    places = np.linspace(0, 0.99, 500)[:, None].copy()
    places[-1] = 0.0
    outcome, _ = run(parse("safe(20, 0.1, 30)"), Case(truth, truth, places), rng(), grid=0.01)
    assert outcome.recall == 1
    assert outcome.stopped
    alone, _ = run(parse("consecutive(30)"), Case(truth, truth, places), rng(), grid=0.01)
    assert alone.recall < 1


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenarios_make_reviews_like_the_one_they_come_from(scenario: str) -> None:
    source = good()
    made = [SCENARIOS[scenario](source, np.random.default_rng(seed)) for seed in range(30)]
    times = 10 if scenario.startswith("ten") else 1
    assert {len(one.truth) for one in made} == {600 * times}
    assert np.mean([one.truth.sum() for one in made]) == pytest.approx(40 * times, rel=0.15)
    assert all(one.places.shape == (600 * times, 3) for one in made)
    assert all(not (one.seen & ~one.truth).any() for one in made)
    kept = np.sum([one.seen.sum() for one in made]) / np.sum([one.truth.sum() for one in made])
    assert kept == pytest.approx(
        {"reviewers miss 5 %": 0.95, "reviewers miss 10 %": 0.9}.get(scenario, 1), abs=0.02
    )
    at = np.mean([np.flatnonzero(one.truth).mean() / len(one.truth) for one in made])
    real = np.flatnonzero(source.labels).mean() / 600
    if scenario == "random ranking":
        assert at == pytest.approx(0.5, abs=0.03)
    elif scenario == "cluster ranked last":
        assert all(one.truth[-2:].all() and one.places[-1].min() == 1 for one in made)
    else:
        assert at == pytest.approx(real, abs=0.02)


def test_the_study_counts_and_repeats() -> None:
    rules = ("consecutive(50)", "buscar(0.95, 0.95)", "buscar(0.95, 0.95)" + SAMPLE)
    rows = study(REVIEWS, rules, scenarios=("real ranking", "cluster ranked last"), runs=30)
    assert [(row.rule, row.scenario) for row in rows] == [
        (rule, scenario) for scenario in ("real ranking", "cluster ranked last") for rule in rules
    ]
    assert {row.runs for row in rows} == {30}
    assert rows == study(REVIEWS, rules, scenarios=("real ranking", "cluster ranked last"), runs=30)
    consecutive, buscar, sampled = rows[:3]
    assert consecutive.met[0] < buscar.met[0]  # ranked well, 50 in a row come too soon for 95 %
    assert consecutive.work[0] < buscar.work[0] < sampled.work[0]
    assert buscar.met[0] == 1
    assert (buscar.proved, consecutive.false) == (None, None)
    assert sampled.proved is not None
    assert sampled.proved[0] > 0.5
    assert rows[4].met[0] == 0  # a tenth ranked last: no rule that looks back can know
    for row in rows:
        for mean, low, high in (row.met, row.recall, row.kept, row.work):
            assert 0 <= low <= mean <= high <= 1


def test_a_rule_alone_meets_the_same_cases_as_beside_others() -> None:
    alone = study(REVIEWS, ["consecutive(50)"], scenarios=["random ranking"], runs=9)
    beside = study(REVIEWS, ["safe(50, 0.1, 50)", "consecutive(50)"], scenarios=["random ranking"], runs=9)
    assert alone[0] == beside[1]


def test_the_sample_overclaims_no_more_often_than_alpha() -> None:
    rows = study({"a": [good(600, 60)]}, ["consecutive(15)" + SAMPLE], scenarios=["real ranking"], runs=400)
    assert rows[0].false is not None
    assert rows[0].false[0] < 0.08  # 5 % and three standard errors of 400 runs


def test_intervals_are_of_reviews() -> None:
    apart = rulestudy.clustered([[0.0] * 1000, [1.0] * 1000])
    assert apart == (0.5, 0.0, 1.0)  # two thousand runs of two reviews are two observations
    mean, low, high = rulestudy.clustered([[0.0, 1.0]] * 8)
    assert mean == low == high == 0.5


def test_the_table() -> None:
    rules = ["consecutive(50)", "consecutive(50)" + SAMPLE]
    rows = study(REVIEWS, rules, scenarios=["real ranking", "random ranking"], runs=6)
    head, rule, first, second = rulestudy.table(rows, "work")
    assert head == "| rule | real ranking | random ranking |"
    assert rule == "|---|---|---|"
    mean, low, high = (100 * one for one in rows[0].work)
    assert first.startswith(f"| `consecutive(50)` | {mean:.1f} ({low:.1f}–{high:.1f}) | ")
    assert second.count("|") == 4
    assert len(rulestudy.table(rows, "proved")) == 3  # a rule without a sample proves nothing


def test_nothing_to_study_is_said() -> None:
    with pytest.raises(InputError, match="0 reviews: at least one is needed"):
        study({}, ["consecutive(50)"])
    with pytest.raises(InputError, match="each with relevant records"):
        study({"a": [ranking(np.zeros(9, dtype=bool))]}, ["consecutive(50)"])
    with pytest.raises(UnknownNameError, match="unknown scenario 'random'; did you mean 'random ranking'"):
        study(REVIEWS, ["consecutive(50)"], scenarios=["random"])
