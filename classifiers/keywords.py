"""Keyword rules over title and abstract: the method of the published 19,123-study review.

The rules stand as data beside the codebook (``<name>.keywords.toml``). A label's probability
grows with the number of its patterns that match, 1 - 0.5 ** hits: 0, .5, .75, …; with a threshold
of .5 one hit decides.
"""

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from classifiers.codebook import Codebook, Dimension, read_rules
from classifiers.tagger import Codes, Floats, Texts
from corpora.errors import CodebookError
from corpora.progress import Progress, silent


class Rule(BaseModel):
    """One label's patterns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    any: tuple[str, ...]
    also: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    title: bool = False


class _Pattern:
    """A pattern behind a plain substring test, which spares most of the slow searches."""

    __slots__ = ("_literal", "_regex")

    def __init__(self, part: str) -> None:
        bounded = part[0].isalnum() or part[0] == "("
        self._regex = re.compile(rf"\b(?:{part})" if bounded else part, re.IGNORECASE)
        self._literal = _literal(part)

    def search(self, text: str, lower: str) -> re.Match[str] | None:
        return self._regex.search(text) if self._literal in lower else None


def _literal(part: str) -> str:
    """The plain letters that every match of a pattern begins with, in lower case.

    >>> _literal("few.shot prompt"), _literal("FAQs?"), _literal("(?-i:GPT)"), _literal("(a|b)c")
    ('few', 'faq', 'gpt', '')
    """
    body = part.removeprefix("(?-i:")
    if body != part and "|" in body[: body.find(")")]:
        return ""
    run = re.match(r"[\w ,-]*", body).group()  # type: ignore[union-attr]
    rest = body[len(run) :]
    if rest.startswith("|"):
        return ""
    return (run[:-1] if rest[:1] in ("?", "*", "{") else run).lower()


@dataclass(frozen=True, slots=True)
class _Compiled:
    any: tuple[_Pattern, ...]
    also: tuple[_Pattern, ...]
    none: tuple[_Pattern, ...]
    title: bool

    def hits(self, title: str, text: str, lower: str) -> list[re.Match[str]]:
        place, low = (title, title.lower()) if self.title else (text, lower)
        found = [match for pattern in self.any if (match := pattern.search(place, low))]
        if not found or (self.also and not any(p.search(text, lower) for p in self.also)):
            return []
        return [] if any(p.search(text, lower) for p in self.none) else found


class KeywordTagger:
    """Rules; there is nothing to learn, so `fit` changes nothing."""

    name = "keywords"

    def __init__(self, codebook: Codebook, source: str | None = None) -> None:
        self.codebook = codebook
        self.text, self.place = read_rules(source) if source else codebook.rules
        self._rules, self._otherwise = _compile(codebook, self.text, self.place)

    def fit(
        self,
        texts: Texts,
        codes: Codes,
        groups: Sequence[Sequence[str]] = (),
        *,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Self:
        """Rules learn nothing."""
        del texts, codes, groups, seed, progress
        return self

    def predict_proba(self, texts: Texts, progress: Progress = silent) -> Floats:
        """Shape (n, L): 1 - 0.5 ** hits, by the label's rule."""
        scores = np.zeros((len(texts), len(self.codebook.label_ids())), np.float32)
        for row, title in enumerate(texts.titles):
            text = f"{title or ''}\n{texts.abstracts[row] or ''}"
            scores[row] = self._score(title or "", text)
            if row % 500 == 499:
                progress("keyword rules", row + 1, len(texts))
        return scores

    def thresholds(self) -> Floats:
        """One hit is enough."""
        return np.full(len(self.codebook.label_ids()), 0.5, np.float32)

    def explain(self, title: str | None, abstract: str | None) -> list[tuple[str, str]]:
        """Which words spoke for which label: (label id, the words as they stand)."""
        text = f"{title or ''}\n{abstract or ''}"
        return [
            (label, match.group())
            for label, rule in self._rules.items()
            for match in rule.hits(title or "", text, text.lower())
        ]

    def save(self, folder: Path) -> None:
        """Rules live in their own file; only what they were made for is noted."""
        told = {"tagger": self.name, "codebook": self.codebook.hash}
        (folder / "tagger.json").write_text(json.dumps(told) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path, codebook: Codebook) -> Self:
        """The rules of the codebook; the folder holds nothing to read."""
        del folder
        return cls(codebook)

    def _score(self, title: str, text: str) -> list[float]:
        lower = text.lower()
        hits = {name: len(rule.hits(title, text, lower)) for name, rule in self._rules.items()}
        for dimension in self.codebook.dimensions:
            if dimension.kind == "one":
                _first_only(dimension, hits, self._otherwise.get(dimension.id))
        return [1 - 0.5 ** hits.get(name, 0) for name in self.codebook.label_ids()]


def _first_only(dimension: Dimension, hits: dict[str, int], otherwise: str | None) -> None:
    """Keep the first label of the rules' order that holds, else the dimension's default."""
    names = [name for name in hits if name.split(".")[0] == dimension.id]
    first = next((name for name in names if hits[name]), None)
    for name in names:
        hits[name] = hits[name] if name == first else 0
    if first is None and otherwise:
        hits[f"{dimension.id}.{otherwise}"] = 1


def _compile(codebook: Codebook, text: str, place: str) -> tuple[dict[str, _Compiled], dict[str, str]]:
    known = set(codebook.label_ids())
    rules: dict[str, _Compiled] = {}
    otherwise: dict[str, str] = {}
    try:
        tables: dict[str, dict[str, Any]] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CodebookError(f"{place}: keyword rules: not valid TOML: {error}") from error
    for dimension, labels in tables.items():
        for label, given in labels.items():
            name = f"{dimension}.{given if label == 'otherwise' else label}"
            if name not in known:
                raise CodebookError(f"{place}: keyword rules for {name!r}: no such label")
            if label == "otherwise":
                otherwise[dimension] = given
                continue
            try:
                rule = Rule.model_validate(given)
                patterns = [tuple(map(_Pattern, parts)) for parts in (rule.any, rule.also, rule.none)]
                rules[name] = _Compiled(patterns[0], patterns[1], patterns[2], rule.title)
            except (ValidationError, re.error) as error:
                raise CodebookError(f"{place}: keyword rule {name}: {error}") from error
    return rules, otherwise
