"""Tables of labels against counts made by hand and simulated truth."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.codebook import parse
from corpora.errors import InputError, UnknownNameError
from review import export
from review.analysis import axes, growth, sources
from review.analysis.combinations import INTERSECTION, combinations
from review.analysis.crosstab import cross, gaps, task_by_family
from review.analysis.flows import NODES, OTHER, flows, links
from review.analysis.labelsets import LabelSets
from review.analysis.labeltrends import ALL, STANDARD, label_trends
from review.analysis.lowresource import PUBLISHED, YEAR, low_resource
from review.analysis.prevalence import by_year, estimates
from review.analysis.tidy import NO_METHOD, Audit, Context
from review.analysis.trends import family_share
from review.figures.dots import shares
from review.workspace import Workspace
from tests.review import coding
from tests.review.conftest import Make

BOOK = parse(
    """
name = "tables"
version = "1"
title = "Tables"
gate = "scope.out"
[[dimensions]]
id = "scope"
title = "Scope"
kind = "one"
labels = [{ id = "in", title = "In" }, { id = "out", title = "Out" }]
[[dimensions]]
id = "methods"
title = "Methods"
labels = [{ id = "llm", title = "LLM" }, { id = "nlp", title = "NLP" }]
[[dimensions]]
id = "tasks"
title = "Tasks"
labels = [{ id = "qa", title = "QA" }, { id = "ner", title = "NER" }, { id = "never", title = "Never" }]
[[dimensions]]
id = "access"
title = "Access"
kind = "one"
labels = [
  { id = "open", title = "Open" }, { id = "closed", title = "Closed" }, { id = "not_reported", title = "-" }
]
[[dimensions]]
id = "low_resource"
title = "Low resource"
kind = "flag"
labels = [{ id = "yes", title = "Yes" }]
[[rollups]]
id = "family"
title = "Family"
of = "methods"
labels = [{ id = "generative_llm", title = "LLM" }, { id = "traditional_nlp", title = "NLP" }]
[rollups.leaves]
generative_llm = ["llm"]
traditional_nlp = ["nlp"]
""",
    "tables",
)
L, T = "generative_llm", "traditional_nlp"


def table(*rows: tuple[str, int, list[str], list[str], list[str]]) -> pd.DataFrame:
    """Studies (source, year, family, tasks, access)."""
    columns = ["sources", "year", "family", "tasks", "access"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        study_id=[f"S{i}" for i in range(len(frame))],
        sources=[one.split("+") for one in frame["sources"]],
        year=frame["year"].astype("Int32"),
        scope=[
            ["out"] if not task and not family else ["in"]
            for task, family in frame[["tasks", "family"]].values
        ],
        low_resource=[["yes"] if "qa" in one else [] for one in frame["tasks"]],
        language=["en", "fr"] * (len(frame) // 2) + ["eng"] * (len(frame) % 2),
    )


STUDIES = table(
    ("acl", 2020, [T], ["ner"], ["open"]),
    ("acl", 2020, [T], ["ner", "qa"], ["closed"]),
    ("pubmed", 2021, [L], ["qa"], ["not_reported"]),
    ("pubmed", 2021, [L, T], ["qa"], ["open"]),
    ("acl+pubmed", 2021, [], ["ner"], ["open"]),
    ("pubmed", 2022, [], [], []),
)
CONTEXT = Context("six", titles=BOOK.titles(), codebook=BOOK)


# ------------------------------------------------------------------ by hand


def test_a_cross_table_is_read_both_ways_and_only_those_that_state_are_counted() -> None:
    frame = cross(STUDIES, CONTEXT, "tasks", "access").frame.set_index(["tasks", "access"])
    told = frame[["n", "row_share", "column_share"]].to_dict("index")
    # QA: three studies, one does not report; NER: three. Open: three studies, closed: one.
    assert told["NER", "Open"] == {
        "n": 2,
        "row_share": pytest.approx(2 / 3),
        "column_share": pytest.approx(2 / 3),
    }
    assert told["QA", "Open"] == {
        "n": 1,
        "row_share": pytest.approx(1 / 2),
        "column_share": pytest.approx(1 / 3),
    }
    assert told["QA", "Closed"]["column_share"] == 1.0
    assert not any("Never" in row or "-" in row for row in told)
    few = cross(STUDIES, CONTEXT, "tasks", "access", top=(1, 9))
    assert set(few.frame["tasks"]) == {"NER"}
    assert "1 rarer label of Tasks is not shown." in few.notes


def test_task_by_family_is_the_same_table_among_studies_with_a_method() -> None:
    tidy = task_by_family(STUDIES, CONTEXT)
    frame = tidy.frame.set_index(["task", "family"])
    assert frame.loc[("NER", "Traditional NLP only"), "row_share"] == 1.0
    assert frame.loc[("QA", "Traditional NLP only"), "row_share"] == pytest.approx(1 / 3)
    assert "2 studies state no method and are not shown." in tidy.notes


def test_a_gap_stays_in_the_map() -> None:
    tidy = gaps(STUDIES, CONTEXT, "tasks", "access")
    assert len(tidy.frame) == 3 * 2
    cells = tidy.frame.set_index(["tasks", "access"])["n"].to_dict()
    assert cells == {
        ("QA", "Open"): 1, ("QA", "Closed"): 1, ("NER", "Open"): 2, ("NER", "Closed"): 1,
        ("Never", "Open"): 0, ("Never", "Closed"): 0,
    }  # fmt: skip
    assert tidy.frame["number"].isna().all()
    assert tidy.notes[0] == "2 of 6 pairs were given to no study."


def test_flows_divide_a_study_among_its_paths() -> None:
    tidy = flows(STUDIES, CONTEXT, "tasks", "family", "access")
    paths = tidy.frame.set_index(["first", "second", "third"])["n"].to_dict()
    assert paths["NER", "Traditional NLP only", "Closed"] == 0.5
    assert paths["QA", "Traditional NLP only", "Closed"] == 0.5
    assert paths["NER", NO_METHOD, "Open"] == 1
    assert paths["QA", "Generative LLM only", "None stated"] == 1
    assert tidy.frame["n"].sum() == 5
    assert "1 study tagged as out is not shown." in tidy.notes


def test_combinations_are_exclusive_and_labels_are_not() -> None:
    tidy = combinations(STUDIES, CONTEXT, "tasks", top=2)
    rows = {(row["kind"], row["set"]): row["n"] for _, row in tidy.frame.iterrows()}
    assert rows == {
        (INTERSECTION, "NER"): 2, (INTERSECTION, "QA"): 2, ("label", "QA"): 3, ("label", "NER"): 3
    }  # fmt: skip
    assert "1 rarer combination with 1 study is not shown." in tidy.notes
    assert "1 study has no label and is not shown." in tidy.notes


def test_low_resource_by_year_task_and_language_of_publication() -> None:
    frame = low_resource(STUDIES, CONTEXT).frame
    rows = {(row["panel"], row["group"]): (row["n"], row["denominator"]) for _, row in frame.iterrows()}
    assert rows == {
        (YEAR, "2020"): (1, 2), (YEAR, "2021"): (2, 3), ("Tasks", "QA"): (3, 3), ("Tasks", "NER"): (1, 3),
        (PUBLISHED, "English"): (1, 3), (PUBLISHED, "French"): (2, 2),
    }  # fmt: skip
    silent = low_resource(STUDIES.assign(language=None), CONTEXT)
    assert PUBLISHED not in set(silent.frame["panel"])
    assert "No record gives its language of publication." in silent.notes


def test_every_label_has_a_row_but_not_reported() -> None:
    frame = shares(STUDIES, CONTEXT).frame.set_index(["dimension", "label"])
    assert ("access", "not_reported") not in frame.index
    assert frame.loc[("access", "open"), ["n", "denominator"]].tolist() == [3, 4]
    assert frame.loc[("tasks", "never"), ["n", "denominator"]].tolist() == [0, 5]
    assert set(shares(STUDIES, CONTEXT, "tasks").frame["heading"]) == {"Tasks"}


# ------------------------------------------------------------------ properties

studies_of = st.lists(
    st.tuples(
        st.sampled_from(["acl", "pubmed", "acl+pubmed"]),
        st.integers(2019, 2022),
        st.lists(st.sampled_from([L, T]), unique=True, max_size=2),
        st.lists(st.sampled_from(["qa", "ner"]), unique=True, max_size=2),
        st.sampled_from([["open"], ["closed"], ["not_reported"], []]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=20, deadline=None)
@given(studies_of)
def test_what_must_add_up_adds_up(rows: list[tuple[str, int, list[str], list[str], list[str]]]) -> None:
    frame = table(*rows)
    asked, _ = axes.in_scope(frame, CONTEXT)
    paths = flows(frame, CONTEXT, "tasks", "family", "access").frame
    assert paths["n"].sum() == pytest.approx(len(asked))
    for link in links(paths):
        assert link["n"].sum() == pytest.approx(len(asked))
    together = combinations(frame, CONTEXT, "tasks").frame
    assert together.loc[together["kind"] == INTERSECTION, "n"].sum() == sum(bool(row[3]) for row in rows)
    crossed = cross(frame, CONTEXT, "tasks", "family").frame
    sums = crossed.dropna(subset=["row_share"]).groupby("tasks")["row_share"].sum()
    assert sums.tolist() == pytest.approx([1.0] * len(sums))


def test_nodes_are_eight_at_most() -> None:
    # Without a codebook the labels are those of the table.
    rows = [("acl", 2020, [L], [f"t{i:02}" for i in range(n + 1)], ["open"]) for n in range(12)]
    frame = flows(table(*rows), Context("x"), "tasks", "family", "access").frame
    assert frame["first"].nunique() == NODES - 1
    # Six tasks have a node of their own; from the seventh on a study's rest is one node among seven.
    assert frame.loc[frame["first"] == OTHER, "n"].sum() == pytest.approx(6 / 7)


# ------------------------------------------------------------------ standardised


def confounded(n: int, seed: int, sensitivity: float = 0.6) -> tuple[pd.DataFrame, list[bool]]:
    """Two sources whose shares of QA, .2 and .7, never change, while the second one takes over."""
    random = np.random.default_rng(seed)
    year = random.integers(2018, 2023, n)
    new = random.random(n) < (year - 2017) / 6
    true = random.random(n) < np.where(new, 0.7, 0.2)
    said = np.where(true, random.random(n) < sensitivity, random.random(n) < 0.1)
    rows = [
        ("new" if a else "old", int(y), [L], ["qa"] if s else ["ner"], ["open"])
        for a, y, s in zip(new, year, said, strict=True)
    ]
    return table(*rows), true.tolist()


def audit_of(frame: pd.DataFrame, true: list[bool], n: int, seed: int) -> Audit:
    random = np.random.default_rng(seed)
    ids = pd.Index(frame["study_id"])
    rows = np.sort(random.choice(len(frame), n, replace=False))
    truth = pd.DataFrame(
        {"tasks": [["qa"] if true[i] else ["ner"] for i in rows], "scope": [["in"]] * n}, index=ids[rows]
    )
    strata = pd.Series([str(year // 2) for year in frame["year"]], index=ids)
    return Audit("audit-1", "2026-01-01", strata, truth)


def curve(frame: pd.DataFrame, series: str, column: str) -> pd.Series:
    rows = frame[(frame["series"] == series) & (frame["label"] == "QA")]
    return rows.set_index("year")[column].astype(float)


def test_a_pooled_curve_shows_the_mix_and_the_standardised_one_does_not() -> None:
    frame, true = confounded(3000, 1)
    audit = audit_of(frame, true, 600, 2)
    tidy = label_trends(frame, Context("all", titles=BOOK.titles(), codebook=BOOK, audit=audit), "tasks")
    new = frame["sources"].map(lambda one: one == ["new"]).mean()
    truth = 0.7 * new + 0.2 * (1 - new)
    pooled, standard = (curve(tidy.frame, one, "corrected") for one in (ALL, STANDARD))
    assert pooled[2022] - pooled[2018] > 0.2
    assert abs(standard[2022] - standard[2018]) < 0.12
    low, high = (curve(tidy.frame, STANDARD, one) for one in ("low", "high"))
    assert sum(low[year] <= truth <= high[year] for year in range(2018, 2023)) >= 4
    assert (abs(curve(tidy.frame, STANDARD, "naive") - truth) > 0.03).all()
    weights = next(note for note in tidy.notes if note.startswith("Standardised"))
    assert f"new {new:.0%}" in weights
    assert any("All sources are pooled" in note for note in tidy.notes)


def test_the_standardised_interval_covers_the_corpus() -> None:
    """24 audits: the interval of S(y) covers the corpus's own standardised share."""
    covered = []
    for seed in range(24):
        frame, true = confounded(1200, seed)
        context = Context("all", audit=audit_of(frame, true, 300, seed + 100))
        rows = [(year, "qa") for year in range(2018, 2023)]
        measure = by_year(rows, lambda part: LabelSets.of(part["tasks"]), lambda _: True)
        mix = sources.mix(frame, measure)
        found = estimates(
            frame, sources.split(measure, mix.names), context, dimensions=("tasks",), denominator="all",
            mix=mix.matrix(),
        )  # fmt: skip
        real = frame.assign(true=true, source=sources.groups(frame))
        truth = real.groupby(["year", "source"])["true"].mean().unstack()[mix.names] @ mix.weights
        known = [one for one in zip(found, truth.tolist(), strict=True) if one[0].status == "corrected"]
        covered += [one.low <= share <= one.high for one, share in known]  # type: ignore[operator]
    assert len(covered) >= 110
    assert np.mean(covered) >= 0.92


