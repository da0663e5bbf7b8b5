"""Shares within a source, and standardised to a fixed mix of sources.

Where sources enter in different years, a curve over all of them shows the change of the mix too. With
R(s, y) the share among source s's studies of year y, the *standardised* share of the year is

    S(y) = Σ_s w_s R(s, y),    w_s = source s's part of all studies that count, over all years:

direct standardisation (Breslow & Day 1987, ch. 2). Each R is corrected by the audit as every share is,
and the interval is that of the whole sum (`estimators`, mixes of cells); the weights are fixed numbers.
A year in which a source of the mix has under `SUPPORT` studies has no standardised share. Sources with
under `SMALL` of the studies are not in the mix. A study found in several sources belongs to none of
them alone: those are a group of their own.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from review.analysis.labelsets import LabelSets
from review.analysis.prevalence import Masks, Measure

SEVERAL = "several sources"
SUPPORT = 10
SMALL = 0.05


def groups(studies: pd.DataFrame) -> pd.Series:
    """The source of each study, or `SEVERAL`: every study is in exactly one group.

    >>> groups(pd.DataFrame({"sources": [["pubmed"], ["acl", "pubmed"]]})).tolist()
    ['pubmed', 'several sources']
    """
    held = LabelSets.of(studies["sources"])
    names = [min(one or ()) if len(one or ()) == 1 else SEVERAL for one in held.sets]
    return pd.Series(np.array(names, dtype=object)[held.codes], index=studies.index)


def split(measure: Measure, names: list[str]) -> Measure:
    """The measure's C cells within each source: cell ``i * C + c`` is cell c of source i."""

    def within(frame: pd.DataFrame) -> Masks:
        group = groups(frame).to_numpy()
        inside = [(group == name)[:, None] for name in names]
        masks = measure(frame)
        return Masks(*(np.concatenate([one & rows for rows in inside], axis=1) for one in masks))

    return within


@dataclass(frozen=True, slots=True)
class Mix:
    """``weights`` of the sources ``names``; ``left_out`` are too small; ``held`` which cells it has."""

    names: list[str]
    weights: NDArray[np.float64]
    left_out: list[str]
    held: NDArray[np.bool_]

    def matrix(self) -> NDArray[np.float64]:
        """Shape (sources × C, held cells): what makes cells within sources one standardised share."""
        cells = np.eye(len(self.held))[:, self.held]
        return np.concatenate([weight * cells for weight in self.weights], axis=0)

    def told(self) -> str:
        """The mix in words."""
        parts = [f"{name} {weight:.0%}" for name, weight in zip(self.names, self.weights, strict=True)]
        small = f" (under {SMALL:.0%} and not in it: {', '.join(self.left_out)})" if self.left_out else ""
        return f"{', '.join(parts)}{small}"


def mix(studies: pd.DataFrame, measure: Measure) -> Mix:
    """The fixed mix over all years, and in which cells each of its sources has `SUPPORT` studies.

    ``measure`` has one cell a year, or several of the same year with the same denominators.
    """
    found = groups(studies)
    names = sorted(set(found))
    eligible = measure(studies).eligible
    counts = np.array([eligible[(found == name).to_numpy()].sum(axis=0) for name in names])
    counts = counts.reshape(len(names), eligible.shape[1])
    totals = counts.sum(axis=1)
    large = totals >= max(1.0, SMALL * totals.sum())
    order = sorted(np.flatnonzero(large).tolist(), key=lambda i: (-int(totals[i]), names[i]))
    kept = totals[order].astype(float)
    return Mix(
        [names[i] for i in order],
        kept / max(kept.sum(), 1.0),
        [names[i] for i in np.flatnonzero(~large).tolist() if totals[i]],
        np.asarray((counts[order] >= SUPPORT).all(axis=0) & bool(order), dtype=bool),
    )
