"""When an engine is started beside others, and when one is ended. Pure: the caller brings the time.

More is to do than the engines should have at a time, and stays so for a while: one more. It would
fit into one fewer with half of each to spare, and stays so for long: one fewer. So a load that
stays the same comes to rest, and one that swings starts nothing that is ended at once.
"""

from typing import Literal

UP_SECONDS = 10.0
"""How long there has to be too much to do."""
DOWN_SECONDS = 600.0
"""How long there has to be too little. A large model takes minutes to load."""
DOWN_SHARE = 0.5
"""The part of what an engine should have at a time that it may have once there is one fewer."""


class ScaleRule:
    """Decides for the engines of one upstream. Times are seconds of one clock."""

    def __init__(self, *, replicas_min: int, replicas_max: int, requests_each: int) -> None:
        self._min = replicas_min
        self._max = replicas_max
        self._each = requests_each
        self._leaning: int = 0
        self._since = 0.0

    def decide(self, now: float, *, replicas: int, requests: int) -> Literal[-1, 0, 1]:
        """Return whether to start one (1), to end one (-1), or neither.

        Args:
            now: The time.
            replicas: Engines there are, those included that are still being started.
            requests: What all of them have to do: running and waiting.
        """
        if replicas < self._min:
            return 1
        leaning = self._lean(replicas, requests)
        if leaning != self._leaning:
            self._leaning, self._since = leaning, now
        seconds = UP_SECONDS if leaning > 0 else DOWN_SECONDS
        if leaning == 0 or now - self._since < seconds:
            return 0
        self._since = now
        return 1 if leaning > 0 else -1

    def _lean(self, replicas: int, requests: int) -> int:
        if replicas > self._max:
            return -1
        if requests > replicas * self._each and replicas < self._max:
            return 1
        fits = requests <= (replicas - 1) * self._each * DOWN_SHARE
        return -1 if fits and replicas > self._min else 0
