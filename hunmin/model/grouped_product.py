"""Products of rows with many matrices at once: each group of rows with a matrix of its own.

Letters in tensor names: S rows, G groups and their matrices, I inputs, O outputs.
"""

import torch
from torch import Tensor
from torch.nn import functional

_KERNEL_DTYPES = {"cpu": (torch.float32, torch.bfloat16), "cuda": (torch.bfloat16,)}
"""What PyTorch's grouped product takes, by the kind of device."""

_ALIGNMENT_BYTES = 16
"""Rows must begin at a multiple of so many bytes."""

_GPU_GENERATIONS = (8, 9)
"""Ampere and Hopper. On Blackwell the gradient of a matrix without rows is not zero (PyTorch issue
172439, seen there up to 2.13)."""


def grouped_product(x_SI: Tensor, weights_GOI: Tensor, sizes_G: Tensor) -> Tensor:
    """Return the product of each row with the transposed matrix of its group, `(S, O)`.

    The gradient of a matrix whose group has no row is zero, and not absent.

    Args:
        x_SI: Rows, one group after the other.
        weights_GOI: A matrix for each group, of the type of the rows.
        sizes_G: How many rows each group has, int64; they sum to S.
    """
    if has_kernel(x_SI, weights_GOI):
        ends_G = sizes_G.cumsum(0, dtype=torch.int32)
        return functional.grouped_mm(x_SI, weights_GOI.mT, offs=ends_G)
    parts = x_SI.split(sizes_G.tolist())
    return torch.cat(
        [functional.linear(part, one) for part, one in zip(parts, weights_GOI, strict=True)]
    )


def has_kernel(x_SI: Tensor, weights_GOI: Tensor) -> bool:
    """Whether PyTorch computes all groups as one product; otherwise they come one by one."""
    _, outputs, inputs = weights_GOI.shape
    device, item_bytes = x_SI.device, x_SI.element_size()
    return (
        len(x_SI) > 0
        and x_SI.dtype in _KERNEL_DTYPES.get(device.type, ())
        and inputs * item_bytes % _ALIGNMENT_BYTES == 0
        and outputs * item_bytes % _ALIGNMENT_BYTES == 0
        and (
            device.type == "cpu" or torch.cuda.get_device_capability(device)[0] in _GPU_GENERATIONS
        )
    )
