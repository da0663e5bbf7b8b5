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
from corpora.errors import InputError
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


def passing(codebook: Codebook, codes: Codes) -> Codes:
    """Codes (n, L) with everything but the gate's dimension masked where the gate's label holds."""
    masked = codes.copy()
    if codebook.gate:
        out = codes[:, codebook.label_ids().index(codebook.gate)] == 1
        kept = set(codebook.columns(codebook.gate.split(".")[0]))
        rest = [column for column in range(codes.shape[1]) if column not in kept]
        masked[np.ix_(out, rest)] = -1
    return masked


def reference(codebook: Codebook, codes: Codes) -> Codes:
    """Codes (n, L) to measure against: a dimension of kind ``one`` is not asked of gated records.

    Label files must name some value there (``not_reported``, ``none``), which the decisions leave empty.
    """
    out = codes.copy()
    if codebook.gate:
        gated = codes[:, codebook.label_ids().index(codebook.gate)] == 1
        for dimension in codebook.dimensions:
            if dimension.kind == "one" and dimension.id != codebook.gate.split(".")[0]:
                out[np.ix_(gated, codebook.columns(dimension.id))] = -1
    return out


def conditioned(codebook: Codebook, scores: Floats) -> Floats:
    """Joint probabilities (n, L): times P(condition) where a dimension has one, times P(not gated)."""
    ids = codebook.label_ids()
    out = scores.copy()
    for dimension in codebook.dimensions:
        if dimension.applies_when:
            out[:, codebook.columns(dimension.id)] *= scores[:, [ids.index(dimension.applies_when)]]
    if codebook.gate:
        gate = ids.index(codebook.gate)
        kept = set(codebook.columns(codebook.gate.split(".")[0]))
        rest = [column for column in range(len(ids)) if column not in kept]
        out[:, rest] *= 1 - scores[:, [gate]]
    return out


def lacking(own: Codebook, codebook: Codebook) -> list[str]:
    """Dimensions of ``codebook`` that a model made for ``own`` cannot speak for.

    A dimension is the same if id, kind, labels, definitions and condition are.
    """
    known = {dimension.id: dimension for dimension in own.dimensions}
    return [d.id for d in codebook.dimensions if known.get(d.id) != d]


def mapped(own: Codebook, codebook: Codebook, matrix: Floats, otherwise: float) -> Floats:
    """Columns (n, labels of ``own``) laid under the labels of ``codebook``; ``otherwise`` elsewhere."""
    if own.hash == codebook.hash:
        return matrix
    places = {name: place for place, name in enumerate(own.label_ids())}
    missing = set(lacking(own, codebook))
    out = np.full((len(matrix), len(codebook.label_ids())), otherwise, np.float32)
    for column, name in enumerate(codebook.label_ids()):
        if name.split(".")[0] not in missing:
            out[:, column] = matrix[:, places[name]]
    return out


def fitting(own: Codebook, codebook: Codebook, folder: Path) -> None:
    """Refuse a model that shares no dimension with the codebook.

    Raises:
        InputError: says both codebooks and what to do.

    """
    if len(lacking(own, codebook)) == len(codebook.dimensions):
        raise InputError(
            f"{folder}: trained for codebook {own.name} {own.version} ({own.hash}), which shares no "
            f"dimension with the present {codebook.name} {codebook.version} ({codebook.hash}); "
            "train it anew with: review train"
        )


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
