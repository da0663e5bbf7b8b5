"""The loss over all labels at once; codes that were not asked weigh nothing."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from classifiers.codebook import Codebook


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns belong to which kind of dimension, and how much each label's positives weigh."""

    singles: tuple[tuple[int, ...], ...]
    """Columns of each dimension of kind ``one``: softmax."""
    multis: tuple[int, ...]
    """All other columns: a sigmoid each."""
    weights: NDArray[np.float32]
    """Shape (L,): weight of a positive."""


def layout(codebook: Codebook, codes: NDArray[np.int8], most: float = 6.0) -> Layout:
    """Rare labels weigh more, by the square root of negatives over positives, at most ``most``."""
    singles = [tuple(codebook.columns(d.id)) for d in codebook.dimensions if d.kind == "one"]
    multis = [c for d in codebook.dimensions if d.kind != "one" for c in codebook.columns(d.id)]
    held = np.maximum((codes == 1).sum(axis=0), 1)
    weights = np.clip(np.sqrt((codes == 0).sum(axis=0) / held) * 0.7, 1.0, most).astype(np.float32)
    return Layout(tuple(singles), tuple(multis), weights)


def loss(logits: Tensor, codes: Tensor, made: Layout, *, focus: float = 0.0, soft: float = 0.0) -> Tensor:
    """Mean loss per asked cell; logits and codes (B, L), codes 1, 0 or -1 (masked).

    ``focus`` lowers the weight of easy negatives, (1 - p_correct) ** focus, after Ridnik et al. 2021,
    arXiv:2009.14119; ``soft`` smooths targets.
    """
    columns = torch.as_tensor(made.multis, device=logits.device)
    scores, given = logits[:, columns], codes[:, columns]
    asked = given >= 0
    target = given.clamp(min=0).float()
    weight = torch.as_tensor(made.weights, device=logits.device)[columns]
    smooth = target * (1 - soft) + soft / 2
    cells = F.binary_cross_entropy_with_logits(scores, smooth, reduction="none")
    cells = cells * torch.where(target > 0, weight, torch.ones_like(weight))
    if focus:
        chance = scores.detach().sigmoid()
        cells = cells * torch.where(target > 0, torch.ones_like(chance), chance**focus)
    # A record's loss is the sum over labels: the number of labels must not thin the gradient.
    total = (cells * asked).sum() / max(len(logits), 1)
    for group in made.singles:
        part, truth = logits[:, list(group)], codes[:, list(group)]
        rows = (truth >= 0).all(1) & (truth == 1).any(1)
        if rows.any():
            total = total + F.cross_entropy(part[rows], truth[rows].argmax(1), reduction="sum") / len(logits)
    return total


def probabilities(logits: NDArray[np.float32], codebook: Codebook) -> NDArray[np.float32]:
    """Sigmoid for labels that stand alone, softmax within a dimension of kind ``one``; (n, L)."""
    out = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    for dimension in codebook.dimensions:
        if dimension.kind == "one":
            columns = codebook.columns(dimension.id)
            part = logits[:, columns] - logits[:, columns].max(axis=1, keepdims=True)
            out[:, columns] = np.exp(part) / np.exp(part).sum(axis=1, keepdims=True)
    return out.astype(np.float32)
