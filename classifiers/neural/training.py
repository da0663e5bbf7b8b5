"""The training loop: layer-wise learning rates, averaged weights, checkpoints that can be taken up."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from classifiers.neural import checkpoints
from classifiers.neural.loss import Layout, loss
from classifiers.neural.model import Network, layers, stacked
from classifiers.neural.states import Batch, Frozen, Ids, batches
from corpora.progress import Progress

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that a training depends on besides data and seed."""

    frozen: int = 6
    """Lowest layers that do not learn; 0 trains the whole encoder."""
    epochs: int = 5
    heads_first: int = 0
    """Epochs in which only the heads learn."""
    rate: float = 1.5e-3
    encoder_rate: float = 1e-4
    """Learning rate of the top layer; each layer below has ``decay`` times that of the one above."""
    decay: float = 0.8
    weight_decay: float = 0.02
    warm: float = 0.08
    dropout: float = 0.2
    focus: float = 0.0
    soft: float = 0.0
    average: float = 0.99
    """Decay of the running average of weights (EMA) that predicts in the end."""
    budget: int = 6144
    """Padded tokens a batch."""
    accumulate: int = 1
    patience: int = 2
    """With records to watch: epochs without gain before it stops."""
    lora: int = 0
    """Rank of LoRA adapters on the encoder's attention; 0 trains its weights themselves."""


WHOLE = Recipe(frozen=0, epochs=8, rate=1e-3, encoder_rate=5e-5, budget=16_384, heads_first=1)
"""The recipe that trains the whole encoder. Not measured on the shipped labels: no GPU was at hand."""


def recipe_for(encoder: Any, device: str) -> "Recipe":
    """On a GPU the whole encoder learns; on a CPU its layers are frozen and run once."""
    if device == "cuda" or not stacked(encoder):
        return WHOLE
    return Recipe(frozen=len(layers(encoder)))


def recipe_for_machine() -> "Recipe":
    """The recipe for the default encoder on this machine."""
    if torch.cuda.is_available():
        return WHOLE
    return Recipe()


