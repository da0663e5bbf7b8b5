"""The trainer beside a running session: what ranks when, and what it says while it cannot."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers import encode
from corpora.errors import MissingExtraError
from review.screening.texts import Texts
from review.screening.trainer import Order, Trainer
from review.workspace import Workspace
from tests.review.conftest import Make


def wait(trainer: Trainer, generation: int, seconds: float = 60.0) -> Order:
    """The first order after a generation."""
    end = time.monotonic() + seconds
    while trainer.latest.generation <= generation:
        assert trainer.is_alive() or trainer.latest.generation > generation, trainer.problem
        assert time.monotonic() < end, trainer.problem or "no ranking"
        time.sleep(0.01)
    return trainer.latest


def begun(workspace: Workspace, ranker: str, query: str = "drug safety") -> Trainer:
    trainer = Trainer(Texts(workspace), workspace.root / "cache", ranker, seed=1, query=query, first=0)
    trainer.start()
    return trainer


def labels(included: int, excluded: int) -> tuple[Any, Any]:
    return np.arange(included + excluded), np.arange(included + excluded) < included


class Made:
    """What stands for the child that embeds: running, or ended with a code."""

    def __init__(self, code: int | None = None, told: bytes = b"") -> None:
        self.code, self.told, self.ended = code, told, False

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.ended = True

    def communicate(self) -> tuple[bytes, bytes]:
        return b"", self.told


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Made:
    """No encoder is needed: embeddings are there when the test says so."""
    made = Made()
    there: dict[str, Any] = {"vectors": None}
    monkeypatch.setattr(encode, "attached", lambda _: there["vectors"])
    monkeypatch.setattr(encode, "needed", lambda _: there["vectors"])
    monkeypatch.setattr(encode, "attach_in_child", lambda *_: made)
    made.there = there  # type: ignore[attr-defined]
    return made


def test_the_default_ranks_until_the_embeddings_are_there(make_review: Make, child: Made) -> None:
    trainer = begun(make_review(), "embedding-linear")
    trainer.post(*labels(2, 4))
    first = wait(trainer, 0)
    assert first.ranker == "blend"
    assert first.parameters["why"] == "embedding-linear waits for embeddings"
    draw = np.random.default_rng(1)
    vectors = draw.normal(size=(len(first.rows), encode.SIZE)).astype(np.float32)
    child.there["vectors"] = vectors, None  # type: ignore[attr-defined]
    trainer.post(*labels(2, 5))
    second = wait(trainer, 1)
    assert second.ranker == "embedding-linear"
    assert "why" not in second.parameters
    trainer.close(wait=10)
    assert child.ended


def test_a_failed_embedding_is_told_and_the_last_order_stays(make_review: Make, child: Made) -> None:
    trainer = begun(make_review(), "blend-embedding")
    trainer.post(*labels(2, 4))
    first = wait(trainer, 0)
    child.code, child.told = 1, b"no memory left"
    trainer.post(*labels(2, 5))
    trainer.join(30)
    assert "blend-embedding: the texts could not be embedded: no memory left" in trainer.problem
    assert trainer.latest is first


def test_a_missing_encoder_is_told(make_review: Make, child: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise MissingExtraError("embeddings need torch")

    monkeypatch.setattr(encode, "attach_in_child", missing)
    trainer = begun(make_review(), "embedding-linear")
    trainer.post(*labels(2, 4))
    trainer.join(30)
    assert trainer.problem == "embeddings need torch"
    assert trainer.latest.ranker == "random"


def test_a_ranker_that_has_too_little_waits_for_more(make_review: Make) -> None:
    trainer = begun(make_review(), "tfidf-svm")
    trainer.post(*labels(0, 3))
    end = time.monotonic() + 30
    while not trainer.problem and time.monotonic() < end:
        time.sleep(0.01)
    assert "at least one included and one excluded" in trainer.problem
    trainer.post(*labels(1, 3))
    assert wait(trainer, 0).ranker == "tfidf-svm"
    assert trainer.problem == ""
    trainer.close(wait=10)


def test_a_session_opened_again_reads_the_same_reports(make_review: Make) -> None:
    workspace = make_review()
    first = Texts(workspace)
    kept = list((workspace.root / "cache" / "texts").iterdir())
    assert [path.suffix for path in kept] == [".arrow"]
    written = kept[0].stat().st_mtime_ns
    again = Texts(workspace)
    assert list(again.documents()) == list(first.documents())
    assert [again.shown(one) for one in again.ids] == [first.shown(one) for one in first.ids]
    assert kept[0].stat().st_mtime_ns == written


def test_what_is_written_anew_replaces_what_was(make_review: Make, tmp_path: Path) -> None:
    from review import patches

    workspace = make_review()
    first = Texts(workspace)
    shown = first.shown(first.ids[0])
    empty = next(name for name in ("url", "language", "venue", "year") if not shown.fields[name])
    patches.fill(workspace, shown.record_id, empty, "1999", "ann")
    second = Texts(workspace)
    assert str(second.shown(first.ids[0]).fields[empty]) == "1999"
    assert len(list((workspace.root / "cache" / "texts").iterdir())) == 1
    assert first.shown(first.ids[0]) == shown  # who has it open keeps it
