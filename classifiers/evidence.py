"""The keyword rules' scores as features of a model, where a codebook has rules.

A model keeps the rules it learnt with beside its weights: a later change of the rules must not move
the inputs of a model that does not know them.
"""

from pathlib import Path
from typing import Self

import numpy as np

from classifiers.codebook import Codebook
from classifiers.keywords import KeywordTagger
from classifiers.tagger import Floats, Texts
from corpora.errors import CodebookError
from corpora.progress import Progress, silent

FILE = "rules.keywords.toml"


class Evidence:
    """Rules of a codebook, or none."""

    def __init__(self, codebook: Codebook, source: str | None = None) -> None:
        self.codebook = codebook
        self.rules: KeywordTagger | None
        try:
            self.rules = KeywordTagger(codebook, source)
        except CodebookError:
            # None are there, or a codebook in the making lost labels that the rules still name.
            if source is not None or codebook.own_rules is not None:
                raise
            self.rules = None

    def scores(self, texts: Texts, progress: Progress = silent) -> Floats:
        """Shape (n, L) in [0, 1]; (n, 0) without rules."""
        if self.rules is None:
            return np.zeros((len(texts), 0), np.float32)
        return self.rules.predict_proba(texts, progress)

    def save(self, folder: Path) -> None:
        """Keep the rules beside the model."""
        if self.rules is not None:
            (folder / FILE).write_text(self.rules.text, "utf-8")

    @classmethod
    def load(cls, folder: Path, codebook: Codebook) -> Self:
        """The rules that a model learnt with, or none."""
        if not (folder / FILE).is_file():
            made = cls.__new__(cls)
            made.codebook, made.rules = codebook, None
            return made
        return cls(codebook, str(folder / FILE.replace(".keywords", "")))
