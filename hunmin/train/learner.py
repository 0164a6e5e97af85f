"""What learns: the model and its loss as one module, whole on one device or parted among many.

With several processes each weight lies parted among them (`fully_shard`): a layer's weights are
gathered while it computes and let go again, and its gradients come back summed and parted.
Whatever the number of processes, the weights at the start are the same.

Letters in tensor names: B sequences, T positions, N tokens, D model width.
"""

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

from hunmin.model import ModelConfig, Transformer
from hunmin.model.adapters import AdapterConfig, add_adapters, is_adapter
from hunmin.model.expert_names import is_stack
from hunmin.train.context_parallel import part_sequences
from hunmin.train.device import Device
from hunmin.train.expert_parallel import ExpertsApart, part_experts
from hunmin.train.float8 import use_float8
from hunmin.train.head_loss import HeadLoss
from hunmin.train.routing import balance_penalty, router_z_penalty
from hunmin.train.tensor_parallel import part_layers
from hunmin.train.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalties:
    """The weights of what is added to the loss while learning; see `TrainConfig`."""

    z_loss: float = 0.0
    balance_loss: float = 0.0
    router_z_loss: float = 0.0


NO_PENALTIES = Penalties()


class Learner(nn.Module):
    """A model together with its loss, for training."""

    def __init__(self, transformer: Transformer, world: World) -> None:
        super().__init__()
        self.transformer = transformer
        self.head_loss = HeadLoss()
        self._world = world

    def forward(
        self,
        ids_BT: Tensor,
        targets_BT: Tensor,
        segments_BT: Tensor | None,
        *,
        penalties: Penalties = NO_PENALTIES,
        each: Literal["batch", "sequence", "token"] = "batch",
    ) -> tuple[Tensor, Tensor]:
        """Return the summed loss of a batch, and what is to be added to it for learning.

        Both are sums over the tokens to be learned; the second is weighted already. The first may
        be asked for of each sequence instead, `(B,)`, or of each token together with the entropy
        it was predicted with, `(2, B, T)`. For the whole batch learn from the sum of both: the
        gradient of the z-loss is with that of the first (see `HeadLoss`).
        """
        hidden_BTD, routers = self.transformer.hidden_and_routers(ids_BT, segments_BT)
        add_up = {
            "batch": self.head_loss.sum,
            "sequence": self.head_loss.by_sequence,
            "token": self.head_loss.by_token,
        }[each]
        loss, added = add_up(
            hidden_BTD.flatten(0, 1),
            self.transformer.lm_head.weight,
            targets_BT.flatten() if each == "batch" else targets_BT,
            z_loss=penalties.z_loss,
        )
        learned_N = targets_BT.flatten() >= 0
        if routers and penalties.balance_loss > 0:
            added = added + penalties.balance_loss * balance_penalty(
                routers,
                learned_N,
                experts_per_token=self.transformer.config.experts_per_token,
                total=self._world.total,
            )
        if routers and penalties.router_z_loss > 0:
            added = added + penalties.router_z_loss * router_z_penalty(routers, learned_N)
        return loss, added


def build_learner(
    config: ModelConfig, device: Device, world: World, adapters: AdapterConfig | None = None
) -> Learner:
    """Return a model of a shape on its device, compiled where wanted, its weights yet unset.

    No process ever holds more than its part of the weights; `initialize` or `put_weight` sets
    them.
    """
    with torch.device("meta"):
        learner = Learner(Transformer(config), world)
        if device.float8:
            use_float8(learner.transformer)
        if adapters is not None:
            add_adapters(learner.transformer, adapters)
    learner.transformer.recomputes_layers = device.recomputes
    learner.transformer.attention = device.attention
    if world.tensor_mesh is not None:
        part_layers(learner.transformer, world.tensor_mesh)
    if world.sequence is not None:
        part_sequences(learner.transformer, world)
    if world.experts_mesh is not None:
        part_experts(learner.transformer, world.experts_mesh["experts"], world.waiting)
    if device.compiled:
        _compile(learner, deterministic=device.deterministic)
    if world.data_mesh is not None:
        _part_weights(learner, world.data_mesh, world.experts_data_mesh)
    learner.transformer.materialize(device.device)
    return learner


