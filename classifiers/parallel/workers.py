"""All of one machine: a child process for each GPU, or for each core where there is none.

Parts go to a child over its standard input and scores come back over its standard output, both as
Arrow IPC streams (https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc).
A child that is killed is replaced and its part given again; a child that says what is wrong, or that
fails by a bug, ends the run.
"""

import os
import queue
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

import pyarrow as pa

from classifiers.parallel.spec import TEXTS, Batches, Spec, score
from corpora.errors import LitscaleError

TRIES = 3
"""Children that one part may cost before the part is blamed."""

_SAID = 3
"""Exit status of a child that ended with one of our own errors; its message is the last line."""


class _Killed(Exception):
    """A child is gone without a word."""


class Child:
    """A worker process with the tagger in memory."""

    def __init__(self, spec: Spec, environment: dict[str, str]) -> None:
        self._spec = spec
        self._environment = environment
        self._start()

    def _start(self) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "classifiers.parallel.workers", self._spec.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **self._environment},
        )
        self._writer: Any = None
        self._reader: Any = None

    def score(self, texts: pa.RecordBatch) -> pa.RecordBatch:
        """Scores of one part, from this child or one that took its place."""
        for _ in range(TRIES):
            try:
                return self._once(texts)
            except _Killed:
                self.end()
                self._start()
        first, last = texts["record_id"][0].as_py(), texts["record_id"][-1].as_py()
        raise LitscaleError(
            f"{TRIES} workers in a row were killed while tagging records {first} to {last} with "
            f"{self._spec.tagger}: most likely memory ran out; use fewer workers (--workers) and run it "
            "again, what was done is kept"
        )

    def _once(self, texts: pa.RecordBatch) -> pa.RecordBatch:
        assert self.process.stdin is not None
        try:
            if self._writer is None:
                self._writer = pa.ipc.new_stream(self.process.stdin, TEXTS)
            self._writer.write_batch(texts)
            self.process.stdin.flush()
            if self._reader is None:
                self._reader = pa.ipc.open_stream(self.process.stdout)
            return self._reader.read_next_batch()
        except (OSError, pa.ArrowInvalid, StopIteration) as error:
            status = self.process.wait(timeout=60)
            if status < 0:
                raise _Killed from error
            self._said.seek(0)
            said = self._said.read().decode("utf-8", "replace").strip()
            if status == _SAID:
                raise LitscaleError(said.rpartition("\n")[2]) from None
            raise RuntimeError(f"a worker failed with status {status}:\n{said[-4000:]}") from error

    def end(self) -> None:
        """Stop the child, whatever it does."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                continue  # it flushes to a child that is gone
        self.process.wait()
        self._said.close()


def on_machine(batches: Batches, spec: Spec, workers: int | None) -> Batches:
    """Parts to whichever child is idle; as they come in, in order."""
    places = _places(workers)
    idle: queue.SimpleQueue[Child] = queue.SimpleQueue()
    children: list[Child] = []
    under_way: deque[tuple[int, Future[pa.RecordBatch]]] = deque()

    def work(texts: pa.RecordBatch) -> pa.RecordBatch:
        child = idle.get()
        try:
            return child.score(texts)
        finally:
            idle.put(child)

    pool = ThreadPoolExecutor(len(places))
    try:
        for number, texts in batches:
            if len(children) < len(places):  # none is started for nothing
                children.append(Child(spec, places[len(children)]))
                idle.put(children[-1])
            under_way.append((number, pool.submit(work, texts)))
            if len(under_way) > 2 * len(places):
                yield _first(under_way)
        while under_way:
            yield _first(under_way)
    finally:
        for _, future in under_way:
            future.cancel()
        for child in children:
            child.process.kill()
        pool.shutdown()
        for child in children:
            child.end()


def _first(under_way: deque[tuple[int, Future[pa.RecordBatch]]]) -> tuple[int, pa.RecordBatch]:
    number, future = under_way.popleft()
    return number, future.result()


def _places(workers: int | None) -> list[dict[str, str]]:
    """The environment of each child: its GPU, or its share of the cores."""
    gpus = gpu_names()
    if gpus and workers is None:
        return [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = workers or cores
    if gpus:
        return [{"CUDA_VISIBLE_DEVICES": gpus[place % len(gpus)]} for place in range(count)]
    return [{"OMP_NUM_THREADS": str(max(cores // count, 1))}] * count


def gpu_names() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them; without loading torch."""
    held = os.environ.get("CUDA_VISIBLE_DEVICES")
    if held is not None:
        return [name.strip() for name in held.split(",") if name.strip() not in ("", "-1")]
    try:
        told = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return []
    return told.stdout.split() if told.returncode == 0 else []


# ---------------------------------------------------------------------- the child


def _serve(spec: Spec, source: IO[bytes], sink: IO[bytes]) -> None:
    tagger = spec.make()
    writer: Any = None
    for texts in _incoming(source):
        scored = score(tagger, texts)
        writer = writer or pa.ipc.new_stream(sink, scored.schema)
        writer.write_batch(scored)
        sink.flush()


def _incoming(source: IO[bytes]) -> Iterator[pa.RecordBatch]:
    reader = pa.ipc.open_stream(source)
    while True:
        try:
            yield reader.read_next_batch()
        except StopIteration:
            return


def _main() -> int:
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the errors, not between the scores
    try:
        _serve(Spec.from_json(sys.argv[1]), sys.stdin.buffer, sink)
    except LitscaleError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)  # noqa: T201
        return _SAID
    return 0


if __name__ == "__main__":
    sys.exit(_main())
