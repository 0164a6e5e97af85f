"""The head and its loss together, some tokens at a time.

The logits of a step, tokens times vocabulary, are often its largest tensor. Here they are made for
a part of the tokens, turned into losses and gradients at once, and forgotten: memory is that of
one part, at the same number of operations. The head may be parted by rows among processes; they
then share two numbers a token.

Letters in tensor names: N tokens, C tokens of one part, D model width, V vocabulary, P the rows of
the head on this process (all V, where it is whole), B sequences, T positions.

Source:
    Hsu et al., "Liger Kernel: Efficient Triton Kernels for LLM Training", 2024, section 3.2; the
    z-loss is that of Chowdhery et al., "PaLM", 2022, section 5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Shard
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

LOGITS_MAX = {"cpu": 2**27, "cuda": 2**29}
"""Logits of one part at most, by kind of device: a quarter of a GiB and a GiB in bfloat16. Where
all logits are no more, they are one part, which is fastest."""

TOKENS_MIN = 512
"""Tokens of one part at least, however large the vocabulary: each part reads and writes the
gradient of the whole head, and has to make so many products in return."""

Compiler = Callable[[Callable[..., Any]], Callable[..., Any]]


class HeadLoss:
    """Computes losses from the last hidden states.

    Args:
        compiler: What compiles the arithmetic of a part; None leaves it as it is.
        tokens_max: Tokens of one part at most; None chooses by the size of the vocabulary.
    """

    def __init__(self, compiler: Compiler | None = None, *, tokens_max: int | None = None) -> None:
        self._tokens_max = tokens_max
        self.look: Callable[..., tuple[Tensor, Tensor, Tensor]] = _look
        self.teach: Callable[..., Tensor] = _teach
        if compiler is not None:
            self.look, self.teach = compiler(_look), compiler(_teach)

    def sum(
        self, hidden_ND: Tensor, head_VD: Tensor, targets_N: Tensor, *, z_loss: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Return the summed cross-entropy in nats, and the weighted z-loss.

        The gradients of both are worked out together, and are those of the first: learn from the
        sum of the two. The second alone has none.

        Args:
            hidden_ND: Last hidden states, `(N, D)`.
            head_VD: The head, `(V, D)`; or a `DTensor` of it, parted by rows among processes that
                all have the same tokens. The gradient of `hidden_ND` is then of this process's
                rows alone.
            targets_N: Ids, `(N,)`; -100 where nothing is to be predicted.
            z_loss: Weight of the squared log of the softmax's sum, which keeps logits small.
        """
        mesh, first = None, 0
        if isinstance(head_VD, DTensor):
            mesh, head_VD = head_VD.device_mesh, head_VD.to_local()
            first = mesh.get_local_rank() * len(head_VD)
        if not torch.is_grad_enabled():
            hidden_ND, head_VD = hidden_ND.detach(), head_VD.detach()
        how = _How(self, self._parts(hidden_ND, head_VD), z_loss, mesh, first)
        loss, added = _InParts.apply(hidden_ND, head_VD, targets_N, how)
        return loss, added

    def by_sequence(
        self, hidden_ND: Tensor, head_VD: Tensor, targets_BT: Tensor, *, z_loss: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Return what `sum` does, but the cross-entropy of each sequence, `(B,)`.

        How much each of them will count is not known on the way forward, so the logits of several
        parts are made again on the way back. Both results have gradients of their own.
        """
        losses, sums = self._in_parts(self._losses, hidden_ND, head_VD, targets_BT.flatten())
        return losses.view(targets_BT.shape).sum(dim=-1), z_loss * sums.square().sum()

    def by_token(
        self, hidden_ND: Tensor, head_VD: Tensor, targets_BT: Tensor, *, z_loss: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Return what `sum` does, but of each token, with the entropy, `(2, B, T)`.

        First the cross-entropies, then the entropies of what was predicted in their place, in nats
        and without a gradient. Both are 0 where the target is -100: there, as in long prompts,
        nothing is computed at all. Parts are made again as in `by_sequence`.
        """
        targets_N = targets_BT.flatten()
        places_K = (targets_N >= 0).nonzero().squeeze(1)  # K tokens are left
        loss_K, entropy_K, sums_K = self._in_parts(
            _losses_and_entropies, hidden_ND.index_select(0, places_K), head_VD, targets_N[places_K]
        )
        empty_2N = loss_K.new_zeros(2, len(targets_N))
        both_2N = empty_2N.index_copy(1, places_K, torch.stack([loss_K, entropy_K]))
        return both_2N.view(2, *targets_BT.shape), z_loss * sums_K.square().sum()

    def _in_parts(
        self,
        of_part: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]],
        hidden_ND: Tensor,
        head_VD: Tensor,
        targets_N: Tensor,
    ) -> tuple[Tensor, ...]:
        """Return what a function tells of each token, asked again on the way back if in parts."""
        parts = self._parts(hidden_ND, head_VD)
        if parts == 1:
            return of_part(hidden_ND, head_VD, targets_N)
        chunks = zip(hidden_ND.chunk(parts), targets_N.chunk(parts), strict=True)
        found = [
            checkpoint(
                of_part, hidden_CD, head_VD, targets_C,
                use_reentrant=False, preserve_rng_state=False,
            )
            for hidden_CD, targets_C in chunks
        ]  # fmt: skip
        return tuple(torch.cat(some) for some in zip(*found, strict=True))

    def _losses(
        self, hidden_CD: Tensor, head_VD: Tensor, targets_C: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the loss of each token, and the log of its softmax's sum; 0 where ignored."""
        _, sums_C, chosen_C = self.look(hidden_CD, head_VD, targets_C, 0)
        ignored_C = targets_C < 0
        return (sums_C - chosen_C).masked_fill(ignored_C, 0.0), sums_C.masked_fill(ignored_C, 0.0)

    def _parts(self, hidden_ND: Tensor, head_PD: Tensor) -> int:
        """Return in how many parts the tokens go through the head."""
        tokens = self._tokens_max
        if tokens is None:
            tokens = max(TOKENS_MIN, LOGITS_MAX[hidden_ND.device.type] // len(head_PD))
        return max(1, -(-len(hidden_ND) // tokens))


@dataclass(frozen=True, slots=True)
class _How:
    """How a head is gone through."""

    by: HeadLoss
    parts: int
    z_loss: float
    mesh: DeviceMesh | None
    """The processes that have its rows; None where this one has all."""
    first: int
    """The first row on this process."""


class _InParts(torch.autograd.Function):
    """The summed loss, whose gradients are there before anybody asks for them."""

    @staticmethod
    # pyrefly: ignore[bad-override] (this is how PyTorch wants it)
    def forward(
        ctx: Any,  # noqa: ANN401 (it keeps the gradients)
        hidden_ND: Tensor,
        head_PD: Tensor,
        targets_N: Tensor,
        how: _How,
    ) -> tuple[Tensor, Tensor]:
        wants_hidden, wants_head = ctx.needs_input_grad[:2]
        number = _product_type(hidden_ND)
        head = head_PD.to(number)
        gradient_ND = torch.empty_like(hidden_ND) if wants_hidden else None
        gradient_PD: Tensor | None = None
        loss = added = hidden_ND.new_zeros((), dtype=torch.float32)
        chunks = hidden_ND.to(number).chunk(how.parts), targets_N.chunk(how.parts)
        at = 0
        for hidden_CD, targets_C in zip(*chunks, strict=True):
            logits_CP, sums_C, chosen_C = how.by.look(hidden_CD, head, targets_C, how.first)
            if how.mesh is not None:
                sums_C, chosen_C = _of_all(sums_C, chosen_C, how.mesh)
            ignored_C = targets_C < 0
            loss = loss + (sums_C - chosen_C).masked_fill(ignored_C, 0.0).sum()
            added = added + how.z_loss * sums_C.square().masked_fill(ignored_C, 0.0).sum()
            if not wants_hidden and not wants_head:
                continue
            gradient_CP = how.by.teach(logits_CP, sums_C, targets_C, how.first, how.z_loss)
            if gradient_ND is not None:
                gradient_ND[at : at + len(hidden_CD)] = gradient_CP @ head
            if wants_head:
                gradient_PD = _plus(gradient_PD, gradient_CP.T, hidden_CD, head_PD.dtype)
            at += len(hidden_CD)
        ctx.gradients = (gradient_ND, gradient_PD)
        ctx.mark_non_differentiable(added)
        return loss, added

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        # Handed on, and neither copied nor kept: nobody goes back the same way twice.
        kept, ctx.gradients = ctx.gradients, None
        of_hidden, of_head = (None if one is None else one.mul_(gradients[0]) for one in kept)
        return of_hidden, of_head, None, None


def _plus(total: Tensor | None, one: Tensor, other: Tensor, number: torch.dtype) -> Tensor:
    """Return a total, in its number format, to which a product was added."""
    if total is None:
        return (one @ other).to(number)
    return total.addmm_(one, other) if one.dtype == number else total.add_(one @ other)


def _look(
    hidden_CD: Tensor, head_PD: Tensor, targets_C: Tensor, first: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the logits of a part, the log of the sum of their exponentials, and the target's.

    The last is 0 where the target is not among the rows of the head from `first` on.
    """
    logits_CP = functional.linear(hidden_CD, head_PD)
    sums_C = logits_CP.float().logsumexp(dim=-1)
    rows_C1 = (targets_C - first)[:, None]
    is_here_C1 = (rows_C1 >= 0) & (rows_C1 < len(head_PD))
    chosen_C1 = logits_CP.gather(1, rows_C1.clamp(0, len(head_PD) - 1)).float()
    return logits_CP, sums_C, chosen_C1.masked_fill(~is_here_C1, 0.0)[:, 0]


def _losses_and_entropies(
    hidden_CD: Tensor, head_VD: Tensor, targets_C: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss of each token, its entropy, and the log of its softmax's sum."""
    logits_CV = functional.linear(hidden_CD, head_VD).float()
    log_CV = logits_CV.log_softmax(dim=-1)
    loss_C = -log_CV.gather(1, targets_C[:, None])[:, 0]
    with torch.no_grad():
        entropy_C = -(log_CV.exp() * log_CV).sum(dim=-1)
    return loss_C, entropy_C, logits_CV.gather(1, targets_C[:, None])[:, 0] + loss_C


def _teach(
    logits_CP: Tensor, sums_C: Tensor, targets_C: Tensor, first: int, z_loss: float
) -> Tensor:
    """Return the gradient of loss and z-loss together by the logits of a part."""
    sums_C1 = sums_C[:, None]
    counted_C1 = (targets_C >= 0)[:, None].float()
    gradient_CP = (logits_CP - sums_C1).exp_()  # the softmax, in float32
    gradient_CP.mul_(counted_C1 * (1.0 + 2.0 * z_loss * sums_C1))
    # Compared and not scattered: compiled, this becomes one pass over the logits with the rest.
    rows_P = torch.arange(first, first + logits_CP.shape[1], device=logits_CP.device)
    return gradient_CP.add_(rows_P == targets_C[:, None], alpha=-1).to(logits_CP.dtype)


def _of_all(sums_C: Tensor, chosen_C: Tensor, mesh: DeviceMesh) -> tuple[Tensor, Tensor]:
    """Return the same for all rows of a head whose rows are on several processes."""
    own_12C = torch.stack((sums_C, chosen_C)).unsqueeze(0)
    all_S2C = DTensor.from_local(own_12C, mesh, (Shard(0),)).full_tensor()
    return all_S2C[:, 0].logsumexp(dim=0), all_S2C[:, 1].sum(dim=0)


def _product_type(like: Tensor) -> torch.dtype:
    """Return the number format in which matrix products are made here."""
    if torch.is_autocast_enabled(like.device.type):
        return torch.get_autocast_dtype(like.device.type)
    return like.dtype