def _compile(learner: Learner, *, deterministic: bool) -> None:
    """Have each layer, and the losses, compiled when they are first used."""
    logging.getLogger("torch._inductor").setLevel(logging.ERROR)
    # Without it the compiler measures and takes what is fastest, which may be other bits.
    options: dict[str, Any] | None = {"deterministic": True} if deterministic else None
    for block in learner.transformer.model.layers:
        block.compile(options=options)
    learner.head_loss = HeadLoss(partial(torch.compile, options=options))


def _part_weights(learner: Learner, mesh: DeviceMesh, experts_mesh: DeviceMesh | None) -> None:
    """Part every weight among processes, experts that lie apart on a mesh of their own.

    Without a precision of its own: as with one process, `autocast` chooses it product by product,
    and the stream between layers stays float32.
    """
    for module in learner.modules():
        if isinstance(module, ExpertsApart) and experts_mesh is not None:
            _part(module, experts_mesh)
    for block in learner.transformer.model.layers:
        _part(block, mesh)
    _part(learner, mesh)


def _part(module: nn.Module, mesh: DeviceMesh) -> None:
    """Part the weights of a module, but for modules in it that are parted, along `shards`."""
    fully_shard(
        module,
        mesh=mesh,
        shard_placement_fn=partial(side_to_part, processes=mesh["shards"].size()),
    )


def side_to_part(weight: Tensor, *, processes: int) -> Shard:
    """Return the side along which `fully_shard` parts a weight among so many processes.

    Of a stack of experts whole ones, where all processes get equally many: Muon then has each
    matrix whole. Else the rows of each, where these divide, so that no process has more to hold
    than another.
    """
    (here,) = local_parts([weight])
    if is_stack(here) and here.shape[0] % processes and here.shape[1] % processes == 0:
        return Shard(1)
    return Shard(0)


def initialize(learner: Learner, seed: int) -> None:
    """Set every weight from `seed`, the same for any number of processes."""
    for name, weight in learner.transformer.draw_weights(seed):
        put_weight(learner.transformer.get_parameter(name), weight)


def put_weight(parameter: Tensor, whole: Tensor) -> None:
    """Set a parameter, of which this process may hold a part, from the whole tensor."""
    with torch.no_grad():
        if isinstance(parameter, DTensor):
            whole = distribute_tensor(
                whole.to(parameter.device),
                parameter.device_mesh,
                parameter.placements,
                src_data_rank=None,  # every process has the whole: nothing is sent
            )
        parameter.copy_(whole)


def count_parameters(transformer: nn.Module) -> dict[str, int]:
    """Return how many weights a model has and, where only adapters learn, how many those."""
    counts = {name: weight.numel() for name, weight in transformer.named_parameters()}
    learned = sum(count for name, count in counts.items() if is_adapter(name))
    found = {"parameters": sum(counts.values()) - learned}
    return found | {"adapter_parameters": learned} if learned else found


def local_parts(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return the parts of tensors that this process holds, sharing their memory."""
    return [tensor.to_local() if isinstance(tensor, DTensor) else tensor for tensor in tensors]


def copies_of(tensor: Tensor) -> int:
    """Return how many processes hold the same part of a tensor."""
    if not isinstance(tensor, DTensor):
        return 1
    mesh = tensor.device_mesh
    return math.prod(
        mesh.size(side) for side, place in enumerate(tensor.placements) if place.is_replicate()
    )


def whole_on_cpu(tensor: Tensor) -> Tensor:
    """Return a copy of a whole tensor on the CPU; every process must ask for it."""
    if isinstance(tensor, DTensor):
        # One side of the mesh after the other, the innermost cut first.
        for side in range(tensor.device_mesh.ndim):
            rest = tensor.placements[side + 1 :]
            tensor = tensor.redistribute(placements=[Replicate()] * (side + 1) + [*rest])
        tensor = tensor.to_local()
    return tensor.detach().to("cpu", copy=True).contiguous()
