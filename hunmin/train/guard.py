"""Whether a step may be learned from, judged by the steps before it. Pure: no clock, no device.

A loss or a gradient that is no number, or lies far above what the last steps had, comes from bad
data or a fault of the machine; what it would teach can undo days of training. Every process judges
the same sums, so all come to the same verdict.

Source:
    OLMo-core's skip-step optimizers (mean and six standard deviations over 128 steps). Here what
    was seen is a part of the checkpoint, so a run that goes on judges as if it had never stopped.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

WINDOW_STEPS = 128
"""Steps that are remembered."""

JUDGES_FROM_STEPS = 32
"""With fewer than this nothing is too far above them."""

DEVIATIONS_MAX = 6.0

DEVIATION_SHARE_MIN = 0.01
"""A deviation is taken as at least this share of the mean: losses may be very even by chance."""

ROLLBACK_SKIPS = 3
ROLLBACK_WITHIN_STEPS = 100
"""So many skipped steps among so many: the weights are bad already, and are taken back."""


@dataclass
class Guard:
    """What was seen of the last steps."""

    losses: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW_STEPS))
    norms: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW_STEPS))
    skipped: deque[int] = field(default_factory=lambda: deque(maxlen=ROLLBACK_SKIPS))
    """The last steps that were skipped."""

    def may_learn(self, step: int, *, loss: float, norm: float) -> bool:
        """Judge a step, and remember it."""
        fit = not (_stands_out(loss, self.losses) or _stands_out(norm, self.norms))
        if fit:
            self.losses.append(loss)
            self.norms.append(norm)
        else:
            self.skipped.append(step)
        return fit

    @property
    def wants_rollback(self) -> bool:
        """Whether too many of the last steps were skipped."""
        return (
            len(self.skipped) == ROLLBACK_SKIPS
            and self.skipped[-1] - self.skipped[0] < ROLLBACK_WITHIN_STEPS
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; floats keep every bit."""
        return {name: list(getattr(self, name)) for name in ("losses", "norms", "skipped")}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return what `to_json` gave."""
        guard = cls()
        for name in ("losses", "norms", "skipped"):
            getattr(guard, name).extend(saved[name])
        return guard


def _stands_out(value: float, window: deque[float]) -> bool:
    if not math.isfinite(value):
        return True
    if len(window) < JUDGES_FROM_STEPS:
        return False
    mean = math.fsum(window) / len(window)
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in window) / len(window))
    return value > mean + DEVIATIONS_MAX * max(deviation, DEVIATION_SHARE_MIN * abs(mean))
