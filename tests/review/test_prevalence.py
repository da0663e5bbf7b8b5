"""Corrected shares against closed forms, brute force and simulated truth; what is never claimed."""

import json
import re
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from classifiers.codebook import load as load_codebook
from corpora.registry import load
from review.analysis import coverage, prevalence
from review.analysis.crosstab import task_by_family
from review.analysis.estimators import Population, Sample, corrected, naive, rogan_gladen
from review.analysis.labelsets import LabelSets
from review.analysis.labelshares import label_by_year, label_shares
from review.analysis.prevalence import Masks, by_year, estimates
from review.analysis.tidy import Audit, Context
from review.analysis.trends import by_family, evaluation_by_year, family_share
from review.figures.presets import preset
from review.figures.save import save
from review.labelling.auditing import allocated, stratified

ROOT = Path(__file__).resolve().parents[2]


def column(values: object) -> np.ndarray:
    return np.asarray(values, dtype=float)[:, None]


def world(
    strata: list[int], true: list[int], said: list[int], eligible: list[int], said_eligible: list[int]
) -> tuple[Population, Callable[[list[int]], Sample]]:
    """A corpus with one cell, and its audits by the rows that are drawn."""
    codes = np.array(strata, dtype=np.int64)
    ones = np.ones((len(strata), 1))
    z, f, e, g = (column(one) for one in (true, said, eligible, said_eligible))

    def sample(rows: list[int]) -> Sample:
        return Sample(codes[rows], ones[rows], e[rows], z[rows], g[rows], f[rows])

    return Population.of(codes, int(codes.max()) + 1, ones, g, f), sample


def plain(true: list[int], said: list[int]) -> tuple[Population, Callable[[list[int]], Sample]]:
    ones = [1] * len(true)
    return world([0] * len(true), true, said, ones, ones)


# ------------------------------------------------------------------ closed forms


def test_the_difference_estimator_is_the_naive_share_plus_the_audited_errors() -> None:
    true = [1] * 30 + [0] * 70
    said = [1] * 24 + [0] * 6 + [1] * 10 + [0] * 60
    population, sample = plain(true, said)
    rows = list(range(0, 100, 4))
    found = corrected(population, sample(rows))
    errors = np.array([true[i] - said[i] for i in rows])
    assert naive(population)[0] == pytest.approx(0.34)
    assert found.share[0] == pytest.approx(0.34 + errors.mean())
    # 25 of 100 without replacement; half a false positive and half a false negative on top.
    variance = 0.75 * (errors.var(ddof=1) / 25 + 1 / 25**2)
    half = student.ppf(0.975, 24) * np.sqrt(variance)
    assert found.high[0] - found.share[0] == pytest.approx(half)
    assert found.share[0] - found.low[0] == pytest.approx(half)


def test_without_the_tagger_it_is_the_weighted_mean_of_the_audit() -> None:
    strata = [0] * 60 + [1] * 40
    true = [i % 3 == 0 for i in range(100)]
    population, sample = world(strata, true, [0] * 100, [1] * 100, [1] * 100)  # type: ignore[arg-type]
    rows = [0, 1, 2, 3, 60, 61, 62, 63, 64, 66]
    means = [np.mean([true[i] for i in rows[:4]]), np.mean([true[i] for i in rows[4:]])]
    assert corrected(population, sample(rows), 0.0).share[0] == pytest.approx(0.6 * means[0] + 0.4 * means[1])


def test_tuning_follows_the_tagger_as_far_as_it_is_worth() -> None:
    random = np.random.default_rng(1)
    true = (random.random(4000) < 0.4).astype(int).tolist()
    noise = (random.random(4000) < 0.4).astype(int).tolist()
    rows = random.choice(4000, 500, replace=False).tolist()
    population, sample = plain(true, true)
    perfect = corrected(population, sample(rows), None)
    assert perfect.tuning[0] == pytest.approx(1.0)
    assert perfect.share[0] == pytest.approx(np.mean(true))
    population, sample = plain(true, noise)
    useless = corrected(population, sample(rows), None)
    assert useless.tuning[0] < 0.15
    widths = [float((one.high - one.low)[0]) for one in (useless, corrected(population, sample(rows), 1.0))]
    assert widths[0] < 0.8 * widths[1]


