"""Rankers on ten real reviews beside ASReview 3.0.8 (ELAS u4), by the rules for comparing rankers.

Both sides start from the same pair of priors and rank the same pool (all records but the priors),
each until its last included record is found; the loss counts the rest as excluded, as ASReview's
own does. The unit is a review's mean over seeds. CPU seconds run from text to order, features in and
imports out, on one thread, both sides in turn. The peer lives in an environment of its own (folder
from LITSCALE_BENCH_PEER, made if it is absent). What either side gave is kept a file a review (folder
from LITSCALE_BENCH_CACHE), ours under the hash of its sources: a stopped run goes on, and several
processes can share the work (LITSCALE_BENCH_ONLY=name,name does some reviews and no summary). The
published criteria are read by our rankers where there are some; ASReview cannot read them, so ours
without them stands beside.

Held out: the setting with the least mean loss on nine reviews is scored on the tenth, ten times.

Data: ``screening/`` in the folder named by LITSCALE_BENCH_DATA. Arguments: seeds (default 5), then
names of embedding rankers to add (minutes of CPU; their cost is told apart).
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pc
import pyarrow.parquet as pq
from harness import HERE, report
from numpy.typing import NDArray
from scipy import stats

from classifiers import encode, features, ranking_metrics, simulate
from classifiers.features import Document, Features
from classifiers.rank import Ranker, make
from classifiers.rankers.blend import Blend
from classifiers.rankers.svm import sample_weights  # noqa: F401 (imports are no part of the CPU seconds)

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data")) / "screening"
KEPT = Path(os.environ.get("LITSCALE_BENCH_CACHE", Path(tempfile.gettempdir()) / "litscale-bench"))
PEER = Path(os.environ.get("LITSCALE_BENCH_PEER", KEPT / "asreview-venv"))
SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
EMBEDDING = sys.argv[2:]
SOURCES = ("features.py", "matrices.py", "terms.py", "simulate.py")
MARGIN = 0.01
RESAMPLES = 10_000
PEER_PROGRAM = """
import json, sys, time
import numpy as np, pandas as pd
import sklearn.svm, sklearn.feature_extraction.text
from asreview import ActiveLearningCycle, Simulate
from asreview.metrics import loss
from asreview.models.models import get_ai_config

texts, out, seed, priors = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
frame = pd.read_json(texts, orient="records", lines=True)
labels = frame.pop("label").to_numpy()
np.random.seed(seed)
run = Simulate(frame, labels, ActiveLearningCycle.from_meta(get_ai_config("elas_u4")["value"]),
               print_progress=False)
