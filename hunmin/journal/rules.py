"""What the numbers of a run mean: its state, the time left, and which points a small plot keeps.

Pure: no clock, no files.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

State = Literal["running", "finished", "stopped", "failed", "stalled"]
"""`stopped`: somebody ended it, and it can go on. `stalled`: it should be running and gives no sign
of life."""

Axis = Literal["step", "tokens_seen"]

SILENT_SECONDS_MIN = 120.0
SILENT_SECONDS_AT_START = 1800.0
"""Before its first points a run reads data and compiles."""

_SILENT_TIMES_USUAL = 6.0
PACE_POINTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What tells whether a run is alive. Moments in seconds since 1970."""

    finished: bool
    """Whether its last checkpoint is there."""
    life_event: str | None
    """The newest of `LIFE_EVENTS` in its log."""
    life_at: float
    """When that was; 0 where it is not known."""
    locked_at: float | None
    """When a process took the run's lock; None where there is no lock."""
    stalled_at: float | None
    """When a process that hung wrote its stacks."""
    point_times: Sequence[float] | NDArray[np.float64]
    """When the newest points since the start were written."""


def state_of(signs: Signs, *, now: float) -> State:
    """Return the state of a run."""
    if signs.finished or signs.life_event == "finished":
        return "finished"
    ended: State | None = None
    if signs.life_event == "failed":
        ended = "failed"
    elif signs.life_event == "stopped":
        ended = "stopped"
    if signs.locked_at is None:
        return ended or "stopped"
    if ended is not None and signs.locked_at <= signs.life_at:
        return ended
    times = [moment for moment in signs.point_times if moment >= signs.locked_at]
    alive_at = max([signs.locked_at, signs.life_at, *times])
    if signs.stalled_at is not None and signs.stalled_at > alive_at:
        return "stalled"
    return "stalled" if now - alive_at > silent_seconds_max(times) else "running"


def silent_seconds_max(point_times: Sequence[float] | NDArray[np.float64]) -> float:
    """Return how long a run may say nothing before it counts as stalled."""
    if len(point_times) < 2:  # noqa: PLR2004 (there is no time between points yet)
        return SILENT_SECONDS_AT_START
    usual = float(np.median(np.diff(np.asarray(point_times))))
    return max(SILENT_SECONDS_MIN, _SILENT_TIMES_USUAL * usual)


def seconds_per_step(steps_P: NDArray[np.float64], at_P: NDArray[np.float64]) -> float | None:
    """Return how long a step takes by the clock, checkpoints and all.

    Args:
        steps_P: Steps of the points since the run started or took steps back last.
        at_P: When each was written, seconds.

    Returns:
        None where two points with a moment are missing.
    """
    known = ~np.isnan(at_P)
    steps, at = steps_P[known][-PACE_POINTS:], at_P[known][-PACE_POINTS:]
    if len(steps) < 2 or steps[-1] <= steps[0] or at[-1] <= at[0]:  # noqa: PLR2004
        return None
    return float((at[-1] - at[0]) / (steps[-1] - steps[0]))


def seconds_left(
    *, step: int, steps: int, seconds_a_step: float | None, since_point: float
) -> float | None:
    """Return how long a run will go on, as far as its pace tells.

    Args:
        step: The newest point's step.
        steps: Steps in all.
        seconds_a_step: Its pace.
        since_point: Seconds since the newest point.
    """
    if seconds_a_step is None:
        return None
    return max(0.0, (steps - step) * seconds_a_step - max(0.0, since_point))


def mfu(
    tokens_per_second: float,
    *,
    flops_per_token: float | None,
    peak_flops_per_second: float | None,
    processes: int,
) -> float | None:
    """Return the share of its devices' peak that a run's arithmetic makes use of.

    Source:
        Chowdhery et al., "PaLM", 2022, appendix B (model FLOPs utilization).
    """
    if not flops_per_token or not peak_flops_per_second or math.isnan(tokens_per_second):
        return None
    return tokens_per_second * flops_per_token / (peak_flops_per_second * processes)


def keep_extremes(values_P: NDArray[np.float64], buckets: int) -> NDArray[np.int64]:
    """Return which values to draw: of each bucket the first, least, greatest and last.

    So a spike of one step among a million is still seen. NaN is never least or greatest.

    Args:
        values_P: All values, `(P,)`.
        buckets: Into how many parts of the same length they are cut, at least 1.

    Returns:
        Indices in order, `(K,)`, at most four a bucket; all of them where they are few.
    """
    if len(values_P) <= 4 * buckets:
        return np.arange(len(values_P))
    width = -(-len(values_P) // buckets)
    starts = np.arange(0, len(values_P), width)
    ends = np.minimum(starts + width, len(values_P)) - 1
    padded = np.full(len(starts) * width, math.nan)
    padded[: len(values_P)] = values_P
    in_buckets = padded.reshape(len(starts), width)
    is_nan = np.isnan(in_buckets)
    least = starts + np.where(is_nan, np.inf, in_buckets).argmin(axis=1)
    greatest = starts + np.where(is_nan, -np.inf, in_buckets).argmax(axis=1)
    return np.unique(np.concatenate([starts, least, greatest, ends]))
