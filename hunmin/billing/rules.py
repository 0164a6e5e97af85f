"""Limits: whose they are, what fits into a minute, when to come again. Pure.

Time is counted in whole seconds, and a minute is the second it is and the sixty before it. So
there is never more than the limit in any sixty seconds, and what is refused is refused for up to
one second longer than it had to be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hunmin.actor import Actor
from hunmin.errors import LimitUnfit, RateLimitExceeded, TokensLimitExceeded, TooManyAtOnce

HolderKind = Literal["key", "project", "organization", "user"]
"""Whose a limit or a budget is."""

MINUTE_SECONDS = 60

SKEW_SECONDS = 60
"""How far ahead of this clock what is counted may lie: it is of another server, or of one that
overtook this one while it waited for the database. Further ahead, the clock was set back."""

SLOTS = 128
"""Seconds of a holder that are kept: a minute back, and the skew ahead."""

LIMIT_MAX = 10**12
"""The largest limit: a number that no database and no browser has trouble with."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a limit is."""

    kind: HolderKind
    id: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a holder may ask; None: as much as it likes."""

    requests_per_minute_max: int | None = None
    tokens_per_minute_max: int | None = None
    concurrent_max: int | None = None

    @property
    def counts_minutes(self) -> bool:
        """Return whether anything of it is by the minute."""
        return self.requests_per_minute_max is not None or self.tokens_per_minute_max is not None


@dataclass(frozen=True, slots=True)
class Load:
    """A holder's limits, and how much of them is taken."""

    holder: Holder
    limits: Limits
    requests: int = 0
    """In the last minute."""
    tokens: int = 0
    """In the last minute, with what answers that are being written have set aside."""
    newest: int | None = None
    """The second of the newest of them; later than now where a clock is behind."""
    running: int = 0
    """Answers that are being written."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a holder was let in with in one second."""

    at: int
    requests: int
    tokens: int


def holders_of(actor: Actor) -> tuple[Holder, ...]:
    """Return whose limits an actor's answers count against.

    A key of an organization counts for itself, its project and the organization; a person's own
    key, and the person in a browser, for the person's account. The house itself has no limits.
    """
    if actor.organization_id is not None:
        given = (
            ("key", actor.key_id),
            ("project", actor.project_id),
            ("organization", actor.organization_id),
        )
        return tuple(Holder(kind, one) for kind, one in given if one is not None)
    return () if actor.user_id is None else (Holder("user", actor.user_id),)


def check_fit(limits: Limits) -> Limits:
    """Return limits as they may be set, or raise `LimitUnfit`."""
    for limit in (
        limits.requests_per_minute_max,
        limits.tokens_per_minute_max,
        limits.concurrent_max,
    ):
        if limit is not None and not 1 <= limit <= LIMIT_MAX:
            raise LimitUnfit(limit_max=LIMIT_MAX)
    return limits


def check_at_once(load: Load) -> None:
    """Raise `TooManyAtOnce` where one more answer would run beside too many."""
    most = load.limits.concurrent_max
    if most is not None and load.running >= most:
        raise TooManyAtOnce(concurrent_max=most, holder=load.holder.kind)


def is_over(load: Load, *, tokens: int) -> bool:
    """Return whether one more request of so many tokens is more than fits into the minute."""
    requests_max = load.limits.requests_per_minute_max
    tokens_max = load.limits.tokens_per_minute_max
    return (requests_max is not None and load.requests + 1 > requests_max) or (
        tokens_max is not None and load.tokens + tokens > tokens_max
    )


def refuse(load: Load, slots: Sequence[Slot], *, tokens: int, now: float) -> None:
    """Raise what says which limit of a holder is reached, and when to come again.

    Args:
        load: Of a holder for whom it is over.
        slots: The seconds of the minute, the oldest first.
        tokens: How many the request would set aside.
        now: Unix seconds.

    Raises:
        RateLimitExceeded: Too many requests in the last minute.
        TokensLimitExceeded: Too many tokens, or more in this request than fit into any minute.
    """
    limits, kind = load.limits, load.holder.kind
    most = limits.requests_per_minute_max
    if most is not None and load.requests + 1 > most:
        waits = _seconds_until(load.requests + 1 - most, [(s.at, s.requests) for s in slots], now)
        raise RateLimitExceeded(
            requests_per_minute_max=most, retry_after_seconds=waits, holder=kind
        )
    most = limits.tokens_per_minute_max
    assert most is not None, "what is over is over one of the two"
    waits = (
        None
        if tokens > most
        else _seconds_until(load.tokens + tokens - most, [(s.at, s.tokens) for s in slots], now)
    )
    raise TokensLimitExceeded(
        tokens_per_minute_max=most, tokens=tokens, retry_after_seconds=waits, holder=kind
    )


def second_of(now: float, loads: Sequence[Load]) -> int:
    """Return the second a request counts in: never before one that was counted earlier.

    So a server whose clock is behind, and a request that waited for the database, do not leave
    the minute sooner than those they came after.
    """
    return max([math.floor(now), *(load.newest for load in loads if load.newest is not None)])


def slot_of(second: int) -> int:
    """Return where a second is kept."""
    return second % SLOTS


def tightest(loads: Sequence[Load], *, tokens: int) -> dict[str, str]:
    """Return OpenAI's headers on how much is left, each of the holder with the least.

    Args:
        loads: Before this request.
        tokens: How many the request sets aside.
    """
    headers: dict[str, str] = {}
    requests = [
        (most, max(0, most - load.requests - 1))
        for load in loads
        if (most := load.limits.requests_per_minute_max) is not None
    ]
    counted = [
        (most, max(0, most - load.tokens - tokens))
        for load in loads
        if (most := load.limits.tokens_per_minute_max) is not None
    ]
    for name, found in (("requests", requests), ("tokens", counted)):
        if found:
            limit, left = min(found, key=lambda pair: pair[1])
            headers[f"x-ratelimit-limit-{name}"] = str(limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(left)
            headers[f"x-ratelimit-reset-{name}"] = "1m1s"
    return headers


def _seconds_until(surplus: int, counted: Sequence[tuple[int, int]], now: float) -> int:
    """Return the seconds until so much has left the minute."""
    for at, count in counted:
        surplus -= count
        if surplus <= 0:
            return max(1, math.ceil(at + MINUTE_SECONDS + 1 - now))
    return MINUTE_SECONDS
