"""Gradients over all processes: how long they are, and made no longer than they may be."""

from collections.abc import Sequence

import torch
from torch import Tensor

from hunmin.train.learner import copies_of, local_parts


def squared_norm(gradients: Sequence[Tensor]) -> float:
    """Return this process's share of the squared norm of gradients; the shares of all sum to it.

    A part that several processes hold is counted by each of them in equal shares.
    """
    by_copies: dict[int, list[Tensor]] = {}
    for gradient in gradients:
        by_copies.setdefault(copies_of(gradient), []).append(gradient)
    return sum(_squared(local_parts(some)) / copies for copies, some in by_copies.items())


def _squared(gradients: list[Tensor]) -> float:
    norms = torch._foreach_norm(gradients)  # noqa: SLF001
    return torch.stack(norms).double().square().sum().item()


def clipping(norm: float, *, norm_max: float) -> float:
    """Return what to multiply gradients of a norm by, so that it is at most `norm_max`."""
    return min(1.0, norm_max / (norm + 1e-6))
