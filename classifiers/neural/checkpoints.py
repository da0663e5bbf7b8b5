"""Checkpoints of a training, so that a stopped one goes on where it was and comes to the same end."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file

if TYPE_CHECKING:
    from classifiers.neural.training import Trainer

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def keep(trainer: "Trainer", folder: Path) -> None:
    """Weights, averages and optimizer moments; the rename of the last file is the commit."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"now.{n}": p.detach().contiguous() for n, p in trainer.learning.items()}
    tensors |= {f"mean.{n}": p.contiguous() for n, p in trainer.averaged.items()}
    tensors |= {f"best.{n}": p.contiguous() for n, p in trainer.best_weights.items()}
    for name, parameter in trainer.learning.items():
        for moment, value in trainer.optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{moment}.{name}"] = torch.as_tensor(value).float().contiguous()
    path = folder / f"epoch-{trainer.epoch}.safetensors"
    save_file(tensors, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)
    told = {**_made_of(trainer), "epoch": trainer.epoch, "steps": trainer.steps, "best": trainer.best,
            "told": trainer.told, "file": path.name}  # fmt: skip
    (folder / "state.tmp").write_text(json.dumps(told), "utf-8")
    (folder / "state.tmp").rename(folder / "state.json")
    for old in folder.glob("epoch-*.safetensors"):
        if old != path:
            old.unlink()


def take_up(trainer: "Trainer", folder: Path) -> None:
    """Go on where a stopped training of the same recipe, seed and inputs was; else do nothing."""
    if not (folder / "state.json").is_file():
        return
    told = json.loads((folder / "state.json").read_text("utf-8"))
    if any(told.get(name) != value for name, value in _made_of(trainer).items()):
        return
    tensors = load_file(folder / told["file"])
    with torch.no_grad():
        for name, parameter in trainer.learning.items():
            parameter.copy_(tensors[f"now.{name}"])
            trainer.averaged[name].copy_(tensors[f"mean.{name}"])
            if f"best.{name}" in tensors:
                trainer.best_weights[name] = tensors[f"best.{name}"].to(trainer.device)
            found = {moment: tensors.get(f"optimizer.{moment}.{name}") for moment in MOMENTS}
            state = {moment: held.to(trainer.device) for moment, held in found.items() if held is not None}
            if state:
                trainer.optimizer.state[parameter] = state
    trainer.epoch, trainer.steps, trainer.best = told["epoch"], told["steps"], told["best"]
    trainer.told = told["told"]


def _made_of(trainer: "Trainer") -> dict[str, Any]:
    return {"recipe": asdict(trainer.recipe), "seed": trainer.seed, "key": trainer.key}
