"""Taggers: one contract over the registry; rules, the linear model, folds and scores."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.codebook import load as load_codebook
from classifiers.descriptions import DescriptionTagger
from classifiers.evaluate import evaluate, paired_bootstrap
from classifiers.folds import grouped_folds
from classifiers.keywords import KeywordTagger
from classifiers.labels import _codes, read_labels
from classifiers.linear import LinearTagger
from classifiers.tagger import Codes, Texts, decide, rolled_up
from corpora.errors import InputError
from corpora.progress import silent
from corpora.registry import entries, load
from corpora.simulator.literature import simulate
from tests.classifiers import tiny

CODEBOOK = load_codebook("nlp-medicine")
IDS = {name: place for place, name in enumerate(CODEBOOK.label_ids())}


@pytest.fixture(scope="module")
def material() -> tuple[Texts, Codes, list[str]]:
    made = simulate(500, seed=3)
    papers, truth = made.pubmed + made.openalex, made.truth()
    texts = Texts([paper.title for paper in papers], [paper.abstract for paper in papers])
    codes = np.stack([_codes(row, CODEBOOK, IDS, Counter()) for row in truth])
    return texts, codes, [row["study"] for row in truth]


@pytest.fixture(scope="module")
def linear(material: tuple[Texts, Codes, list[str]]) -> LinearTagger:
    texts, codes, studies = material
    rows = np.arange(0, 350)
    groups = [[studies[row] for row in rows]]
    return LinearTagger(CODEBOOK).fit(texts.take(rows), codes[rows], groups, seed=1)


def held_out(material: Any, tagger: Any) -> dict[str, float]:
    texts, codes, _ = material
    rows = np.arange(350, 500)
    scores = tagger.predict_proba(texts.take(rows), silent)
    values, _ = decide(CODEBOOK, scores, tagger.thresholds())
    return evaluate(CODEBOOK, codes[rows], scores, values).macro_f1()


def test_rules_and_linear_model_on_a_simulated_literature(material: Any, linear: LinearTagger) -> None:
    rules = held_out(material, KeywordTagger(CODEBOOK))
    learnt = held_out(material, linear)
    for dimension in ("methods", "tasks", "data", "evaluation"):
        assert 0.5 < rules[dimension] < 0.95, dimension
        assert learnt[dimension] > rules[dimension], dimension


def test_what_is_saved_predicts_alike(material: Any, linear: LinearTagger, tmp_path: Path) -> None:
    texts = material[0].take(range(40))
    linear.save(tmp_path)
    again = LinearTagger.load(tmp_path, CODEBOOK)
    before, after = linear.predict_proba(texts), again.predict_proba(texts)
    assert np.abs(before - after).max() < 0.01
    assert np.array_equal(linear.thresholds(), again.thresholds())
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz", ".json", ".toml"}


def test_a_model_of_another_codebook_is_refused(linear: LinearTagger, tmp_path: Path) -> None:
    linear.save(tmp_path)
    other = CODEBOOK.model_copy(
        update={
            "dimensions": (CODEBOOK.dimension("low_resource").model_copy(update={"id": "poor"}),),
            "rollups": (),
            "gate": None,
        }
    )
    with pytest.raises(InputError, match="shares no dimension .* train it anew"):
        LinearTagger.load(tmp_path, other)
    with pytest.raises(InputError, match="no linear model"):
        LinearTagger.load(tmp_path / "none", CODEBOOK)
    with pytest.raises(InputError, match="learnt nothing"):
        LinearTagger(CODEBOOK).predict_proba(Texts(["x"], [None]))


def test_the_same_seed_gives_the_same_model(material: Any) -> None:
    texts, codes, studies = material
    rows = np.arange(80)
    made = [
        LinearTagger(CODEBOOK)
        .fit(texts.take(rows), codes[rows], [studies[:80]], seed=4)
        .predict_proba(texts.take(range(20)))
        for _ in range(2)
    ]
    assert np.array_equal(made[0], made[1])


@pytest.mark.parametrize("name", entries("taggers"))
def test_every_tagger_keeps_the_contract(
    name: str, material: Any, linear: LinearTagger, tmp_path: Path
) -> None:
    kind = load("taggers", name)
    tagger = linear if name == "linear" else kind(CODEBOOK)
    if name == "transformer":
        tagger = tiny.tagger(CODEBOOK, tmp_path / "encoder", material)
    assert tagger.name == name
    texts = Texts(["Title", None, ""], [None, None, "ChatGPT answered questions of patients."])
    scores = tagger.predict_proba(texts, silent)
    assert scores.shape == (3, len(IDS))
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    assert tagger.thresholds().shape == (len(IDS),)
    (tmp_path / "model").mkdir()
    tagger.save(tmp_path / "model")
    assert kind.load(tmp_path / "model", CODEBOOK).predict_proba(texts, silent).shape == scores.shape


def test_rules_explain_themselves() -> None:
    said = KeywordTagger(CODEBOOK).explain("GPT-4 for triage", "A retrieval-augmented system.")
    assert ("methods.generative_llm", "GPT") in said
    assert ("rag.yes", "retrieval-augmented") in said


def test_decisions_obey_the_codebook() -> None:
    random = np.random.default_rng(0)
    scores = random.random((60, len(IDS)), dtype=np.float32)
    values, unsure = decide(CODEBOOK, scores, np.full(len(IDS), 0.5, np.float32))
    out = values[:, IDS["scope.out_of_scope"]]
    assert out.any()
    assert not out.all()
    for dimension in CODEBOOK.dimensions:
        held = values[:, CODEBOOK.columns(dimension.id)].sum(axis=1)
        if dimension.id == "scope":
            assert (held == 1).all()
            continue
        assert (held[out] == 0).all()
        applies = ~out & (values[:, IDS["rag.yes"]] if dimension.applies_when else True)
        assert (held[~applies] == 0).all()
        if dimension.kind == "one":
            assert (held[applies] == 1).all()
    family = rolled_up(CODEBOOK, values)["family"]
    assert np.array_equal(family[:, 0], values[:, IDS["methods.generative_llm"]])
    assert not unsure[out][:, IDS["rag.yes"]].any()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_group_spans_two_folds(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 40))
    names = st.sampled_from(["", "a", "b", "c", "d", "e", "f"])
    groups = [[data.draw(names) for _ in range(n)] for _ in range(2)]
    codes = np.array([[data.draw(st.integers(-1, 1)) for _ in range(3)] for _ in range(n)], np.int8)
    folds = grouped_folds(codes, groups, k=3, seed=1)
    assert folds.shape == (n,)
    for column in groups:
        for name in set(column) - {""}:
            assert len({folds[i] for i in range(n) if column[i] == name}) == 1
    assert np.array_equal(folds, grouped_folds(codes, groups, k=3, seed=1))


def test_folds_spread_rows_and_rare_labels() -> None:
    codes = np.zeros((90, 1), np.int8)
    codes[:9] = 1
    folds = grouped_folds(codes, [[str(i) for i in range(90)]], k=3, seed=0)
    assert np.bincount(folds).tolist() == [30, 30, 30]
    assert np.bincount(folds[:9]).tolist() == [3, 3, 3]


def test_scores_at_the_corners() -> None:
    codes = np.zeros((20, len(IDS)), np.int8)
    column = IDS["methods.neural"]
    codes[:10, column] = 1
    right = codes == 1
    perfect = evaluate(CODEBOOK, codes, right.astype(np.float32), right)
    assert perfect.macro_f1()["methods"] == 1.0
    nothing = evaluate(CODEBOOK, codes, np.zeros_like(right, np.float32), np.zeros_like(right))
    assert nothing.macro_f1()["methods"] == 0.0
    assert nothing.macro_f1()["tasks"] is None
    half = right.copy()
    half[5:10, column] = False
    assert evaluate(CODEBOOK, codes, half.astype(np.float32), half).macro_f1()["methods"] == pytest.approx(
        2 / 3, abs=1e-3
    )
    masked = codes.copy()
    masked[:, column] = -1
    assert evaluate(CODEBOOK, masked, half.astype(np.float32), half).macro_f1()["methods"] is None
    difference, low, high = paired_bootstrap(CODEBOOK, codes, right, half, "methods", draws=200)
    assert difference == pytest.approx(1 / 3, abs=1e-3)
    assert 0 < low <= difference <= high


def test_labels_are_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    rows: list[dict[str, Any]] = [
        {"record_key": "a", "methods": ["neural", "magic"], "rag": False},
        {"record_key": "b", "scope": "in_scope"},
        {"record_key": "b", "scope": "in_scope"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    labelled = read_labels(path, CODEBOOK, "record_key")
    assert labelled.keys == ["a", "b"]
    assert labelled.codes[0, IDS["methods.neural"]] == 1
    assert labelled.codes[0, IDS["methods.rule_based"]] == 0
    assert labelled.codes[0, IDS["rag.yes"]] == 0
    assert labelled.codes[1, IDS["rag.yes"]] == labelled.codes[0, IDS["scope.in_scope"]] == -1
    assert any("methods.magic is not in the codebook: 1 time" in note for note in labelled.notes)
    path.write_text(path.read_text() + '\n{"record_key": "b", "scope": "review"}')
    with pytest.raises(InputError, match=r"row 3: record_key 'b' has other labels before"):
        read_labels(path, CODEBOOK, "record_key")
    path.write_text("{not json}")
    with pytest.raises(InputError, match="line 1: not JSON"):
        read_labels(path, CODEBOOK, "record_key")
    path.write_text('{"methods": []}')
    with pytest.raises(InputError, match="no 'record_key'"):
        read_labels(path, CODEBOOK, "record_key")


@pytest.mark.slow
def test_descriptions_sort_without_labels_and_better_with_some(material: Any) -> None:
    pytest.importorskip("torch")
    texts, codes, studies = material
    tagger = DescriptionTagger(CODEBOOK)
    unseen = np.arange(40, 70)
    column = IDS["methods.generative_llm"]
    true = codes[unseen, column] == 1
    zero = tagger.predict_proba(texts.take(unseen))[:, column]
    assert zero[true].mean() > 1.1 * zero[~true].mean()
    tagger.fit(texts.take(range(40)), codes[:40], [studies[:40]], seed=1)
    few = tagger.predict_proba(texts.take(unseen))[:, column]
    assert few[true].mean() > 1.2 * few[~true].mean()
    assert not np.allclose(zero, few)
