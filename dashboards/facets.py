"""What studies can be filtered by: for each facet its values, and who has which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from review.analysis.tidy import Context
from review.facts import Facts

Mask = NDArray[np.bool_]

MAIN = ("family", "tasks", "data", "evaluation", "specialty", "methods", "sources", "language",
        "abstract", "coded", "status")  # fmt: skip
"""Facets in the order in which they are offered; any other dimension of the codebook comes after them."""

_UNKNOWN = "unknown"
_STATUS = {"included": "included", "excluded": "excluded", "awaiting": "not settled yet",
           "conflict": "in conflict"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Facet:
    """``members`` (values, studies) says who has which value; ``titles`` are those of ``values``."""

    name: str
    title: str
    values: tuple[str, ...]
    titles: Mapping[str, str]
    members: Mask

    def mask(self, chosen: Iterable[str]) -> Mask:
        """Studies with any of these values."""
        rows = [self.values.index(value) for value in chosen]
        return np.asarray(self.members[rows].any(axis=0), dtype=bool)

    def counts(self, within: Mask) -> dict[str, int]:
        """How many of some studies have each value."""
        return {
            value: int(np.count_nonzero(row & within))
            for value, row in zip(self.values, self.members, strict=True)
        }


def facets_of(held: Facts, context: Context) -> tuple[Facet, ...]:
    """All facets that tell studies apart, the main ones first."""
    studies = held.studies
    found = [_listed("sources", "Source", studies["sources"])]
    for dimension in held.codebook.all_dimensions():
        if dimension.id in held.labels and dimension.id in studies:
            names = {
                label.id: context.titles.get(f"{dimension.id}.{label.id}", label.id)
                for label in dimension.labels
            }
            found.append(_listed(dimension.id, dimension.title, studies[dimension.id], names))
    found.append(_single("language", "Language of the text", studies["language"].fillna(_UNKNOWN)))
    found.append(_single("status", "Decision", studies["status"], _STATUS))
    found.append(_yes_no("abstract", "Abstract", studies["has_abstract"]))
    if context.audit is not None:
        coded = studies["study_id"].isin(context.audit.truth.index)
        title = "In the silver coding" if context.audit.silver else "Coded in the audit"
        found.append(_yes_no("coded", title, coded))
    named = {facet.name: facet for facet in found if len(facet.values) > 1 or facet.name in held.labels}
    order = [*(name for name in MAIN if name in named), *(name for name in named if name not in MAIN)]
    return tuple(named[name] for name in order if named[name].values)


def _listed(name: str, title: str, column: pd.Series, titles: Mapping[str, str] | None = None) -> Facet:
    """A column of lists; values that nobody has are not offered."""
    lists = pa.array(column.to_numpy(dtype=object), pa.list_(pa.string()), from_pandas=True)
    coded = lists.flatten().dictionary_encode()
    places = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    return _facet(name, title, coded, places, len(column), titles)


def _single(name: str, title: str, column: pd.Series, titles: Mapping[str, str] | None = None) -> Facet:
    coded = pa.array(column.to_numpy(dtype=object), pa.string()).dictionary_encode()
    return _facet(name, title, coded, np.arange(len(column)), len(column), titles)


def _yes_no(name: str, title: str, column: pd.Series) -> Facet:
    return _single(name, title, column.map({True: "yes", False: "no"}))


def _facet(
    name: str,
    title: str,
    coded: pa.DictionaryArray,
    places: NDArray[np.int64],
    count: int,
    titles: Mapping[str, str] | None,
) -> Facet:
    held = coded.dictionary.to_pylist()
    members = np.zeros((len(held), count), dtype=bool)
    members[coded.indices.to_numpy(zero_copy_only=False), places] = True
    known = list(titles) if titles else []
    # Values of a codebook in its order, those of the records by their number.
    often = members.sum(axis=1)
    order = sorted(
        range(len(held)),
        key=lambda i: (known.index(held[i]) if held[i] in known else len(known), -often[i], held[i]),
    )
    values = tuple(held[i] for i in order)
    named = {value: (titles or {}).get(value, value) for value in values}
    return Facet(name, title, values, named, members[order])
