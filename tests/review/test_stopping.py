"""Stopping rules: slow exact twins, published figures, corners, and what each rule may claim."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import hypergeom

from corpora.errors import InputError
from corpora.registry import entries
from review.screening.stopping import buscar, capture, control, verified
from review.screening.stopping.base import Screened
from review.screening.stopping.compose import check, parse
from review.screening.stopping.safe import Safe
from review.screening.stopping.simple import Budget, Consecutive

BOOLS = st.lists(st.booleans(), max_size=40).map(lambda one: np.array(one, dtype=bool))


def screened(text: str, pool: int, **more: object) -> Screened:
    """Labels from a text: + relevant, - not."""
    return Screened(np.array([one == "+" for one in text], dtype=bool), pool, **more)  # type: ignore[arg-type]


def exact_cdf(x: int, size: int, relevant: int, drawn: int) -> Fraction:
    ways = sum(comb(relevant, j) * comb(size - relevant, drawn - j) for j in range(x + 1) if drawn - j >= 0)
    return Fraction(ways, comb(size, drawn))


# ------------------------------------------------------------------ the contract of all rules


STATES = [
    screened("", 0),
    screened("", 10),
    screened("-----", 5),
    screened("++--+" + "-" * 60, 200, hours=3.0),
    screened("+" * 8 + "-" * 80, 1000, occasions=np.ones((8, 3), dtype=bool)),
    screened("+-" * 30, 60, control=np.ones(70, dtype=bool), random=np.array([True, False] * 25)),
]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", entries("stopping"))
def test_every_registered_rule_keeps_the_contract(name: str, state: Screened) -> None:
    kind = entries("stopping")[name].load()
    rule = kind(100) if name == "budget" else kind()
    assert rule.name == name
    assert rule.claim in ("model-based", "heuristic", "verified", "resource")
    assert parse(str(rule)) == rule
    verdict = check(rule, state)
    assert (verdict.rule, verdict.claim, verdict.parts) == (str(rule), rule.claim, ())
    assert verdict.sentence.endswith(".")
    assert not any(word in verdict.sentence for word in ("nan", "inf", "None"))
    for value in (verdict.recall, verdict.lower):
        assert value is None or 0 <= value <= 1


@pytest.mark.parametrize("name", entries("stopping"))
def test_a_rule_names_its_source_and_its_guarantee(name: str) -> None:
    told = entries("stopping")[name].load().__doc__
    if name not in ("consecutive", "budget"):
        assert "doi 10." in told or "arXiv" in told or "method rules" in told
    assert any(word in told.lower() for word in ("guarantee", "valid", "estimate", "claim"))


def test_states_that_cannot_be() -> None:
    with pytest.raises(InputError, match="3 records screened and 0 sampled from, of 2"):
        screened("+--", 2)
    with pytest.raises(InputError, match="a sample of 2 records was drawn from 1"):
        screened("+", 9, sample=np.zeros(2, dtype=bool), sample_of=1)


@pytest.mark.parametrize(
    "text",
    ["buscar(0, 0.95)", "buscar(0.95, 1)", "qbcb(1.5)", "chao(0)", "rivest(2)", "consecutive(0)", "budget()",
     "consecutive(2.5)", "budget(0.5)", "safe(0)", "safe(50, 0)", "verified(0.5, 0)", "verified(0.5, 0.9, 1)",
     "verified(1)", "safe(50, 0.1, 0.5)"],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="give|budget: records"):
        parse(text)


# ------------------------------------------------------------------ counting


@pytest.mark.parametrize(
    ("labels", "gap", "stop"),
    [("", 0, False), ("---", 3, False), ("+--", 2, True), ("+-", 1, False), ("--+", 0, False)],
)
def test_consecutive(labels: str, gap: int, stop: bool) -> None:
    verdict = Consecutive(2).check(screened(labels, 9))
    assert (verdict.value, verdict.stop) == (gap, stop)
    assert screened(labels, 9).gap == gap


def test_budget_is_used_up_by_either() -> None:
    state = screened("+---", 9, hours=2.0)
    assert [Budget(*limits).check(state).stop for limits in ((4, 0), (5, 0), (5, 2), (0, 2.5))] == [
        True, False, True, False,
    ]  # fmt: skip
    assert Budget(5, 2).check(state).sentence.startswith("4 of 5 records and 2.0 of 2 hours are used")


# ------------------------------------------------------------------ BUSCAR


def slow_p(labels: np.ndarray, pool: int, recall: Fraction) -> float:
    """Every urn, in fractions, as the paper has it."""
    n, found = len(labels), int(labels.sum())
    total = int(Fraction(found) / recall) + 1
    least = Fraction(1)
    for urn in range(n + 1):
        seen = int(labels[n - urn :].sum())
        relevant, size = total - (found - seen), pool - (n - urn)
        least = min(least, exact_cdf(seen, size, relevant, urn) if relevant <= size else Fraction(0))
    return float(least)


@given(BOOLS, st.integers(0, 60), st.sampled_from(["0.5", "0.8", "0.9", "0.95", "0.99"]))
@settings(max_examples=300)
def test_buscar_is_the_least_p_of_all_urns(labels: np.ndarray, left: int, recall: str) -> None:
    found = buscar.p_value(labels, len(labels) + left, float(recall))
    if labels.any() or not left:
        assert found == pytest.approx(
            slow_p(labels, len(labels) + left, Fraction(recall)), rel=1e-9, abs=1e-15
        )
    else:
        assert found == 1.0


def test_buscar_is_exact_where_scipy_is_slow() -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(0, 40, 60)
    drawn, size = x + rng.integers(1, 30_000, 60), np.full(60, 90_000)
    relevant = x + rng.integers(0, 200, 60)
    expected = hypergeom.cdf(x, size, relevant, drawn)
    assert buscar._cdf(x, size, relevant, drawn) == pytest.approx(expected, rel=1e-8)


def test_buscar_at_its_corners() -> None:
    nothing = np.zeros(50, dtype=bool)
    assert buscar.p_value(nothing, 100, 0.95) == 1  # nothing found: recall of nothing
    assert buscar.p_value(nothing, 50, 0.95) == 0  # all screened
    assert buscar.p_value(np.array([True] * 19 + [False] * 10), 30, 0.95) == 0  # 19 of at most 20
    assert buscar.too_many(63, 0.9) == 71  # 63/0.9 is 70, which floats do not know
    verdict = parse("buscar(0.95)").check(screened("+" * 30 + "-" * 900, 950))
    assert verdict.stop
    assert (
        verdict.sentence == "BUSCAR: p < 0.001 that recall is below 95 % (not corrected for repeated looks)."
    )


@given(st.integers(0, 30), st.integers(1, 60), st.data())
@settings(max_examples=300)
def test_the_random_finish_rejects_where_the_verified_bound_reaches_the_target(
    found: int, unscreened: int, data: st.DataObject
) -> None:
    labels = data.draw(
        st.lists(st.booleans(), max_size=unscreened).map(lambda one: np.array(one, dtype=bool))
    )
    if found + labels.sum() == 0:
        return
    p = buscar.random_finish(found, labels, unscreened, 0.9)
    bound = verified.lower_bound(found, unscreened, len(labels), int(labels.sum()), 0.0517)
    assert (p <= 0.0517) == (bound >= 0.9)


# ------------------------------------------------------------------ QBCB


@pytest.mark.parametrize(
    ("recall", "confidence", "least"),
    [(0.95, 0.95, 59), (0.9, 0.95, 29), (0.8, 0.95, 14), (0.95, 0.8, 32), (0.99, 0.95, 299), (0.5, 0.75, 2)],
)
def test_fewest_controls(recall: float, confidence: float, least: int) -> None:
    assert control.fewest(recall, confidence) == least
    assert (
        Fraction(str(recall)) ** least <= 1 - Fraction(str(confidence)) < Fraction(str(recall)) ** (least - 1)
    )


@given(st.integers(0, 90), st.sampled_from(["0.7", "0.9", "0.95"]))
def test_controls_needed_by_the_binomial_itself(controls: int, recall: str) -> None:
    t = Fraction(recall)
    terms = [comb(controls, j) * t**j * (1 - t) ** (controls - j) for j in range(controls + 1)]
    reached = [j for j in range(controls + 1) if sum(terms[j:]) <= Fraction("0.05")]
    assert control.needed(controls, float(recall), 0.95) == (reached[0] if reached else None)


def test_qbcb_refuses_too_few_and_bounds_recall() -> None:
    few = screened("+--", 900, control=np.ones(58, dtype=bool))
    with pytest.raises(InputError, match="58 relevant control records; 95 % recall at 95 % needs 59"):
        parse("qbcb(0.95, 0.95)").check(few)
    assert not check(parse("qbcb(0.95, 0.95)"), few).stop
    enough = parse("qbcb(0.95, 0.95)").check(screened("+--", 900, control=np.ones(59, dtype=bool)))
    assert enough.stop
    assert enough.lower == pytest.approx(0.05 ** (1 / 59))
    one_short = np.append(np.ones(58, dtype=bool), False)
    assert not parse("qbcb(0.95, 0.95)").check(screened("+--", 900, control=one_short)).stop


# ------------------------------------------------------------------ capture and recapture


def matrix(*frequencies: int, none: int = 0) -> np.ndarray:
    """Rows captured on 1, 2, … t occasions, so many of each, and rows captured on none."""
    t = len(frequencies)
    rows = [[i < k for i in range(t)] for k, many in enumerate(frequencies, 1) for _ in range(many)]
    return np.array(rows + [[False] * t] * none, dtype=bool)


def test_chao_by_hand() -> None:
    total, upper = capture.chao(matrix(10, 4, 6))
    assert total == pytest.approx(20 + 2 / 3 * 10 * 9 / (2 * 5))
    assert upper > total
    assert capture.chao(matrix(0, 4, 6)) == (10, 10)
    assert capture.chao(matrix(10, 4, 6, none=3))[0] == pytest.approx(26)  # three of the six unseen are known
    assert capture.chao(matrix(10, 4, 6, none=9))[0] == 29


def test_rivest_by_hand() -> None:
    # Two occasions: two equations, two unknowns, f1²/(4 f2) unseen; three with many thirds: f1²/(3 f2).
    assert capture.rivest(matrix(10, 5)) == pytest.approx(15 + 100 / 20)
    assert capture.rivest(matrix(6, 4, 50)) == pytest.approx(60 + 36 / 12)
    # Alike learners, each finding half: 800 records, f = 800 C(3, k)/8.
    assert capture.rivest(matrix(300, 300, 100)) == pytest.approx(800, rel=1e-6)
    assert capture.rivest(matrix(0, 5, 5)) == 10
    assert capture.rivest(matrix(10, 4, 6, none=500)) == 520


def test_rivest_leaves_out_what_comes_out_below_zero() -> None:
    # None of 90 was found by all four: η4 comes out below 0, η3 above and takes f3 for itself. What is
    # left is the likeliest γ and β of the other three counts, found here by another method.
    counts, k, ways = np.array([40, 30, 0]), np.array([1, 2, 4]), np.array([4, 6, 1])

    def unlikely(beta: np.ndarray) -> float:
        mean = ways * np.exp(beta[0] + beta[1] * k)
        return float((mean - counts * np.log(mean)).sum())

    best = minimize(unlikely, [3.0, -0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert capture.rivest(matrix(40, 30, 20, 0)) == pytest.approx(90 + np.exp(best.x[0]), rel=1e-5)


def rows_of(t: int) -> st.SearchStrategy[list[list[bool]]]:
    return st.lists(st.lists(st.booleans(), min_size=t, max_size=t), min_size=5, max_size=60)


@given(st.integers(2, 5).flatmap(rows_of))
def test_estimates_are_at_least_what_was_found_and_know_no_order(rows: list[list[bool]]) -> None:
    occasions = np.array(rows, dtype=bool)
    for estimate in (lambda one: capture.chao(one)[0], capture.rivest):
        assert len(rows) <= estimate(occasions) < np.inf
        assert estimate(occasions[::-1, ::-1]) == pytest.approx(estimate(occasions), rel=1e-6)


@pytest.mark.parametrize("name", ["chao", "rivest"])
def test_capture_rules(name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: needs at least two learners"):
        parse(name).check(screened("+--", 9))
    few = parse(name).check(screened("+--", 9, occasions=matrix(1, 1)))
    assert (few.stop, few.value) == (False, None)
    verdict = parse(f"{name}(0.9)").check(screened("+" * 20, 90, occasions=matrix(10, 4, 6)))
    assert not verdict.stop
    assert verdict.recall == pytest.approx(20 / verdict.value, abs=1e-9)
    assert parse(f"{name}(0.7)").check(screened("+" * 20, 90, occasions=matrix(10, 4, 6))).stop


# ------------------------------------------------------------------ SAFE


def test_safe_goes_through_its_phases() -> None:
    rule, half = Safe(4, 0.2, 3), np.array([True, False, False, False])
    steps = [
        ("S", screened("+--", 40, random=half[:3])),
        ("A", screened("+---", 40, random=half, keys_total=1)),  # a key paper is missing
        ("A", screened("+" + "-" * 18, 40, random=half)),  # 10 expected, 20 to screen
        ("A", screened("+" + "-" * 8, 50, random=np.zeros(4, dtype=bool))),  # a fifth is 10
        ("A", screened("+" * 19 + "--", 40, random=half)),
        ("F", screened("+" * 19 + "---", 40, random=half)),
        ("F", screened("+" * 19 + "-----", 40, random=half, switched=True, since_switch=2)),
        ("E", screened("+" * 19 + "------", 40, random=half, switched=True, since_switch=3)),
        ("E", screened("+" * 20, 20, random=half)),
    ]
    assert [rule.phase(state)[0] for _, state in steps] == [phase for phase, _ in steps]
    verdicts = [rule.check(state) for _, state in steps]
    assert [one.stop for one in verdicts] == [phase == "E" for phase, _ in steps]
    assert "a second person checks" in verdicts[-2].sentence
    assert "2 of 3 irrelevant in a row with another model" in verdicts[-3].sentence


# ------------------------------------------------------------------ the verified sample


def slow_missed(unscreened: int, sample: int, hits: int, alpha: Fraction) -> int:
    return max(
        k
        for k in range(hits, unscreened - (sample - hits) + 1)
        if exact_cdf(hits, unscreened, k, sample) > alpha
    )


SAMPLES = st.integers(0, 45).flatmap(
    lambda n: st.tuples(
        st.just(n), st.integers(0, n).flatmap(lambda s: st.tuples(st.just(s), st.integers(0, s)))
    )
)


@given(SAMPLES, st.sampled_from(["0.05", "0.025", "0.1", "0.5"]))
@settings(max_examples=400)
def test_most_missed_by_trying_all(numbers: tuple[int, tuple[int, int]], alpha: str) -> None:
    unscreened, (sample, hits) = numbers
    assert verified.most_missed(unscreened, sample, hits, float(alpha)) == slow_missed(
        unscreened, sample, hits, Fraction(alpha)
    )


@pytest.mark.parametrize(
    ("unscreened", "sample", "found"), [(60, 25, 12), (30, 30, 1), (45, 3, 100), (80, 60, 4)]
)
def test_the_bound_is_too_high_in_no_more_than_alpha_of_all_samples(
    unscreened: int, sample: int, found: int
) -> None:
    for missed in range(unscreened + 1):
        x = np.arange(min(missed, sample) + 1)
        over = [
            verified.lower_bound(found, unscreened, sample, int(hits), 0.05)
            > (found + hits) / (found + missed)
            if hypergeom.pmf(hits, unscreened, missed, sample) > 0
            else False
            for hits in x
        ]
        assert hypergeom.pmf(x, unscreened, missed, sample)[over].sum() <= 0.05 + 1e-12


@pytest.mark.parametrize(("found", "part"), [(20, 0.78), (50, 0.63), (100, 0.39), (250, 0.19), (500, 0.10)])
@pytest.mark.parametrize("unscreened", [2_000, 20_000])
def test_feasibility_as_in_the_method_rules(found: int, part: float, unscreened: int) -> None:
    smallest = verified.smallest_sample(found, unscreened, 0.95)
    assert smallest is not None
    assert smallest / unscreened == pytest.approx(part, abs=0.0051)


@given(st.integers(0, 60), st.integers(0, 300), st.integers(0, 2), st.sampled_from([0.8, 0.95, 1.0]))
def test_the_smallest_sample_is_the_smallest(found: int, unscreened: int, hits: int, target: float) -> None:
    smallest = verified.smallest_sample(found, unscreened, target, 0.05, hits)
    if smallest is None:
        assert hits > unscreened or found + hits == 0
        return
    assert verified.lower_bound(found, unscreened, smallest, hits) >= target
    if smallest > hits:
        assert verified.lower_bound(found, unscreened, smallest - 1, hits) < target


def test_bound_at_its_corners() -> None:
    assert verified.lower_bound(10, 0, 0, 0) == 1  # nothing is unscreened
    assert verified.lower_bound(10, 90, 0, 0) == 10 / 100  # nothing was sampled
    assert verified.lower_bound(10, 90, 90, 7) == 1  # everything was
    assert verified.lower_bound(0, 90, 40, 0) == 0
    assert verified.lower_bound(0, 90, 90, 0) == 0  # recall of nothing is not claimed
    for numbers in ((10, 5, 6, 0), (10, 5, 3, 4), (10, 5, 3, -1), (-1, 5, 3, 0)):
        with pytest.raises(InputError, match="that cannot be"):
            verified.lower_bound(*numbers)


def test_a_plan_tells_what_a_sample_can_prove() -> None:
    plan = verified.plan(100, 5000, screened=1200)
    assert plan.smallest == 1965
    row = next(one for one in plan.rows if one.size == plan.smallest)
    assert row.bounds[0] >= 0.95 > row.bounds[1] > row.bounds[2]
    assert row.work == 3165
    assert plan.spare == 2  # five may be missed; half of them
    assert row.chance == pytest.approx(hypergeom.pmf(0, 5000, 2, 1965))
    assert "1,965 of the 5,000 unscreened records (39 %)" in plan.advice
    assert "never topped up" in plan.advice
    assert [len(line.split("|")) for line in plan.lines()[:3]] == [9, 9, 9]
    assert "nearly as cheap" in verified.plan(20, 5000).advice
    assert "screen everything" in verified.plan(0, 5000).advice
    assert "nothing to sample" in verified.plan(9, 0).advice
    assert verified.plan(9, 1).rows[-1].bounds == (1.0, 1.0, None)  # two hits in one record: none
    with pytest.raises(InputError, match="none can be below 0"):
        verified.plan(-1, 5)
    with pytest.raises(InputError, match="target = 1.2"):
        verified.plan(1, 5, 1.2)


def test_the_chance_counts_every_number_of_hits_that_proves() -> None:
    rng = np.random.default_rng(3)
    hits = rng.hypergeometric(3, 397, 240, size=4000)
    proved = [verified.lower_bound(100, 400, 240, int(x)) >= 0.95 for x in range(4)]
    assert proved == [True, True, True, False]
    assert verified.chance(100, 400, 240, 3, 0.95) == pytest.approx(np.mean(np.array(proved)[hits]), abs=0.03)


def test_what_a_result_says() -> None:
    good = verified.result(100, 5000, 1965, 0, 0.95)
    assert good.proved
    assert good.missed == 5
    assert "recall was at least 95.2 % (one-sided exact 95 % bound)" in good.sentence()
    assert "its size fixed beforehand" in good.sentence()
    bad = verified.result(100, 5000, 1965, 1, 0.95)
    assert not bad.proved
    assert "held 1 relevant record;" in bad.sentence()
    assert "at least 91.8 %" in bad.sentence()
    assert "not proved" in bad.sentence()
    assert "not topped up" in bad.sentence()
    assert "All 40 records" in verified.result(9, 40, 40, 3, 0.95).sentence()
    assert "was not verified" in verified.result(9, 40, 0, 0, 0.95).sentence()
    assert "has no bound" in verified.result(0, 40, 10, 0, 0.95).sentence()
    assert verified.result(20, 20, 19, 0, 1.0).proved  # P(X = 0 | K = 1) is 1/20: exactly alpha


def test_the_verified_rule_tests_a_sample_once_it_is_there() -> None:
    rule = parse("verified(0.5, 0.9)")
    before = rule.check(screened("+" * 100 + "-" * 300, 1000))
    assert (before.stop, before.lower, before.value) == (False, None, 300)
    assert "could at best prove" in before.sentence
    none = rule.check(screened("+" * 100 + "-" * 300, 1000, sample=np.zeros(300, dtype=bool), sample_of=600))
    assert none.stop
    assert none.lower == verified.lower_bound(100, 600, 300, 0)
    many = np.arange(300) < 9
    assert not rule.check(screened("+" * 100 + "-" * 300, 1000, sample=many, sample_of=600)).stop
    assert rule.check(screened("+-", 2)).stop
