"""How much of a long run is training: what failures, restarts and checkpoints leave of it. Pure.

Two answers, one from a formula and one from playing failures through. Between two failures a run
trains and checkpoints in turn; at a failure it loses what no whole checkpoint holds, and stands
until it has started again. Failures come at random, so often as there are GPUs.

Source:
    Young, "A first order approximation to the optimum checkpoint interval", 1974; Daly, "A higher
    order estimate of the optimum checkpoint interval", 2006. Meta, "The Llama 3 Herd of Models",
    2024, table 5 (419 unexpected interruptions of 16,384 GPUs in 54 days).
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

GPU_HOURS_PER_FAILURE = 16_384 * 54 * 24 / 419
"""What Llama 3's training came to: about 50,700."""

FAILURES: Mapping[str, int] = {
    "faulty GPU": 148,
    "GPU memory": 72,
    "software": 54,
    "network switch or cable": 35,
    "host maintenance": 32,
    "GPU cache": 19,
    "GPU system processor": 17,
    "network card": 7,
    "watchdog of collectives": 7,
    "silent data corruption": 6,
    "GPU temperature": 6,
    "disk": 3,
    "power supply": 3,
    "chassis": 2,
    "expansion board": 2,
    "dependency": 2,
    "CPU": 2,
    "system memory": 2,
}
"""Unexpected interruptions of Llama 3's training by their cause."""

_SAME_MACHINES = frozenset({"software", "watchdog of collectives", "dependency"})
"""After these a run starts again on the machines it had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a run is up against. All times in seconds."""

    gpus: int
    blocking_seconds: float
    """How long training stands still for a checkpoint."""
    restart_seconds: float
    """From a failure until training goes on, on the same machines."""
    replace_seconds: float | None = None
    """The same where a machine has to be replaced; None: no longer."""
    writing_seconds: float = 0.0
    """How long a checkpoint is written behind training until it is whole."""
    gpu_hours_per_failure: float = GPU_HOURS_PER_FAILURE

    def __post_init__(self) -> None:
        if self.gpus < 1 or self.gpu_hours_per_failure <= 0 or self.blocking_seconds <= 0:
            raise ValueError("gpus, gpu_hours_per_failure and blocking_seconds must be positive")
        if min(self.restart_seconds, self.replace_seconds or 0.0, self.writing_seconds) < 0:
            raise ValueError("times must not be negative")

    @property
    def seconds_between_failures(self) -> float:
        """The mean time from one failure to the next."""
        return self.gpu_hours_per_failure * 3600 / self.gpus

    @property
    def standing_seconds(self) -> dict[str, float]:
        """How long training stands after each kind of failure."""
        replaced = self.restart_seconds if self.replace_seconds is None else self.replace_seconds
        return {
            cause: self.restart_seconds if cause in _SAME_MACHINES else replaced
            for cause in FAILURES
        }


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a run that was played through."""

    effective: float
    """Share of the time in which it trained what was kept."""
    blocked: float
    """Share in which it stood still for checkpoints."""
    lost: float
    """Share in which it trained what a failure undid."""
    stood: float
    """Share in which it started again."""
    failures: dict[str, int]
    """How often it failed, by cause, the most frequent first."""


def best_interval(conditions: Conditions) -> float:
    """Return how many seconds of training between two checkpoints lose least (Young)."""
    return math.sqrt(2 * conditions.blocking_seconds * conditions.seconds_between_failures)


def effective_share(conditions: Conditions, interval_seconds: float) -> float:
    """Return the share of the time that is training which is kept, to first order; at least 0.

    Args:
        conditions: What the run is up against.
        interval_seconds: Of training between two checkpoints.
    """
    standing = conditions.standing_seconds
    mean_standing = sum(standing[cause] * count for cause, count in FAILURES.items())
    mean_standing /= sum(FAILURES.values())
    lost = interval_seconds / 2 + conditions.writing_seconds + mean_standing
    blocked = conditions.blocking_seconds / interval_seconds
    return max(0.0, 1 - blocked - lost / conditions.seconds_between_failures)


def play(
    conditions: Conditions, interval_seconds: float, *, days: float = 365, seed: int = 1446
) -> Played:
    """Play a run through, with failures at random moments and of random causes.

    A failure while the run starts again makes it start once more.

    Args:
        conditions: What the run is up against.
        interval_seconds: Of training between two checkpoints.
        days: How long the run is.
        seed: The same gives the same failures, whatever else is asked.
    """
    end = days * 86_400
    now = kept = trained = blocked = 0.0
    failures: Counter[str] = Counter()
    resumed = 0.0
    for moment, cause in _failures(conditions, end, seed):
        at = min(moment, end)
        if at > resumed:
            done, stood_still, whole = _since(conditions, interval_seconds, at - resumed)
            trained += done
            blocked += stood_still
            kept += done if moment >= end else whole
        now = at
        if moment >= end:
            break
        failures[cause] += 1
        resumed = now + conditions.standing_seconds[cause]
    return Played(
        effective=kept / end,
        blocked=blocked / end,
        lost=(trained - kept) / end,
        stood=1 - (trained + blocked) / end,
        failures=dict(failures.most_common()),
    )


def best_played(
    conditions: Conditions, *, days: float = 365, seed: int = 1446
) -> tuple[float, Played]:
    """Return the interval in seconds that did best when played through, and what became of it.

    Tried are intervals from a quarter of Young's to four times that, each a tenth longer.
    """
    first = best_interval(conditions)
    intervals = [first * 1.1**power for power in range(-14, 15)]
    outcomes = [(one, play(conditions, one, days=days, seed=seed)) for one in intervals]
    return max(outcomes, key=lambda outcome: outcome[1].effective)


def _failures(conditions: Conditions, end: float, seed: int) -> Iterator[tuple[float, str]]:
    """Yield moments and causes of failures; the last one comes behind the end."""
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    causes, counts = list(FAILURES), list(FAILURES.values())
    now = 0.0
    while now < end:
        now += chance.expovariate(1 / conditions.seconds_between_failures)
        yield now, chance.choices(causes, counts)[0]


def _since(
    conditions: Conditions, interval_seconds: float, seconds: float
) -> tuple[float, float, float]:
    """Return what came of seconds without failure: trained, blocked, kept by checkpoints."""
    cycle = interval_seconds + conditions.blocking_seconds
    cycles = int(seconds / cycle)
    trained = cycles * interval_seconds + min(seconds - cycles * cycle, interval_seconds)
    whole = max(0, int((seconds - conditions.writing_seconds) / cycle))
    return trained, seconds - trained, whole * interval_seconds
