"""A tagger as another process can make it, what that process is handed, and what it gives back."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa

from classifiers.codebook import Codebook
from classifiers.llm import LlmTagger
from classifiers.tagger import Tagger, Texts
from corpora import registry
from corpora.errors import CodebookError
from corpora.progress import silent
from corpora.record import digest

TEXTS = pa.schema(
    [
        ("record_id", pa.string()),
        ("title", pa.string()),
        ("abstract", pa.string()),
        ("text_hash", pa.string()),
    ]
)
"""What a worker gets."""

Batches = Iterator[tuple[int, pa.RecordBatch]]
"""Parts by number, with the schema `TEXTS` on the way to an engine, `scored_schema` on the way back."""


@dataclass(frozen=True)
class Spec:
    """A tagger as another process can make it: by name, with the folder of its model if it has one."""

    tagger: str
    codebook: Codebook
    model: Path | None = None
    agreed: bool = False
    """Somebody agreed that texts go to the language model's host."""

    def make(self) -> Tagger:
        """The tagger in memory."""
        kind: type[Tagger] = registry.load("taggers", self.tagger)
        made = kind.load(self.model, self.codebook) if self.model else kind(self.codebook)
        if self.agreed and isinstance(made, LlmTagger):
            made.agree()
        return made

    @cached_property
    def here(self) -> Tagger:
        """The tagger in this process's memory, made once."""
        return self.make()

    @cached_property
    def key(self) -> str:
        """Names whatever a score depends on besides the text.

        A tagger that depends on more than codebook, keyword rules and model says so by a static
        method ``depends_on``.
        """
        kind = registry.load("taggers", self.tagger)
        more = kind.depends_on() if hasattr(kind, "depends_on") else ""
        told = (self.tagger, version("litscale"), self.codebook.hash, _rules(self.codebook), more)
        return digest(*told, *(_hashes(self.model) if self.model else ()))

    def files(self) -> dict[str, bytes]:
        """The model's files by their path in its folder, to send to machines that lack it."""
        if self.model is None:
            return {}
        return {path.relative_to(self.model).as_posix(): path.read_bytes() for path in _files(self.model)}

    def to_json(self) -> str:
        """For a child process."""
        model = str(self.model.resolve()) if self.model else None
        return json.dumps(
            {
                "tagger": self.tagger,
                "codebook": self.codebook.model_dump(mode="json"),
                "rules": self.codebook.own_rules,
                "model": model,
                "agreed": self.agreed,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Spec":
        """As `to_json` gives it."""
        told = json.loads(text)
        model = Path(told["model"]) if told["model"] else None
        codebook = Codebook.model_validate(told["codebook"])
        if told["rules"]:
            codebook = codebook.with_rules((told["rules"][0], told["rules"][1]))
        return cls(told["tagger"], codebook, model, told["agreed"])


def scored_schema(labels: int) -> pa.Schema:
    """Scores of ``labels`` labels a record; ``refused`` says why a tagger has no answer.

    ``counts`` stands in the first row of a part: what was counted while it was scored (`counted`).
    """
    return pa.schema(
        [
            ("record_id", pa.string()),
            ("text_hash", pa.string()),
            ("scores", pa.list_(pa.float32(), labels)),
            ("refused", pa.string()),
            ("counts", pa.map_(pa.string(), pa.int64())),
        ]
    )


def score(tagger: Tagger, texts: pa.RecordBatch) -> pa.RecordBatch:
    """One part's scores."""
    hashes = texts["text_hash"].to_pylist()
    pair = Texts(texts["title"].to_pylist(), texts["abstract"].to_pylist())
    before = counted(tagger)
    found = tagger.predict_proba(pair, silent)
    counts = [(name, number - before.get(name, 0)) for name, number in counted(tagger).items()]
    reasons: dict[str, str] = getattr(getattr(tagger, "usage", None), "reasons", {})
    flat = pa.array(np.ascontiguousarray(found, np.float32).ravel(), pa.float32())
    return pa.record_batch(
        [
            texts["record_id"],
            texts["text_hash"],
            pa.FixedSizeListArray.from_arrays(flat, found.shape[1]),
            pa.array([reasons.get(name) for name in hashes], pa.string()),
            pa.array([counts, *[None] * (len(hashes) - 1)], pa.map_(pa.string(), pa.int64())),
        ],
        schema=scored_schema(found.shape[1]),
    )


def counted(tagger: Tagger) -> dict[str, int]:
    """What a tagger counted since it was made: abstracts too long for one window, what was asked."""
    if isinstance(tagger, LlmTagger):
        counts = tagger.usage.counts()
    else:
        windows: dict[str, int] = getattr(tagger, "windows", {})
        counts = {f"abstracts {what}": windows.get(what, 0) for what in ("in several windows", "cut")}
    return {name: count for name, count in counts.items() if count}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _hashes(folder: Path) -> Iterator[str]:
    for path in _files(folder):
        with path.open("rb") as file:
            yield f"{path.relative_to(folder).as_posix()} {hashlib.file_digest(file, 'sha256').hexdigest()}"


def _rules(codebook: Codebook) -> str:
    """The keyword rules, which are a tagger and evidence to others; none for most codebooks."""
    try:
        return hashlib.sha256(codebook.rules[0].encode()).hexdigest()
    except CodebookError:
        return ""
