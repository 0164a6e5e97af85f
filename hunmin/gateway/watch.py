"""Watch: how strained the service is, looked at four times a second, and who is refused for it.

Left out: what is decided from it (`shedding`).
"""

import asyncio
import os
import random
from collections import Counter, deque
from collections.abc import Callable, Collection
from pathlib import Path

from hunmin import telemetry
from hunmin.act import Actor
from hunmin.errors import Overloaded
from hunmin.gateway import shedding
from hunmin.gateway.answers import Answer

BEAT_SECONDS = 0.25
"""How often it looks."""

LATE_SECONDS = 3.0
"""How long the event loop must have been late to count as late: one long step is no load."""

_MEMORY = Path("/proc/self/statm")


class Watch:
    """Looks from `begin` to `close`."""

    def __init__(
        self,
        answers: Callable[[], Collection[Answer]],
        *,
        records_waiting: Callable[[], int],
        limits: shedding.Limits,
    ) -> None:
        """Make a watch.

        Args:
            answers: Those that have not ended.
            records_waiting: How many records wait for the database.
            limits: What may be reached at the most.
        """
        self._answers = answers
        self._records_waiting = records_waiting
        self._limits = limits
        self._strain = shedding.Strain()
        self._lags: deque[float] = deque([0.0], maxlen=round(LATE_SECONDS / BEAT_SECONDS))
        self._waits: dict[str, shedding.WaitEstimate] = {}
        self._begun: Counter[str] = Counter()
        """Answers of each model that began to speak since the last look, and ended since."""
        self._speaking: set[Answer] = set()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to look, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self._beat())

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    def check(self, actor: Actor, model: str) -> None:
        """Let a request pass, or raise `Overloaded`. The house's own always pass."""
        if actor.kind == "system":
            return
        pressures = self._strain.pressures(model, self._limits)
        cause = max(pressures, key=lambda one: pressures[one])
        refused = shedding.is_refused(
            pressures[cause], self._strain, tenant=actor.tenant, is_guest=actor.kind == "guest"
        )
        if refused:
            telemetry.request_shed(cause)
            draw = random.random()  # noqa: S311 (it hides nothing)
            seconds = shedding.retry_seconds(cause, self._strain, model=model, draw=draw)
            raise Overloaded(retry_after_seconds=seconds)

    def ended(self, answer: Answer) -> None:
        """Note that an answer has ended: it may have spoken between two looks."""
        if answer.has_begun and answer not in self._speaking:
            self._begun[answer.generation.model] += 1

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        looked_at = loop.time()
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            seconds, looked_at = loop.time() - looked_at, loop.time()
            lag = max(0.0, seconds - BEAT_SECONDS)
            self._lags.append(lag)
            telemetry.loop_lagged(lag)
            self._look(seconds)

    def _look(self, seconds: float) -> None:
        """Take note of how things stand."""
        answers = self._answers()
        speaking = {answer for answer in answers if answer.has_begun}
        begun = self._begun + Counter(one.generation.model for one in speaking - self._speaking)
        waiting: dict[str, list[float]] = {}
        for answer in answers:
            if not answer.has_begun:
                waiting.setdefault(answer.generation.model, []).append(answer.elapsed_seconds)
        self._begun.clear()
        self._speaking = speaking
        waits: dict[str, float] = {}
        for model in waiting.keys() | begun.keys() | self._waits.keys():
            ages = waiting.get(model, [])
            waits[model] = self._waits.setdefault(model, shedding.WaitEstimate()).look(
                seconds=seconds,
                begun=begun[model],
                waiting=len(ages),
                oldest_seconds=max(ages, default=0.0),
            )
            telemetry.answers_wait(model, seconds=waits[model])
        self._strain = shedding.Strain(
            lag_seconds=min(self._lags),
            records_waiting=self._records_waiting(),
            memory_bytes=_memory_bytes() if self._limits.memory_bytes_max else 0,
            wait_seconds=waits,
            outstanding=Counter(answer.generation.tenant for answer in answers),
        )


def _memory_bytes() -> int:
    """Return the memory this process holds; 0 where the system does not say."""
    try:
        pages = int(_MEMORY.read_text("ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
