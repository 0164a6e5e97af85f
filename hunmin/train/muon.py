"""Muon: momentum whose update is made orthogonal, for the matrices inside a model's layers.

Matrices of one shape are stacked and made orthogonal together; the experts of a layer come as a
stack, and each is a matrix of its own. Each update is scaled to the size that AdamW's would have,
so both share one learning rate and one weight decay. Where matrices lie parted among processes,
each is brought together on one of them, made orthogonal there, and parted again: within a replica
no work is done twice.

Letters in tensor names: G matrices, O those of them that one process makes orthogonal, B blocks
of a matrix, S parts of a block, P rows of a part, R rows, C columns.

Source:
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; Liu et al.,
    "Muon is Scalable for LLM Training", 2025 (the scale); Amsel et al., "The Polar Express", 2025
    (the coefficients).
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor

from hunmin.model.expert_names import is_stack
from hunmin.train.learner import local_parts

_POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)
"""Each step's polynomial `a x + b x^3 + c x^5`, the best one for what the steps before left."""

_SAFETY = 1.01
"""Each step assumes singular values a little larger than they should be, for they are rounded."""

_ADAMW_UPDATE_RMS = 0.2


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay.

    Args:
        matrices: Parameters of two dimensions, or stacks of such of three.
        lr: Learning rate, as AdamW's.
        momentum: Share of the old momentum kept at each step.
        weight_decay: Share of a weight that a step at learning rate 1 would take away.
        dtype: In which the products are computed; bfloat16 is enough.
        processes: Those among whom every matrix is parted: into blocks of rows or of columns where
            several compute each sequence together, as `parallelize_module` does, and each block
            by rows, as `fully_shard` does. Parts of a row of blocks are neighbors by rank. A stack
            is parted as its own placements tell: whole matrices, or each by rows.
        waiting: What goes around an exchange between them.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.bfloat16,
        processes: dist.ProcessGroup | None = None,
        waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(list(matrices), defaults)
        self._dtype = dtype
        self._processes = processes
        self._waiting = waiting

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyrefly: ignore[bad-override]
        """Learn from the gradients; a closure is not called for."""
        assert closure is None
        for group in self.param_groups:
            alike: dict[tuple[torch.Size, Blocks], list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike.setdefault((matrix.shape, Blocks.of(matrix)), []).append(matrix)
            for (_, blocks), matrices in alike.items():
                self._update(matrices, blocks, group)

    def _update(self, matrices: list[Tensor], blocks: "Blocks", group: dict[str, Any]) -> None:
        for matrix in matrices:
            if not self.state[matrix]:
                self.state[matrix]["momentum"] = torch.zeros_like(matrix)
        rows, columns = matrices[0].shape[-2:]
        gradients = local_parts([cast("Tensor", matrix.grad) for matrix in matrices])
        moments = local_parts([self.state[matrix]["momentum"] for matrix in matrices])
        torch._foreach_lerp_(moments, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, moments, group["momentum"])  # noqa: SLF001
        stacked = torch.stack(ahead)
        parts_GPC = stacked.flatten(0, -3).to(self._dtype)
        processes = self._parting(matrices[0])
        made_GPC = self._orthogonal(parts_GPC, rows, blocks, processes)
        updates = made_GPC.float().view_as(stacked)
        scale = _ADAMW_UPDATE_RMS * max(rows, columns) ** 0.5
        weights = local_parts(matrices)
        torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(weights, list(updates.unbind()), alpha=-group["lr"] * scale)

    def _parting(self, matrix: Tensor) -> dist.ProcessGroup | None:
        """Return the processes among whom a matrix, or each one of a stack, is parted.

        None where each process has whole ones.
        """
        if not isinstance(matrix, DTensor) or not is_stack(matrix):
            return self._processes
        by_rows = (side for side, place in enumerate(matrix.placements) if place.is_shard(1))
        side = next(by_rows, None)
        return None if side is None else matrix.device_mesh.get_group(side)

    def _orthogonal(
        self, parts_GPC: Tensor, rows: int, blocks: "Blocks", processes: dist.ProcessGroup | None
    ) -> Tensor:
        """Return this process's parts of the matrices made orthogonal, `(G, P, C)`.

        Args:
            parts_GPC: Its P rows of one block of each of G matrices.
            rows: Of a whole matrix.
            blocks: How each matrix is parted into blocks.
            processes: Those among whom it is; None where it is whole.
        """
        if processes is None:
            return orthogonalize(parts_GPC)
        count, own_rows, columns = parts_GPC.shape
        size = processes.size()
        shards = size // blocks.count
        block_rows = rows // blocks.count if blocks.by_rows else rows
        owned, part_rows = -(-count // size), -(-block_rows // shards)  # the last may have fewer
        sent = parts_GPC.new_zeros(size * owned, part_rows, columns)
        sent[:count, :own_rows] = parts_GPC
        parted = torch.empty_like(sent)
        with self._waiting():
            dist.all_to_all_single(parted, sent, group=processes)
        parts_SBOPC = parted.view(shards, blocks.count, owned, part_rows, columns)
        padded_OBRC = parts_SBOPC.permute(2, 1, 0, 3, 4).flatten(2, 3)
        made = orthogonalize(blocks.joined(padded_OBRC[:, :, :block_rows]))
        padded_OBRC[:, :, :block_rows] = blocks.parted(made)
        parts_OBSPC = padded_OBRC.view(owned, blocks.count, shards, part_rows, columns)
        # Into another memory than it comes from, which with one matrix each is that of `parted`.
        returned = parts_OBSPC.permute(2, 1, 0, 3, 4).reshape(sent.shape)
        with self._waiting():
            dist.all_to_all_single(sent, returned, group=processes)
        return sent[:count, :own_rows]


@dataclass(frozen=True, slots=True)
class Blocks:
    """How a matrix is parted into blocks of which each process computes with one."""

    count: int = 1
    by_rows: bool = True
    """Whether the blocks lie below one another, or beside."""

    @classmethod
    def of(cls, matrix: Tensor) -> "Blocks":
        """Return how a parameter is parted."""
        names = matrix.device_mesh.mesh_dim_names if isinstance(matrix, DTensor) else None
        if not isinstance(matrix, DTensor) or names is None or "tensor" not in names:
            return cls()
        side = names.index("tensor")
        return cls(matrix.device_mesh.size(side), by_rows=matrix.placements[side].is_shard(0))

    def joined(self, blocks_OBRC: Tensor) -> Tensor:
        """Return whole matrices, `(O, rows, columns)`, put together from their blocks."""
        if self.by_rows:
            return blocks_OBRC.flatten(1, 2)
        return blocks_OBRC.transpose(1, 2).flatten(2, 3)

    def parted(self, matrices_ORC: Tensor) -> Tensor:
        """Return the blocks of whole matrices, `(O, B, rows, columns)` of one block."""
        if self.by_rows:
            return matrices_ORC.unflatten(1, (self.count, -1))
        return matrices_ORC.unflatten(2, (self.count, -1)).transpose(1, 2)


def orthogonalize(matrices_GRC: Tensor) -> Tensor:
    """Return for each matrix the nearest one whose singular values are all 1, about.

    Args:
        matrices_GRC: G matrices of one shape, `(G, rows, columns)`.

    Returns:
        The same shape and type; singular values from about 0.85 to 1.15 where they were at least
        a tenth of the largest. Smaller ones are raised, but not all the way.
    """
    is_tall = matrices_GRC.shape[1] > matrices_GRC.shape[2]
    x = matrices_GRC.mT if is_tall else matrices_GRC
    x = x / (x.norm(dim=(1, 2), keepdim=True) * _SAFETY + 1e-7)
    for a, b, c in _POLAR_EXPRESS:
        square = x @ x.mT
        polynomial = torch.baddbmm(
            square, square, square, beta=b / _SAFETY**3, alpha=c / _SAFETY**5
        )
        x = torch.baddbmm(x, polynomial, x, beta=a / _SAFETY)
    return x.mT if is_tall else x
