"""LoRA (Hu et al. 2021, arXiv:2106.09685) on the attention of an encoder, through peft."""

import importlib.util
from typing import Any

from torch import nn

from corpora.errors import MissingExtraError


def adapt(encoder: Any, rank: int) -> None:
    """Put adapters of this rank on queries and values; the encoder's own weights stop learning."""
    if importlib.util.find_spec("peft") is None:
        raise MissingExtraError("LoRA needs peft: pip install 'litscale[transformer]'")
    from peft import LoraConfig, inject_adapter_in_model

    names = {
        name.rsplit(".", 1)[-1] for name, module in encoder.named_modules() if isinstance(module, nn.Linear)
    }
    targets = ["query", "value"] if {"query", "value"} <= names else ["Wqkv"]
    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=targets)
    inject_adapter_in_model(config, encoder)


def merge(network: Any) -> Any:
    """Add adapters, if there are any, to the weights they adapt; the network is then a plain one."""
    for name, module in list(network.named_modules()):
        if hasattr(module, "lora_A") and hasattr(module, "get_base_layer"):
            module.merge()
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, module.get_base_layer())
    return network
