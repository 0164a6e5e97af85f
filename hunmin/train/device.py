"""Which device trains, in which number format, compiled or not. Asked once, at the start."""

import os
import shutil
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hunmin.model.attention_names import KernelName


@dataclass(frozen=True, slots=True)
class Device:
    """The device of a run and how it computes."""

    device: torch.device
    bfloat16: bool
    """Whether matrix products run in bfloat16; weights and optimizer stay float32."""
    compiled: bool
    recomputes: bool = False
    """Whether a layer's activations are computed again on the way back and not kept."""
    attention: KernelName = "sdpa"
    """The kernel that computes attention."""
    deterministic: bool = False
    """Whether the same bits come out again, on a GPU too."""

    @property
    def name(self) -> str:
        """What the device is called."""
        is_gpu = self.device.type == "cuda"
        return torch.cuda.get_device_name(self.device) if is_gpu else "CPU"

    def precision(self) -> AbstractContextManager[object]:
        """Return the context in which the forward pass runs."""
        if not self.bfloat16:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def describe(self) -> str:
        """Return one plain line for people and manifests."""
        number = "bfloat16" if self.bfloat16 else "float32"
        way = "compiled" if self.compiled else "eager"
        told = [self.name, number, way, f"{self.attention} attention"]
        told += ["activations recomputed"] if self.recomputes else []
        told += ["deterministic"] if self.deterministic else []
        return ", ".join(told)

    def to_json(self) -> dict[str, Any]:
        """Return what the bits that come out depend on."""
        return {
            "deterministic": self.deterministic,
            "device": self.name,
            "torch": torch.__version__,
            "bfloat16": self.bfloat16,
            "compiled": self.compiled,
            "attention": self.attention,
            "threads": torch.get_num_threads() if self.device.type == "cpu" else None,
        }


def find_device(
    *, compile_wanted: bool = True, recomputes: bool = False, deterministic: bool = False
) -> Device:
    """Return a GPU where there is one, else the CPU, with what it does fast.

    A CPU gets bfloat16 only where it has instructions for it: elsewhere PyTorch emulates it at a
    tenth of the speed. Compiling needs a C++ compiler on a CPU; without one the run is eager.
    """
    has_gpu = torch.cuda.is_available()
    can_compile = has_gpu or shutil.which(os.environ.get("CXX", "g++")) is not None
    return Device(
        torch.device("cuda" if has_gpu else "cpu"),
        bfloat16=has_gpu or _cpu_has_bfloat16(),
        compiled=compile_wanted and can_compile,
        recomputes=recomputes,
        deterministic=deterministic,
    )


def _cpu_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