def test_one_source_is_its_own_standard() -> None:
    frame, _ = confounded(600, 3)
    frame["sources"] = [["acl"]] * len(frame)
    tidy = label_trends(frame, CONTEXT, "tasks")
    assert set(tidy.frame["series"]) == {ALL}
    assert "All studies come from one source." in tidy.notes
    # Twins of every study in another source: the mix does not matter.
    both = pd.concat([frame, frame.assign(sources=[["pubmed"]] * len(frame))], ignore_index=True)
    twice = label_trends(both, CONTEXT, "tasks").frame
    pooled, standard = (curve(twice, one, "naive") for one in (ALL, STANDARD))
    assert standard.tolist() == pytest.approx(pooled.tolist())
    assert pooled.tolist() == pytest.approx(curve(tidy.frame, ALL, "naive").tolist())


def test_a_year_without_support_is_left_out_and_named() -> None:
    rows = [("old", 2020, [L], ["qa"], ["open"])] * 30 + [("old", 2021, [L], ["qa"], ["open"])] * 30
    rows += [("new", 2021, [T], ["ner"], ["open"])] * 30 + [("new", 2020, [T], ["ner"], ["open"])] * 9
    tidy = label_trends(table(*rows), CONTEXT, "family")
    standard = tidy.frame[tidy.frame["series"] == STANDARD]
    assert set(standard["year"]) == {2021}
    assert any(note.endswith("under 10 studies: 2020.") for note in tidy.notes)
    pooled = tidy.frame[tidy.frame["series"] == ALL].set_index(["label", "year"])["naive"]
    share = family_share(table(*rows), CONTEXT).frame.set_index(["family", "year"])["naive"]
    assert pooled["Generative LLM only", 2021] == share["Generative LLM only", 2021] == 0.5


