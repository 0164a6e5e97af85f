"""Which attention kernels work for a model on this device, and how long each takes.

A kernel is believed only where it gives what plain arithmetic gives, there and on the way back. The
times are of one layer's attention, forward and backward, taken in turn.

Letters in tensor names: B sequences, T positions, H query heads, K key and value heads, E head
width.
"""

import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from hunmin.model import ModelConfig
from hunmin.model.attention_kernels import documents_of
from hunmin.model.attention_names import KernelName
from hunmin.progress import bar
from hunmin.train.device import Device
from hunmin.train.recipe import TrainConfig

_TRIAL_TOKENS = 256
_TOKENS = {"cuda": 16_384, "cpu": 2_048}
"""About how many tokens a measurement is of, by the type of the device."""

_ROUNDS = 9
_SECONDS_MAX = 2.0
"""No further round is begun after so long: a CPU is slow, and its ratios are clear before."""

_ERROR_MAX = {torch.float32: 1e-3, torch.bfloat16: 2e-2}
"""How far a kernel's results may lie from those of plain arithmetic, relative to their norm."""

_MEAN_DOCUMENTS = 4
"""How many documents a measured sequence has on average, where they are kept apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the best kernel depends on."""

    device: str
    """Its name, as `NVIDIA H200`."""
    torch: str
    """The version of PyTorch."""
    head_width: int
    heads: int
    """Query heads on one process."""
    key_value_heads: int
    sequence_tokens: int
    documents_apart: bool
    bfloat16: bool

    @classmethod
    def of(cls, config: TrainConfig, model: ModelConfig, device: Device, *, tensor: int) -> Self:
        """Return the case of a stage, where `tensor` processes share the heads of each layer."""
        apart = config.stage == "chat" or (config.stage == "pretrain" and config.documents_apart)
        return cls.of_shape(
            model, device, tensor=tensor, sequence_tokens=config.sequence_tokens, apart=apart
        )

    @classmethod
    def of_shape(
        cls, model: ModelConfig, device: Device, *, tensor: int, sequence_tokens: int, apart: bool
    ) -> Self:
        """Return the case of a model's attention on sequences of a length."""
        return cls(
            device=device.name,
            torch=torch.__version__,
            head_width=model.head_width,
            heads=model.heads // tensor,
            key_value_heads=model.key_value_heads // tensor,
            sequence_tokens=sequence_tokens,
            documents_apart=apart,
            bfloat16=device.bfloat16,
        )

    @property
    def dtype(self) -> torch.dtype:
        """The number format attention is computed in."""
        return torch.bfloat16 if self.bfloat16 else torch.float32


@dataclass(frozen=True, slots=True)
class Timing:
    """What came of trying one kernel."""

    kernel: KernelName
    milliseconds: float | None = None
    """The median of one layer's attention, forward and backward; None where it does not work."""
    trouble: str = ""
    """Why it does not work."""


def trouble_with(kernel: KernelName, case: Case, device: torch.device) -> str:
    """Return why a kernel cannot be used for a case, in a line; empty where it can."""
    length = min(_TRIAL_TOKENS, case.sequence_tokens)
    ways = (False, True) if case.documents_apart else (False,)  # held-out text is not kept apart
    try:
        with _quiet():
            for apart in ways:
                found = _Work(kernel, case, device, batch=2, length=length, apart=apart).once()
                right = _Work("math", case, device, batch=2, length=length, apart=apart).once()
                if not all(map(_is_near, found, right)):
                    return "its results are wrong here"
    except Exception as error:  # noqa: BLE001 (whatever it is, this kernel cannot be used)
        return _first_sentence(error)
    return ""


def measure(kernels: Sequence[KernelName], case: Case, device: torch.device) -> list[Timing]:
    """Return how long each kernel takes for a case, in the order they were given.

    Args:
        kernels: Which ones.
        case: What is computed.
        device: Where.
    """
    batch = max(1, _TOKENS[device.type] // case.sequence_tokens)
    found = {kernel: Timing(kernel) for kernel in kernels}
    works: dict[KernelName, _Work] = {}
    with bar("attention", total=len(kernels), unit="kernels") as shown, _quiet():
        for kernel in kernels:
            trouble = trouble_with(kernel, case, device)
            if not trouble:
                try:
                    work = _Work(
                        kernel, case, device,
                        batch=batch, length=case.sequence_tokens, apart=case.documents_apart,
                    )  # fmt: skip
                    work.once()  # compiles what is compiled
                    works[kernel] = work
                except Exception as error:  # noqa: BLE001 (too long for it, or for the memory)
                    trouble = _first_sentence(error)
            found[kernel] = Timing(kernel, trouble=trouble)
            shown.advance(note=kernel)
        for kernel, milliseconds in _in_turn(works, device).items():
            found[kernel] = Timing(kernel, milliseconds=milliseconds)
    return list(found.values())


class _Work:
    """The attention of one layer, to be computed forward and backward."""

    def __init__(
        self,
        kernel: KernelName,
        case: Case,
        device: torch.device,
        *,
        batch: int,
        length: int,
        apart: bool,
    ) -> None:
        chance = torch.Generator().manual_seed(length)

        def draw(heads: int) -> Tensor:
            drawn_BTHE = torch.randn(batch, length, heads, case.head_width, generator=chance)
            return drawn_BTHE.to(device, case.dtype).transpose(1, 2)

        counts = (case.heads, case.key_value_heads, case.key_value_heads)
        self._inputs = [draw(heads).requires_grad_() for heads in counts]
        self._back_BHTE = draw(case.heads)
        ids_BT = torch.zeros(batch, length, dtype=torch.int64, device=device)
        ends_BT = torch.rand(batch, length, generator=chance) < _MEAN_DOCUMENTS / length
        segments_BT = ends_BT.cumsum(1).to(device) if apart else None
        self._documents = documents_of(kernel, ids_BT, segments_BT)

    def once(self) -> list[Tensor]:
        """Return the output and the gradients of queries, keys and values."""
        mixed_BHTE = self._documents.attend(*self._inputs)
        return [mixed_BHTE, *torch.autograd.grad(mixed_BHTE, self._inputs, self._back_BHTE)]


def _in_turn(works: dict[KernelName, _Work], device: torch.device) -> dict[KernelName, float]:
    """Return the median milliseconds of each."""
    taken: dict[KernelName, list[float]] = {kernel: [] for kernel in works}
    begun = time.perf_counter()
    for _ in range(_ROUNDS):
        for kernel, work in works.items():
            taken[kernel].append(_timed(work.once, device))
        if time.perf_counter() - begun > _SECONDS_MAX:
            break
    return {kernel: 1000 * statistics.median(times) for kernel, times in taken.items()}


def _timed(work: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    begun = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begun


def _is_near(found: Tensor, right: Tensor) -> bool:
    """Whether a result is that of plain arithmetic but for rounding; one with no number is not."""
    difference = (found.float() - right.float()).norm()
    return bool(difference <= _ERROR_MAX[found.dtype] * right.float().norm())


def _quiet() -> AbstractContextManager[object]:
    """Return a context in which nobody hears why PyTorch left a kernel out; the error says it."""
    return warnings.catch_warnings(action="ignore")


def _first_sentence(error: Exception) -> str:
    """Return what an error says without the help that PyTorch adds, or of what kind it is."""
    return str(error).strip().partition("\n")[0].partition(". ")[0] or type(error).__name__
