"""Charge: what one answer sets aside when it is let in, and comes to when it ends.

The gateway calls it inside its own transactions. It raises before it has written anything, and
whoever has no limits and no budgets is asked about them only now and then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, delete, func, insert, select, text, update

from hunmin import audit, logs, worker
from hunmin.act import Act
from hunmin.billing import money, queries, rules
from hunmin.billing.known import KnownTerms
from hunmin.billing.money import Spending
from hunmin.billing.rules import Load
from hunmin.billing.tables import AlertRow, ReservationRow, SlotRow
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
_SPEND = text(
    "INSERT INTO billing_spendings (budget_id, period_on, spent)"
    " VALUES (:budget_id, :period_on, :spent) ON CONFLICT (budget_id, period_on)"
    " DO UPDATE SET spent = billing_spendings.spent + excluded.spent RETURNING spent"
).bindparams(bindparam("period_on", type_=queries.DAY))
_SUMMED = (
    "requests",
    "failed",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "micro_won",
)
_USE = text(
    "INSERT INTO billing_usage_days (organization_id, day, project_id, key_id, model,"  # noqa: S608
    f" {', '.join(_SUMMED)}) VALUES (:organization_id, :day, :project_id, :key_id, :model,"
    f" {', '.join(':' + name for name in _SUMMED)})"
    " ON CONFLICT (organization_id, day, project_id, key_id, model) DO UPDATE SET "
    + ", ".join(f"{name} = billing_usage_days.{name} + excluded.{name}" for name in _SUMMED)
).bindparams(bindparam("day", type_=queries.DAY))
_GIVE_BACK = (
    update(SlotRow)
    .where(
        SlotRow.holder_id == bindparam("holder"),
        SlotRow.slot == bindparam("place"),
        SlotRow.at == bindparam("second"),
    )
    .values(tokens=SlotRow.tokens - bindparam("unused"))
)
_RESERVE = Prepared(insert(ReservationRow))
_END = Prepared(
    delete(ReservationRow).where(
        ReservationRow.admission_id == bindparam("admission"),
        ReservationRow.deadline_at > bindparam("now"),
    )
)
_ALERT = insert(AlertRow)

ALERT_JOB = "billing.alert.post"

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Used:
    """What an answer came to."""

    prompt_tokens: int
    cached_tokens: int
    """Those of the prompt that had been computed before."""
    completion_tokens: int
    failed: bool
    """Whether it ended by a fault of the house: then it costs nothing."""


def lock_tenant(act: Act) -> None:
    """Make requests of one tenant count one after the other. SQLite does so by itself.

    One lock holds for a key, its project and its organization. Whoever does several deeds in one
    transaction does them in the order of their tenants, so that no two wait for each other.
    """
    lock(act, f"billing.tenant.{act.actor.tenant}")


def lock(act: Act, name: str) -> None:
    """Let no two acts that lock the same name go on at once. SQLite has one writer anyway."""
    if act.session.get_bind().dialect.name == "postgresql":
        _LOCK.first(act.session, {"name": name})


def release(act: Act, admission_ids: Sequence[str]) -> None:
    """Set nothing aside any more for answers that nobody settles.

    Where one is settled after all, it is free: what it had set aside may be another's by then.
    """
    gone = ReservationRow.admission_id.in_(admission_ids)
    act.session.execute(delete(ReservationRow).where(gone))


class Charge:
    """What one answer is charged to: made with the request, reserved, settled.

    It never comes to more than was set aside, and to nothing where the house lost or failed it.
    """

    def __init__(
        self, known: KnownTerms, *, model: str, prompt_tokens: int, completion_tokens_max: int
    ) -> None:
        """Begin a charge for an answer of at most so many tokens."""
        self.headers: dict[str, str] = {}
        """OpenAI's headers on how much is left, once it is reserved."""
        self._known = known
        self._model = model
        self._prompt_tokens = prompt_tokens
        self._completion_tokens_max = completion_tokens_max
        self._tokens = prompt_tokens + completion_tokens_max
        self._day = date.min
        self._second = 0
        self._counted: list[str] = []
        """The holders whose minute has the tokens of the answer."""
        self._spendings: list[Spending] = []
        """The budgets that the answer is spent from."""
        self._micro_won = 0
        """The most it may spend of them."""
        self._reserved = False
        self._deadline_at: datetime | None = None

    def reserve(self, act: Act, *, admission_id: str, deadline_at: datetime) -> None:
        """Count an answer against limits and budgets of whoever asks, or change nothing.

        Called with the tenant locked (`lock_tenant`).

        Raises:
            TooManyAtOnce: Too many answers are being written.
            RateLimitExceeded: Too many requests in the last minute.
            TokensLimitExceeded: Too many tokens in the last minute.
            InsufficientQuota: A hard budget has too little left.
        """
        self._counted.clear()  # a transaction may be done again
        self._spendings.clear()
        self._reserved = False
        self._deadline_at = deadline_at
        self._day = money.day_of(act.now)
        holders = rules.holders_of(act.actor)
        if not holders or self._known.nothing_set(holders[0].id, now=act.now):
            return
        loads = queries.loads_of(act, holders)
        spendings = queries.spendings_of(act, holders, day=self._day)
        if not loads and not spendings:
            self._known.remember_nothing(holders[0].id, now=act.now)
            return
        self._micro_won = self._cost_max(act) if spendings else 0
        self._check(act, loads)
        for spending in spendings:
            money.check_budget(spending, tokens=self._tokens, micro_won=self._micro_won)
        self._count(act, loads)
        self._spendings += spendings
        if spendings or any(load.limits.concurrent_max is not None for load in loads):
            self._reserve(act, admission_id, deadline_at)
        self.headers.update(rules.tightest(loads, tokens=self._tokens))

    def settle(self, act: Act, *, admission_id: str, used: Used) -> None:
        """Spend what an answer came to, and give back what it has set aside beyond that."""
        bills = act.actor.organization_id is not None
        if not (bills or self._reserved or self._counted):
            return
        lock_tenant(act)
        now = {"admission": admission_id, "now": act.now}
        # Nobody waited for an answer past its deadline: what it had set aside may be another's,
        # and its month may be invoiced.
        kept = not self._reserved or bool(_END.run(act.session, now))
        late = self._deadline_at is not None and act.now >= self._deadline_at
        free = used.failed or late or not kept
        micro_won = 0
        if not free and (bills or self._spendings):
            # A first price may have been set since; it passes no budget.
            most = self._micro_won if self._spendings else self._cost_max(act)
            micro_won = min(self._cost(act, used), most)
        tokens = min(used.prompt_tokens + used.completion_tokens, self._tokens)
        self._give_back(act, self._tokens - tokens)
        for spending in self._spendings:
            spent = micro_won if spending.unit == "won" else (0 if free else tokens)
            self._spend(act, spending, spent)
        if bills:
            self._use(act, used, micro_won)

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
        self._counted += [load.holder.id for load in by_minute]
        rows = [{"holder_id": holder_id, **counted} for holder_id in self._counted]
        act.session.connection().execute(_COUNT, rows)

    def _give_back(self, act: Act, unused: int) -> None:
        """Take tokens that were not used out of the minute the answer was let in."""
        if not self._counted or not unused:
            return
        where = {"place": rules.slot_of(self._second), "second": self._second}
        rows = [{"holder": one, "unused": unused, **where} for one in self._counted]
        act.session.connection().execute(_GIVE_BACK, rows)

    def _reserve(self, act: Act, admission_id: str, deadline_at: datetime) -> None:
        reserved = {
            "admission_id": admission_id,
            "tenant": act.actor.tenant,
            "project_id": act.actor.project_id,
            "key_id": act.actor.key_id,
            "tokens": self._tokens,
            "micro_won": self._micro_won,
            "deadline_at": deadline_at,
        }
        _RESERVE.run(act.session, reserved)
        self._reserved = True

    def _spend(self, act: Act, spending: Spending, amount: int) -> None:
        if not amount:
            return
        period = {"budget_id": spending.budget_id, "period_on": spending.period_on}
        spent = {**period, "spent": amount}
        after: int = act.session.connection().execute(_SPEND, spent).scalar_one()
        for percent in money.percents_reached(spending.amount, before=after - amount, after=after):
            alert = {**period, "percent": percent, "raised_at": act.now}
            act.session.connection().execute(_ALERT, alert)
            audit.record(act, "billing.alert.raise", spending.budget_id, percent=percent)
            worker.enqueue(act, ALERT_JOB, budget_id=spending.budget_id, percent=percent)
            log.warning("a budget is used up", budget=spending.budget_id, percent=percent)

    def _use(self, act: Act, used: Used, micro_won: int) -> None:
        row = {
            "organization_id": act.actor.organization_id,
            "day": self._day,
            "project_id": act.actor.project_id or "",
            "key_id": act.actor.key_id or "",
            "model": self._model,
            "requests": 1,
            "failed": int(used.failed),
            "prompt_tokens": used.prompt_tokens,
            "cached_tokens": used.cached_tokens,
            "completion_tokens": used.completion_tokens,
            "micro_won": micro_won,
        }
        act.session.connection().execute(_USE, row)

    def _cost(self, act: Act, used: Used) -> int:
        return money.cost(
            self._price(act),
            prompt_tokens=used.prompt_tokens,
            cached_tokens=used.cached_tokens,
            completion_tokens=used.completion_tokens,
        )

    def _cost_max(self, act: Act) -> int:
        return money.cost_max(
            self._price(act),
            prompt_tokens=self._prompt_tokens,
            completion_tokens_max=self._completion_tokens_max,
        )

    def _price(self, act: Act) -> money.Price:
        """Return the price of the day the answer was let in."""
        prices = self._known.prices(now=act.now)
        if prices is None:
            prices = queries.all_prices(act)
            self._known.remember_prices(prices, now=act.now)
        return money.price_of(
            prices,
            model=self._model,
            organization_id=act.actor.organization_id or "",
            day=self._day,
        )
