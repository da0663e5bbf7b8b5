"""A column of label lists, read once for each distinct list: there are a few thousand among 100,000."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from review.analysis.tidy import labels_of

Labels = frozenset[str] | None
"""What one study has; None if it was not tagged."""

K = TypeVar("K", bound=Hashable)


def labels(cell: Any) -> Labels:
    """The label ids in a cell as a set."""
    found = labels_of(cell)
    return None if found is None else frozenset(found)


class LabelSets(NamedTuple):
    """Study i has the labels ``sets[codes[i]]``.

    >>> held = LabelSets.of([["a", "b"], None, ["a", "b"], []])
    >>> held.codes.tolist(), held.tagged().tolist()
    ([0, 1, 0, 2], [True, False, True, True])
    >>> held.members(["b", "c"]).tolist()
    [[True, False], [False, False], [True, False], [False, False]]
    """

    codes: NDArray[np.intp]
    sets: list[Labels]

    @classmethod
    def of(cls, cells: Iterable[Any], read: Callable[[Any], Labels] = labels) -> "LabelSets":
        """What ``read`` makes of the cells; it must depend on a cell's labels alone."""
        codes, keys = _numbered(_key(cell) for cell in cells)
        return cls(codes, [read(key) for key in keys])

    @classmethod
    def joined(cls, columns: Sequence["LabelSets"], join: Callable[[list[Labels]], Labels]) -> "LabelSets":
        """One set a study from its sets in several columns.

        >>> both = [LabelSets.of([["a"], ["b"]]), LabelSets.of([["c"], None])]
        >>> LabelSets.joined(both, lambda sets: sets[0] if sets[1] else None).sets
        [frozenset({'a'}), None]
        """
        codes, keys = _numbered(zip(*(one.codes.tolist() for one in columns), strict=True))
        sets = [join([one.sets[i] for one, i in zip(columns, key, strict=True)]) for key in keys]
        return cls(codes, sets)

    def where(self, holds: Callable[[frozenset[str]], bool]) -> NDArray[np.bool_]:
        """Shape (studies,): who was tagged and has a set of which this holds."""
        return np.array([one is not None and holds(one) for one in self.sets], dtype=bool)[self.codes]

    def tagged(self) -> NDArray[np.bool_]:
        """Shape (studies,): who was tagged."""
        return self.where(lambda _: True)

    def members(self, values: Sequence[str]) -> NDArray[np.bool_]:
        """Shape (studies, values): who has which; a value may be named several times."""
        places = {value: i for i, value in enumerate(dict.fromkeys(values))}
        rows = [[value in (one or ()) for value in places] for one in self.sets]
        whole = np.array(rows, dtype=bool).reshape(len(self.sets), len(places))
        return whole[:, [places[value] for value in values]][self.codes]


def _key(cell: Any) -> tuple[str, ...] | None:
    found = cell if type(cell) is tuple else labels_of(cell)
    return None if found is None else tuple(found)


def _numbered(keys: Iterable[K]) -> tuple[NDArray[np.intp], list[K]]:
    """A number for each key, equal for equal keys, and the distinct keys in the order of their numbers."""
    each = list(keys)
    numbers = {key: i for i, key in enumerate(dict.fromkeys(each))}
    return np.fromiter(map(numbers.__getitem__, each), dtype=np.intp, count=len(each)), list(numbers)