def test_rogan_gladen_is_its_formula() -> None:
    true = [1] * 40 + [0] * 60
    said = [1] * 32 + [0] * 8 + [1] * 6 + [0] * 54
    population, sample = plain(true, said)
    # All are audited: Se = .8, Sp = .9, and (.38 + .9 - 1) / (.8 + .9 - 1) is the truth.
    assert rogan_gladen(population, sample(list(range(100))))[0] == pytest.approx(0.28 / 0.7)
    population, sample = plain([1, 0] * 50, [1, 1, 0, 0] * 25)
    assert np.isnan(rogan_gladen(population, sample(list(range(100))))[0])


def test_an_interval_is_as_wide_as_a_simple_random_sample_makes_it() -> None:
    random = np.random.default_rng(4)
    true = (random.random(3000) < 0.3).astype(int)
    population, sample = plain(true.tolist(), [0] * 3000)
    part = random.choice(3000, 400, replace=False)
    found = corrected(population, sample(part.tolist()))
    rate = true[part].mean()
    half = 1.96 * np.sqrt(rate * (1 - rate) / 400 * (1 - 400 / 3000))
    assert found.share[0] == pytest.approx(rate)
    assert (found.high - found.low)[0] / 2 == pytest.approx(half, rel=0.05)


def test_the_literature_is_less_certain_than_the_corpus() -> None:
    random = np.random.default_rng(2)
    true = (random.random(400) < 0.3).astype(int)
    said = np.where(random.random(400) < 0.1, 1 - true, true)
    population, sample = plain(true.tolist(), said.tolist())
    part = sample(random.choice(400, 200, replace=False).tolist())
    this, any_other = (corrected(population, part, estimand=one) for one in ("corpus", "literature"))
    assert this.share[0] == any_other.share[0]
    assert any_other.high[0] - any_other.low[0] > 1.2 * (this.high[0] - this.low[0])


# ------------------------------------------------------------------ brute force and properties


def test_over_all_audits_that_could_be_drawn_the_difference_estimator_is_right() -> None:
    strata = [0, 0, 0, 0, 0, 1, 1, 1, 1]
    true = [1, 0, 1, 1, 0, 0, 0, 1, 0]
    said = [1, 1, 0, 1, 0, 0, 1, 0, 0]
    population, sample = world(strata, true, said, [1] * 9, [1] * 9)
    drawn = [[*one, *two] for one, two in product(combinations(range(5), 2), combinations(range(5, 9), 3))]
    # Unclipped shares, since a mean of clipped ones is no mean.
    shares = []
    for rows in drawn:
        weights = np.array([5 / 2] * 2 + [4 / 3] * 3)
        errors = np.array([true[i] - said[i] for i in rows])
        shares.append((sum(said) + float(weights @ errors)) / 9)
        clipped = float(np.clip(shares[-1], 0, 1))
        assert corrected(population, sample(rows)).share[0] == pytest.approx(clipped)
    assert len(drawn) == 40
    assert np.mean(shares) == pytest.approx(np.mean(true))


bits = st.integers(0, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), bits, bits, bits, bits), min_size=2, max_size=40))
@example([(0, 0, 0, 0, 0)] + [(0, 0, 0, 1, 0)] * 6)  # nobody is eligible, but for rounding
def test_when_all_are_audited_every_estimator_tells_the_truth(rows: list[tuple[int, ...]]) -> None:
    strata, eligible, positive, said_eligible, said_positive = (list(one) for one in zip(*rows, strict=True))
    true = [z * e for z, e in zip(positive, eligible, strict=True)]
    said = [f * g for f, g in zip(said_positive, said_eligible, strict=True)]
    population, sample = world(strata, true, said, eligible, said_eligible)
    whole = sample(list(range(len(rows))))
    for tuning in (0.0, 0.4, 1.0, None):
        found = corrected(population, whole, tuning)
        if sum(eligible):
            assert found.share[0] == pytest.approx(sum(true) / sum(eligible))
            assert found.low[0] == pytest.approx(found.high[0])
        else:
            assert np.isnan(found.share[0])


