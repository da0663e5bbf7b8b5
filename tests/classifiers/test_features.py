"""Features: equal to scikit-learn's TF-IDF, the same however they are built, never half there."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from classifiers import features
from classifiers.features import VIEWS, Document, Features
from classifiers.matrices import COMMON, RARE_FROM
from corpora.errors import InputError, StoreError
from corpora.simulator.literature import simulate as simulated

QUERY = "pain after surgery"
ARRAYS = [f"{view}.{part}.npy" for view in VIEWS for part in ("columns", "data", "idf", "indices", "indptr")]


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    made = simulated(120, seed=5)
    return [Document(paper.title, paper.abstract or "") for paper in made.pubmed + made.openalex][:120]


@pytest.fixture(scope="module")
def built(documents: list[Document], tmp_path_factory: pytest.TempPathFactory) -> Features:
    folder = tmp_path_factory.mktemp("cache") / "f"
    return features.build(documents, folder, views=tuple(VIEWS), query=QUERY)


def bytes_of(held: Features) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(held.folder.iterdir())}


# ---------------------------------------------------------------------- what they are


def analyzed(view: str, one: Document) -> list[str]:
    """The terms as scikit-learn's own analyzers see them."""
    if view == "letters":  # within words, which `char_wb` takes to be what stands between spaces
        words = " ".join(CountVectorizer().build_analyzer()(VIEWS[view].text(one)))
        return list(CountVectorizer(analyzer="char_wb", ngram_range=(4, 4)).build_analyzer()(words))
    return list(CountVectorizer(ngram_range=(1, 2)).build_analyzer()(VIEWS[view].text(one)))


@pytest.mark.parametrize("count", [20, 120])
@pytest.mark.parametrize("view", VIEWS)
def test_they_are_scikit_learns_tfidf_but_for_the_order_of_columns(
    view: str, count: int, documents: list[Document], tmp_path: Path
) -> None:
    few = [Document(one.title, "") for one in documents[:count]]
    reference = TfidfVectorizer(
        analyzer=lambda one: analyzed(view, one),
        sublinear_tf=True,
        max_df=COMMON,
    )
    reference.fit(few)
    reference.idf_ **= VIEWS[view].power
    theirs = reference.transform(few).toarray()
    kept = (theirs > 0).sum(axis=0) >= (2 if count >= RARE_FROM else 1)
    theirs = theirs[:, kept]
    held = features.build(few, tmp_path / "f", views=[view])
    hashed = {term: code for one in few for term, code in VIEWS[view].terms(one)}
    shared = {code for code in hashed.values() if list(hashed.values()).count(code) > 1}
    columns = [held.columns(view)[hashed[term]] for term in reference.get_feature_names_out()[kept]]
    if not shared:
        assert np.abs(held.matrix(view).toarray()[:, columns] - theirs).max() < 1e-6
        assert np.count_nonzero(held.matrix(view).toarray()) == np.count_nonzero(theirs)
    else:  # two terms in one column
        ours = held.matrix(view).toarray()[:, columns]
        sizes = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        alike = np.einsum("ij,ij->i", ours, theirs) / sizes
        assert len(shared) <= 2
        assert alike.min() > 0.95


def test_a_column_is_that_of_its_term(documents: list[Document], built: Features) -> None:
    for view in VIEWS:
        row, numbers = built.rows_of(view, documents[:1]), built.columns(view)
        columns = {int(numbers[code]) for _, code in VIEWS[view].terms(documents[0])} - {-1, -2}
        assert columns == set(row.indices.tolist())
        assert sorted(numbers[numbers >= 0].tolist()) == list(range(built.matrix(view).shape[1]))
    terms = dict(VIEWS["words"].terms(Document("Pain relief", "pain")))
    assert list(terms) == ["pain", "relief", "pain relief", "relief pain"]
    assert len(set(terms.values())) == 4


def test_rows_have_length_one_and_terms_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    texts = [Document("trial", f"word{n} word{n} other{n % 3}") for n in range(120)] + [Document("", "")]
    for name, few in (("many", texts), ("few", texts[40:])):
        held = features.build(few, tmp_path / name)
        length = sp.linalg.norm(held.matrix("words"), axis=1)
        if name == "few":
            assert length[:-1] == pytest.approx(1)
        else:  # what is left of it
            assert ((length[:-1] > 0.1) & (length[:-1] < 0.9)).all()
        assert length[-1] == 0  # no text, no features, still a row
        codes = dict(VIEWS["words"].terms(Document("trial", "word99 other1")))
        has = {term: held.columns("words")[code] >= 0 for term, code in codes.items()}
        assert not has["trial"]  # in all of them
        assert has["word99"] == (name == "few")  # in one
        assert has["other1"]


def test_other_texts_come_into_the_same_columns(documents: list[Document], built: Features) -> None:
    for view in VIEWS:
        again = built.rows_of(view, documents[:9])
        assert np.array_equal(again.toarray(), built.matrix(view)[:9].toarray())


