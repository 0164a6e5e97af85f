"""The weights a stage starts from: those of a base, read without ever holding all of them.

A base is a finished model folder, of which each process reads one tensor at a time, or a checkpoint
of a run that has not ended, of which each process reads the parts it holds.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from hunmin.errors import CheckpointBroken
from hunmin.model.adapters import is_adapter
from hunmin.model.checkpoint import STATE_NAME, WEIGHTS_NAME
from hunmin.model.expert_names import names_in_files
from hunmin.model.sharded import WEIGHT_KEY
from hunmin.train.checkpoints import load_into
from hunmin.train.learner import Learner, put_weight
from hunmin.train.world import World


def start_from(base: Path, learner: Learner, world: World) -> None:
    """Set every weight but adapters to that of a base of the same shape; every process must.

    Raises:
        CheckpointBroken: Its weights are missing, torn, or not those of this shape.
    """
    named = learner.transformer.named_parameters()
    weights = {name: weight for name, weight in named if not is_adapter(name)}
    if (base / STATE_NAME).is_dir() and not (base / WEIGHTS_NAME).exists():
        parts = {f"{WEIGHT_KEY}{name}": weight.detach() for name, weight in weights.items()}
        load_into(parts, base, world)
        return
    try:
        with safe_open(base / WEIGHTS_NAME, framework="pt") as stored:
            for name, weight in weights.items():
                names = names_in_files(name, experts=len(weight))
                parts = [stored.get_tensor(one) for one in names]
                whole = parts[0] if names == [name] else torch.stack(parts)
                if whole.shape != weight.shape:
                    raise CheckpointBroken(folder=base, reason=f"{name} has another shape")
                put_weight(weight, whole)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CheckpointBroken(folder=base, reason=f"{type(error).__name__}: {error}") from error
