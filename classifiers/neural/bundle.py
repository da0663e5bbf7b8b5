"""A network with its tokenizer: learnt in folds and as a whole, kept as one self-contained folder."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from classifiers.codebook import Codebook
from classifiers.kept import digest, kept
from classifiers.neural.adapters import adapt, merge
from classifiers.neural.encoders import Located, locate, open_encoder
from classifiers.neural.loss import layout
from classifiers.neural.model import Heads, Network, describe
from classifiers.neural.states import Ids, freeze
from classifiers.neural.training import Data, Recipe, Trainer, predict, recipe_for
from classifiers.neural.windows import Windows, cut_windows
from classifiers.tagger import Codes, Floats, Texts
from corpora.errors import InputError
from corpora.progress import Progress
from corpora.words import counted

if TYPE_CHECKING:
    from classifiers.transformer import Plan

WEIGHTS = "network.safetensors"


class Bundle:
    """A trained network, its tokenizer and where they came from."""

    def __init__(self, network: Network, tokenizer: Any, max_tokens: int, encoder: dict[str, str]) -> None:
        self.network, self.tokenizer = network, tokenizer
        self.max_tokens, self.encoder = max_tokens, encoder
        self.counts = {"records": 0, "in several windows": 0, "cut": 0}

    def logits(self, texts: Texts, evidence: Floats) -> Floats:
        """Logits (n, L); long abstracts are read in windows and counted."""
        windows = cut_windows(self.tokenizer, texts, self.max_tokens)
        for name, more in zip(self.counts, (windows.records, windows.split, windows.cut), strict=True):
            self.counts[name] += more
        size = len(self.network.heads.bias)
        data = Data(Ids(windows, pad_of(self.tokenizer)), evidence, np.zeros((len(texts), size), np.int8))
        return predict(self.network, data, np.arange(len(texts)))

    def save(self, folder: Path) -> None:
        """``network.safetensors`` in float16, the encoder's config, the tokenizer, ``network.json``."""
        tensors = {n: t.detach().half().cpu().contiguous() for n, t in self.network.state_dict().items()}
        save_file(tensors, folder / WEIGHTS)
        self.network.encoder.config.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        labels, evidence = self.network.heads.evidence.shape
        told = {"max_tokens": self.max_tokens, "labels": labels, "evidence": evidence, **self.encoder}
        (folder / "network.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path, codebook: Codebook) -> Self:
        """Read what `save` wrote; weights are cast to float32.

        Raises:
            InputError: a file is missing or does not fit.

        """
        from transformers import AutoConfig, AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        try:
            told = json.loads((folder / "network.json").read_text("utf-8"))
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            extra = {"add_pooling_layer": False} if config.model_type == "bert" else {}
            encoder = AutoModel.from_config(config, **extra).float()  # type: ignore[no-untyped-call]
            heads = Heads(torch.zeros(told["labels"], config.hidden_size), told["evidence"])
            network = Network(encoder, heads)
            network.load_state_dict({n: t.float() for n, t in load_file(folder / WEIGHTS).items()})
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            raise InputError(f"{folder}: the network cannot be read: {str(error)[:300]}") from error
        if told["labels"] != len(codebook.label_ids()):
            raise InputError(
                f"{folder}: {told['labels']} heads, but {counted(len(codebook.label_ids()), 'label')} in "
                "its codebook"
            )
        source = {"encoder": told["encoder"], "revision": told["revision"]}
        return cls(network.eval().to(device()), tokenizer, told["max_tokens"], source)


class Learner:
    """Trains the network of each fold and the one that is kept, over inputs prepared once."""

    def __init__(self, codebook: Codebook, plan: "Plan", seed: int) -> None:
        self.codebook, self.plan, self.seed = codebook, plan, seed
        self.located: Located = locate(plan.encoder, plan.revision)
        self.tokenizer, base = open_encoder(self.located.folder)
        self.recipe: Recipe = plan.recipe or recipe_for(base, device().type)
        self.queries = describe(base.eval(), self.tokenizer, descriptions(codebook))
        self._history: list[dict[str, float]] = []
        self._windows: Windows | None = None
        self._data: Data | None = None
        self._groups: NDArray[np.int64] = np.zeros(0, np.int64)

    def take(
        self, texts: Texts, evidence: Floats, asked: Codes, groups: NDArray[np.int64], progress: Progress
    ) -> None:
        """Cut the texts into windows and run the frozen layers over them, if there are any.

        ``groups`` (n,) numbers the rows' groups: what is watched for early stopping holds whole ones.
        """
        self._groups = groups
        self._windows = cut_windows(self.tokenizer, texts, self.plan.max_tokens)
        pad = pad_of(self.tokenizer)
        if self.recipe.frozen:
            network = self._new(evidence.shape[1])
            folder = self.plan.kept / "states" if self.plan.kept else None
            source: Any = freeze(network, self._windows, pad, folder, self._key(), progress)
        else:
            source = Ids(self._windows, pad)
        self._data = Data(source, evidence, asked)

    def fold(self, fold: int, inside: NDArray[Any], outside: NDArray[Any], progress: Progress) -> Floats:
        """Out-of-fold logits (len(outside), L); a finished fold is taken from ``plan.kept``."""
        data = self._data
        assert data is not None
        what = f"transformer, fold {fold + 1} of {self.plan.folds}"

        def learnt() -> Floats:
            network = merge(self._trained(inside, f"fold-{fold}", what, progress))
            return predict(rounded(network), data, outside)

        return kept(self.plan.kept, f"network-{fold}", self._made_of(inside), learnt)

    def whole(self, progress: Progress) -> Bundle:
        """The network that learns from everything."""
        assert self._data is not None
        rows = np.arange(len(self._data.codes))
        network = self._trained(rows, "whole", "transformer, on everything", progress)
        source = {"encoder": self.located.name, "revision": self.located.revision}
        return Bundle(rounded(merge(network)).eval(), self.tokenizer, self.plan.max_tokens, source)

    def told(self) -> dict[str, Any]:
        """What a model card needs to know of the training."""
        windows = self._windows
        return {
            "encoder": self.located.name,
            "encoder_revision": self.located.revision,
            "recipe": asdict(self.recipe),
            "network_seed": self.seed,
            "folds": self.plan.folds,
            "max_tokens": self.plan.max_tokens,
            "watched": self.plan.watched,
            "split_in_windows": windows.split if windows else 0,
            "cut": windows.cut if windows else 0,
            "history": self._history,
        }

    def _trained(self, rows: NDArray[Any], place: str, what: str, progress: Progress) -> Network:
        assert self._data is not None
        network = self._new(self._data.evidence.shape[1])
        made = layout(self.codebook, self._data.codes[rows])
        trainer = Trainer(network, self.recipe, made, self.seed, self._made_of(rows))
        folder = self.plan.kept / place if self.plan.kept else None
        learning, watch = self._split(rows)
        trainer.run(self._data, learning, watch=watch, kept=folder, progress=progress, what=what)
        self._history = trainer.told
        return network

    def _split(self, rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Rows that are learnt from and, with early stopping, those of groups that are only watched."""
        if not self.plan.watched:
            return rows, None
        names = np.unique(self._groups[rows])
        count = max(round(self.plan.watched * len(names)), 1)
        chosen = np.random.default_rng(self.seed).choice(names, count, replace=False)
        watched = np.isin(self._groups[rows], chosen)
        return rows[~watched], rows[watched]

    def _made_of(self, rows: NDArray[Any]) -> str:
        """Names what a network that learns from ``rows`` is made of."""
        assert self._data is not None
        whole = (self._key(), self.seed, self.recipe, self.plan.watched)
        return digest(*whole, self._data.codes, self._data.evidence, self._groups, rows)

    def _new(self, evidence: int) -> Network:
        torch.manual_seed(self.seed)
        _, encoder = open_encoder(self.located.folder)
        rounded(encoder)
        if self.recipe.lora:
            adapt(encoder, self.recipe.lora)
        heads = Heads(self.queries, evidence, dropout=self.recipe.dropout)
        return Network(encoder, heads, frozen=self.recipe.frozen).to(device())

    def _key(self) -> str:
        """Names the kept states: encoder, depth, and the very tokens."""
        assert self._windows is not None
        found = hashlib.sha256(json.dumps(self._windows.tokens).encode()).hexdigest()[:12]
        return f"{self.located.name}-{self.located.revision[:8]}-f16-{self.recipe.frozen}-{found}"


def rounded(network: Any) -> Any:
    """A module, its weights rounded to the float16 in which `Bundle.save` keeps them."""
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half())
    return network


def descriptions(codebook: Codebook) -> list[str]:
    """Each label in words: dimension, title and definition."""
    return [
        f"{dimension.title}: {label.title}. {label.definition}".strip()
        for dimension in codebook.dimensions
        for label in dimension.labels
    ]


def pad_of(tokenizer: Any) -> int:
    """The padding token; masked, so that any will do."""
    return int(tokenizer.pad_token_id or 0)


def device() -> torch.device:
    """The GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
