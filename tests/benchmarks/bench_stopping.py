"""Stopping rules simulated on ten real reviews, beside the rule that most users take: 50 in a row.

Rankings: each review screened again with our default ranker and criteria, from several pairs of
priors; three linear models, one a view of the texts, screen it alone from the same priors and are
the occasions of Chao and Rivest. Then every rule on the same resampled cases, in six scenarios
(`review/screening/rulestudy.py`). Data: ``screening/`` in the folder named by LITSCALE_BENCH_DATA
(default: ``shared/data`` beside the repository). Arguments: seeds, runs a rule and scenario.
"""

import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pc
import pyarrow.parquet as pq
from harness import HERE, in_turn, median, report

from classifiers import features, rank, simulate
from classifiers.features import Document, Features
from classifiers.rankers.svm import LinearView
from review.screening import rulestudy
from review.screening.rulestudy import SAMPLE, Ranking
from review.screening.stopping import verified
from review.screening.stopping.buscar import p_value

DATA = Path(os.environ.get("LITSCALE_BENCH_DATA", HERE.parents[2] / "shared" / "data")) / "screening"
SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 400
PEER = "consecutive(50)"
RULES = (
    PEER,
    "consecutive(200)",
    "safe(50, 0.1, 50)",
    "chao(0.95)",
    "rivest(0.95)",
    "buscar(0.95, 0.95)",
    "buscar(0.95, 0.95) and consecutive(50)",
    "qbcb(0.95, 0.95)",
    PEER + SAMPLE,
    "buscar(0.95, 0.95)" + SAMPLE,
)
LEARNERS = ("words", "letters", "title")
GROWTH = 0.05


def places(held: Features, labels: Any, priors: Any, view: str, seed: int) -> Any:
    """Where a linear model on one view, screening alone, has each record: shares of N in [0, 1)."""
    known = priors.tolist()
    while len(known) < len(labels):
        rows = np.array(known, dtype=np.int64)
        model = LinearView(view, cost=0.11, ratio=9.8, seed=seed, criteria=False)
        model.fit(held, rows, labels[rows])
        ranked = rank.order(model.scores(held), rows)
        finished = labels[rows].sum() == labels.sum()
        known += ranked[: len(ranked) if finished else max(1, int(len(known) * GROWTH))].tolist()
    place = np.empty(len(labels))
    place[np.array(known)] = np.arange(len(labels)) - len(priors)
    return place / (len(labels) - len(priors))


def rankings(name: str, criteria: str, folder: Path) -> list[Ranking]:
    """A review screened again, once a seed."""
    table = pq.read_table(DATA / f"{name}.parquet").to_pylist()
    labels = np.array([row["label_included"] == 1 for row in table])
    documents = [Document(row["title"] or "", row["abstract"] or "") for row in table]
    held = features.build(documents, folder / name, query=criteria)
    made = []
    for seed in range(1, SEEDS + 1):
        priors = simulate.priors_of(labels, seed)
        order = simulate.simulate(held, labels, priors, rank.DEFAULT, seed=seed, growth=GROWTH).order
        columns = [places(held, labels, priors, view, seed) for view in LEARNERS]
        made.append(Ranking(labels[order], np.column_stack(columns)[order]))
    return made


def buscar_ms(n: int = 100_000) -> float:
    """Milliseconds of one check with 100,000 screened: the slowest of several shapes, each a median of 20."""
    rng = np.random.default_rng(1)
    slowest = 0.0
    for pool in (104_000, 200_000):
        for relevant in (100, 1_000, 10_000):
            for weights in (np.ones(n), np.exp(-np.arange(n) / (n / 8))):  # ranked at random, and well
                labels = np.zeros(n, dtype=bool)
                labels[rng.choice(n, relevant, replace=False, p=weights / weights.sum())] = True
                taken = in_turn(20, one=lambda labels=labels, pool=pool: p_value(labels, pool, 0.95))
                slowest = max(slowest, 1000 * median(taken["one"]))
    return round(slowest, 1)


def rounded(value: Any) -> Any:
    """Figures of a row to four digits."""
    if isinstance(value, (tuple, list)):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    """Measure and write the result."""
    began = time.perf_counter()
    texts = pc.read_csv(DATA / "criteria.csv", parse_options=pc.ParseOptions(newlines_in_values=True))
    criteria = {row["dataset"]: row["eligibility_criteria"] or "" for row in texts.to_pylist()}
    names = sorted(path.stem for path in DATA.glob("*.parquet"))
    with tempfile.TemporaryDirectory() as folder:
        reviews = {name: rankings(name, criteria.get(name, ""), Path(folder)) for name in names}
    ranked = time.perf_counter()
    rows = rulestudy.study(reviews, RULES, runs=RUNS)
    for measure in rulestudy.MEASURES:
        print(f"\n{measure}\n\n" + "\n".join(rulestudy.table(rows, measure)))
    often = rulestudy.study(
        reviews, ["buscar(0.95, 0.95)"], scenarios=["random ranking"], runs=RUNS, grid=0.001
    )
    figures = {
        "peer": PEER,
        "rows": [{key: rounded(value) for key, value in asdict(row).items()} for row in rows],
        "reviews": {
            name: {"records": len(many[0].labels), "relevant": int(many[0].labels.sum())}
            for name, many in reviews.items()
        },
        "rankings_a_review": SEEDS,
        "buscar_met_on_random_ranking_looked_at_every_permille": rounded(often[0].met),
        "runs_a_rule_and_scenario": rows[0].runs,
        "smallest_sample_of_5000": {
            str(found): verified.smallest_sample(found, 5000, 0.95) for found in (20, 50, 100, 250, 500)
        },
        "buscar_ms_at_100000_at_most": buscar_ms(),
        "seconds": {"rankings": round(ranked - began, 1), "study": round(time.perf_counter() - ranked, 1)},
    }
    report("stopping", figures, ("numpy", "scipy", "scikit-learn"))


if __name__ == "__main__":
    main()
