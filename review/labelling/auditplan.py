"""`review audit --plan`: how wide the intervals of an audit would be, before anything is drawn.

A label's residual y - f is not 0 where the tagger errs. A study's chance of that is taken from the
tagger's own probability p: 1 - p where the label was given, p where it was not, at least `FLOOR`.
With q_h their mean in stratum h, the half-width is 1.96 √V,

    V = Σ_h N_h² (1 - n_h/N_h) (q_h + added) / n_h / N²

as in `review.analysis.estimators`, where one discordance is added in all.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corpora.errors import InputError
from corpora.words import counted
from review.analysis.estimators import Floats
from review.facts import Facts, shown
from review.labelling import auditing
from review.workspace import Workspace

SIZES = (100, 200, 400, 800)
FLOOR = 0.01
"""Chance of an error that is assumed at least, however sure the tagger is."""

_SHOWN = 0.005
"""Labels below this naive share are not printed (they are in --json)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One label: naive share, and per audit size the half-width for all studies and for each year."""

    label: str
    title: str
    naive: float
    half: dict[int, float]
    years: dict[int, dict[int, float]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Half-widths (as shares) for some sizes; sizes that the strata do not allow are left out."""

    of: int
    strata: dict[int, int]
    rows: tuple[Row, ...]
    smallest: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person: per size, the half-width over all studies and the median one of a year."""
        sizes = list(self.strata)
        told = [
            f"Audit of {counted(self.of, 'study')} that no audit covers; the smallest possible is "
            f"{self.smallest:,}.",
            "Half-widths of 95 % intervals in percentage points: all studies / the median year",
            f"{'label':<44} {'naive':>7} " + " ".join(f"{f'n = {n:,}':>13}" for n in sizes),
        ]
        for row in sorted(self.rows, key=lambda one: -one.naive):
            if row.naive >= _SHOWN:
                cells = (
                    f"{row.half[n] * 100:.1f} / {np.median([*row.years[n].values()] or [np.nan]) * 100:.1f}"
                    for n in sizes
                )
                told.append(
                    f"{row.title[:44]:<44} {row.naive:>6.1%} " + " ".join(f"{cell:>13}" for cell in cells)
                )
        told.append(
            "Errors are guessed from the tagger's own probabilities, at least 1 %; the audit will show them. "
            "A year with under 5 audited disagreements is not estimable."
        )
        return told


def plan(workspace: Workspace, held: Facts, sizes: Sequence[int] = SIZES) -> Plan:
    """Half-widths per label and year for some audit sizes.

    Raises:
        InputError: no size is possible, or there is nothing to audit.

    """
    studies, _ = shown(held.studies)
    titles, values, doubt = _doubts(workspace, held, studies)
    made: dict[int, tuple[Floats, dict[int, Floats]]] = {}
    strata: dict[int, int] = {}
    smallest = 0
    for size in sizes:
        named = auditing.uncovered(workspace, held, size)
        counts = named.value_counts(sort=False).sort_index()
        least = int(np.minimum(counts, auditing.LEAST).sum())
        smallest = min(smallest or least, least)
        if least <= size <= len(named):
            rows = pd.Index(studies["study_id"]).get_indexer(named.index)
            codes = counts.index.get_indexer(pd.Index(named))
            years = studies["year"].astype("Float64").to_numpy(na_value=np.nan)[rows]
            made[size] = _half(codes, counts.to_numpy(), doubt[rows], np.asarray(years, float), size)
            strata[size] = len(counts)
    if not made:
        raise InputError(
            f"audit of {', '.join(map(str, sizes))}: of {counted(len(studies), 'study')} at least "
            f"{smallest:,} must "
            "be drawn; name another size with --n"
        )
    rows_made = tuple(
        Row(
            label, label.split(".")[0] + ": " + title, float(values[:, i].mean()),
            {n: float(made[n][0][i]) for n in made},
            {n: {year: float(half[i]) for year, half in made[n][1].items()} for n in made},
        )
        for i, (label, title) in enumerate(titles.items())
    )  # fmt: skip
    return Plan(len(named), strata, rows_made, smallest)


def _half(
    codes: NDArray[np.intp], sizes: NDArray[Any], doubt: Floats, years: Floats, size: int
) -> tuple[Floats, dict[int, Floats]]:
    """Half-widths (L,) of all studies and of each year."""
    drawn = auditing.allocated(sizes.astype(np.int64), size)
    weight = sizes / drawn
    left = 1 - drawn / sizes
    member = (codes[:, None] == np.arange(len(sizes))).astype(np.float64)

    def half(inside: NDArray[np.bool_]) -> Floats:
        errors = member[inside].T @ doubt[inside]
        count = int(inside.sum())
        added = (
            (weight * left * member[inside].mean(axis=0)).sum() * count / max(size * count / len(codes), 1)
        )
        variance = (weight * left) @ errors + added
        made: Floats = 1.96 * np.sqrt(variance) / count
        return np.minimum(made, 1.0)

    by_year = {int(year): half(years == year) for year in np.unique(years[~np.isnan(years)])}
    return half(np.full(len(codes), True)), by_year


def _doubts(
    workspace: Workspace, held: Facts, studies: pd.DataFrame
) -> tuple[dict[str, str], NDArray[np.bool_], Floats]:
    """Labels with titles, their values (studies, L), and the chance that each value is wrong."""
    titles = {label: title for label, title in held.codebook.titles().items()
              if label.split(".")[0] in held.labels}  # fmt: skip
    place = {label: i for i, label in enumerate(titles)}
    row_of = {record: i for i, records in enumerate(studies["record_ids"]) for record in records}
    chance = np.zeros((len(studies), len(titles)))
    values = np.zeros((len(studies), len(titles)), dtype=bool)
    columns = ["record_id", "dimension", "label", "probability", "value"]
    for run in sorted({spoken["run"] for spoken in held.labels.values()}):
        table = workspace.corpus.table("labels", "labels", columns, run).to_pandas()
        own = [name for name, spoken in held.labels.items() if spoken["run"] == run]
        rows = table["record_id"].map(row_of)
        table = table[table["dimension"].isin(own) & rows.notna()]
        at = (
            rows[table.index].astype(int).to_numpy(),
            (table["dimension"] + "." + table["label"]).map(place).to_numpy(dtype=int),
        )
        np.maximum.at(chance, at, table["probability"].fillna(0).to_numpy(dtype=float))
        np.logical_or.at(values, at, table["value"].to_numpy(dtype=bool))
    return titles, values, np.maximum(np.where(values, 1 - chance, chance), FLOOR)
