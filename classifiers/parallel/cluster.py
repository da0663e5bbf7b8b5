"""A Ray cluster: an actor for each GPU, or for each processor where there is none.

Ray (Moritz et al. 2018, arXiv:1712.05889) restarts an actor that was killed and gives it its part
again, on another machine if need be; only the process that reads the corpus writes. The model's files
travel with the actor, so no folder has to be shared; litscale has to be installed on every machine.
"""

import os
import tempfile
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from classifiers.parallel.spec import Batches, Spec, score
from classifiers.tagger import Tagger
from corpora.errors import LitscaleError, MissingExtraError

RESTARTS = 10
"""Times that an actor is started again; a part is given again as often."""


class TaggingWorker:
    """The tagger in an actor's memory, made when the first part comes: its own errors come back whole."""

    def __init__(self, told: str, files: dict[str, bytes]) -> None:
        self._told = told
        self._files = files
        self._tagger: Tagger | None = None

    def score(self, texts: pa.RecordBatch) -> pa.RecordBatch:
        """One part's scores."""
        self._tagger = self._tagger or self._make()
        return score(self._tagger, texts)

    def _make(self) -> Tagger:
        spec = Spec.from_json(self._told)
        if not self._files:
            return spec.make()
        with tempfile.TemporaryDirectory() as folder:
            for name, content in self._files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            return replace(spec, model=Path(folder)).make()


def on_cluster(batches: Batches, spec: Spec, workers: int | None) -> Batches:
    """Parts to the actors in turn, as they come in; whichever is done first comes first.

    Raises:
        MissingExtraError: ray is not installed.

    """
    try:
        import ray
        from ray.exceptions import RayActorError, RayTaskError
    except ImportError as error:
        raise MissingExtraError(f"engine ray needs ray: pip install 'litscale[cluster]' ({error})") from error
    started = not ray.is_initialized()
    if started:
        ray.init(log_to_driver=False, include_dashboard=False if "RAY_ADDRESS" not in os.environ else None)
    try:
        yield from _spread(ray, batches, spec, workers)
    except RayTaskError as error:
        if isinstance(error.cause, LitscaleError):
            raise type(error.cause)(str(error.cause)) from None
        raise
    except RayActorError as error:
        raise LitscaleError(
            f"a worker of the cluster was lost {RESTARTS} times over with {spec.tagger}: most likely "
            f"memory ran out there; use fewer workers and run it again, what was done is kept ({error})"
        ) from error
    finally:
        if started:
            ray.shutdown()


def _spread(ray: Any, batches: Batches, spec: Spec, workers: int | None) -> Batches:
    held = ray.cluster_resources()
    kind = "GPU" if held.get("GPU") else "CPU"
    count = workers or max(int(held.get(kind, 1)), 1)
    options = {"num_gpus": 1} if kind == "GPU" else {"num_cpus": 1}
    made = ray.remote(TaggingWorker).options(max_restarts=RESTARTS, max_task_retries=RESTARTS, **options)
    files = ray.put(spec.files())
    actors: list[Any] = []
    idle: deque[Any] = deque()
    under_way: dict[Any, tuple[int, Any]] = {}
    try:
        for number, texts in batches:
            while not idle and len(actors) == count:
                yield _next(ray, under_way, idle)
            if len(actors) < count:
                actors.append(made.remote(spec.to_json(), files))
                idle.extend([actors[-1]] * 2)  # one part is on its way while another is computed
            actor = idle.popleft()
            under_way[actor.score.remote(texts)] = number, actor
        while under_way:
            yield _next(ray, under_way, idle)
    finally:
        for actor in actors:
            ray.kill(actor)


def _next(ray: Any, under_way: dict[Any, tuple[int, Any]], idle: deque[Any]) -> tuple[int, pa.RecordBatch]:
    """The part that is done first, whose actor is idle again."""
    (done,), _ = ray.wait(list(under_way), num_returns=1)
    number, actor = under_way.pop(done)
    idle.append(actor)
    return number, ray.get(done)
