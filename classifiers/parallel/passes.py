"""The encoder in memory: texts in, vectors out, as fast as the machine allows.

Tokens of the next window of texts are made (in parallel, outside Python) while this one is computed.
A window is sorted by length and cut into batches of one token budget, padded to a multiple of
`STEP`, so that little of the work is padding. On a GPU batches are staged in pinned memory while the
one before runs. On a CPU every core takes whole batches by itself: two cores that work on one matrix
wait for each other at every layer, which costs 15 % on an idle machine and half on a busy one.

On a CPU the shape of a batch depends on nothing but its texts' length: a short batch is filled up. So
a vector does not depend on the company its text was in, down to the last bit on one machine. A GPU's
batches are so large that filling them up would cost a third of the time on a few thousand texts; there
the last bits of a vector may differ with the company.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Done = tuple[list[int], Vectors]
"""Places of texts, and their vectors (that many, size)."""

STEP = 16
"""Lengths are padded up to a multiple of this many tokens."""

WINDOW = 16_384
"""Texts that are sorted by length together; their tokens are what is held in memory."""

CPU_BUDGET = 1_024
GPU_BUDGET = 131_072
"""Tokens of a batch: a core's cache holds the states of some 1,000, a GPU wants many."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """What a vector depends on besides its text; it has length 1.

    ``pooling`` is ``mean``, over tokens, or ``cls``, the first token's state (MedCPT).
    ``precision`` is that of the encoder's arithmetic, bfloat16, float16 or float32; vectors are
    float32 of ``size`` numbers. With bfloat16 a vector lies within a cosine of .9999 of the exact
    one, at several times the speed on a machine that has it (`best_precision`).
    """

    folder: Path
    revision: str
    precision: str = "bfloat16"
    max_tokens: int = 256
    size: int = 384
    pooling: str = "mean"

    @property
    def key(self) -> str:
        """Names a cache: encoders of another key never share a vector."""
        return f"{self.revision}-torch-{self.precision}-{self.max_tokens}-{self.pooling}"


@cache
def best_precision() -> str:
    """bfloat16 where the GPU or the processor computes in it, else float32.

    Known without loading torch. Processors that lack it emulate it, several times slower.
    """
    if Path("/proc/driver/nvidia/version").exists():
        return "bfloat16"
    try:
        return precision_of(Path("/proc/cpuinfo").read_text("utf-8", errors="replace"))
    except OSError:
        return "float32"


def precision_of(cpuinfo: str) -> str:
    """`best_precision` by what Linux says of the processor.

    >>> precision_of("flags : fpu avx512_bf16 sse"), precision_of("flags : fpu avx2")
    ('bfloat16', 'float32')
    """
    flags = {
        flag
        for line in cpuinfo.splitlines()
        if line.startswith(("flags", "Features"))
        for flag in line.partition(":")[2].split()
    }
    return "bfloat16" if flags & {"avx512_bf16", "amx_bf16", "bf16"} else "float32"


Batch = tuple[list[int], int, int]
"""Places of texts of like length, the length to pad to, the rows of the batch."""


def batches(lengths: Sequence[int], limit: int, budget: int) -> Iterator[Batch]:
    """Batches of fixed shapes, longest first: as many rows as the budget holds, all of one padded length.

    >>> list(batches([5, 70, 12, 260], limit=256, budget=512))
    [([3], 256, 2), ([1], 80, 6), ([0, 2], 16, 32)]
    """
    groups: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        groups.setdefault(_padded(length, limit), []).append(place)
    for length in sorted(groups, reverse=True):
        places = groups[length]
        rows = max(budget // length, 1)
        for start in range(0, len(places), rows):
            yield places[start : start + rows], length, rows


def packed(lengths: Sequence[int], limit: int, budget: int) -> Iterator[Batch]:
    """Batches of any shape within the budget, longest first, each padded to its own longest text.

    >>> list(packed([5, 70, 12, 260], limit=256, budget=512))
    [([3, 1], 256, 2), ([2, 0], 16, 2)]
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    start = 0
    while start < len(order):
        length = _padded(lengths[order[start]], limit)
        places = order[start : start + max(budget // length, 1)]
        yield places, length, len(places)
        start += len(places)


def _padded(length: int, limit: int) -> int:
    return min(-(-max(length, 1) // STEP) * STEP, limit)


class Machine:
    """An encoder on the GPU if there is one, else on all cores."""

    def __init__(self, encoder: Encoder, *, budget: int | None = None, workers: int | None = None) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._limit = encoder.max_tokens
        self._first = encoder.pooling == "cls"
        self._size = encoder.size
        self._gpu = torch.cuda.is_available()
        self._budget = budget or (GPU_BUDGET if self._gpu else CPU_BUDGET)
        self._workers = workers or _cores()
        self._tokenizer = AutoTokenizer.from_pretrained(encoder.folder, local_files_only=True)
        self._pad = int(self._tokenizer.pad_token_id)
        model = AutoModel.from_pretrained(
            encoder.folder,
            local_files_only=True,
            dtype=getattr(torch, encoder.precision),
            attn_implementation="sdpa",
            add_pooling_layer=False,
        )
        self._model = model.eval().to("cuda" if self._gpu else "cpu")

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, in their order."""
        out = np.empty((len(texts), self._size), dtype=np.float32)
        for places, vectors in self.stream(texts):
            out[places] = vectors
        return out

    def stream(self, texts: Sequence[str]) -> Iterator[Done]:
        """Every text once, batch by batch as they are done, longest first within a window."""
        starts = range(0, len(texts), WINDOW)
        with ThreadPoolExecutor(1) as ahead:
            windows = (texts[start : start + WINDOW] for start in starts)
            tokens = _ahead(ahead, self.tokens, windows, 1)
            for start, window in zip(starts, tokens, strict=True):
                for places, vectors in self.run(window):
                    yield [start + place for place in places], vectors

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut after the encoder's limit; the tokenizer uses all cores."""
        found = self._tokenizer(list(texts), truncation=True, max_length=self._limit)
        return list(found["input_ids"])

    def run(self, tokens: Sequence[Sequence[int]]) -> Iterator[Done]:
        """Vectors of texts that are tokens already, batch by batch."""
        cut = packed if self._gpu else batches
        todo = list(cut([len(ids) for ids in tokens], self._limit, self._budget))
        yield from (self._on_gpu if self._gpu else self._on_cores)(tokens, todo)

    # ------------------------------------------------------------------ where it runs

    def _on_cores(self, tokens: Sequence[Sequence[int]], todo: list[Batch]) -> Any:
        import torch

        before = torch.get_num_threads()

        def work(batch: Batch) -> Done:
            places, length, rows = batch
            ids, mask = self._filled([tokens[place] for place in places], length, rows)
            return places, self._vectors(ids, mask)[: len(places)].numpy()

        try:
            with ThreadPoolExecutor(self._workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                yield from _ahead(pool, work, todo, 2 * self._workers)
        finally:
            torch.set_num_threads(before)

    def _on_gpu(self, tokens: Sequence[Sequence[int]], todo: list[Batch]) -> Any:
        """One batch is staged and one fetched while another is computed."""
        import torch

        def stage(batch: Batch) -> tuple[list[int], Any, Any]:
            places, length, rows = batch
            ids, mask = self._filled([tokens[place] for place in places], length, rows)
            return places, ids.pin_memory(), mask.pin_memory()

        before: tuple[list[int], Any, Any] | None = None
        with ThreadPoolExecutor(1) as pool:
            for places, ids, mask in _ahead(pool, stage, todo, 2):
                on = ids.to("cuda", non_blocking=True), mask.to("cuda", non_blocking=True)
                host = torch.empty((len(ids), self._size), dtype=torch.float32, pin_memory=True)
                host.copy_(self._vectors(*on), non_blocking=True)
                event = torch.cuda.Event()  # type: ignore[no-untyped-call]
                event.record()
                if before is not None:
                    yield _fetched(before)
                before = places, host, event
            if before is not None:
                yield _fetched(before)

    # ------------------------------------------------------------------ one batch

    def _filled(self, listed: Sequence[Sequence[int]], length: int, rows: int) -> tuple[Any, Any]:
        """Token ids and mask, (rows, length); rows beyond those listed hold one padding token."""
        import torch

        ids = np.full((rows, length), self._pad, np.int64)
        mask = np.zeros((rows, length), np.bool_)
        mask[:, 0] = True
        for row, given in enumerate(listed):
            ids[row, : len(given)] = given
            mask[row, : len(given)] = True
        return torch.from_numpy(ids), torch.from_numpy(mask)

    def _vectors(self, ids: Any, mask: Any) -> Any:
        import torch

        with torch.inference_mode():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            if self._first:
                return torch.nn.functional.normalize(hidden[:, 0], dim=1)
            weights = mask.unsqueeze(-1).float()
            mean = (hidden * weights).sum(1) / weights.sum(1)
            return torch.nn.functional.normalize(mean, dim=1)


def _fetched(batch: tuple[list[int], Any, Any]) -> Done:
    places, host, event = batch
    event.synchronize()
    return places, host[: len(places)].numpy()


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[[Any], Any], items: Iterable[Any], most: int
) -> Iterator[Any]:
    """``map`` that keeps ``most`` results under way beyond the one asked for, no more, in order."""
    waiting: deque[Future[Any]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for left in waiting:
            left.cancel()


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
