"""Agreement: published worked examples, scikit-learn, corners, weights and intervals."""

import json
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from corpora.errors import InputError
from review.screening import coefficients
from review.screening.agreement import Report, Votes, agreement

NAMES = ("percent agreement", "Cohen's κ", "Gwet's AC1", "Krippendorff's α", "positive agreement",
         "negative agreement")  # fmt: skip

# Reliability data of Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), example C:
# four observers, twelve units, five categories, dots are missing; also Gwet's example of four raters.
KRIPPENDORFF = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


def codes_of(*rows: str) -> np.ndarray:
    """Columns are people; letters become numbers by their order, dots are missing."""
    cells = [row.split() for row in rows]
    names = sorted({cell for row in cells for cell in row} - {"."})
    return np.array([[names.index(c) if c != "." else -1 for c in row] for row in cells], dtype=np.int8).T


def sums(codes: np.ndarray, weights: np.ndarray | None = None, categories: int = 5) -> coefficients.Sums:
    weights = np.ones(len(codes)) if weights is None else weights
    return coefficients.sums_of(codes, categories, weights, np.ones((1, len(codes))))


def fourfold(a: int, b: int, c: int, d: int) -> Votes:
    """Both include, only the first, only the second, neither."""
    said = [("include", "include")] * a + [("include", "exclude")] * b
    said += [("exclude", "include")] * c + [("exclude", "exclude")] * d
    return Votes.of(
        (f"R{i:04}", who, one) for i, pair in enumerate(said) for who, one in zip("AB", pair, strict=True)
    )


def report(votes: Votes, **options: object) -> Report:
    return agreement(votes, **({"basis": "all records", "resamples": 200} | options))  # type: ignore[arg-type]


def values(votes: Votes, **options: object) -> dict[str, float | None]:
    return {name: figure.value for name, figure in report(votes, **options).overall.figures.items()}


# ------------------------------------------------------------------ published examples


def test_four_observers_twelve_units() -> None:
    found = sums(codes_of(*KRIPPENDORFF))
    assert coefficients.alpha(found)[0] == pytest.approx(0.743, abs=5e-4)
    # Gwet's handbook (2014) and irrCAC have the same data, but unit 12 stands with the third rater.
    gwet = [row.split() for row in KRIPPENDORFF]
    gwet[1][11], gwet[2][11] = gwet[2][11], gwet[1][11]
    found = sums(codes_of(*map(" ".join, gwet)))
    assert coefficients.percent_agreement(found)[0] == pytest.approx(0.81818, abs=5e-6)
    assert coefficients.ac1(found)[0] == pytest.approx(0.77544, abs=5e-6)
    assert coefficients.kappa(found)[0] == pytest.approx(0.76282, abs=5e-6)


def test_two_observers_of_krippendorff() -> None:
    binary = sums(codes_of("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"))
    assert coefficients.alpha(binary)[0] == pytest.approx(1 - 19 * 4 / (14 * 6))  # .095
    nominal = sums(codes_of("a a b b d c c c e d d a", "b a b b b c c c e d d d"))
    assert coefficients.alpha(nominal)[0] == pytest.approx(0.692, abs=5e-4)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # Gwet (2008): raters almost always agree on the positive, and κ is below zero.
        ((118, 5, 2, 0), {"percent agreement": 0.944, "Cohen's κ": -0.0234, "Gwet's AC1": 0.9408}),
        # Cicchetti & Feinstein (1990): the same agreement, another prevalence; ppos and pneg.
        ((40, 9, 6, 45), {"percent agreement": 0.85, "Cohen's κ": 0.70}),
        ((80, 10, 5, 5), {"Cohen's κ": 0.32, "positive agreement": 160 / 175, "negative agreement": 0.4}),
        ((20, 5, 10, 15), {"Cohen's κ": 0.4}),  # (.7 - .5) / (1 - .5)
    ],
)
def test_fourfold_tables(table: tuple[int, int, int, int], expected: dict[str, float]) -> None:
    found = values(fourfold(*table))
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=0.005 if value == round(value, 2) else 5e-4)


PAIRS = arrays(np.int8, st.tuples(st.integers(1, 40), st.just(2)), elements=st.integers(0, 3))
WEIGHTS = st.lists(st.integers(1, 9), min_size=40, max_size=40)


