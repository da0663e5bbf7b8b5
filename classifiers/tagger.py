"""What all taggers share: texts in, one probability per record and label out, then one decision.

A tagger behind the entry-point group ``litscale.taggers`` is a class with ``name``, made from a
codebook; its matrices have the columns of `Codebook.label_ids`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from classifiers.codebook import Codebook
from corpora.progress import Progress

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]
"""Reference labels: 1 holds, 0 does not, -1 was not asked (masked)."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Titles and abstracts of n records; None where there is none."""

    titles: Sequence[str | None]
    abstracts: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.titles)

    def joined(self) -> list[str]:
        """Title and abstract in one string each."""
        pairs = zip(self.titles, self.abstracts, strict=True)
        return [f"{title or ''}\n{abstract or ''}" for title, abstract in pairs]

    def take(self, rows: Sequence[int] | NDArray[Any]) -> "Texts":
        """The texts of some rows."""
        return Texts([self.titles[i] for i in rows], [self.abstracts[i] for i in rows])


class Tagger(Protocol):
    """A tagger in the manner of scikit-learn; n records, L labels."""

    name: str
    codebook: Codebook

    def __init__(self, codebook: Codebook) -> None: ...

    def fit(
        self,
        texts: Texts,
        codes: Codes,
        groups: Sequence[Sequence[str]],
        *,
        seed: int,
        progress: Progress,
    ) -> Self:
        """Learn from ``codes`` (n, L); ``groups`` are columns of n group names, see `folds`."""
        ...  # fmt: skip

    def predict_proba(self, texts: Texts, progress: Progress) -> Floats:
        """Shape (n, L), in [0, 1]."""
        ...

    def thresholds(self) -> Floats:
        """Shape (L,): at or above it a label holds."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model; no pickle."""
        ...

    @classmethod
    def load(cls, folder: Path, codebook: Codebook) -> Self:
        """Read a saved model; a model of another codebook is refused."""
        ...


UNSURE_BAND = 0.1
"""A probability within this distance of its threshold is marked unsure."""


def decide(codebook: Codebook, scores: Floats, thresholds: Floats) -> tuple[Bools, Bools]:
    """From probabilities (n, L) to values and ``unsure`` marks (n, L) that obey the codebook.

    A dimension of kind ``one`` takes exactly its most probable label; a dimension with
    ``applies_when`` stays empty without it; the gate label empties everything but its own
    dimension.
    """
    values: Bools = scores >= thresholds
    unsure: Bools = np.abs(scores - thresholds) < UNSURE_BAND
    ids = codebook.label_ids()
    for dimension in codebook.dimensions:
        columns = codebook.columns(dimension.id)
        if dimension.kind == "one":
            best = scores[:, columns].argmax(axis=1)
            ranked = np.sort(scores[:, columns], axis=1)
            values[:, columns] = np.arange(len(columns)) == best[:, None]
            close = ranked[:, -1] - ranked[:, -2] < UNSURE_BAND if len(columns) > 1 else False
            unsure[:, columns] = values[:, columns] & np.reshape(close, (-1, 1))
    for dimension in codebook.dimensions:
        if dimension.applies_when:
            empty = ~values[:, ids.index(dimension.applies_when)]
            _clear(values, unsure, empty, codebook.columns(dimension.id))
    if codebook.gate:
        out = values[:, ids.index(codebook.gate)]
        kept = set(codebook.columns(codebook.gate.split(".")[0]))
        _clear(values, unsure, out, [i for i in range(len(ids)) if i not in kept])
    return values, unsure


def _clear(values: Bools, unsure: Bools, rows: Bools, columns: list[int]) -> None:
    cells = np.ix_(rows, np.asarray(columns))
    values[cells] = False
    unsure[cells] = False


def rolled_up(codebook: Codebook, matrix: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Derived dimensions from values or probabilities (n, L): id → (n, its labels).

    A label holds if any of its leaves does; its probability is the largest of theirs, a lower
    bound of the union's.
    """
    ids = codebook.label_ids()
    made = {}
    for rollup in codebook.rollups:
        leaves = [[ids.index(f"{rollup.of}.{leaf}") for leaf in rollup.leaves[x.id]] for x in rollup.labels]
        made[rollup.id] = np.stack([matrix[:, columns].max(axis=1) for columns in leaves], axis=1)
    return made
