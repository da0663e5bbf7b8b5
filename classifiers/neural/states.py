"""Frozen layers run once: their token states, kept in float16 on disk and read back by record."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from classifiers.neural.model import Network
from classifiers.neural.windows import Windows
from corpora.progress import Progress

Batch = tuple[NDArray[np.int64], Tensor, Tensor, Tensor]
"""Records (B,), window states or ids (W, T[, d]), mask (W, T), owner (W,)."""


class Frozen:
    """States above the frozen layers of every window, end to end in one file of float16."""

    def __init__(self, windows: Windows, states: NDArray[np.float16]) -> None:
        self.windows = windows
        self.states = states
        sizes = np.array([len(ids) for ids in windows.tokens], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._first = np.searchsorted(windows.record, np.arange(windows.records + 1))

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """The windows of some records, padded to the longest of them."""
        places = [w for row in rows for w in range(self._first[row], self._first[row + 1])]
        owner = [i for i, row in enumerate(rows) for _ in range(self._first[row], self._first[row + 1])]
        sizes = [len(self.windows.tokens[w]) for w in places]
        out = torch.zeros(len(places), max(sizes), self.states.shape[1], dtype=torch.float16)
        mask = torch.zeros(len(places), max(sizes), dtype=torch.bool)
        for i, (w, size) in enumerate(zip(places, sizes, strict=True)):
            part = self.states[self._starts[w] : self._starts[w + 1]]
            out[i, :size] = torch.from_numpy(np.array(part))  # kept states are read-only
            mask[i, :size] = True
        return rows, out, mask, torch.tensor(owner)


class Ids:
    """Token ids by record, for training a whole encoder."""

    def __init__(self, windows: Windows, pad: int) -> None:
        self.windows = windows
        self._pad = pad
        self._first = np.searchsorted(windows.record, np.arange(windows.records + 1))

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """The windows of some records, padded to the longest of them."""
        places = [w for row in rows for w in range(self._first[row], self._first[row + 1])]
        owner = [i for i, row in enumerate(rows) for _ in range(self._first[row], self._first[row + 1])]
        longest = max(len(self.windows.tokens[w]) for w in places)
        out = torch.full((len(places), longest), self._pad, dtype=torch.long)
        mask = torch.zeros(len(places), longest, dtype=torch.bool)
        for i, w in enumerate(places):
            size = len(self.windows.tokens[w])
            out[i, :size] = torch.tensor(self.windows.tokens[w])
            mask[i, :size] = True
        return rows, out, mask, torch.tensor(owner)


def batches(
    lengths: NDArray[np.int64], rows: NDArray[np.int64], budget: int, shuffle: np.random.Generator | None
) -> Iterator[NDArray[np.int64]]:
    """Records of like length together, at most ``budget`` padded tokens; shuffled if asked for."""
    noise = shuffle.normal(0, 12, len(rows)) if shuffle is not None else np.zeros(len(rows))
    order = rows[np.argsort(lengths[rows] + noise, kind="stable")]
    made: list[list[int]] = [[]]
    longest = 0
    for row in order.tolist():
        longest = max(longest, int(lengths[row]))
        if made[-1] and longest * (len(made[-1]) + 1) > budget:
            made.append([])
            longest = int(lengths[row])
        made[-1].append(row)
    whole = [np.array(one, np.int64) for one in made if one]
    for place in shuffle.permutation(len(whole)) if shuffle is not None else range(len(whole)):
        yield whole[place]


def freeze(
    network: Network, windows: Windows, pad: int, kept: Path | None, key: str, progress: Progress
) -> Frozen:
    """Run the frozen layers over all windows; with ``kept`` the states of this ``key`` are reused."""
    sizes = np.array([len(ids) for ids in windows.tokens], np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    shape = (int(starts[-1]), network.held)
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        path, told = kept / f"{key}.f16", kept / f"{key}.json"
        if told.is_file() and json.loads(told.read_text("utf-8")) == list(shape):
            return Frozen(windows, np.memmap(path, np.float16, "r", shape=shape))
        states: NDArray[np.float16] = np.memmap(path, np.float16, "w+", shape=shape)
    else:
        states = np.empty(shape, np.float16)
    _fill(network, windows, pad, states, starts, progress)
    if kept is not None:
        states.flush()  # type: ignore[attr-defined]
        told.write_text(json.dumps(list(shape)), "utf-8")
    return Frozen(windows, states)


def _fill(
    network: Network, windows: Windows, pad: int, states: Any, starts: NDArray[np.int64], progress: Progress
) -> None:
    device = network.heads.bias.device
    sizes = np.diff(starts)
    done = 0
    network.eval()
    single = Windows(windows.tokens, np.arange(len(sizes)), len(sizes), 0, 0)
    ids = Ids(single, pad)
    for rows in batches(sizes, np.arange(len(sizes)), 6144, None):
        _, tokens, mask, _ = ids.batch(rows)
        with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16):
            found = network.lower(tokens.to(device), mask.to(device)).float().cpu()
        for i, w in enumerate(rows):
            states[starts[w] : starts[w + 1]] = found[i, : sizes[w]].numpy().astype(np.float16)
        done += len(rows)
        progress("running the frozen layers", done, len(sizes))
