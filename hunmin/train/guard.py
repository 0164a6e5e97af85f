"""Whether a step may be learned from, judged by the steps before it. Pure: no clock, no device.

A loss or a gradient that is no number, or lies far above what the last steps had, comes from bad
data or a fault of the machine; what it would teach can undo days of training. Every process judges
the same sums, so all come to the same verdict. What stands out counts as the most that would not
have, so that a lasting change is taken for usual after some steps. Norms are compared by their
logarithms, for single large ones are common; being clipped, they do little harm.

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

DEVIATION_MIN = 0.02
"""And as at least so much, in nats of loss or of the logarithm of a norm."""

ROLLBACK_SKIPS = 3
ROLLBACK_WITHIN_STEPS = 100
"""So many among so many steps: the weights are bad already, and are taken back."""


@dataclass
class Guard:
    """What was seen of the last steps."""

    losses: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW_STEPS))
    log_norms: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW_STEPS))
    skipped: deque[int] = field(default_factory=lambda: deque(maxlen=ROLLBACK_SKIPS))
    """The last steps that were skipped for their loss, or for what is no number."""

    def may_learn(self, step: int, *, loss: float, norm: float) -> bool:
        """Judge a step, and remember it."""
        log_norm = math.log(norm) if norm > 0 else -math.inf
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self.skipped.append(step)
            return False
        loss_most, norm_most = _most(self.losses), _most(self.log_norms)
        self.losses.append(min(loss, loss_most))
        if norm > 0:
            self.log_norms.append(min(log_norm, norm_most))
        if loss > loss_most:
            self.skipped.append(step)
        return loss <= loss_most and log_norm <= norm_most

    @property
    def wants_rollback(self) -> bool:
        """Whether too many of the last steps were skipped."""
        return (
            len(self.skipped) == ROLLBACK_SKIPS
            and self.skipped[-1] - self.skipped[0] < ROLLBACK_WITHIN_STEPS
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; floats keep every bit."""
        return {name: list(getattr(self, name)) for name in ("losses", "log_norms", "skipped")}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return what `to_json` gave."""
        guard = cls()
        for name in ("losses", "log_norms", "skipped"):
            getattr(guard, name).extend(saved[name])
        return guard


def _most(window: deque[float]) -> float:
    """Return the largest value that does not stand out."""
    if len(window) < JUDGES_FROM_STEPS:
        return math.inf
    mean = math.fsum(window) / len(window)
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in window) / len(window))
    return mean + DEVIATIONS_MAX * max(deviation, DEVIATION_SHARE_MIN * abs(mean), DEVIATION_MIN)
