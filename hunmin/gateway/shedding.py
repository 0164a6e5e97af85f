"""Whose request is turned away while the service is overloaded. Pure: no clock, no engine.

A service that takes more than it can do does less than it could: everybody waits until they give
up. So some are refused at once, and told when to come again. Pressure is 1 where one of four
things has reached its limit: the event loop is late, records wait, memory is used up, or a new
answer would begin too late.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Cause = Literal["lag", "records", "memory", "wait"]
"""What presses."""

GUESTS_FROM = 0.8
"""From this pressure on guests are refused,"""
SHARES_FROM = 0.9
"""from this one tenants that have more than their share of what is being written,"""
EVERYONE_FROM = 1.0
"""and from this one everybody."""

LAG_SECONDS_MAX = 0.25
"""How late the event loop may be, at the least for some seconds."""
RECORDS_WAITING_MAX = 500
"""Records of answers that may wait for the database."""

RETRY_SECONDS = 5.0
"""When to come again where nobody can tell how long it takes."""
RETRY_SECONDS_MAX = 120.0

MEMORY_SECONDS = 15.0
"""How far back the rate at which answers begin is remembered."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be reached at the most."""

    wait_seconds_max: float
    memory_bytes_max: int
    """0 is no limit."""


@dataclass(frozen=True, slots=True)
class Strain:
    """How things stand at one moment."""

    lag_seconds: float = 0.0
    records_waiting: int = 0
    memory_bytes: int = 0
    wait_seconds: Mapping[str, float] = field(default_factory=dict)
    """How long a new answer of each model would wait until it begins."""
    outstanding: Mapping[str, int] = field(default_factory=dict)
    """Answers of each tenant that have not ended."""

    def pressures(self, model: str, limits: Limits) -> dict[Cause, float]:
        """Return how near each limit is: 1 is at it."""
        memory = self.memory_bytes / limits.memory_bytes_max if limits.memory_bytes_max else 0.0
        return {
            "lag": self.lag_seconds / LAG_SECONDS_MAX,
            "records": self.records_waiting / RECORDS_WAITING_MAX,
            "memory": memory,
            "wait": self.wait_seconds.get(model, 0.0) / limits.wait_seconds_max,
        }


def is_refused(pressure: float, strain: Strain, *, tenant: str, is_guest: bool) -> bool:
    """Return whether somebody's next request is turned away at a pressure."""
    if pressure >= EVERYONE_FROM:
        return True
    if is_guest:
        return pressure >= GUESTS_FROM
    return pressure >= SHARES_FROM and _has_more_than_its_share(strain, tenant)


def _has_more_than_its_share(strain: Strain, tenant: str) -> bool:
    tenants = len(strain.outstanding.keys() | {tenant})
    return strain.outstanding.get(tenant, 0) * tenants > sum(strain.outstanding.values())


def retry_seconds(cause: Cause, strain: Strain, *, model: str, draw: float) -> int:
    """Return when to come again, in whole seconds.

    Args:
        cause: What presses.
        strain: How things stand.
        model: Which model was asked for.
        draw: A random number from 0 to 1: those refused together come again at different times,
            from a third earlier to a third later.
    """
    wait = strain.wait_seconds.get(model, 0.0) if cause == "wait" else RETRY_SECONDS
    wait = min(max(wait, 1.0), RETRY_SECONDS_MAX)
    return math.ceil(wait * (2 + 2 * draw) / 3)


class WaitEstimate:
    """How long a new answer of one model would wait until it begins.

    By Little's law: those who wait, over how many begin in a second while some wait. What an
    engine can do at once, and how long prompts are, need not be known.
    """

    def __init__(self) -> None:
        self._begun = 0.0
        self._seconds = 0.0

    def look(self, *, seconds: float, begun: int, waiting: int, oldest_seconds: float) -> float:
        """Return the estimate, in seconds, after a further look.

        Args:
            seconds: Since the look before.
            begun: Answers that began to speak since then.
            waiting: Those that have not yet.
            oldest_seconds: How long the first of them waits. Where it was never seen how fast
                answers begin, that is all that is known.
        """
        if not waiting:
            return 0.0  # and how many begin tells how many came, not how many could
        kept = math.exp(-seconds / MEMORY_SECONDS)
        self._begun = self._begun * kept + begun
        self._seconds = self._seconds * kept + seconds
        if self._begun < 1:
            return oldest_seconds
        return (waiting + 1) * self._seconds / self._begun
