"""Folds in which no group is split: the copies and versions of a paper stay together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from classifiers.tagger import Codes


def components(groups: Sequence[Sequence[str]], n: int) -> NDArray[np.int64]:
    """Shape (n,): rows that share a name in any of the group columns share a number.

    An empty name binds nothing.

    >>> components([["a", "a", "b", ""], ["x", "y", "y", ""]], 4).tolist()
    [0, 0, 0, 1]
    """
    rows: list[int] = []
    names: list[int] = []
    known: dict[tuple[int, str], int] = {}
    for column, values in enumerate(groups):
        for row, value in enumerate(values):
            if value:
                rows.append(row)
                names.append(known.setdefault((column, value), n + len(known)))
    size = n + len(known)
    graph = coo_matrix(
        (np.ones(len(rows)), (np.asarray(rows, np.int64), np.asarray(names, np.int64))),
        shape=(size, size),
    )
    _, labels = connected_components(graph, directed=False)
    return np.unique(labels[:n], return_inverse=True)[1].astype(np.int64)


def grouped_folds(codes: Codes, groups: Sequence[Sequence[str]], *, k: int, seed: int) -> NDArray[np.int64]:
    """Shape (n,): the fold, 0 to k-1, of every row; groups whole, labels spread evenly.

    Greedy after Sechidis et al. 2011 (https://doi.org/10.1007/978-3-642-23808-6_10), on groups:
    those with the rarest labels are placed first, each where its labels are wanted most.
    """
    group_of = components(groups, len(codes))
    count = int(group_of.max()) + 1 if len(codes) else 0
    held = np.zeros((count, codes.shape[1]))
    np.add.at(held, group_of, codes == 1)
    sizes = np.bincount(group_of, minlength=count).astype(float)
    weight = 1 / np.maximum(held.sum(axis=0), 1)
    rarity = (held * weight).max(axis=1) if codes.shape[1] else np.zeros(count)
    shuffled = np.random.default_rng(seed).permutation(count)
    order = shuffled[np.argsort(-rarity[shuffled], kind="stable")]
    wanted = np.tile(held.sum(axis=0) / k, (k, 1))
    room = np.full(k, len(codes) / k)
    fold = np.zeros(count, np.int64)
    for group in order:
        need = wanted @ (held[group] * weight)
        best = max(range(k), key=lambda one: (round(need[one], 9), room[one]))
        if room[best] < sizes[group] / 2:
            best = int(room.argmax())
        fold[group] = best
        wanted[best] -= held[group]
        room[best] -= sizes[group]
    return fold[group_of]