run.label(priors)
began = time.process_time()
run.review()
spent = time.process_time() - began
rows = [int(row) for row in run._results["record_id"]][len(priors):]
found = [int(labels[row]) for row in rows]
left = len(labels) - len(priors) - len(found)
json.dump({"rows": rows, "cpu_s": spent, "loss": loss(found + [0] * left)}, open(out, "w"))
"""

Maker = Callable[..., Ranker]
CANDIDATES: dict[str, Maker] = {
    "blend": Blend,
    "blend, no criteria": partial(Blend, criteria=False),
    "words": partial(Blend, weights={"words": 1.0}),
}
"""Settings of our ranker that the held-out view chooses from; also what each part is worth."""


class Review:
    """A finished review: documents, labels, criteria."""

    def __init__(self, path: Path, criteria: str) -> None:
        rows = pq.read_table(path).to_pylist()
        self.name, self.criteria = path.stem, criteria
        self.labels = np.array([row["label_included"] == 1 for row in rows])
        self.documents = [Document(row["title"] or "", row["abstract"] or "") for row in rows]

    def priors(self, seed: int) -> NDArray[np.int64]:
        """The pair that both sides start from."""
        return simulate.priors_of(self.labels, seed)

    def found(self, rows: list[int], seed: int) -> NDArray[np.bool_]:
        """Labels in the order of screening; what follows the last included is excluded."""
        found = np.zeros(len(self.labels) - len(self.priors(seed)), dtype=bool)
        found[: len(rows)] = self.labels[rows]
        return found


def reviews() -> list[Review]:
    """All reviews, the small ones first."""
    texts = pc.read_csv(DATA / "criteria.csv", parse_options=pc.ParseOptions(newlines_in_values=True))
    criteria = {row["dataset"]: row["eligibility_criteria"] or "" for row in texts.to_pylist()}
    made = [Review(path, criteria.get(path.stem, "")) for path in sorted(DATA.glob("*.parquet"))]
    only = os.environ.get("LITSCALE_BENCH_ONLY", "")
    return sorted(
        (one for one in made if not only or one.name in only.split(",")), key=lambda one: len(one.labels)
    )


def peer(review: Review, seed: int, folder: Path = KEPT / "asreview-3.0.8") -> dict[str, Any]:
    """ASReview's order, run once and kept in a folder."""
    out = folder / f"{review.name}-{seed}.json"
    if not out.exists():
        python = PEER / "bin" / "python"
        if not python.exists():
            venv.create(PEER, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "asreview==3.0.8", "pandas<3"], check=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        texts, partly = out.with_suffix(".jsonl"), out.with_suffix(".tmp")
        with texts.open("w", encoding="utf-8") as file:
            for one, label in zip(review.documents, review.labels, strict=True):
                row = {"title": one.title, "abstract": one.abstract, "label": int(label)}
                file.write(json.dumps(row) + "\n")
        priors = json.dumps(review.priors(seed).tolist())
        subprocess.run(
            [python, "-c", PEER_PROGRAM, str(texts), str(partly), str(seed), priors],
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        texts.unlink()
        partly.rename(out)
    told: dict[str, Any] = json.loads(out.read_text("utf-8"))
    assert abs(told["loss"] - ranking_metrics.loss(review.found(told["rows"], seed))) < 1e-9
    return told


def ours(review: Review, maker: Maker, folder: Path, *, embed: bool = False) -> dict[str, Any]:
    """Our orders from the same priors: losses and CPU seconds, features in each."""
    began = time.process_time()
    held: Features = features.build(
        review.documents, folder, query=review.criteria, views=maker(seed=1).views
    )
    built = time.process_time() - began
    embedded = 0.0
    if embed:
        began = time.process_time()
        encode.attach(review.documents, held, KEPT / "embeddings")
        embedded = time.process_time() - began
    spent, founds = [], []
    for seed in range(1, SEEDS + 1):
        began = time.process_time()
        done = simulate.simulate(held, review.labels, review.priors(seed), maker, seed=seed)
        spent.append(time.process_time() - began)
        founds.append(review.labels[done.order])
    return {
        "loss": [ranking_metrics.loss(found) for found in founds],
        "wss@95": [ranking_metrics.wss(found) for found in founds],
        "recall@10%": [ranking_metrics.recall_at(found, 0.1) for found in founds],
        "cpu_s": built + float(np.mean(spent)),
        "embedding_cpu_s": embedded,
    }


def kept(name: str, review: Review, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured before with the same sources, or now."""
    root = HERE.parents[1] / "classifiers"
    sources = sorted([*root.glob("rank*.py"), *root.glob("rankers/*.py"), *map(root.joinpath, SOURCES)])
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    path = KEPT / f"ours-{digest}" / f"{name}-{review.name}-{SEEDS}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partly = path.with_suffix(".tmp")
        partly.write_text(json.dumps(work()), "utf-8")
        partly.rename(path)
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return told


def theirs(review: Review) -> dict[str, Any]:
    """The same of the peer."""
    told = [peer(review, seed) for seed in range(1, SEEDS + 1)]
    founds = [review.found(one["rows"], seed) for seed, one in enumerate(told, 1)]
    return {
        "loss": [one["loss"] for one in told],
        "wss@95": [ranking_metrics.wss(found) for found in founds],
        "recall@10%": [ranking_metrics.recall_at(found, 0.1) for found in founds],
        "cpu_s": float(np.mean([one["cpu_s"] for one in told])),
    }


def compared(mine: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Ours against the peer over reviews: differences of the loss, below 0 where ours is better."""
    by_seed = {name: np.array(mine[name]["loss"]) - other[name]["loss"] for name in mine}
    each = np.array([values.mean() for values in by_seed.values()])
    draw = np.random.default_rng(1).integers(0, len(each), (RESAMPLES, len(each)))
    limits = {
        # of the mean over seeds; priors differ from seed to seed, and both sides had the same
        name: float(v.mean() + stats.t.ppf(0.975, len(v) - 1) * v.std(ddof=1) / np.sqrt(len(v)))
        for name, v in by_seed.items()
    }
    means = {
        what: np.mean([np.mean(one[what]) for one in mine.values()]) for what in next(iter(mine.values()))
    }
    return {
        "mean": {
            what: float(value) for what, value in means.items() if what in ("loss", "wss@95", "recall@10%")
        },
        "difference_mean": float(each.mean()),
        "difference_mean_95": np.quantile(each[draw].mean(axis=1), (0.025, 0.975)).tolist(),
        "difference_median": float(np.median(each)),
        "difference_median_95": np.quantile(np.median(each[draw], axis=1), (0.025, 0.975)).tolist(),
        "worse_by_more_than_margin": [name for name, v in by_seed.items() if v.mean() > MARGIN],
        "not_shown_to_be_within_margin": [name for name, limit in limits.items() if limit > MARGIN],
        "reviews": {
            name: {
                "loss": float(np.mean(mine[name]["loss"])),
                "peer": float(np.mean(other[name]["loss"])),
                "difference": float(by_seed[name].mean()),
                "upper_limit": limits[name],
            }
            for name in mine
        },
        "cpu_s": sum(one["cpu_s"] for one in mine.values()),
        "embedding_cpu_s": sum(one["embedding_cpu_s"] for one in mine.values()),
    }


def cpu(many: list[Review], folder: Path) -> dict[str, Any]:
    """CPU seconds of both sides, review by review in turn, with the first pair of priors."""
    told: dict[str, Any] = {}
    for review in many:

        def measured(review: Review = review) -> dict[str, Any]:
            other = peer(review, 1, folder / "peer")["cpu_s"]
            began = time.process_time()
            held = features.build(review.documents, folder / review.name, query=review.criteria)
            built = time.process_time() - began
            simulate.simulate(held, review.labels, review.priors(1), Blend, seed=1)
            return {"peer": other, "features": built, "ours": time.process_time() - began}

        told[review.name] = kept("cpu", review, measured)
        print(review.name, rounded(told[review.name]), flush=True)
    total = {side: sum(one[side] for one in told.values()) for side in ("ours", "features", "peer")}
    return {**total, "share_of_peer": total["ours"] / total["peer"], "reviews": told}


def held_out(results: dict[str, dict[str, Any]], other: dict[str, Any]) -> dict[str, Any]:
    """The best setting of the other reviews, scored on the one left out."""
    names = list(other)
    losses = np.array([[np.mean(results[c][name]["loss"]) for name in names] for c in CANDIDATES])
    chosen, score = [], []
    for place in range(len(names)):
        best = int(np.delete(losses, place, axis=1).mean(axis=1).argmin())
        chosen.append(list(CANDIDATES)[best])
        score.append(losses[best, place])
    against = np.array(score) - [np.mean(other[name]["loss"]) for name in names]
    return {
        "chosen": dict(zip(names, chosen, strict=True)),
        "loss": float(np.mean(score)),
        "difference_mean": float(against.mean()),
        "difference_largest": float(against.max()),
    }


def rounded(value: Any) -> Any:
    """Figures to four digits."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    """Measure and write the result."""
    makers: dict[str, Maker] = {**CANDIDATES, "tfidf-svm": partial(make, "tfidf-svm")}
    makers |= {name: partial(make, name) for name in EMBEDDING}
    many = reviews()
    other = {review.name: theirs(review) for review in many}
    results: dict[str, dict[str, Any]] = {name: {} for name in makers}
    with tempfile.TemporaryDirectory() as folder:
        few = [Document("a warm start", "of"), Document("lazy", "imports"), Document("once", "")]
        warm = features.build(few, Path(folder) / "warm")
        simulate.simulate(warm, np.array([True, False, False]), np.array([0, 1]), Blend, seed=1)
        for review in many:
            for number, (name, maker) in enumerate(makers.items()):
                place = Path(folder) / f"{review.name}-{number}"
                work = partial(ours, review, maker, place, embed=name in EMBEDDING)
                results[name][review.name] = kept(name, review, work)
            told = {name: float(np.mean(one[review.name]["loss"])) for name, one in results.items()}
            print(
                review.name, rounded({"peer": float(np.mean(other[review.name]["loss"])), **told}), flush=True
            )
        spent = cpu(many, Path(folder) / "cpu")
    if os.environ.get("LITSCALE_BENCH_ONLY"):
        return
    figures = {
        "peer": "ASReview 3.0.8, ELAS u4",
        "peer_mean": {
            what: float(np.mean([np.mean(one[what]) for one in other.values()]))
            for what in ("loss", "wss@95", "recall@10%")
        },
        "cpu_s": spent,
        "seeds": SEEDS,
        "growth": [simulate.GROWTH, f"from {simulate.LATER} labels on", simulate.GROWTH_LATER],
        "rankers": {name: compared(one, other) for name, one in results.items()},
        "held_out": held_out(results, other),
        "tried": TRIED,
    }
    report("ranking", rounded(figures), ("numpy", "scipy", "scikit-learn"))


TRIED = {
    "three seeds, terms weighed by the whole inverse document frequency, growth .05": {
        "three views": 0.0725,
        "criteria count until 5 included, words alone": 0.0757,
        "no criteria, words alone": 0.0770,
        "views side by side in one SVM": 0.0776,
        "C .03": 0.0753,
        "100 unlabelled records as excluded, words alone, five seeds (without: .0761)": 0.0768,
        "unlabelled records as excluded up to 100 labels, as before": 0.0772,
        "growth .1": 0.0741,
        "growth .03, from 300 labels on .1": 0.0729,
        "growth .05, from 200 labels on .15": 0.0730,
        "a fourth view by SVD, 100 dimensions (4 s of CPU more)": 0.0720,
        "SVD alone": 0.0849,
    },
    "two seeds, growth .05, from 200 labels on .15": {
        "three views": 0.0733,
        "without terms of more than .3 (letters) and .5 of the records": 0.0781,
        "without terms of more than .15 (letters) and .3 of the records": 0.0809,
        "square root of the inverse document frequency (kept)": 0.0721,
        "the same, letters by none of it": 0.0745,
        "the same, no title": 0.0729,
        "the same, letters in full from the start: without criteria Chou is .271 instead of .139": 0.0721,
        "the same, ratio 25": 0.0741,
        "the same, C .3": 0.0749,
    },
}
"""What was tried while the default was chosen on these reviews, with its mean loss: in rough."""

if __name__ == "__main__":
    main()
