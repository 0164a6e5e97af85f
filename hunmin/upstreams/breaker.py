"""When an upstream is left alone, and when it is tried again. Pure: the caller brings the time.

Closed, it takes requests. Open, it takes none, for a second first and up to a minute. Then one
request tries it: if that goes well it is closed, if not it is open for twice as long.
"""

FAILURES_MAX = 5
"""Failures within `FAILURE_SECONDS` after which it opens."""
FAILURE_SECONDS = 10.0
MISSES_MAX = 3
"""Looks in a row that find an upstream unwell, after which it opens."""
OPEN_SECONDS_MIN = 1.0
OPEN_SECONDS_MAX = 60.0


class Breaker:
    """The breaker of one upstream. Times are seconds of one clock that does not go back."""

    def __init__(self) -> None:
        self._failures: list[float] = []
        self._misses = 0
        self._open_until: float | None = None
        """When it may be tried; None is closed."""
        self._open_seconds = OPEN_SECONDS_MIN
        self._trying = False

    def may_try(self, now: float) -> bool:
        """Return whether a request may be sent now."""
        if self._open_until is None:
            return True
        return now >= self._open_until and not self._trying

    def begin(self) -> None:
        """Note that a request is sent; while it is open, that one is the trial."""
        self._trying = self._open_until is not None

    def leave(self) -> None:
        """Note that a request ended and says nothing of the upstream: its reader went away."""
        self._trying = False

    def succeed(self) -> None:
        """Note that a request went well."""
        self._failures.clear()
        self._misses = 0
        self._open_until = None
        self._open_seconds = OPEN_SECONDS_MIN
        self._trying = False

    def fail(self, now: float) -> None:
        """Note that a request failed by the upstream's fault."""
        if self._open_until is not None:
            if self._trying:
                self._open_seconds = min(2 * self._open_seconds, OPEN_SECONDS_MAX)
                self._open(now)
            return
        recent = [at for at in self._failures if now - at < FAILURE_SECONDS]
        self._failures = [*recent, now]
        if len(self._failures) >= FAILURES_MAX:
            self._open(now)

    def look(self, now: float, *, well: bool) -> None:
        """Note what asking after its health found; who is well again may be tried at once."""
        if well:
            if self._misses >= MISSES_MAX and self._open_until is not None:
                self._open_until = now
            self._misses = 0
            return
        self._misses += 1
        if self._misses >= MISSES_MAX and not self._trying:
            self._open(now)

    def _open(self, now: float) -> None:
        self._failures.clear()
        self._open_until = now + self._open_seconds
        self._trying = False
