"""KnownKeys: whom a key belongs to, remembered for a moment, for programs that ask all the time.

What is remembered may be out of date: a key can be revoked meanwhile, by another process too. So
only a room that asks `check_key_works` in its own transaction takes the actor from here.
"""

from datetime import datetime, timedelta

from hunmin.accounts import rules
from hunmin.accounts.queries import Recognized

KEPT = timedelta(seconds=10)
KEYS_MAX = 10_000


class KnownKeys:
    """The keys that were shown lately, by their hashes."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: dict[str, tuple[datetime, Recognized]] = {}

    def find(self, secret: str, *, now: datetime) -> Recognized | None:
        """Return whom a key belonged to a moment ago; None where that must be asked again.

        Whatever the clock does, the first use of each day is asked, so that it is noted.
        """
        known = self._known.get(rules.hash_secret(secret))
        if known is None:
            return None
        asked_at, found = known
        fresh = asked_at <= now < asked_at + KEPT and asked_at.date() == now.date()
        return found if fresh else None

    def remember(self, secret: str, found: Recognized, *, asked_at: datetime) -> None:
        """Remember whom a key belongs to; forget the one that was asked first where it is full."""
        hashed = rules.hash_secret(secret)
        self._known.pop(hashed, None)
        if len(self._known) >= KEYS_MAX:
            del self._known[next(iter(self._known))]
        self._known[hashed] = (asked_at, found)
