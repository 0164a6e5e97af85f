"""Which optimizer learns which weight: Muon the matrices of the layers, AdamW all others."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.distributed import ProcessGroup

from hunmin.model import Transformer
from hunmin.model.expert_names import is_stack
from hunmin.train.muon import Muon
from hunmin.train.recipe import TrainConfig

_ROUTER = ".mlp.gate.weight"
"""A router's rows are one vector for each expert, not a map between spaces."""


def build_optimizers(
    model: Transformer,
    config: TrainConfig,
    *,
    bfloat16: bool,
    processes: ProcessGroup | None = None,
    waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> list[torch.optim.Optimizer]:
    """Return the optimizers of a stage; together they hold every weight that learns once.

    Embedding, head, routers and gains belong to AdamW always. Gains are never decayed.

    Args:
        model: What is trained, on its device already.
        config: The stage.
        bfloat16: Whether the device computes fast in bfloat16.
        processes: Those among whom each weight is parted; None where they are whole.
        waiting: What goes around an exchange between them.
    """
    inner: list[Tensor] = []
    if config.optimizer == "muon":
        inner = [
            weight
            for name, weight in model.model.layers.named_parameters()
            if weight.ndim > 1 and not name.endswith(_ROUTER)
        ]
    taken = set(map(id, inner))
    learned = (weight for weight in model.parameters() if weight.requires_grad)
    others = [weight for weight in learned if id(weight) not in taken]
    # Stacks may lie on another mesh than all else, and a group is updated on one.
    stacks = [weight for weight in others if is_stack(weight)]
    matrices = [weight for weight in others if weight.ndim > 1 and not is_stack(weight)]
    gains = [weight for weight in others if weight.ndim <= 1]
    decay = config.weight_decay
    adamw = torch.optim.AdamW(
        [
            {"params": some, "weight_decay": share}
            for some, share in ((matrices, decay), (stacks, decay), (gains, 0.0))
            if some
        ],
        lr=config.learning_rate,
        betas=config.betas,
        fused=True,
    )
    if not inner:
        return [adamw]
    muon = Muon(
        inner,
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        dtype=torch.bfloat16 if bfloat16 else torch.float32,
        processes=processes,
        waiting=waiting,
    )
    return [muon, adamw]
