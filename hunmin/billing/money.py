"""Money: what tokens cost, in whole millionths of a won, and which days belong together. Pure.

A price is won for a million tokens, which is millionths of a won for one token; so no fraction is
ever kept, and a cost is exact.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Literal

from hunmin.billing.rules import LIMIT_MAX, Holder
from hunmin.errors import BudgetUnfit, InsufficientQuota, PriceInForce, PriceUnfit

MICRO_WON = 1_000_000
"""Millionths in a won."""

WON_MAX = LIMIT_MAX // 1000
"""The largest price or budget, in won: with millionths it is a number every database has."""

SEOUL = timezone(timedelta(hours=9))
"""The time days and months are counted in. Korea sets no clock to summer time."""

ALERT_PERCENTS = (50, 80, 100)

Unit = Literal["tokens", "won"]
Period = Literal["day", "month", "total"]


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of a model cost from a day on, in won."""

    model: str
    organization_id: str
    """For whom alone; empty: for everybody who has no price of their own."""
    from_day: date
    prompt_won: int
    cached_won: int
    """Tokens of a prompt that had been computed before."""
    completion_won: int


@dataclass(frozen=True, slots=True)
class Spending:
    """A budget, and what of it is gone in the period a request falls into."""

    budget_id: str
    holder: Holder
    unit: Unit
    amount: int
    """Tokens, or millionths of a won."""
    period: Period
    hard: bool
    period_on: date
    spent: int = 0
    reserved: int = 0
    """What answers that are being written may still come to."""


def day_of(moment: datetime) -> date:
    """Return the day of a moment in Seoul."""
    return moment.astimezone(SEOUL).date()


def day_after(day: date) -> date:
    """Return the next day."""
    return day + timedelta(days=1)


def midnight_of(day: date) -> datetime:
    """Return the moment a day begins in Seoul."""
    return datetime(day.year, day.month, day.day, tzinfo=SEOUL)


def month_of(day: date) -> date:
    """Return the first day of a month."""
    return day.replace(day=1)


def month_named(text: str) -> date:
    """Return the first day of a month that is written as in `2026-11`."""
    return date.fromisoformat(f"{text}-01")


def next_month(day: date) -> date:
    """Return the first day of the month after."""
    return month_of(month_of(day) + timedelta(days=31))


def price_of(prices: Iterable[Price], *, model: str, organization_id: str, day: date) -> Price:
    """Return what a model costs an organization on a day; nothing where no price is set.

    A price of the organization's own goes before that for everybody; of several the newest holds.
    """
    fitting = [
        price
        for price in prices
        if price.model == model
        and price.organization_id in {"", organization_id}
        and price.from_day <= day
    ]
    if not fitting:
        return Price(model, "", day, 0, 0, 0)
    return max(fitting, key=lambda price: (bool(price.organization_id), price.from_day))


def cost(price: Price, *, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> int:
    """Return what tokens cost, in millionths of a won. Cached tokens are some of the prompt's."""
    cached = min(cached_tokens, prompt_tokens)
    return (
        (prompt_tokens - cached) * price.prompt_won
        + cached * price.cached_won
        + completion_tokens * price.completion_won
    )


def said_won(micro_won: int) -> str:
    """Return an amount in won, to the last millionth, as in `12.000345`."""
    return f"{micro_won // MICRO_WON}.{micro_won % MICRO_WON:06}"


def cost_max(price: Price, *, prompt_tokens: int, completion_tokens_max: int) -> int:
    """Return the most an answer can cost, in millionths of a won."""
    prompt_won = max(price.prompt_won, price.cached_won)
    return prompt_tokens * prompt_won + completion_tokens_max * price.completion_won


def check_price(price: Price, *, today: date, in_force: bool) -> None:
    """Raise unless a price may be set: what was told to cost so much today goes on doing so.

    Raises:
        PriceUnfit: A number is no price.
        PriceInForce: It is for today or earlier, and one holds already.
    """
    if any(not 0 <= won <= WON_MAX for won in (price.prompt_won, price.cached_won)):
        raise PriceUnfit(won_max=WON_MAX)
    if not 0 <= price.completion_won <= WON_MAX:
        raise PriceUnfit(won_max=WON_MAX)
    if price.from_day < today or (price.from_day == today and in_force):
        raise PriceInForce


def check_amount(unit: Unit, amount: int) -> int:
    """Return an amount in the unit it is kept in, or raise `BudgetUnfit`."""
    most = WON_MAX if unit == "won" else LIMIT_MAX
    if not 1 <= amount <= most:
        raise BudgetUnfit(amount_max=most)
    return amount * MICRO_WON if unit == "won" else amount


def month_before(day: date) -> date:
    """Return the first day of the month before."""
    return month_of(month_of(day) - timedelta(days=1))


def period_on(period: Period, *, starts_on: date, day: date) -> date:
    """Return the first day of the period a day falls into."""
    if period == "total":
        return starts_on
    return day if period == "day" else month_of(day)


def period_end(period: Period, day: date) -> date | None:
    """Return the first day on which a budget is whole again; None: never."""
    if period == "total":
        return None
    return day + timedelta(days=1) if period == "day" else next_month(day)


def check_budget(spending: Spending, *, tokens: int, micro_won: int) -> None:
    """Raise `InsufficientQuota` where a request may come to more than a hard budget has left."""
    asked = micro_won if spending.unit == "won" else tokens
    if spending.hard and spending.spent + spending.reserved + asked > spending.amount:
        raise InsufficientQuota(
            holder=spending.holder.kind,
            again_on=period_end(spending.period, spending.period_on),
        )


def percents_reached(amount: int, *, before: int, after: int) -> list[int]:
    """Return the percents of a budget that were reached by going from `before` to `after`."""
    return [percent for percent in ALERT_PERCENTS if before * 100 < amount * percent <= after * 100]
