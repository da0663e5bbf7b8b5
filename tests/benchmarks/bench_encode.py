"""Embedding abstracts by all-MiniLM-L6-v2 at 256 tokens: ours beside two peers, in one run.

Peers: ``transformers.pipeline("feature-extraction")`` at its defaults (but for the length, without
which long texts fail), and ``sentence-transformers`` at its best: the fastest of several batch sizes
in float32 and, where the processor has it, in bfloat16 (each once; the best two go on in turn with
ours). Give a Parquet file with the columns title
and abstract and, if the machine is not idle, a small number of texts:

    python tests/benchmarks/bench_encode.py FILE [TEXTS] [REPEATS]
"""

import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from harness import in_turn, median, peak_mib, report

from classifiers import encode
from classifiers.parallel import passes
from corpora.record import text_of

BATCHES = (32, 64)
"""Smaller ones were slower in every run."""


def abstracts(path: Path, number: int) -> list[str]:
    """Titles and abstracts drawn at random, the same every time."""
    table = pq.read_table(path, columns=["title", "abstract"])
    rows = [i for i, one in enumerate(table["abstract"].to_pylist()) if one]
    picked = table.take(sorted(random.Random(7).sample(rows, number))).to_pylist()
    return [text_of(row["title"], row["abstract"]) for row in picked]


def peers(encoder: passes.Encoder) -> tuple[Any, dict[str, Any]]:
    """The pipeline, and sentence-transformers models by precision."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel, AutoTokenizer, pipeline

    tokenizer = AutoTokenizer.from_pretrained(encoder.folder, model_max_length=encoder.max_tokens)
    pipe = pipeline(
        "feature-extraction", model=AutoModel.from_pretrained(encoder.folder), tokenizer=tokenizer
    )
    models = {}
    for precision in dict.fromkeys(("float32", encoder.precision)):
        kwargs = {"dtype": getattr(torch, precision)}
        models[precision] = SentenceTransformer(str(encoder.folder), device="cpu", model_kwargs=kwargs)
        models[precision].max_seq_length = encoder.max_tokens
    return pipe, models


def main() -> None:
    """Measure and write the result."""
    warnings.simplefilter("ignore")
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    texts = abstracts(Path(sys.argv[1]), number)
    encoder = encode.default()
    machine = passes.Machine(encoder)
    pipe, models = peers(encoder)
    few = texts[: max(number // 8, 1)]

    def best(precision: str, size: int) -> Any:
        return lambda: models[precision].encode(texts, batch_size=size, show_progress_bar=False)

    machine(texts[:8])  # warm
    pipe(texts[:1], truncation=True)
    for model in models.values():
        model.encode(texts[:8], show_progress_bar=False)
    tried = {f"st {precision} {size}": best(precision, size) for precision in models for size in BATCHES}
    once = {name: all_[0] for name, all_ in in_turn(1, **tried).items()}
    works: dict[str, Any] = {"ours": lambda: machine(texts)}
    works |= {name: tried[name] for name in sorted(once, key=once.__getitem__)[:2]}
    # The slowest by far: an eighth of the texts, its seconds times the ratio of the numbers.
    works["pipeline"] = lambda: pipe(few, truncation=True)
    timed = in_turn(repeats, **works)
    share = len(texts) / len(few)
    spent = {
        name: [one * (share if name == "pipeline" else 1) for one in all_] for name, all_ in timed.items()
    }
    theirs = {name: median(all_) for name, all_ in spent.items() if name.startswith("st ")}
    fastest = min(theirs, key=theirs.__getitem__)

    def ratio(name: str) -> float:
        """The median over turns of how many times as fast ours is; a turn's noise meets both."""
        return median([a / b for a, b in zip(spent[name], spent["ours"], strict=True)])

    ours = machine(texts)
    exact = models["float32"].encode(texts, batch_size=16, normalize_embeddings=True)
    lengths = [len(ids) for ids in machine.tokens(texts)]
    padded = sum(length * rows for _, length, rows in passes.batches(lengths, 256, passes.CPU_BUDGET))
    figures = {
        "texts": len(texts),
        "repeats": repeats,
        "mean_tokens": round(float(np.mean(lengths)), 1),
        "padding_share": round(1 - sum(lengths) / padded, 3),
        "precision": encoder.precision,
        "tried_once": {name: round(len(texts) / one, 1) for name, one in once.items()},
        "texts_per_second": {name: round(len(texts) / median(all_), 1) for name, all_ in spent.items()},
        "times_as_fast_as_pipeline": round(ratio("pipeline"), 2),
        "sentence_transformers_at_its_best": fastest,
        "times_as_fast_as_sentence_transformers": round(ratio(fastest), 2),
        "least_cosine_to_float32": round(float((ours * exact).sum(axis=1).min()), 5),
        "peak_mib": peak_mib(),
    }
    report("encode", figures, ("torch", "transformers", "sentence-transformers"))


if __name__ == "__main__":
    main()
