"""The network: an encoder read by one query per label.

Every token t of a record (of all its windows) has the states h_t of the last layer and g_t of a lower
one, which still knows the very words. Label l looks at the tokens with weights
a = softmax(s · (cos(q_l, h_t) + cos(p_l, g_t))) and sees c_l = Σ a_t [h_t; g_t]; with the mean m over
all tokens and the keyword rules' scores k its logit is
w_l · gelu(A c_l + B m) + u_l · c_l + v_l · m + e_l · k + b_l. The queries q_l, p_l begin as the encoder's
embedding of the label's title and definition, so that attention begins at words that resemble the
description (attention per label: Mullenbach et al. 2018, doi 10.18653/v1/N18-1100). Keys need no
matrix of their own: with one head it would fold into the queries.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INNER = 256


class Heads(nn.Module):
    """Label heads over token states; d = width, L labels, E evidence columns."""

    def __init__(self, queries: Tensor, evidence: int, *, dropout: float = 0.2) -> None:
        super().__init__()
        count, width = queries.shape
        self.query = nn.Parameter(queries.float() * width**0.5)
        self.query_low = nn.Parameter(queries.float() * width**0.5)
        self.norm_top = nn.LayerNorm(width)
        self.norm_low = nn.LayerNorm(width)
        self.sharp = nn.Parameter(torch.tensor(8.0))
        self.own = nn.Linear(2 * width, INNER)
        self.whole = nn.Linear(2 * width, INNER, bias=False)
        self.weight = nn.Parameter(torch.randn(count, INNER) * INNER**-0.5)
        self.own_weight = nn.Parameter(torch.zeros(count, 2 * width))
        self.mean_weight = nn.Parameter(torch.zeros(count, 2 * width))
        self.evidence = nn.Parameter(torch.zeros(count, evidence))
        if count == evidence:
            nn.init.eye_(self.evidence)
        self.bias = nn.Parameter(torch.full((count,), -2.0))
        self.dropout = nn.Dropout(dropout)

    def forward(self, top: Tensor, low: Tensor, mask: Tensor, evidence: Tensor) -> Tensor:
        """Logits (B, L) from states (B, T, d), mask (B, T) and evidence (B, E)."""
        kind = (
            torch.get_autocast_dtype(top.device.type)
            if torch.is_autocast_enabled(top.device.type)
            else top.dtype
        )
        top, low = self.norm_top(top).to(kind), self.norm_low(low).to(kind)
        match = _alike(self.query, top) + _alike(self.query_low, low)
        match = (match.float() * self.sharp).masked_fill(~mask[:, None], -1e4)
        both = torch.cat([top, low], dim=-1)
        summary = torch.bmm(match.softmax(-1).to(kind), both)
        seen = mask[:, :, None].to(kind)
        mean = (both * seen).sum(1) / seen.sum(1).clamp(min=1)
        inner = self.own(self.dropout(summary)) + self.whole(self.dropout(mean))[:, None]
        logits = (self.dropout(F.gelu(inner)).float() * self.weight).sum(-1)
        logits = logits + (summary.float() * self.own_weight).sum(-1) + mean.float() @ self.mean_weight.T
        out: Tensor = logits + evidence.float() @ self.evidence.T + self.bias
        return out


def _alike(query: Tensor, states: Tensor) -> Tensor:
    """Cosines (B, L, T) of queries (L, d) with token states (B, T, d)."""
    length = states.float().norm(dim=-1).clamp(min=1e-6)
    alike = torch.matmul(F.normalize(query, dim=-1).to(states.dtype), states.transpose(1, 2))
    out: Tensor = alike / length[:, None]
    return out


class Network(nn.Module):
    """Encoder and heads. The lowest ``frozen`` layers (and the embeddings) never learn.

    The heads read the last layer and the one at two thirds of the height, ``low``.
    """

    def __init__(self, encoder: Any, heads: Heads, *, frozen: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = heads
        self.frozen = min(frozen, len(layers(encoder)))
        self.low = 2 * len(layers(encoder)) // 3
        if self.frozen and not stacked(encoder):
            raise ValueError(f"{type(encoder).__name__}: its layers cannot be run apart; train it whole")
        for parameter in self.frozen_parameters():
            parameter.requires_grad_(False)

    def frozen_parameters(self) -> list[nn.Parameter]:
        """Parameters that stay as they came."""
        if not self.frozen:
            return []
        parts = [self.encoder.embeddings, *layers(self.encoder)[: self.frozen]]
        return [parameter for part in parts for parameter in part.parameters()]

    @property
    def held(self) -> int:
        """Numbers a token that `lower` gives: d, or 2 d where ``low`` itself is frozen."""
        return int(self.heads.norm_top.normalized_shape[0]) * (1 + (self.frozen > self.low))

    def lower(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """States (W, T, `held`) above the frozen layers, from token ids (W, T)."""
        states = self.encoder.embeddings(input_ids=tokens)
        low = states
        for depth, layer in enumerate(layers(self.encoder)[: self.frozen]):
            states = layer(states, mask[:, None, None, :])
            low = states if depth + 1 == self.low else low
        return torch.cat([states, low], dim=-1) if self.frozen > self.low else torch.as_tensor(states)

    def upper(self, held: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(last, lower) states (W, T, d) from what `lower` gave."""
        width = held.shape[-1] // (1 + (self.frozen > self.low))
        states, low = held[..., :width], held[..., -width:]
        for depth, layer in enumerate(layers(self.encoder)[self.frozen :], start=self.frozen):
            states = layer(states, mask[:, None, None, :])
            low = states if depth + 1 == self.low else low
        return states, low

    def states(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(last, lower) states (W, T, d) of windows, from token ids."""
        if self.frozen:
            return self.upper(self.lower(tokens, mask), mask)
        out = self.encoder(input_ids=tokens, attention_mask=mask.long(), output_hidden_states=True)
        return out.last_hidden_state, out.hidden_states[self.low]

    def score(self, top: Tensor, low: Tensor, mask: Tensor, owner: Tensor, evidence: Tensor) -> Tensor:
        """Logits (B, L) of B records whose windows (W, T, d) name their record in ``owner`` (W,)."""
        count = len(evidence)
        if len(owner) != count:
            top, low, mask = (_by_record(part, mask, owner, count) for part in (top, low, mask))
        out: Tensor = self.heads(top, low, mask, evidence)
        return out


def layers(encoder: Any) -> Any:
    """The encoder's layers, lowest first."""
    return encoder.encoder.layer if stacked(encoder) else encoder.layers


def stacked(encoder: Any) -> bool:
    """Whether layers take states and mask alone, as BERT's do (ModernBERT's need positions)."""
    return hasattr(encoder, "encoder") and hasattr(encoder.encoder, "layer")


def _by_record(part: Tensor, mask: Tensor, owner: Tensor, count: int) -> Tensor:
    """Lay the tokens of a record's windows end to end: (W, T, …) → (count, most tokens, …)."""
    flat = part[mask]
    sizes = torch.zeros(count, dtype=torch.long, device=mask.device).index_add_(0, owner, mask.sum(1))
    return nn.utils.rnn.pad_sequence(list(torch.split(flat, sizes.tolist())), batch_first=True)


def describe(encoder: Any, tokenizer: Any, texts: list[str], most: int = 128) -> Tensor:
    """Mean-pooled embeddings (n, d) of the first ``most`` tokens of texts, length 1."""
    given = tokenizer(texts, padding=True, truncation=True, max_length=most, return_tensors="pt")
    device = next(encoder.parameters()).device
    with torch.inference_mode():
        found = encoder(
            input_ids=given["input_ids"].to(device), attention_mask=given["attention_mask"].to(device)
        ).last_hidden_state.float()
    seen = given["attention_mask"].to(device)[:, :, None].float()
    return F.normalize((found * seen).sum(1) / seen.sum(1), dim=-1).clone().cpu()
