"""Topics: the same each time and in any order, words of their own, and stability that can say no."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from classifiers import encode
from classifiers.parallel.passes import Encoder, Machine
from classifiers.tagger import Texts
from classifiers.topics import clusters, model
from classifiers.topics.clusters import Recipe, Vectors, clustered
from classifiers.topics.naming import named
from classifiers.topics.stability import SEEDS, best_jaccard, stability
from corpora.errors import InputError, UnknownNameError
from tests.classifiers import tiny

THEMES = (
    "statin sepsis mortality",
    "radiology image report",
    "tweets vaccine misinformation",
    "gene protein",
)
SIZES = (60, 50, 40, 30)
FAST = Recipe("kmeans", topics=len(THEMES), seed=3)
SLOW = Recipe(min_size=12, seed=3)


def unit(rows: np.ndarray) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module")
def material() -> tuple[list[str], list[str], Vectors, np.ndarray]:
    """Ids, texts, vectors and themes (-1: of none) of documents in no order."""
    draw = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2, 3, -1], [*SIZES, 15])
    centres = np.eye(24)[:4]
    rows = [
        centres[one] + 0.11 * draw.standard_normal(24) if one >= 0 else draw.standard_normal(24)
        for one in truth
    ]
    words = [THEMES[one].split() if one >= 0 else [f"odd{i}", f"rare{i}"] for i, one in enumerate(truth)]
    texts = [f"A study of {' '.join(draw.permutation(some))} in {some[0]} care &quot;" for some in words]
    order = draw.permutation(len(truth))
    ids = [f"R{i:03}" for i in range(len(truth))]
    return (
        [ids[i] for i in order], [texts[i] for i in order], unit(np.array(rows))[order], truth[order],
    )  # fmt: skip


def truth_of(fitted: model.Fit, material: tuple[list[str], list[str], Vectors, np.ndarray]) -> np.ndarray:
    known = dict(zip(material[0], material[3].tolist(), strict=True))
    return np.array([known[one] for one in fitted.ids])


@pytest.mark.parametrize("recipe", [FAST, SLOW], ids=["kmeans", "umap-hdbscan"])
def test_the_same_topics_come_twice_and_in_any_order(
    material: tuple[list[str], list[str], Vectors, np.ndarray], recipe: Recipe
) -> None:
    ids, texts, vectors, _ = material
    first = model.fit(ids, texts, vectors, recipe)
    order = np.random.default_rng(9).permutation(len(ids))
    again = model.fit([ids[i] for i in order], [texts[i] for i in order], vectors[order], recipe)
    assert first.ids == again.ids == sorted(ids)
    assert first.labels.tobytes() == again.labels.tobytes()
    assert first.plane.tobytes() == again.plane.tobytes()
    assert (first.words, first.hierarchy, first.examples) == (again.words, again.hierarchy, again.examples)


@pytest.mark.parametrize("recipe", [FAST, SLOW], ids=["kmeans", "umap-hdbscan"])
def test_themes_are_found_and_named_by_their_own_words(
    material: tuple[list[str], list[str], Vectors, np.ndarray], recipe: Recipe
) -> None:
    fitted = model.fit(*material[:3], recipe)
    truth = truth_of(fitted, material)
    inside = (truth >= 0) & (fitted.labels >= 0)
    assert adjusted_rand_score(truth[inside], fitted.labels[inside]) > 0.98
    assert (fitted.labels >= 0)[truth >= 0].mean() > 0.97
    assert fitted.sizes == sorted(fitted.sizes, reverse=True)
    assert sum(fitted.sizes) + int((fitted.labels < 0).sum()) == len(fitted.ids)
    for label, words in enumerate(fitted.words):
        theme = THEMES[int(np.bincount(truth[(fitted.labels == label) & (truth >= 0)]).argmax())]
        assert set(words[0].word.split()) <= set(theme.split()), words
        assert not any("quot" in word for word, _ in words)
        assert {fitted.labels[row] for row in fitted.examples[label]} == {label}
    count = len(fitted.words)
    assert len(fitted.hierarchy) == count - 1
    joined = [side for step in fitted.hierarchy for side in (step.left, step.right)]
    assert sorted(joined) == list(range(2 * count - 2))
    heights = [step.distance for step in fitted.hierarchy]
    assert heights == sorted(heights)


def test_the_hierarchy_joins_topics_that_share_words() -> None:
    draw = np.random.default_rng(1)
    themes = ["ner entity notes", "ner entity tweets", "lung image", "lung picture"]
    labels = np.repeat(range(4), 20)
    vectors = unit(np.eye(16)[labels] + 0.05 * draw.standard_normal((80, 16)))
    texts = [" ".join(draw.permutation(themes[one].split())) for one in labels]
    fitted = model.fit([f"{i:02}" for i in range(80)], texts, vectors, replace(FAST, topics=4))
    of = [int(fitted.labels[labels == one][0]) for one in range(4)]
    pairs = {frozenset((step.left, step.right)) for step in fitted.hierarchy[:2]}
    assert pairs == {frozenset(of[:2]), frozenset(of[2:])}


def test_an_outlier_goes_where_bertopic_would_put_it_or_stays_out(
    material: tuple[list[str], list[str], Vectors, np.ndarray],
) -> None:
    _, texts, vectors, truth = material
    first = np.where(np.arange(len(truth)) % 5 == 0, -1, truth).astype(np.int64)
    taken = clusters.taken_in(vectors, first)
    outside = first < 0
    assert (taken[~outside] == first[~outside]).all()
    theirs = model._bertopic()
    theirs.fit(texts, embeddings=vectors, y=first.tolist())
    back = dict(zip(first.tolist(), theirs.topics_, strict=True))
    moved = np.array(theirs.reduce_outliers(texts, theirs.topics_, strategy="embeddings", embeddings=vectors))
    inside = outside & (taken >= 0)
    assert [back[one] for one in taken[inside].tolist()] == moved[inside].tolist()
    assert (taken[outside & (truth >= 0)] >= 0).mean() > 0.75
    assert (taken[truth < 0] < 0).all()


def test_as_many_topics_as_were_asked_for_or_fewer_and_said(
    material: tuple[list[str], list[str], Vectors, np.ndarray],
) -> None:
    vectors = material[2]
    free = clustered(vectors, SLOW)
    fewer = clustered(vectors, replace(SLOW, topics=2))
    assert (free.labels.max() + 1, fewer.labels.max() + 1) == (4, 2)
    assert ((fewer.first < 0) == (free.first < 0)).all()


def test_solid_topics_are_solid_and_noise_is_not(
    material: tuple[list[str], list[str], Vectors, np.ndarray],
) -> None:
    ids, texts, vectors, _ = material
    fitted = model.fit(ids, texts, vectors, SLOW)
    found = stability(fitted.vectors, fitted.labels, fitted.recipe, 3)
    assert found.jaccard.shape == (3, len(fitted.words))
    assert found.solid.all()
    assert (found.chance < 0.5).all()
    assert len(found.pairs) == SEEDS * (SEEDS + 1) // 2
    assert all(pair.without_outliers > 0.95 for pair in found.pairs)
    noise = unit(np.random.default_rng(5).standard_normal((300, 24)))
    recipe = Recipe("kmeans", topics=12, seed=1).settled(300)
    weak = stability(noise, clustered(noise, recipe).labels, recipe, 5)
    assert not weak.solid.any()
    assert (weak.mean > weak.chance).mean() > 0.9
    assert all(pair.with_outliers < 0.6 for pair in weak.pairs)


def test_best_jaccard_by_hand() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, -1, -1])
    again = np.array([2, 2, -1, 0, 0, 1, 1, -1])
    assert best_jaccard(labels, again, 3).tolist()[:2] == pytest.approx([2 / 3, 2 / 3])
    assert np.isnan(best_jaccard(labels, again, 3)[2])
    assert best_jaccard(labels, np.full(8, -1), 2).tolist() == [0, 0]


Sets = st.lists(st.sets(st.integers(0, 30).map(str)), max_size=6)


@given(Sets, Sets)
def test_ids_are_given_once_and_follow_the_majority(old: list[set[str]], new: list[set[str]]) -> None:
    apart = [[part - set().union(*some[:i]) for i, part in enumerate(some)] for some in (old, new)]
    earlier = {one.id: part for one, part in zip(named(apart[0], {}), apart[0], strict=True)}
    made = named(apart[1], earlier, ["T99"])
    assert len({one.id for one in made}) == len(made)
    for one, part in zip(made, apart[1], strict=True):
        if one.id in earlier:
            seen = set().union(*apart[1]) & set().union(*earlier.values())
            shared, whole = part & earlier[one.id], (part | earlier[one.id]) & seen
            assert len(shared) / len(whole) == one.jaccard > 0.5
        else:
            assert int(one.id[1:]) > 99


def test_what_cannot_be_clustered_is_refused() -> None:
    few = unit(np.random.default_rng(0).standard_normal((20, 8)))
    with pytest.raises(InputError, match="at least 40 documents with a text, there are 20"):
        clustered(few, FAST)
    with pytest.raises(UnknownNameError, match="kmeans"):
        Recipe("k-means")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least 2 can be asked for, got 1"):
        Recipe(topics=1)
    with pytest.raises(InputError, match="1 id comes more than once"):
        model.fit(["a", "a"], ["x", "y"], few[:2], FAST)
    with pytest.raises(InputError, match="no group of at least 45 alike among 50"):
        clustered(unit(np.random.default_rng(0).standard_normal((50, 8))), Recipe(min_size=45))


def test_bertopic_does_not_silence_the_process() -> None:
    before = list(warnings.filters)
    model._bertopic()
    assert list(warnings.filters) == before


def test_medcpt_is_pooled_by_its_first_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    texts = ["statin lowers mortality", "an image of the lung"]
    folder = tiny.encoder(tmp_path / "bert", Texts(texts, [None, None]))
    mean = Encoder(folder, "r", "float32", size=32)
    first = replace(mean, pooling="cls")
    assert mean.key != first.key
    tokenizer, bert = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        states = bert(**tokenizer(texts, return_tensors="pt", padding=True)).last_hidden_state[:, 0]
    assert Machine(first)(texts) == pytest.approx(unit(states.numpy()), abs=1e-5)
    assert np.abs(Machine(mean)(texts) - Machine(first)(texts)).max() > 0.01
    located = encode.encoders.Located(folder, "medcpt", "0123456789abcdef0123")
    monkeypatch.setattr(encode.encoders, "locate", lambda name: located)
    made = encode.by_name("medcpt")
    assert (made.pooling, made.max_tokens, made.size) == ("cls", 512, 32)
    assert encode.by_name("minilm") == encode.default()
