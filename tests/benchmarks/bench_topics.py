"""Topics of abstracts whose embeddings are cached, beside BERTopic at its defaults, each fitted twice.

How long a fit takes (wall clock and the processor's seconds, compiled code warm) and how far two fits of
the same vectors agree: adjusted Rand index with outliers as a class. Ours gives clusters, words, hierarchy
and the map; BERTopic gives clusters and words. The price of one subsample of the stability report is one
clustering. Data: ``scale/`` in the folder named by LITSCALE_BENCH_DATA. Arguments: how many abstracts, and
the folder that keeps their embeddings (making 20,000 takes a quarter of an hour or more on two cores).
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from harness import HERE, report
from sklearn.metrics import adjusted_rand_score

from classifiers.encode import embed
from classifiers.topics.clusters import Recipe, clustered, imports
from classifiers.topics.model import fit
from classifiers.topics.stability import SHARE

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data"))
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
KEPT = Path(sys.argv[2] if len(sys.argv) > 2 else "build/embeddings")
WARM = 4_200
"""UMAP compiles other code above 4,096 rows."""


def main() -> None:
    rows = pq.read_table(DATA / "scale" / "abstracts.parquet", columns=["title", "abstract"]).to_pylist()
    texts = [f"{row['title'] or ''}\n{row['abstract']}".strip() for row in rows if row["abstract"]][:COUNT]
    vectors = embed(texts, KEPT)
    ids = [f"{number:06}" for number in range(len(texts))]
    with imports():
        from bertopic import BERTopic
    plain(BERTopic, texts[:WARM], vectors[:WARM])
    fit(ids[:WARM], texts[:WARM], vectors[:WARM], Recipe())
    order = np.random.default_rng(1).permutation(len(ids))
    mixed = [ids[i] for i in order], [texts[i] for i in order], vectors[order]
    figures: dict[str, Any] = {"abstracts": len(texts), "unlike": len(set(texts))}
    for name, recipe in (("umap-hdbscan", Recipe()), ("kmeans", Recipe("kmeans"))):
        figures[name] = twice(
            lambda recipe=recipe: fit(ids, texts, vectors, recipe).labels,
            lambda recipe=recipe: fit(*mixed, recipe).labels,
        )
    peer = [lambda: plain(BERTopic, texts, vectors)] * 2
    figures["bertopic"] = twice(*peer)
    part = np.sort(order[: round(SHARE * len(order))])
    settled = Recipe().settled(len(ids))
    figures["one subsample"] = timed(lambda: clustered(vectors[part], settled, SHARE).labels)[1]
    report("topics", figures, ("bertopic", "umap-learn", "hdbscan", "scikit-learn", "numpy"))


def plain(kind: Any, texts: list[str], vectors: np.ndarray) -> np.ndarray:
    """BERTopic as it comes, with the vectors given."""
    with imports():
        return np.array(kind().fit_transform(texts, vectors)[0])


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, dict[str, float]]:
    """What work gives, its wall-clock and its processor's seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    made = work()
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - processor}
    print({name: round(value, 1) for name, value in took.items()}, file=sys.stderr, flush=True)
    return made, {name: round(value, 1) for name, value in took.items()}


def twice(first: Callable[[], np.ndarray], second: Callable[[], np.ndarray]) -> dict[str, Any]:
    """Two fits: their times, topics, outliers and agreement."""
    (one, took), (other, again) = timed(first), timed(second)
    return {
        "first": took,
        "second": again,
        "topics": [int(labels.max()) + 1 for labels in (one, other)],
        "outliers": [round(float((labels < 0).mean()), 4) for labels in (one, other)],
        "identical": bool((one == other).all()),
        "adjusted_rand": round(float(adjusted_rand_score(one, other)), 4),
    }


if __name__ == "__main__":
    main()
