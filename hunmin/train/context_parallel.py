"""Sequences too long for one process: several compute each together, every one some positions.

A sequence is cut into twice as many parts as it has processes, and process c of C takes part c and
part 2 C - 1 - c. The one near the beginning attends to little and the one near the end to much, so
all have the same work. Only attention looks at other positions: for it each layer gathers the keys
and values of the whole sequence on every process, and each answers its own queries.

For weights, gradients and the optimizers, these processes are like any others that have different
tokens.

Letters in tensor names: B sequences, T positions of a whole sequence, P those of one process, R
those of a part (P = 2 R), H query heads, K key and value heads, E head width, C processes.

Source:
    Dubey et al., "The Llama 3 Herd of Models", 2024, section 3.3.2 (context parallelism).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.bias import causal_lower_right

from hunmin.errors import ContextUnfit
from hunmin.model import Transformer
from hunmin.model.attention_kernels import Documents, for_each_head
from hunmin.model.attention_names import KernelName
from hunmin.model.segments import document_mask
from hunmin.train.recipe import TrainConfig
from hunmin.train.world import World


def check_context_size(
    config: TrainConfig, *, context: int, tensor: int = 1, attention: KernelName | None = None
) -> None:
    """Check that so many processes can share each sequence of a stage.

    Args:
        config: The stage.
        context: Processes that have parts of the same sequence.
        tensor: Processes that compute each part together.
        attention: The kernel that was asked for, if any: parts are computed by PyTorch's choice.

    Raises:
        ContextUnfit: They cannot; it says what is in the way.
    """
    if context == 1:
        return
    length = config.sequence_tokens
    for what, value, fits in (
        ("stage", config.stage, config.stage in {"pretrain", "chat"}),
        ("sequence_tokens", length, length % (2 * context) == 0),
        ("tensor", tensor, length // context % tensor == 0),
        ("attention", attention, attention in {None, "sdpa"}),
    ):
        if not fits:
            raise ContextUnfit(context=context, what=what, value=value)


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts of every sequence one of several processes has."""

    rank: int
    """The number of the process among those of the sequence, from 0."""
    size: int
    """How many these are."""

    @property
    def numbers(self) -> tuple[int, int]:
        """Its two parts, counted from 0."""
        return self.rank, 2 * self.size - 1 - self.rank

    def of(self, whole_BT: Tensor) -> Tensor:
        """Return the positions of this process, `(B, P)`, of something at all of them."""
        parts = whole_BT.chunk(2 * self.size, dim=1)
        return torch.cat([parts[number] for number in self.numbers], dim=1)

    def joined(self, of_all: Tensor) -> Tensor:
        """Return what all processes have, `(C, ..., P, E)`, by order of position: `(..., T, E)`."""
        front, back = of_all.chunk(2, dim=-2)
        return torch.cat([*front.unbind(), *reversed(back.unbind())], dim=-2)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The processes of a sequence, as they give each other keys and values."""

    processes: dist.ProcessGroup
    waiting: Callable[[], AbstractContextManager[object]]
    """What goes around an exchange."""


@dataclass(frozen=True, slots=True)
class PartedDocuments(Documents):
    """What the tokens of this process attend to, in whole sequences."""

    parts: Parts
    exchange: Exchange
    masks: tuple[Tensor, ...]
    """That of each part, `(B, 1, R, end)`, up to where the part ends; where sequences are single
    documents, a sign of PyTorch's that on a GPU stands for such a mask and is none."""

    @torch.compiler.disable  # an exchange in the middle of a layer, and its waiting is measured
    def attend(self, q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> Tensor:
        """Return what each token of this process gathers, `(B, H, P, E)`; given is its own."""
        own = torch.stack((k_BKTE, v_BKTE))
        of_all = self.parts.joined(_GatherFromAll.apply(own, self.exchange))
        k_BHTE, v_BHTE = for_each_head(q_BHTE, *of_all.unbind())
        length = q_BHTE.shape[2] // 2
        mixed: list[Tensor] = []
        for number, q_BHRE, mask in zip(
            self.parts.numbers, q_BHTE.chunk(2, dim=2), self.masks, strict=True
        ):
            before = slice((number + 1) * length)
            mixed.append(
                functional.scaled_dot_product_attention(
                    q_BHRE, k_BHTE[:, :, before], v_BHTE[:, :, before], attn_mask=mask
                )
            )
        return torch.cat(mixed, dim=2)


def find_documents(
    ids_BP: Tensor, segments_BT: Tensor | None, *, parts: Parts, exchange: Exchange
) -> tuple[Tensor, PartedDocuments]:
    """Return where in its document each token of this process stands, and what it attends to.

    Args:
        ids_BP: The token ids of this process.
        segments_BT: The number of the document each token of the sequences belongs to; None where
            each is one.
        parts: Which parts of the sequences the tokens are.
        exchange: Where to get the others.

    Returns:
        Positions, `(B, P)` or `(1, P)`, and what is attended to.
    """
    length = ids_BP.shape[1] // 2
    ends = [(number + 1) * length for number in parts.numbers]
    if segments_BT is None:
        positions = [torch.arange(end - length, end, device=ids_BP.device) for end in ends]
        masks = [causal_lower_right(length, end) for end in ends]
        return torch.cat(positions).unsqueeze(0), PartedDocuments(parts, exchange, tuple(masks))
    masks = [document_mask(segments_BT, first=end - length, end=end) for end in ends]
    positions = [mask_BRT.sum(dim=-1) - 1 for mask_BRT in masks]
    masks_of_heads = tuple(mask_BRT.unsqueeze(1) for mask_BRT in masks)
    return torch.cat(positions, dim=1), PartedDocuments(parts, exchange, masks_of_heads)


class _GatherFromAll(torch.autograd.Function):
    """What every process has, in order of rank, `(C, ...)`.

    On the way back each process gets its gradients from all others as they are and adds them up in
    float32, always in the same order: as much traffic as if they were added up on the way, and in
    bfloat16 no sum is rounded more than once.
    """

    @staticmethod
    def forward(  # pyrefly: ignore[bad-override]
        ctx: Any,  # noqa: ANN401 (PyTorch's, and holds what is put there)
        own: Tensor,
        exchange: Exchange,
    ) -> Tensor:
        ctx.exchange = exchange
        of_all = own.new_empty(exchange.processes.size(), *own.shape)
        with exchange.waiting():
            dist.all_gather(list(of_all.unbind()), own, group=exchange.processes)
        return of_all

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        sent = gradients[0].contiguous()
        of_own = torch.empty_like(sent)
        with ctx.exchange.waiting():
            dist.all_to_all_single(of_own, sent, group=ctx.exchange.processes)
        return of_own.sum(dim=0, dtype=torch.float32).to(sent.dtype), None


def own_parts(world: World) -> Parts | None:
    """Return what this process has of each sequence; None where that is all of it."""
    processes = world.sequence
    return None if processes is None else Parts(processes.rank(), processes.size())


def part_sequences(transformer: Transformer, world: World) -> None:
    """Let a model compute the part of each sequence that this process has.

    It is then given ids of that part alone, and segments of the whole.
    """
    parts = own_parts(world)
    assert parts is not None
    assert world.sequence is not None
    exchange = Exchange(world.sequence, world.waiting)
    transformer.find_documents = partial(find_documents, parts=parts, exchange=exchange)
