"""Processes that are slow in one phase of a step, or stop between two steps."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Slow:
    """One process sleeps in each of some steps."""

    process: int
    phase: str
    first: int
    """The first of the steps."""
    last: int
    seconds: float = 0.2


class _Sleeper:
    """Sleeps where it shall."""

    def __init__(self, slow: list[dict[str, Any]], rank: int) -> None:
        self.slow = [Slow(**one) for one in slow if one["process"] == rank]
        self.step = 0
        self.layer = 0

    def pass_by(self, phase: str) -> None:
        for one in self.slow:
            if one.phase == phase and one.first <= self.step <= one.last:
                time.sleep(one.seconds)


def make_slow(slow: list[dict[str, Any]], rank: int) -> None:
    """Let this process sleep where it shall: inside of what the phase consists of."""
    from hunmin.model import transformer
    from hunmin.train import stepping, stragglers

    if not slow:
        return
    stragglers.WINDOW_STEPS = 4
    sleeper = _Sleeper(slow, rank)
    step, make_batch = stepping.Stepper.step, stepping.make_batch
    update, attend = stepping.Stepper._update, transformer.Attention.forward

    def slow_step(self: Any, number: int, *data: Any, **more: Any) -> Any:
        sleeper.step, sleeper.layer = number, 0
        return step(self, number, *data, **more)

    def slow_batch(*data: Any, **more: Any) -> Any:
        sleeper.pass_by("data")
        return make_batch(*data, **more)

    def slow_update(self: Any, number: int) -> None:
        sleeper.pass_by("optimizer")
        update(self, number)

    def slow_attention(self: Any, x: Any, *more: Any) -> Any:
        mixed = attend(self, x, *more)
        sleeper.layer += 1
        if sleeper.layer == 2:  # in the second layer only, once a step
            sleeper.pass_by("forward")
            if mixed.requires_grad:
                mixed.register_hook(lambda _: sleeper.pass_by("backward"))
        return mixed

    stepping.Stepper.step, stepping.make_batch = slow_step, slow_batch
    stepping.Stepper._update, transformer.Attention.forward = slow_update, slow_attention


def stop_between(hangs: dict[str, int], rank: int, out: Path) -> None:
    """Let this process stop as by SIGSTOP when a checkpoint is due, the first time, if it shall."""
    from hunmin.train.loop import Loop

    begin = Loop._begin_checkpoint

    def begin_checkpoint(self: Any) -> None:
        mark = out / f".between-{self.course.step}"
        if hangs.get(str(self.course.step)) == rank and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        begin(self)

    Loop._begin_checkpoint = begin_checkpoint