def test_a_narrow_interval_has_the_degrees_of_freedom_of_its_strata() -> None:
    """Two strata alike, 50 of 5,000 audited in each: their variances are of df = 98, however small."""
    label = [int(i % 10 == 0) for i in range(10_000)]
    population, sample = world([i // 5_000 for i in range(10_000)], label, label, [1] * 10_000, [1] * 10_000)
    drawn = sample([*range(50), *range(5_000, 5_050)])
    wide, narrow = (corrected(population, drawn, 0.0, level=level) for level in (0.95, 0.5))
    ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
    assert ratio[0] == pytest.approx(student.ppf(0.975, 98) / student.ppf(0.75, 98))


def test_the_interval_keeps_its_promise_in_a_small_simulation() -> None:
    rows = coverage.study([200], 6, 10, stratified, allocated, seed=11)
    tuned = {row.cell: row for row in rows if row.method == "PPI++" and not row.years}
    assert len(tuned) == len(coverage.PREVALENCES) + 1
    # 60 audits a label; together they are 540, two standard errors below 95 % are 93.1 %.
    assert np.mean([row.coverage for row in tuned.values()]) > 0.931
    big = [row for row in rows if row.prevalence > 0.25 and not row.years]
    error = {m: np.mean([r.rmse for r in big if r.method == m]) for m in ("naive", "audit alone", "PPI++")}
    assert error["PPI++"] < error["audit alone"] < error["naive"]


# ------------------------------------------------------------------ a table of studies


def studies(n: int = 400) -> pd.DataFrame:
    families = [["generative_llm"], ["traditional_nlp"], ["generative_llm", "traditional_nlp"], []]
    return pd.DataFrame(
        {
            "study_id": [f"S{i:03}" for i in range(n)],
            "year": pd.array([2020 + i // 100 for i in range(n)], dtype="Int32"),
            "family": [families[i // 4 % 4] for i in range(n)],
            "tasks": [["coding"] if i % 3 else ["qa"] for i in range(n)],
            "evaluation": [["safety"] if i % 3 == 1 else [] for i in range(n)],
            "scope": [["in_scope"]] * n,
        }
    )


def audited(frame: pd.DataFrame, wrong: int = 5, step: int = 2) -> Audit:
    """Every ``step``-th study was audited; every ``wrong``-th of all has another truth."""
    truth = frame.set_index("study_id")[["family", "tasks", "evaluation", "scope"]].copy()
    for i, study in enumerate(truth.index):
        if wrong and i % wrong == 0:
            truth.at[study, "family"] = ["generative_llm"]
            truth.at[study, "tasks"] = ["coding"]
            truth.at[study, "evaluation"] = ["safety"]
    strata = pd.Series([f"{year}" for year in frame["year"]], index=pd.Index(frame["study_id"]))
    return Audit("audit-1", "2026-01-02T00:00:00Z", strata, truth.iloc[::step])


def context(audit: Audit | None = None) -> Context:
    return Context("all of them", labels={"family": {}, "tasks": {}}, audit=audit)


COMPUTE = (by_family, family_share, evaluation_by_year, task_by_family)


@pytest.mark.parametrize("compute", COMPUTE)
def test_without_an_audit_nothing_is_corrected(compute: Callable[..., object]) -> None:
    tidy = compute(studies(), context())
    frame = tidy.frame  # type: ignore[attr-defined]
    assert set(frame["status"]) == {"not audited"}
    assert frame[["corrected", "low", "high", "difference", "rogan_gladen"]].isna().all().all()
    assert frame["naive"].notna().all()
    told = " ".join(tidy.notes)  # type: ignore[attr-defined]
    assert "naive, not audited" in told
    assert "review audit --plan" in told


@pytest.mark.parametrize("compute", COMPUTE)
def test_with_everything_audited_every_share_is_the_truth(compute: Callable[..., object]) -> None:
    frame = studies()
    audit = audited(frame, step=1)
    tidy = compute(frame, context(audit))
    truth = compute(frame.assign(**{n: audit.truth[n].to_numpy() for n in audit.truth.columns}), context())
    key = [name for name in ("year", "family", "task", "criterion") if name in tidy.frame]  # type: ignore[attr-defined]
    both = tidy.frame.merge(truth.frame, on=key, suffixes=("", "_true"))  # type: ignore[attr-defined]
    shown = both[both["status"] == "corrected"]
    assert len(shown)
    assert shown["corrected"].astype(float).tolist() == pytest.approx(shown["naive_true"].tolist())
    assert "PPI++ with 95 % intervals" in " ".join(tidy.notes)  # type: ignore[attr-defined]


def test_a_yearly_share_is_that_of_the_estimators() -> None:
    frame = studies()
    tidy = family_share(frame, context(audited(frame)))
    row = tidy.frame[(tidy.frame["year"] == 2020) & (tidy.frame["family"] == "Both")].iloc[0]
    inside = frame[(frame["year"] == 2020)]
    part = inside[[int(one[1:]) % 2 == 0 for one in inside["study_id"]]]
    said = [len(one) == 2 for one in part["family"]]
    stated = [len(one) > 0 for one in part["family"]]
    wrong = [int(one[1:]) % 5 == 0 for one in part["study_id"]]
    true = [f and not w for f, w in zip(said, wrong, strict=True)]
    eligible = [g or w for g, w in zip(stated, wrong, strict=True)]
    weight = len(inside) / len(part)
    above = sum(len(one) == 2 for one in inside["family"]) + weight * (sum(true) - sum(said))
    below = sum(len(one) > 0 for one in inside["family"]) + weight * (sum(eligible) - sum(stated))
    assert row["difference"] == pytest.approx(above / below)
    assert (row["low"], row["high"]) != (row["difference_low"], row["difference_high"])
    assert row["low"] < row["corrected"] < row["high"]
    assert row["audited"] == len(part)
    pairs = zip(true, said, eligible, stated, strict=True)
    assert row["discordant"] == sum(z != f or e != g for z, f, e, g in pairs) == 5


def test_few_disagreements_are_not_estimable() -> None:
    frame = studies()
    for wrong in (0, 150):
        tidy = evaluation_by_year(frame, context(audited(frame, wrong=wrong)))
        assert set(tidy.frame["status"]) == {"not estimable"}
        assert tidy.frame["corrected"].isna().all()
        assert any("under 5 disagreements of tagger and people" in note for note in tidy.notes)


def test_a_label_that_nobody_gave_has_no_positive_share_but_may_be_found_by_people() -> None:
    frame = studies().assign(evaluation=[[] for _ in range(400)])
    measure = by_year([(None, "safety")], lambda f: LabelSets.of(f["evaluation"]), lambda _: True)
    audit = audited(frame)
    (one,) = estimates(frame, measure, context(audit), dimensions=("evaluation",), denominator="all")
    assert one.naive == 0
    assert one.corrected == pytest.approx(0.2)
    (one,) = estimates(
        frame, measure, context(audited(frame, wrong=0)), dimensions=("evaluation",), denominator="all"
    )
    assert (one.status, one.corrected) == ("not estimable", None)
    assert str(one) == "0.0% (naive, not estimable)"


def test_studies_that_came_later_void_the_correction() -> None:
    frame = studies()
    audit = audited(frame.iloc[:390])
    tidy = family_share(frame, context(audit))
    assert set(tidy.frame["status"]) == {"not audited"}
    assert any("10 of the 400 studies came after audit-1" in note for note in tidy.notes)
    fewer = family_share(frame.iloc[:300], context(audit))
    assert "corrected" in set(fewer.frame["status"])


def test_untagged_studies_are_outside_whatever_people_say() -> None:
    frame = studies()
    frame["evaluation"] = [None if i % 4 == 2 else cell for i, cell in enumerate(frame["evaluation"])]
    measure = by_year(
        [(None, "safety")],
        lambda f: LabelSets.of(f["evaluation"]),
        lambda _: True,
    )
    audit = audited(frame, step=1)
    for i, study in enumerate(audit.truth.index):
        if i % 4 == 2:
            audit.truth.at[study, "evaluation"] = ["safety"]
    (one,) = estimates(frame, measure, context(audit), dimensions=("evaluation",), denominator="tagged")
    tagged = [i for i in range(400) if i % 4 != 2]
    assert (one.of, one.audited) == (300, 300)
    assert one.corrected == pytest.approx(sum(i % 3 == 1 or i % 5 == 0 for i in tagged) / 300)


def test_a_dimension_that_was_not_asked_for_stays_naive() -> None:
    frame = studies()
    audit = audited(frame)
    narrow = Audit(audit.name, audit.drawn, audit.strata, audit.truth[["family"]])
    tidy = task_by_family(frame, context(narrow))
    assert set(tidy.frame["status"]) == {"not audited"}
    assert any("audit-1 did not ask for tasks" in note for note in tidy.notes)


def test_nothing_to_show_is_no_error() -> None:
    for compute in COMPUTE:
        assert compute(studies(0), context(audited(studies()))).empty


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(2020, 2022), st.sets(st.sampled_from("abc"))), max_size=30))
def test_cells_by_year_are_counts(rows: list[tuple[int, set[str]]]) -> None:
    frame = pd.DataFrame({"year": pd.array([y for y, _ in rows], dtype="Int32"), "x": [s for _, s in rows]})
    wanted = [(year, value) for year in (None, 2020, 2021) for value in "ab"]
    masks: Masks = by_year(wanted, lambda f: LabelSets.of(f["x"]), bool)(frame)
    for i, (year, value) in enumerate(wanted):
        of = [s for y, s in rows if (year is None or y == year) and s]
        assert masks.eligible[:, i].sum() == len(of)
        assert masks.positive[:, i].sum() == sum(value in s for s in of)


def test_label_shares_name_their_denominators() -> None:
    book = load_codebook("nlp-medicine")
    frame = studies().assign(
        scope=[["out_of_scope"] if i % 10 == 0 else ["in_scope"] for i in range(400)],
        rag=[["yes"] if i % 4 == 1 else [] for i in range(400)],
        rag_embedder=[
            ["medical"] if i % 8 == 1 else ["not_reported"] if i % 4 == 1 else [] for i in range(400)
        ],
    )
    held = Context("all", labels={"scope": {}, "rag": {}, "rag_embedder": {}}, titles=book.titles())
    table = label_shares(frame, held, book).frame.set_index(["dimension", "label"])
    assert table.loc[("scope", "out_of_scope"), "naive"] == pytest.approx(0.1)
    in_scope = sum(i % 10 != 0 for i in range(400))
    assert table.loc[("rag", "yes"), "denominator"] == in_scope
    assert table.loc[("rag_embedder", "medical"), "denominator"] == sum(i % 8 == 1 for i in range(400))
    assert table.loc[("rag_embedder", "medical"), "naive"] == 1.0
    assert "with RAG" in table.loc[("rag_embedder", "medical"), "over"]
    years = label_by_year(frame, held, book, "rag", ["yes"]).frame
    assert years["n"].sum() == table.loc[("rag", "yes"), "n"]


# ------------------------------------------------------------------ what is drawn


@pytest.mark.parametrize("name", ["family-share", "task-by-family", "evaluation-by-year", "records-per-year"])
@pytest.mark.parametrize("held", [True, False])
def test_figures_say_which_shares_are_corrected(name: str, held: bool, tmp_path: Path) -> None:
    spec = load("figures", name)
    tidy = spec.compute(studies(), context(audited(studies()) if held else None))
    save(spec, tidy, tmp_path, preset("nature"), ("svg",))
    table = pd.read_csv(tmp_path / f"{name}.csv")
    assert ("corrected" in set(table["status"])) is held
    text = (tmp_path / f"{name}.svg").read_text()
    told = json.loads((tmp_path / f"{name}.json").read_text())
    assert any("95 % intervals" in note for note in told["notes"]) is held
    if name != "records-per-year":
        assert ("not audited" in text) is not held
    if name == "family-share":
        assert ("colour: corrected" in text) is held
        assert ("#d55e00" in text) is held
        assert "#8c8c8c" in text
        assert (
            re.search(r"in 2023: .* to .*%\)", told["alt"]) is not None
            if held
            else "not audited" in told["alt"]
        )


# ------------------------------------------------------------------ the page


PAGE = (ROOT / "review" / "analysis" / "README.md").read_text("utf-8")
RESULT = json.loads((ROOT / "tests" / "benchmarks" / "results" / "coverage.json").read_text("utf-8"))
ROWS = [coverage.Row(**row) for row in RESULT["figures"]["rows"]]


@pytest.mark.parametrize("n", [150, 300, 600])
def test_the_coverage_tables_are_those_of_the_result_file(n: int) -> None:
    assert "\n".join(coverage.table(ROWS, n, "coverage")) in PAGE


@pytest.mark.parametrize("measure", ["bias", "rmse", "half_width", "estimable"])
def test_the_other_tables_are_too(measure: str) -> None:
    assert "\n".join(coverage.table(ROWS, 300, measure)) in PAGE
    assert "\n".join(coverage.table(ROWS, 600, "shown", years=True)) in PAGE


def test_the_intervals_cover_what_was_promised() -> None:
    tuned = [row for row in ROWS if row.method == "PPI++" and not row.years]
    assert {row.n for row in tuned} == {150, 300, 600}
    assert RESULT["figures"]["audits_of_each_size"] >= 2000
    for row in tuned:
        assert row.coverage >= 0.93, row
        if row.prevalence > 0.08:
            assert row.coverage <= 0.98, row


def test_a_table_is_made_of_every_estimate() -> None:
    frame = prevalence.table([])
    assert list(frame.columns) == ["n", "denominator", *prevalence.COLUMNS]
