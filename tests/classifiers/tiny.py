"""A BERT of a few thousand numbers and a codebook of two dimensions, so that real training takes a second."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.codebook import Codebook
from classifiers.tagger import Codes, Texts
from classifiers.transformer import Plan, TransformerTagger


def encoder(folder: Path, texts: Texts, width: int = 32, depth: int = 3) -> Path:
    """A new BERT with a word vocabulary of these texts."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    words = Counter(word for text in texts.joined() for word in re.findall(r"[a-z]+|[^a-z\s]", text.lower()))
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(word for word, _ in words.most_common(800))]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), "utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=2,
        intermediate_size=2 * width,
        max_position_embeddings=512,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def tagger(
    codebook: Codebook, folder: Path, material: Any, rows: int = 60, **recipe: Any
) -> TransformerTagger:
    """A transformer tagger trained for one epoch."""
    from classifiers.neural.training import Recipe

    texts, codes, studies = material
    chosen = np.arange(rows)
    given = {"frozen": 3, "epochs": 1, **recipe}
    plan = Plan(encoder=str(encoder(folder, texts.take(chosen))), folds=2, recipe=Recipe(**given))
    made = TransformerTagger(codebook, plan)
    return made.fit(texts.take(chosen), codes[chosen], [[studies[row] for row in chosen]], seed=1)


def subset(codebook: Codebook, names: tuple[str, ...]) -> tuple[Codebook, list[int]]:
    """The codebook with some dimensions only, and their columns."""
    kept = tuple(codebook.dimension(name) for name in names)
    gate = codebook.gate if codebook.gate and codebook.gate.split(".")[0] in names else None
    rollups = tuple(rollup for rollup in codebook.rollups if rollup.of in names)
    made = codebook.model_copy(update={"dimensions": kept, "rollups": rollups, "gate": gate})
    return made, [column for name in names for column in codebook.columns(name)]


def codes_of(codes: Codes, columns: list[int]) -> Codes:
    """Some columns of a matrix of codes."""
    return codes[:, columns]
