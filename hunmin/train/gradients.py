"""Gradients over all processes: how long they are, and made no longer than they may be."""

import torch
from torch import Tensor


def squared_norm(gradients: list[Tensor]) -> float:
    """Return the sum of squares over the parts of gradients that this process holds."""
    if not gradients:
        return 0.0
    norms = torch._foreach_norm(gradients)  # noqa: SLF001
    return torch.stack(norms).double().square().sum().item()


def clipping(norm: float, *, norm_max: float) -> float:
    """Return what to multiply gradients of a norm by, so that it is at most `norm_max`."""
    return min(1.0, norm_max / (norm + 1e-6))
