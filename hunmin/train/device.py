"""Which device trains, in which number format, compiled or not. Asked once, at the start."""

import logging
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from hunmin.model import Transformer


@dataclass(frozen=True, slots=True)
class Device:
    """The device of a run and how it computes."""

    device: torch.device
    bfloat16: bool
    """Whether matrix products run in bfloat16; weights and optimizer stay float32."""
    compiled: bool

    def precision(self) -> AbstractContextManager[object]:
        """Return the context in which the forward pass runs."""
        if not self.bfloat16:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def describe(self) -> str:
        """Return one plain line for people and manifests."""
        name = "CPU"
        if self.device.type == "cuda":
            name = torch.cuda.get_device_name(self.device)
        number = "bfloat16" if self.bfloat16 else "float32"
        return f"{name}, {number}, {'compiled' if self.compiled else 'eager'}"


def find_device(*, compile_wanted: bool = True) -> Device:
    """Return a GPU where there is one, else the CPU, with what it does fast.

    A CPU gets bfloat16 only where it has instructions for it: elsewhere PyTorch emulates it at a
    tenth of the speed. Compiling needs a C++ compiler on a CPU; without one the run is eager.
    """
    if torch.cuda.is_available():
        return Device(torch.device("cuda"), bfloat16=True, compiled=compile_wanted)
    has_compiler = shutil.which(os.environ.get("CXX", "g++")) is not None
    return Device(
        torch.device("cpu"),
        bfloat16=_cpu_has_bfloat16(),
        compiled=compile_wanted and has_compiler,
    )


def _cpu_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


SumOfLosses = Callable[..., tuple[Tensor, Tensor]]
"""`sum_of_losses`, compiled or not."""


def prepare_model(model: Transformer, device: Device) -> SumOfLosses:
    """Move the model to the device, compile its layers, and return the loss to use with it."""
    model.to(device.device)
    if device.compiled:
        logging.getLogger("torch._inductor").setLevel(logging.ERROR)
        for block in model.model.layers:
            block.compile()
        return torch.compile(sum_of_losses)
    return sum_of_losses


def sum_of_losses(
    hidden_ND: Tensor, head_VD: Tensor, targets_N: Tensor, *, penalized: bool
) -> tuple[Tensor, Tensor]:
    """Return the summed cross-entropy in nats over targets that are not -100, and the z-loss.

    Args:
        hidden_ND: Last hidden states, `(N, D)`.
        head_VD: The head, `(V, D)`.
        targets_N: Ids, `(N,)`.
        penalized: Whether the z-loss is wanted; it is 0 otherwise.

    Source:
        Chowdhery et al., "PaLM", 2022, section 5 (z-loss: the squared log of the softmax's sum).
    """
    logits_NV = functional.linear(hidden_ND, head_VD).float()
    loss = functional.cross_entropy(logits_NV, targets_N, ignore_index=-100, reduction="sum")
    if not penalized:
        return loss, torch.zeros_like(loss)
    squares_N = logits_NV.logsumexp(dim=-1).square()
    return loss, squares_N.masked_fill(targets_N < 0, 0.0).sum()
