"""Pulse: how late the event loop is. Whoever waits in it waits at least so long."""

import asyncio
from collections import deque

from hunmin import telemetry

BEAT_SECONDS = 0.25
"""How often it is measured."""

LATE_SECONDS = 3.0
"""How long the loop must have been late to count as late: one long step is no load."""


class Pulse:
    """Measures from `begin` to `close`."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque([0.0], maxlen=round(LATE_SECONDS / BEAT_SECONDS))
        self._task: asyncio.Task[None] | None = None

    @property
    def lag_seconds(self) -> float:
        """Return how late the loop was at the least, the last few seconds long."""
        return min(self._lags)

    def begin(self) -> None:
        """Begin to measure, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self._beat())

    def close(self) -> None:
        """Measure no more."""
        if self._task is not None:
            self._task.cancel()

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            lag = max(0.0, loop.time() - due)
            self._lags.append(lag)
            telemetry.loop_lagged(lag)