# ------------------------------------------------------------------ growth


def test_growth_covers_the_rate_that_made_the_counts() -> None:
    random = np.random.default_rng(5)
    mean = 20 * 1.3 ** np.arange(9)
    found = [growth.fit(random.poisson(random.gamma(mean / 2, 2))) for _ in range(200)]
    assert np.mean([one.low <= 0.3 <= one.high for one in found]) >= 0.92
    assert np.mean([one.rate for one in found]) == pytest.approx(0.3, abs=0.02)


def test_a_kink_is_found_and_a_straight_line_is_not_bent() -> None:
    random = np.random.default_rng(6)
    years = np.arange(12)
    bent = np.exp(3 + 0.05 * years + 0.7 * np.clip(years - 6, 0, None))
    straight = np.exp(2 + 0.3 * years)

    def named(mean: np.ndarray) -> list[int]:
        kinks = [growth.changed(random.poisson(random.gamma(mean / 2, 2)), 2010, draws=99) for _ in range(30)]
        return [one.year for one in kinks if one is not None and one.p < 0.05 and one.better]

    assert len(named(straight)) <= 4
    found = named(bent)
    assert len(found) >= 27
    assert abs(np.median(found) - 2016) <= 1


def test_growth_says_when_there_is_too_little() -> None:
    rows = [
        ("acl", 2015 + i % 7, [L], ["qa"] if i % 2 else ["ner"] if i % 60 == 0 else [], ["open"])
        for i in range(210)
    ]
    frame = growth.growth(table(*rows), CONTEXT).frame.set_index("label")
    assert frame.loc["All studies", ["n", "first", "last"]].tolist() == [180, 2015, 2020]
    assert abs(frame.loc["QA", "growth"]) < 0.05
    assert pd.isna(frame.loc["QA", "p"])
    assert frame.loc["NER", "status"] == "too few years"
    assert growth.growth(table(*rows[:3]), CONTEXT).frame["status"].tolist() == ["too few years"] * 3


