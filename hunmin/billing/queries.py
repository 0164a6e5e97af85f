"""Reads of billing. Those the gateway asks are of the actor's own holders; pages ask by room."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, bindparam, case, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from hunmin import accounts, organizations
from hunmin.act import Act
from hunmin.billing import money, rules
from hunmin.billing.money import Price, Spending
from hunmin.billing.rules import Holder, Limits, Load, Slot
from hunmin.billing.tables import (
    BudgetRow,
    LimitRow,
    PriceRow,
    ReservationRow,
    SlotRow,
    SpendingRow,
)


def whole(total: ColumnElement[int]) -> ColumnElement[int]:
    """Return a sum as a whole number: PostgreSQL's sum of large numbers is a decimal one."""
    return cast(func.coalesce(total, 0), BigInteger)


_OPEN = (
    ReservationRow.tenant == bindparam("tenant"),
    ReservationRow.deadline_at > bindparam("now"),
)


def _is_of(holder_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Return whether a reservation is a holder's: no two holders of any kind have one id."""
    return or_(
        holder_id == ReservationRow.tenant,
        holder_id == ReservationRow.project_id,
        holder_id == ReservationRow.key_id,
    )


_RUNNING = (
    select(func.count())
    .select_from(ReservationRow)
    .where(*_OPEN, _is_of(LimitRow.holder_id))
    .correlate(LimitRow)
)
_RESERVED = (
    select(
        whole(
            func.sum(
                case(
                    (BudgetRow.unit == "won", ReservationRow.micro_won),
                    else_=ReservationRow.tokens,
                )
            )
        )
    )
    .where(*_OPEN, _is_of(BudgetRow.holder_id))
    .correlate(BudgetRow)
)
DAY = Date()
_PERIOD_ON = case(
    (BudgetRow.period == "day", bindparam("day", type_=DAY)),
    (BudgetRow.period == "month", bindparam("month", type_=DAY)),
    else_=BudgetRow.starts_on,
)
_SPENDINGS = (
    select(
        BudgetRow.id,
        BudgetRow.holder_kind,
        BudgetRow.holder_id,
        BudgetRow.unit,
        BudgetRow.amount,
        BudgetRow.period,
        BudgetRow.hard,
        BudgetRow.starts_on,
        func.coalesce(SpendingRow.spent, 0),
        _RESERVED.scalar_subquery(),
    )
    .outerjoin(
        SpendingRow,
        (SpendingRow.budget_id == BudgetRow.id) & (SpendingRow.period_on == _PERIOD_ON),
    )
    .where(
        BudgetRow.holder_id.in_(bindparam("holders", expanding=True)),
        BudgetRow.ended_at.is_(None),
    )
    .order_by(BudgetRow.id)
)
_COUNTED = (SlotRow.holder_id == LimitRow.holder_id) & SlotRow.at.between(
    bindparam("since"), bindparam("until")
)
_LOADS = (
    select(
        LimitRow.holder_kind,
        LimitRow.holder_id,
        LimitRow.requests_per_minute_max,
        LimitRow.tokens_per_minute_max,
        LimitRow.concurrent_max,
        whole(func.sum(SlotRow.requests)),
        whole(func.sum(SlotRow.tokens)),
        func.max(SlotRow.at),
        _RUNNING.scalar_subquery(),
    )
    .outerjoin(SlotRow, _COUNTED)
    .where(LimitRow.holder_id.in_(bindparam("holders", expanding=True)))
    .group_by(LimitRow.holder_id)
    .order_by(LimitRow.holder_id)
)
_SLOTS = (
    select(SlotRow.at, SlotRow.requests, SlotRow.tokens)
    .where(
        SlotRow.holder_id == bindparam("holder"),
        SlotRow.at.between(bindparam("since"), bindparam("until")),
    )
    .order_by(SlotRow.at)
)


def loads_of(act: Act, holders: Collection[Holder]) -> list[Load]:
    """Return those of the actor's holders that have limits, and how much of them is taken."""
    asked = {
        "tenant": act.actor.tenant,
        "now": act.now,
        "holders": [holder.id for holder in holders],
        **_minute(act),
    }
    found = act.session.connection().execute(_LOADS, asked)
    return [
        Load(
            Holder(kind, holder_id),
            Limits(requests_max, tokens_max, concurrent_max),
            requests=requests,
            tokens=tokens,
            newest=newest,
            running=running,
        )
        for (
            kind,
            holder_id,
            requests_max,
            tokens_max,
            concurrent_max,
            requests,
            tokens,
            newest,
            running,
        ) in found
    ]


def slots_of(act: Act, holder: Holder) -> list[Slot]:
    """Return what a holder was let in with in each second of the last minute, the oldest first."""
    asked = {"holder": holder.id, **_minute(act)}
    return [Slot(*row) for row in act.session.connection().execute(_SLOTS, asked)]


def spendings_of(
    act: Act, holders: Collection[Holder], *, day: date, tenant: str | None = None
) -> list[Spending]:
    """Return the budgets of holders, and what of them is gone on a day.

    For the gateway, and for queries that found the actor may know them.

    Args:
        act: Who asks.
        holders: All of one tenant.
        day: The day, in Seoul.
        tenant: That tenant; by default the actor's own.
    """
    asked = {
        "tenant": tenant or act.actor.tenant,
        "now": act.now,
        "holders": [holder.id for holder in holders],
        "day": day,
        "month": money.month_of(day),
    }
    found: Iterable[Any] = act.session.connection().execute(_SPENDINGS, asked)
    return [
        Spending(
            budget_id,
            Holder(kind, holder_id),
            unit,
            amount,
            period,
            hard,
            money.period_on(period, starts_on=starts_on, day=day),
            spent,
            reserved,
        )
        for (
            budget_id,
            kind,
            holder_id,
            unit,
            amount,
            period,
            hard,
            starts_on,
            spent,
            reserved,
        ) in found
    ]


def all_prices(act: Act) -> list[Price]:
    """Return every price, by model and day: they are no secret inside the house."""
    rows = act.session.scalars(
        select(PriceRow).order_by(PriceRow.model, PriceRow.organization_id, PriceRow.from_day)
    )
    return [
        Price(
            row.model,
            row.organization_id,
            row.from_day,
            row.prompt_won,
            row.cached_won,
            row.completion_won,
        )
        for row in rows
    ]


def limits_of(act: Act, holder_ids: Sequence[str]) -> dict[str, Limits]:
    """Return the limits that are set, by holder. For rooms that found the actor may know them."""
    rows = act.session.scalars(select(LimitRow).where(LimitRow.holder_id.in_(holder_ids)))
    return {row.holder_id: _limits(row) for row in rows}


def organization_limits(act: Act, organization_id: str) -> dict[str, Limits]:
    """Return the limits of an organization and of those of its projects that the actor sees.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
    """
    organizations.get_organization(act, organization_id)
    projects = organizations.list_projects(act, organization_id)
    return limits_of(act, [organization_id, *(project.id for project in projects)])


def project_limits(
    act: Act, organization_id: str, project_id: str, *, keys: Sequence[accounts.KeyView] = ()
) -> dict[str, Limits]:
    """Return the limits of a project, and of those of its keys.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
    """
    organizations.get_project(act, organization_id, project_id)
    return limits_of(act, [project_id, *(key.id for key in keys)])


def list_limits(act: Act) -> list[tuple[Holder, Limits]]:
    """Return all limits that are set, for administrators.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator.
    """
    accounts.check_administers(act.actor)
    rows = act.session.scalars(select(LimitRow).order_by(LimitRow.holder_kind, LimitRow.holder_id))
    return [(Holder(row.holder_kind, row.holder_id), _limits(row)) for row in rows]


def _limits(row: LimitRow) -> Limits:
    return Limits(row.requests_per_minute_max, row.tokens_per_minute_max, row.concurrent_max)


def _minute(act: Act) -> dict[str, int]:
    """Return the seconds that count now."""
    second = int(act.now.timestamp())
    return {"since": second - rules.MINUTE_SECONDS, "until": second + rules.SKEW_SECONDS}
