"""KnownTerms: for whom nothing is set, remembered for a moment, so that it costs them nothing.

Limits and budgets that are set are never remembered: whoever has one is asked about it each time,
in the transaction that lets them in. Prices are: they do not change on the day they hold.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hunmin.billing.money import Price

KEPT = timedelta(seconds=5)
HOLDERS_MAX = 10_000


class KnownTerms:
    """The holders of requests that had neither limit nor budget a moment ago."""

    def __init__(self) -> None:
        """Know none yet."""
        self._free: dict[str, datetime] = {}
        self._prices: tuple[datetime, Sequence[Price]] | None = None

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

    def prices(self, *, now: datetime) -> Sequence[Price] | None:
        """Return every price there was a moment ago; None where that must be asked again."""
        if self._prices is None:
            return None
        asked_at, prices = self._prices
        return prices if asked_at <= now < asked_at + KEPT else None

    def remember_prices(self, prices: Sequence[Price], *, now: datetime) -> None:
        """Remember every price there is."""
        self._prices = (now, prices)