# ------------------------------------------------------------------ by name


def test_a_dimension_that_is_not_there_is_refused_with_those_that_are() -> None:
    for compute in (label_trends, growth.growth, combinations, gaps, cross, flows, low_resource):
        arguments = ("tasks", "taks") if compute in (cross, gaps) else ("taks",)
        with pytest.raises(
            UnknownNameError, match="unknown dimension 'taks'; did you mean 'tasks'.*access, family"
        ):
            compute(STUDIES, CONTEXT, *arguments)
    bare = Context("x", titles={}, codebook=BOOK.model_copy(update={"rollups": ()}))
    assert task_by_family(STUDIES, bare).empty


def test_a_figure_is_asked_for_other_dimensions_by_its_name(make_review: Make) -> None:
    workspace = coding.tagged(make_review(12))
    drawn = export.figures(workspace, ["label-shares:drugs", "evidence-gap-map:drugs,mice"], formats=["svg"])
    assert [one.name for one in drawn] == ["label-shares-drugs", "evidence-gap-map-drugs-mice"]
    told = json.loads((workspace.root / "figures" / "label-shares-drugs.json").read_text())
    assert told["reads"][-1] == "labels:drugs"
    assert list(told["inputs"]["labels:drugs"]) == [workspace.protocol.labels.tagger]
    with pytest.raises(UnknownNameError, match="unknown dimension 'tasks'"):
        export.figures(workspace, ["growth:tasks"])
    with pytest.raises(InputError, match="takes evidence-gap-map:rows,columns, got a, b, c"):
        export.spec_of("evidence-gap-map:a,b,c")
    with pytest.raises(InputError, match="prisma-flow takes no dimension"):
        export.spec_of("prisma-flow:tasks")
    place = workspace.protocol_path
    place.write_text(f'{place.read_text()}\n[figures]\nnames = ["label-shares:drugs", "growth:drugs"]\n')
    again = Workspace(workspace.root)
    assert export.stale(again) == ["label-shares:drugs", "growth:drugs"]
    export.figures(again)
    assert export.stale(again) == []
