"""KnownTerms: for whom nothing is set, remembered for a moment, so that it costs them nothing.

What is set is never remembered: whoever has a limit or a budget is asked about it each time, in
the transaction that lets them in.
"""

from datetime import datetime, timedelta

KEPT = timedelta(seconds=5)
HOLDERS_MAX = 10_000


class KnownTerms:
    """The holders of requests that had neither limit nor budget a moment ago."""

    def __init__(self) -> None:
        """Know none yet."""
        self._free: dict[str, datetime] = {}

    def nothing_set(self, holder: str, *, now: datetime) -> bool:
        """Return whether nothing was set a moment ago for whoever asks.

        Args:
            holder: The narrowest holder of the request, which says what the others are.
            now: The time.
        """
        asked_at = self._free.get(holder)
        return asked_at is not None and asked_at <= now < asked_at + KEPT

    def remember_nothing(self, holder: str, *, now: datetime) -> None:
        """Remember that nothing is set; forget the one asked first where it is full."""
        self._free.pop(holder, None)
        if len(self._free) >= HOLDERS_MAX:
            self._free.pop(next(iter(self._free)), None)
        self._free[holder] = now
