"""What a process does in a step, phase by phase, without the time it waits for others.

Processes that train one model wait in every exchange for the slowest of them, so a step takes all
of them equally long, whoever is slow. What tells them apart is the time between exchanges. The
world marks its own (`World.waiting`); `fully_shard` exchanges a module's weights before it computes
and its gradients behind that, and hooks around its hooks mark those.

On a CPU a mark is the reading of a clock. On a GPU it is an event in the queue of the device, read
a step later, when it has come: nothing waits for it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.autograd import Variable
from torch.distributed.fsdp import FSDPModule

Phase = Literal["data", "forward", "backward", "optimizer"]

PHASES: tuple[Phase, ...] = get_args(Phase)
"""In the order of a step; the norm of the gradient belongs to `optimizer`."""

_Marks = list[tuple[Any, Phase | None]]
"""Moments, and what begins there; None for waiting."""


@dataclass(frozen=True, slots=True)
class StepTimes:
    """What one step took, in seconds."""

    own: tuple[float, ...]
    """What this process took itself, by the order of `PHASES`."""
    whole: float
    """From its beginning to its end, waiting and all."""
    sequences: int
    """How many sequences went through the model in this process."""


class PhaseClock:
    """Measures the steps of one process: `enter` each phase, and `end_step`."""

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._phase: Phase | None = None
        self._marks: _Marks = []
        self._unread: tuple[_Marks, int] | None = None
        """The marks of the step before and its sequences, on a GPU."""
        self.last: StepTimes | None = None
        """The last step of which it is known; on a GPU the one before the last."""

    def enter(self, phase: Phase) -> None:
        """Begin a phase; the first one begins a step."""
        self._phase = phase
        self._mark(phase)

    def end_step(self, *, sequences: int) -> None:
        """End a step in which so many sequences went through the model."""
        self._mark(None)
        self._phase = None
        ended: tuple[_Marks, int] | None = (self._marks, sequences)
        self._marks = []
        if self._on_gpu:
            ended, self._unread = self._unread, ended
        if ended is not None:
            self.last = _times(*ended)

    def drop_step(self) -> None:
        """Forget the step under way: it is done again."""
        self._marks.clear()
        self._phase = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the block as waiting for others; outside a step, count nothing."""
        self._wait()
        try:
            yield
        finally:
            self._go_on()

    def attach(self, learner: nn.Module) -> None:
        """Count what `fully_shard` exchanges for a module, and for those in it, as waiting.

        The module itself is called once in a forward pass, and backward begins at its outputs. One
        that is not parted exchanges nothing.
        """
        if not isinstance(learner, FSDPModule):
            return
        for module in learner.modules():
            if isinstance(module, FSDPModule):
                assert isinstance(module, nn.Module)
                module.register_forward_pre_hook(self._before_gathering, prepend=True)
                module.register_forward_pre_hook(self._behind_gathering)
                module.register_forward_hook(self._before_shard_hook, prepend=True)
                module.register_forward_hook(self._behind_shard_hook)
        learner.register_forward_hook(self._before_the_end, prepend=True)

    def _mark(self, begins: Phase | None) -> None:
        if self._phase is None or (self._marks and self._marks[-1][1] == begins):
            return
        if self._on_gpu:
            moment = torch.cuda.Event(enable_timing=True)
            moment.record()
        else:
            moment = time.monotonic()
        self._marks.append((moment, begins))

    def _wait(self, *_: object) -> None:
        self._mark(None)

    def _go_on(self, *_: object) -> None:
        self._mark(self._phase)

    # Backward comes to a module's output first and to its input last. There `fully_shard` gathers
    # weights in a hook of the output, and gives gradients away behind the input it hands on.

    @torch.compiler.disable
    def _before_gathering(self, _: nn.Module, inputs: Any) -> None:  # noqa: ANN401
        self._wait()
        _at_gradients(inputs, self._go_on)

    @torch.compiler.disable
    def _behind_gathering(self, _: nn.Module, inputs: Any) -> None:  # noqa: ANN401
        self._go_on()
        _at_gradients(inputs, self._wait)

    @torch.compiler.disable
    def _before_shard_hook(self, _: nn.Module, __: Any, outputs: Any) -> None:  # noqa: ANN401
        _at_gradients(outputs, self._wait)

    @torch.compiler.disable
    def _behind_shard_hook(self, _: nn.Module, __: Any, outputs: Any) -> None:  # noqa: ANN401
        _at_gradients(outputs, self._go_on)

    @torch.compiler.disable
    def _before_the_end(self, _: nn.Module, __: Any, outputs: Any) -> None:  # noqa: ANN401
        """Mark where backward has computed all and the last gradients are given away."""

        def queue_wait(_: Tensor) -> None:
            engine = Variable._execution_engine  # noqa: SLF001 (as `fully_shard` does)
            engine.queue_callback(self._wait)

        _at_gradients(outputs, queue_wait)


def _at_gradients(values: Any, hook: Any) -> None:  # noqa: ANN401 (what a module takes or gives)
    """Call a hook when the gradients of the tensors among values are there."""
    if not torch.is_grad_enabled():
        return
    for value in values if isinstance(values, tuple) else (values,):
        if isinstance(value, Tensor) and value.requires_grad:
            value.register_hook(hook)


def _times(marks: _Marks, sequences: int) -> StepTimes:
    own = dict.fromkeys(PHASES, 0.0)
    for (moment, phase), (following, _) in pairwise(marks):
        if phase is not None:
            own[phase] += _seconds(moment, following)
    whole = _seconds(marks[0][0], marks[-1][0])
    return StepTimes(tuple(own.values()), whole=whole, sequences=sequences)


def _seconds(moment: Any, following: Any) -> float:  # noqa: ANN401 (readings, or events)
    if isinstance(moment, float):
        return following - moment
    return moment.elapsed_time(following) / 1000
