"""Charge: what one answer sets aside when it is let in, and comes to when it ends.

The gateway calls it inside its own transactions. It raises before it has written anything, and
whoever has no limits is asked about them only now and then.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, text, update

from hunmin.act import Act
from hunmin.billing import queries, rules
from hunmin.billing.known import KnownTerms
from hunmin.billing.rules import Load
from hunmin.billing.tables import ReservationRow, SlotRow
from hunmin.prepared import Prepared

_LOCK = Prepared(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0))))
_COUNT = text(
    "INSERT INTO billing_slots (holder_id, slot, at, requests, tokens)"
    " VALUES (:holder_id, :slot, :at, 1, :tokens)"
    " ON CONFLICT (holder_id, slot) DO UPDATE SET at = excluded.at,"
    " requests = 1 + CASE WHEN billing_slots.at = excluded.at"
    " THEN billing_slots.requests ELSE 0 END,"
    " tokens = excluded.tokens + CASE WHEN billing_slots.at = excluded.at"
    " THEN billing_slots.tokens ELSE 0 END"
)
_GIVE_BACK = (
    update(SlotRow)
    .where(
        SlotRow.holder_id == bindparam("holder"),
        SlotRow.slot == bindparam("place"),
        SlotRow.at == bindparam("second"),
    )
    .values(tokens=SlotRow.tokens - bindparam("unused"))
)
_RESERVE = insert(ReservationRow)
_END = delete(ReservationRow).where(ReservationRow.admission_id == bindparam("admission"))


def lock_tenant(act: Act) -> None:
    """Make requests of one tenant count one after the other. SQLite does so by itself.

    One lock holds for a key, its project and its organization. Whoever does several deeds in one
    transaction does them in the order of their tenants, so that no two wait for each other.
    """
    if act.session.get_bind().dialect.name == "postgresql":
        _LOCK.first(act.session, {"name": f"billing.tenant.{act.actor.tenant}"})


class Charge:
    """What one answer is charged to: made with the request, reserved, settled."""

    def __init__(
        self, known: KnownTerms, *, prompt_tokens: int, completion_tokens_max: int
    ) -> None:
        """Begin a charge for an answer of at most so many tokens."""
        self.headers: dict[str, str] = {}
        """OpenAI's headers on how much is left, once it is reserved."""
        self._known = known
        self._tokens = prompt_tokens + completion_tokens_max
        self._second = 0
        self._counted: list[str] = []
        """The holders whose minute has the tokens of the answer."""
        self._reserved = False

    def reserve(self, act: Act, *, admission_id: str, deadline_at: datetime) -> None:
        """Count an answer against the limits of whoever asks, or refuse and change nothing.

        Called with the tenant locked (`lock_tenant`).

        Raises:
            TooManyAtOnce: Too many answers are being written.
            RateLimitExceeded: Too many requests in the last minute.
            TokensLimitExceeded: Too many tokens in the last minute.
        """
        self._counted.clear()  # a transaction may be done again
        self._reserved = False
        holders = rules.holders_of(act.actor)
        if not holders or self._known.nothing_set(holders[0].id, now=act.now):
            return
        loads = queries.loads_of(act, holders)
        if not loads:
            self._known.remember_nothing(holders[0].id, now=act.now)
            return
        self._check(act, loads)
        self._count(act, loads)
        if any(load.limits.concurrent_max is not None for load in loads):
            self._reserve(act, admission_id, deadline_at)
        self.headers.update(rules.tightest(loads, tokens=self._tokens))

    def settle(self, act: Act, *, admission_id: str, tokens: int) -> None:
        """Give back what an answer that came to so many tokens has set aside beyond them."""
        unused = max(0, self._tokens - tokens)
        if not self._reserved and not (self._counted and unused):
            return
        lock_tenant(act)
        connection = act.session.connection()
        if self._reserved:
            connection.execute(_END, {"admission": admission_id})
        if self._counted and unused:
            where = {"place": rules.slot_of(self._second), "second": self._second}
            connection.execute(
                _GIVE_BACK,
                [{"holder": one, "unused": unused, **where} for one in self._counted],
            )

    def _check(self, act: Act, loads: Sequence[Load]) -> None:
        for load in loads:
            rules.check_at_once(load)
        for load in loads:
            if rules.is_over(load, tokens=self._tokens):
                slots = queries.slots_of(act, load.holder)
                rules.refuse(load, slots, tokens=self._tokens, now=act.now.timestamp())

    def _count(self, act: Act, loads: Sequence[Load]) -> None:
        by_minute = [load for load in loads if load.limits.counts_minutes]
        if not by_minute:
            return
        self._second = rules.second_of(act.now.timestamp(), by_minute)
        counted = {
            "slot": rules.slot_of(self._second),
            "at": self._second,
            "tokens": self._tokens,
        }
        self._counted = [load.holder.id for load in by_minute]
        rows = [{"holder_id": holder_id, **counted} for holder_id in self._counted]
        act.session.connection().execute(_COUNT, rows)

    def _reserve(self, act: Act, admission_id: str, deadline_at: datetime) -> None:
        reserved = {
            "admission_id": admission_id,
            "tenant": act.actor.tenant,
            "project_id": act.actor.project_id,
            "key_id": act.actor.key_id,
            "tokens": self._tokens,
            "micro_won": 0,
            "deadline_at": deadline_at,
        }
        act.session.connection().execute(_RESERVE, reserved)
        self._reserved = True