@dataclass(slots=True)
class Data:
    """Inputs of n records: windows by record, keyword evidence (n, E), codes (n, L)."""

    source: Frozen | Ids
    evidence: Floats
    codes: NDArray[np.int8]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of every record."""
        return self.source.windows.lengths()


class Trainer:
    """One training of one network."""

    def __init__(self, network: Network, recipe: Recipe, made: Layout, seed: int, key: str = "") -> None:
        """``key`` names what it learns from: checkpoints of another key are not taken up."""
        self.network, self.recipe, self.layout, self.seed = network, recipe, made, seed
        self.key = key
        self.device = network.heads.bias.device
        self.learning = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self.averaged = {n: p.detach().clone() for n, p in self.learning.items()}
        self.optimizer = torch.optim.AdamW(_groups(network, recipe), betas=(0.9, 0.98), eps=1e-6)
        self.steps = 0
        self.epoch = 0
        self.best = -math.inf
        self.best_weights: dict[str, torch.Tensor] = {}
        """Averaged weights of the epoch that watched records liked best."""
        self.told: list[dict[str, float]] = []

    def run(
        self,
        data: Data,
        rows: NDArray[np.int64],
        *,
        watch: NDArray[np.int64] | None = None,
        kept: Path | None = None,
        progress: Progress,
        what: str = "training the transformer",
    ) -> None:
        """Train on ``rows``; ``kept`` holds checkpoints.

        With ``watch`` it stops after ``patience`` epochs in which mean AP there did not rise, and the
        weights of the best epoch are taken.
        """
        recipe = self.recipe
        if kept is not None:
            checkpoints.take_up(self, kept)
        count = sum(1 for _ in batches(data.lengths, rows, recipe.budget, np.random.default_rng(0)))
        total = max(count * recipe.epochs // recipe.accumulate, 1)
        while self.epoch < recipe.epochs and self._behind() < recipe.patience:
            random = np.random.default_rng([self.seed, self.epoch])
            torch.manual_seed(self.seed * 1000 + self.epoch)
            mean = self._epoch(data, rows, random, total, count, progress, what)
            self.epoch += 1
            told = {"epoch": self.epoch, "loss": mean}
            if watch is not None:
                told["watched"] = self._watch(data, watch)
                if told["watched"] > self.best:
                    self.best = told["watched"]
                    self.best_weights = {name: held.clone() for name, held in self.averaged.items()}
            self.told.append(told)
            if kept is not None:
                checkpoints.keep(self, kept)
        self.averaged = self.best_weights or self.averaged
        self._use_average()

    def _behind(self) -> int:
        """Epochs since the best one; 0 where nothing is watched."""
        watched = [told["watched"] for told in self.told if "watched" in told]
        return len(watched) - 1 - int(np.argmax(watched)) if watched else 0

    def _epoch(
        self, data: Data, rows: Any, random: Any, total: int, count: int, progress: Progress, what: str
    ) -> float:
        network, recipe = self.network, self.recipe
        network.train()
        _still(network)
        heads_only = self.epoch < recipe.heads_first
        summed, seen, held = 0.0, 0, 0
        for number, chosen in enumerate(batches(data.lengths, rows, recipe.budget, random)):
            batch = data.source.batch(chosen)
            with torch.autocast(self.device.type, dtype=torch.bfloat16):
                logits = forward(network, batch, data, heads_only=heads_only)
            codes = torch.from_numpy(data.codes[chosen]).to(self.device)
            found = loss(logits.float(), codes, self.layout, focus=recipe.focus, soft=recipe.soft)
            (found / recipe.accumulate).backward()  # type: ignore[no-untyped-call]
            summed, seen, held = summed + float(found.detach()) * len(chosen), seen + len(chosen), held + 1
            if held == recipe.accumulate or number == count - 1:
                self._step(total)
                held = 0
            progress(what, self.epoch * len(rows) + seen, recipe.epochs * len(rows))
        return summed / max(seen, 1)

    def _step(self, total: int) -> None:
        torch.nn.utils.clip_grad_norm_(self.learning.values(), 1.0)
        part = self.steps / total
        warm = self.recipe.warm
        scale = (
            part / warm
            if part < warm
            else max(0.5 * (1 + math.cos(math.pi * (part - warm) / (1 - warm))), 0.02)
        )
        for group in self.optimizer.param_groups:
            group["lr"] = group["full"] * scale
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        # Early averages would remember the start: their memory grows with the steps made.
        decay = min(self.recipe.average, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for name, parameter in self.learning.items():
                self.averaged[name].lerp_(parameter, 1 - decay)

    def _use_average(self) -> None:
        with torch.no_grad():
            for name, parameter in self.learning.items():
                parameter.copy_(self.averaged[name])

    def _watch(self, data: Data, rows: NDArray[np.int64]) -> float:
        """Mean AP, by the averaged weights, over labels with five positives among the watched."""
        from sklearn.metrics import average_precision_score

        current = {name: parameter.detach().clone() for name, parameter in self.learning.items()}
        self._use_average()
        logits = predict(self.network, data, rows)
        with torch.no_grad():
            for name, parameter in self.learning.items():
                parameter.copy_(current[name])
        codes = data.codes[rows]
        found = []
        for column in range(codes.shape[1]):
            asked = codes[:, column] >= 0
            true = codes[asked, column] == 1
            if 5 <= true.sum() < len(true):
                found.append(average_precision_score(true, logits[asked, column]))
        return float(np.mean(found)) if found else 0.0


def forward(network: Network, batch: Batch, data: Data, *, heads_only: bool = False) -> torch.Tensor:
    """Logits (B, L) of a batch, from kept states or from token ids."""
    rows, given, mask, owner = batch
    device = network.heads.bias.device
    mask, owner = mask.to(device), owner.to(device)
    with torch.set_grad_enabled(torch.is_grad_enabled() and not heads_only):
        if isinstance(data.source, Frozen):
            top, low = network.upper(given.to(device).float(), mask)
        else:
            top, low = network.states(given.to(device), mask)
    evidence = torch.from_numpy(data.evidence[rows]).to(device)
    return network.score(top, low, mask, owner, evidence)


def predict(
    network: Network, data: Data, rows: NDArray[np.int64], progress: Progress | None = None
) -> Floats:
    """Logits (len(rows), L), in the order of ``rows``."""
    network.eval()
    device = network.heads.bias.device
    out = np.zeros((len(data.evidence), network.heads.bias.shape[0]), np.float32)
    done = 0
    for chosen in batches(data.lengths, rows, 8192, None):
        with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16):
            out[chosen] = forward(network, data.source.batch(chosen), data).float().cpu().numpy()
        done += len(chosen)
        if progress is not None:
            progress("tagging with the transformer", done, len(rows))
    return out[rows]


def _still(network: Network) -> None:
    """No dropout below what learns, and none inside attention (the fast kernels have none)."""
    if network.frozen:
        network.encoder.embeddings.eval()
        for layer in layers(network.encoder)[: network.frozen]:
            layer.eval()
    for module in network.encoder.modules():
        if isinstance(getattr(module, "dropout", None), torch.nn.Dropout) and hasattr(module, "query"):
            module.dropout.p = 0.0


def _groups(network: Network, recipe: Recipe) -> list[dict[str, Any]]:
    """Parameters with their learning rates: heads, then layer by layer downwards."""
    heads = list(network.heads.parameters())
    plain = [p for p in heads if p.ndim > 1]
    groups = [
        {"params": plain, "full": recipe.rate, "weight_decay": recipe.weight_decay},
        {"params": [p for p in heads if p.ndim <= 1], "full": recipe.rate, "weight_decay": 0.0},
    ]
    stack = layers(network.encoder)
    placed: set[int] = set()
    for depth in range(len(stack) - 1, -1, -1):
        rate = recipe.encoder_rate * recipe.decay ** (len(stack) - 1 - depth)
        own = [p for p in stack[depth].parameters() if p.requires_grad]
        placed |= {id(p) for p in own}
        groups.append({"params": own, "full": rate, "weight_decay": recipe.weight_decay})
    rest = [p for p in network.encoder.parameters() if p.requires_grad and id(p) not in placed]
    lowest = recipe.encoder_rate * recipe.decay ** len(stack)
    groups.append({"params": rest, "full": lowest, "weight_decay": recipe.weight_decay})
    return [{**group, "lr": group["full"]} for group in groups if group["params"]]