def test_the_criteria_are_a_row_of_their_own(built: Features, tmp_path: Path) -> None:
    for view in VIEWS:
        query = built.query(view)
        assert query is not None
        assert query.shape == (1, built.matrix(view).shape[1])
        assert query.nnz
    assert features.build([Document("a title", "")], tmp_path / "f", query=" \n").query("words") is None


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), min_size=1, max_size=8))
def test_any_text_makes_a_finite_row(texts: list[tuple[str, str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        held = features.build([Document(*one) for one in texts], Path(folder) / "f", views=tuple(VIEWS))
        for view in VIEWS:
            matrix = held.matrix(view)
            assert matrix.shape[0] == len(texts)
            assert np.isfinite(matrix.data).all()
            matrix.check_format(full_check=True)


def test_rows_and_products_of_a_large_view_are_those_of_its_matrix(
    built: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = built.matrix("letters")
    weights = np.random.default_rng(1).normal(size=matrix.shape[1]).astype(np.float32)
    rows = np.array([7, 3, 119, 3])
    for many in (features._ROWS, 7):  # 7: pages are let go of between parts
        monkeypatch.setattr(features, "_ROWS", many)
        monkeypatch.setattr(features, "CHUNK", min(features.CHUNK, many))
        assert np.abs(built.product("letters", weights) - matrix @ weights).max() < 1e-6
        assert np.array_equal(built.rows("letters", rows).toarray(), matrix[rows].toarray())
    assert built.rows("letters", rows[:0]).shape == (0, matrix.shape[1])


# ---------------------------------------------------------------------- how they are built


def test_chunks_and_a_child_process_give_the_very_same_bytes(
    documents: list[Document], built: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = features.build_in_child(iter(documents), tmp_path / "child", views=tuple(VIEWS), query=QUERY)
    assert bytes_of(child) == bytes_of(built)
    monkeypatch.setattr(features, "CHUNK", 7)
    chunked = features.build(iter(documents), tmp_path / "chunked", views=tuple(VIEWS), query=QUERY)
    assert bytes_of(chunked) == bytes_of(built)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["child", "chunked"]


def test_matrices_are_mapped_not_read(built: Features) -> None:
    matrix = features.open_(built.folder).matrix("words")
    for part in (matrix.data, matrix.indices):
        base: np.ndarray[Any, Any] | None = part
        while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
            base = base.base
        assert isinstance(base, np.memmap)


def test_what_is_there_is_opened_not_built_again(documents: list[Document], built: Features) -> None:
    def nothing() -> Document:
        raise AssertionError("read again")

    again = features.build((nothing() for _ in documents), built.folder)
    assert again.n == len(documents)
    assert again.query_text == QUERY
    assert sorted(bytes_of(again)) == sorted([*ARRAYS, "features.json"])


def test_a_failing_text_leaves_no_features(documents: list[Document], tmp_path: Path) -> None:
    def broken() -> Iterator[Document]:
        yield documents[0]
        raise RuntimeError("disk gone")

    with pytest.raises(RuntimeError, match="disk gone"):
        features.build(broken(), tmp_path / "f")
    assert not (tmp_path / "f").exists()
    with pytest.raises(RuntimeError, match="disk gone"):
        features.build_in_child(broken(), tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_killed_build_leaves_nothing_that_could_be_opened(
    documents: list[Document], tmp_path: Path
) -> None:
    texts, folder = tmp_path / "texts.jsonl", tmp_path / "f"
    line = json.dumps({"title": documents[0].title, "abstract": documents[0].abstract}) + "\n"
    texts.write_text(line * 30_000, "utf-8")
    command = [sys.executable, "-m", "classifiers.features", str(texts), str(folder), "", *VIEWS]
    with subprocess.Popen(command) as child:
        while not any(tmp_path.glob(".tmp-f-*/words.data.raw")):
            assert child.poll() is None, "ended before it could be killed"
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    assert not folder.exists()
    with pytest.raises(StoreError, match="no features there"):
        features.open_(folder)
    # The next build is not disturbed by what the killed one left.
    assert features.build(documents, folder).n == len(documents)


def test_the_first_of_two_builders_wins(documents: list[Document], tmp_path: Path) -> None:
    folder = tmp_path / "f"

    def slow() -> Iterator[Document]:
        yield from documents
        features.build(documents, folder)  # somebody else is done first

    held = features.build(slow(), folder)
    assert held.n == len(documents)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


# ---------------------------------------------------------------------- errors


def test_errors_say_what_to_do(documents: list[Document], built: Features, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no document"):
        features.build([], tmp_path / "f")
    with pytest.raises(InputError, match="views are words, title, letters, tfidf"):
        features.build(documents, tmp_path / "f", views=["wrods"])
    few = features.build(documents, tmp_path / "few", views=["title"])
    with pytest.raises(InputError, match="view 'words' was not built; there are title"):
        few.matrix("words")
    os.truncate(few.folder / "features.json", 5)
    with pytest.raises(StoreError, match="delete the folder"):
        features.open_(few.folder)
    with pytest.raises(StoreError, match="(?s)could not be built: .*views are words"):
        features.build_in_child(documents[:2], tmp_path / "g", views=["wrods"])
    assert not (tmp_path / "g").exists()
