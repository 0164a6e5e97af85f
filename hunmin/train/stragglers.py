"""Which process holds up the others, and in which phase of a step.

Every few steps the processes tell each other what they took themselves in each phase (`phases`),
the median of those steps, and all judge the same numbers. A straggler takes clearly longer than
others that had as many sequences, twice in a row: one slow step, or a busy moment, names nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hunmin.train.phases import PHASES, Phase, PhaseClock, StepTimes
from hunmin.train.world import World

WINDOW_STEPS = 16
"""Steps that are judged together."""

STEP_SHARE_MIN = 0.1
"""Whoever takes longer than others by less than this share of a step is no straggler."""

SECONDS_MIN = 0.025
"""Nor whoever takes so little longer: what else a machine does takes as long."""


@dataclass(frozen=True, slots=True)
class Change:
    """A process that became a straggler, or keeps up again."""

    process: int
    host: str
    phase: Phase
    """In which it takes, or took, most of that time."""
    seconds_over: float
    """By how much each of its steps takes longer than those of others; 0 where it keeps up."""

    @property
    def keeps_up(self) -> bool:
        """Whether it is none any more."""
        return self.seconds_over == 0

    def to_json(self) -> dict[str, Any]:
        """Return what the log of the run says."""
        said = {"process": self.process, "host": self.host, "phase": self.phase}
        if self.keeps_up:
            return {"event": "straggler_keeps_up", **said}
        return {"event": "straggler", **said, "seconds_over": round(self.seconds_over, 4)}

    def __str__(self) -> str:
        """Return what people are told."""
        if self.keeps_up:
            return f"process {self.process} on {self.host} keeps up again"
        return (
            f"process {self.process} on {self.host} holds up the others by "
            f"{self.seconds_over:.2g} s a step ({self.phase})"
        )


def seconds_over(own_PF: NDArray[np.float64], sequences_P: Sequence[int]) -> NDArray[np.float64]:
    """Return by how much each process takes longer than is usual, in each phase.

    Usual is the median of those that had as many sequences; of two, the faster one.

    Args:
        own_PF: What each process takes itself in each phase, in seconds, `(P, F)`.
        sequences_P: How many sequences a step of each has.
    """
    over_PF = np.zeros_like(own_PF)
    work_P = np.asarray(sequences_P)
    for work in set(sequences_P):
        alike_P = work_P == work
        usual_F = np.quantile(own_PF[alike_P], 0.5, axis=0, method="lower")
        over_PF[alike_P] = own_PF[alike_P] - usual_F
    return over_PF


def late(over_PF: NDArray[np.float64], step_seconds: float) -> NDArray[np.bool_]:
    """Return for each process whether it takes clearly longer than is usual, `(P,)`."""
    return over_PF.sum(axis=1) > max(SECONDS_MIN, STEP_SHARE_MIN * step_seconds)


class Stragglers:
    """Watches for stragglers among the processes of a run."""

    def __init__(self, clock: PhaseClock, world: World, hosts: Sequence[str]) -> None:
        self._clock = clock
        self._world = world
        self._hosts = hosts
        self._window: list[StepTimes] = []
        self._before: tuple[NDArray[np.float64], NDArray[np.bool_]] | None = None
        self._named: dict[int, Phase] = {}

    def after_step(self) -> list[Change]:
        """Take note of the last step; now and then all processes do so together.

        Returns:
            Who became a straggler, and who is none any more; on every process the same.
        """
        if self._clock.last is None or self._world.size == 1:
            return []
        self._window.append(self._clock.last)
        if len(self._window) < WINDOW_STEPS:
            return []
        own_F = np.median([step.own for step in self._window], axis=0)
        whole = float(np.median([step.whole for step in self._window]))
        sequences = self._window[-1].sequences
        self._window.clear()
        told = np.array(self._world.numbers_of_all([sequences, whole, *own_F]))
        over_PF = seconds_over(told[:, 2:], told[:, 0].tolist())
        return self._judge(over_PF, late(over_PF, told[:, 1].max()))

    def _judge(self, over_PF: NDArray[np.float64], late_P: NDArray[np.bool_]) -> list[Change]:
        """Compare a window with the one before, and tell what is new."""
        before, self._before = self._before, (over_PF, late_P)
        if before is None:
            return []
        mean_PF = (over_PF + before[0]) / 2
        changes: list[Change] = []
        for process in map(int, np.flatnonzero(late_P & before[1])):
            phase = PHASES[int(mean_PF[process].argmax())]
            if self._named.get(process) != phase:
                self._named[process] = phase
                changes.append(self._change(process, float(mean_PF[process].sum())))
        for process in [one for one in self._named if not (late_P[one] or before[1][one])]:
            changes.append(self._change(process, 0.0))
            del self._named[process]
        return changes

    def _change(self, process: int, seconds: float) -> Change:
        return Change(process, self._hosts[process], self._named[process], seconds)
