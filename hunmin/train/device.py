"""Which device trains, in which number format, compiled or not. Asked once, at the start."""

import os
import shutil
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from hunmin.model.attention_names import KernelName

Precision = Literal["float32", "bfloat16", "float8"]
"""The number format of large matrix products; weights and optimizer stay float32."""


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
    float8: bool = False
    """Whether large linear layers learn in float8, and only the rest in bfloat16."""
    deterministic: bool = False
    """Whether the same bits come out again, on a GPU too."""

    @property
    def name(self) -> str:
        """What the device is called."""
        is_gpu = self.device.type == "cuda"
        return torch.cuda.get_device_name(self.device) if is_gpu else "CPU"

    @property
    def computed_on(self) -> str:
        """What decides, beside the number format, which bits a step of the optimizer gives."""
        kind = f" with {torch.backends.cpu.get_cpu_capability()}" if self.name == "CPU" else ""
        return f"{self.name}{kind}, PyTorch {torch.__version__}"

    @property
    def number_format(self) -> Precision:
        """The number format of the largest products."""
        if self.float8:
            return "float8"
        return "bfloat16" if self.bfloat16 else "float32"

    def precision(self) -> AbstractContextManager[object]:
        """Return the context in which the forward pass runs."""
        if not self.bfloat16:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def describe(self) -> str:
        """Return one plain line for people and manifests."""
        way = "compiled" if self.compiled else "eager"
        told = [self.name, self.number_format, way, f"{self.attention} attention"]
        told += ["activations recomputed"] if self.recomputes else []
        told += ["deterministic"] if self.deterministic else []
        return ", ".join(told)

    def to_json(self) -> dict[str, Any]:
        """Return what the bits that come out depend on."""
        return {
            "deterministic": self.deterministic,
            "device": self.name,
            "torch": torch.__version__,
            "precision": self.number_format,
            "compiled": self.compiled,
            "attention": self.attention,
            "threads": torch.get_num_threads() if self.device.type == "cpu" else None,
        }


def find_device(
    *,
    compile_wanted: bool = True,
    recomputes: bool = False,
    precision: Precision | None = None,
    deterministic: bool = False,
) -> Device:
    """Return a GPU where there is one, else the CPU, with what it does fast.

    A CPU gets bfloat16 only where it has instructions for it: elsewhere PyTorch emulates it at a
    tenth of the speed. Compiling needs a C++ compiler on a CPU; without one the run is eager.

    Args:
        compile_wanted: Whether to compile where that is possible.
        recomputes: Whether activations are computed again and not kept.
        precision: The number format of large products; None takes what the device does fast and
            any size of model may have.
        deterministic: Whether the same bits must come out again.
    """
    has_gpu = torch.cuda.is_available()
    can_compile = has_gpu or shutil.which(os.environ.get("CXX", "g++")) is not None
    if precision is None:
        precision = "bfloat16" if has_gpu or _cpu_has_bfloat16() else "float32"
    return Device(
        torch.device("cuda" if has_gpu else "cpu"),
        bfloat16=precision != "float32",
        compiled=compile_wanted and can_compile,
        recomputes=recomputes,
        float8=precision == "float8",
        deterministic=deterministic,
    )


def _cpu_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