@given(PAIRS, WEIGHTS)
def test_kappa_is_that_of_scikit_learn(codes: np.ndarray, weights: list[int]) -> None:
    weigh = np.array(weights[: len(codes)], dtype=np.float64)
    ours = coefficients.kappa(sums(codes, weigh))[0]
    if len(np.unique(codes)) == 1:
        assert np.isnan(ours)
    else:
        assert ours == pytest.approx(cohen_kappa_score(*codes.T, sample_weight=weigh), abs=1e-9)


def _positive(found: coefficients.Sums) -> np.ndarray:
    return coefficients.specific(found, 0)


@given(
    arrays(np.int8, st.tuples(st.integers(1, 20), st.integers(2, 4)), elements=st.integers(-1, 2)), WEIGHTS
)
def test_a_weight_counts_like_so_many_records(codes: np.ndarray, weights: list[int]) -> None:
    times = np.array(weights[: len(codes)])
    weighed = sums(codes, times.astype(np.float64))
    repeated = sums(np.repeat(codes, times, axis=0))
    scaled = sums(codes, times * 7.0)
    for figure in (coefficients.percent_agreement, coefficients.kappa, coefficients.ac1, _positive):
        np.testing.assert_allclose(figure(weighed), figure(repeated), rtol=1e-9, atol=1e-12)
    # α corrects for the number of votes there really are, so only ratios of weights matter.
    np.testing.assert_allclose(coefficients.alpha(weighed), coefficients.alpha(scaled), rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------ maybe, pairs, weights


def test_maybe_is_apart_in_the_table_and_include_in_the_figures() -> None:
    said = {"R1": ("include", "maybe"), "R2": ("maybe", "maybe"), "R3": ("exclude", "maybe")}
    said |= {f"R{i}": ("exclude", "exclude") for i in range(4, 8)}
    rows = [
        (record, who, one)
        for record, pair in said.items()
        for who, one in zip(("ann", "ben"), pair, strict=True)
    ]
    chances = {record: 0.25 if record in ("R6", "R7") else 1.0 for record in said}
    found = report(Votes.of(rows, probabilities=chances)).overall
    assert found.table == ((0, 1, 0), (0, 1, 0), (0, 1, 4))
    assert found.weighted == ((0, 1, 0), (0, 1, 0), (0, 1, 10))
    assert found.figures["percent agreement"].value == pytest.approx(12 / 13)
    assert found.figures["positive agreement"].value == pytest.approx(4 / 5)
    strict = values(Votes.of(rows, probabilities=chances), positive=("include",))
    assert strict["positive agreement"] == 0
    assert strict["percent agreement"] == pytest.approx(12 / 13)


def test_each_pair_is_judged_on_the_records_it_shares() -> None:
    rows = [(f"R{i}", "ann", "include" if i % 3 else "exclude") for i in range(30)]
    rows += [(f"R{i}", "ben", "include" if i % 3 else "exclude") for i in range(20)]
    rows += [(f"R{i}", "cem", "include" if i % 2 else "exclude") for i in range(10, 30)]
    rows += [("R99", "dan", "include")]
    found = report(Votes.of(rows), basis="other overlap")
    pairs = {one.raters: one for one in found.pairs}
    assert {who: one.records for who, one in pairs.items()} == {
        ("ann", "ben"): 20, ("ann", "cem"): 20, ("ann", "dan"): 0, ("ben", "cem"): 10, ("ben", "dan"): 0,
        ("cem", "dan"): 0,
    }  # fmt: skip
    assert pairs["ann", "ben"].figures["Cohen's κ"].value == pytest.approx(1)
    assert found.overall.records == 30
    assert pairs["ann", "cem"].figures["percent agreement"].value == pytest.approx(10 / 20)
    # R0-R9 agree; of R10-R19 (three votes) 1/3 + 2/3 s of the pairs do, s that of ben and cem.
    three = 1 / 3 + 2 / 3 * pairs["ben", "cem"].figures["percent agreement"].value
    last = 2 * 10 / 20 - pairs["ben", "cem"].figures["percent agreement"].value
    overall = found.overall.figures["percent agreement"].value
    assert overall == pytest.approx((1 + three + last) / 3)
    for figure in pairs["ann", "dan"].figures.values():
        assert (figure.value, figure.why) == (None, "no record has votes of two of them")
    text = "\n".join(found.lines())
    assert "MARKED" in text
    assert "not defined: no record has votes of two of them" in text
    assert "MARKED" not in "\n".join(report(Votes.of(rows), basis="random block").lines())


# ------------------------------------------------------------------ corners


def test_perfect_agreement() -> None:
    found = report(fourfold(10, 0, 0, 10)).overall.figures
    assert [found[name].value for name in NAMES] == [1.0] * 6
    assert found["Cohen's κ"].low is None
    assert "all resamples give the same" in str(found["Cohen's κ"])


def test_no_positives_leaves_kappa_and_alpha_undefined() -> None:
    found = report(fourfold(0, 0, 0, 25)).overall.figures
    assert [name for name in NAMES if found[name].value is None] == [
        "Cohen's κ", "Krippendorff's α", "positive agreement"
    ]  # fmt: skip
    assert "0/0" in str(found["Cohen's κ"])
    assert found["Gwet's AC1"].value == 1
    assert "nobody said include" in str(found["positive agreement"])


def test_a_single_record() -> None:
    agreed, apart = report(fourfold(0, 0, 0, 1)).overall, report(fourfold(0, 1, 0, 0)).overall
    assert agreed.records == apart.records == 1
    assert agreed.figures["Cohen's κ"].value is None
    assert [apart.figures[name].value for name in NAMES] == [0, 0, pytest.approx(-1), 0, 0, 0]
    assert all(figure.low is None for figure in apart.figures.values())


def test_an_interval_is_withheld_where_resamples_do_not_define_the_figure() -> None:
    found = report(fourfold(1, 0, 0, 30), resamples=500).overall.figures["positive agreement"]
    assert found.value == 1
    assert found.low is None
    assert "of the resamples do not define it (nobody said include)" in found.why


def test_nobody_voted_or_one_person_did() -> None:
    for rows in ([], [("R1", "ann", "include")]):
        found = report(Votes.of(rows))
        assert found.overall.records == 0
        assert all(figure.value is None for figure in found.overall.figures.values())
        assert found.lines()


def test_what_is_refused() -> None:
    row = ("R1", "ann", "include")
    with pytest.raises(InputError, match="category 'yes'; they are include, maybe, exclude"):
        Votes.of([("R1", "ann", "yes")])
    with pytest.raises(InputError, match="R1: ann has two votes"):
        Votes.of([row, ("R1", "ann", "exclude")])
    with pytest.raises(InputError, match="inclusion probability 0.0; it must be in"):
        Votes.of([row], probabilities={"R1": 0.0})
    with pytest.raises(InputError, match="R1: has a vote and no inclusion probability"):
        Votes.of([row], probabilities={"R2": 0.5})
    with pytest.raises(InputError, match="positive yes; categories are"):
        report(fourfold(1, 1, 1, 1), positive=("yes",))
    with pytest.raises(InputError, match="resamples 0"):
        report(fourfold(1, 1, 1, 1), resamples=0)


# ------------------------------------------------------------------ intervals


def test_intervals_are_those_of_the_binomial_and_repeat() -> None:
    found = report(fourfold(60, 20, 20, 300), resamples=2000).overall.figures["percent agreement"]
    half = 1.96 * sqrt(0.9 * 0.1 / 400)
    assert found.value == 0.9
    assert found.low == pytest.approx(0.9 - half, abs=0.006)
    assert found.high == pytest.approx(0.9 + half, abs=0.006)
    again = report(fourfold(60, 20, 20, 300), resamples=2000)
    assert again.overall.figures["percent agreement"] == found
    other = report(fourfold(60, 20, 20, 300), resamples=2000, seed=1)
    assert other.overall.figures["percent agreement"] != found


def test_chunks_of_resamples_change_no_result_by_more_than_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = report(fourfold(30, 10, 10, 50), resamples=1000).overall.figures["Cohen's κ"]
    monkeypatch.setattr("review.screening.agreement._CELLS", 700)
    parts = report(fourfold(30, 10, 10, 50), resamples=1000).overall.figures["Cohen's κ"]
    assert parts == whole  # the random numbers are drawn in the same order


def test_strata_are_resampled_apart() -> None:
    # In one stratum all agree, in the other nobody does: drawn apart, the share cannot vary.
    rows = [
        (f"R{i:02}", who, "include" if i < 20 or who == "A" else "exclude") for i in range(40) for who in "AB"
    ]
    strata = {f"R{i:02}": int(i < 20) for i in range(40)}
    free = report(Votes.of(rows)).overall.figures["percent agreement"]
    fixed = report(Votes.of(rows, strata=strata)).overall.figures["percent agreement"]
    assert free.value == fixed.value == 0.5
    assert free.low is not None
    assert free.low < 0.45
    assert fixed.low is None


def test_the_report_is_plain_data() -> None:
    found = report(fourfold(5, 1, 2, 20))
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["overall"]["records"] == 28
