"""Everything that can be done to prices and budgets. What answers spend is written by `charges`."""

from dataclasses import replace

from sqlalchemy import select, update

from hunmin import accounts, audit, organizations
from hunmin.act import Act
from hunmin.billing import money
from hunmin.billing.money import Period, Price, Unit
from hunmin.billing.rules import Holder
from hunmin.billing.tables import AlertRow, BudgetRow, PriceRow
from hunmin.db import new_id
from hunmin.errors import BudgetNotFound, RoleNeeded


def set_price(act: Act, price: Price) -> None:
    """Say what a million tokens of a model cost from a day on.

    A price for a later day can be set again until that day comes.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator.
        OrganizationNotFound: It is for an organization there is none of.
        PriceUnfit: A number is no price.
        PriceInForce: It is for today or earlier, and one holds already.
    """
    accounts.check_administers(act.actor)
    if price.organization_id:
        organizations.get_organization(act, price.organization_id)
    price = replace(price, model=accounts.clean_label(price.model))
    same = select(PriceRow).where(
        PriceRow.model == price.model, PriceRow.organization_id == price.organization_id
    )
    today = money.day_of(act.now)
    held = act.session.scalar(same.where(PriceRow.from_day <= today).limit(1)) is not None
    money.check_price(price, today=today, in_force=held)
    row = act.session.scalar(same.where(PriceRow.from_day == price.from_day))
    if row is None:
        row = PriceRow(
            id=new_id(),
            model=price.model,
            organization_id=price.organization_id,
            from_day=price.from_day,
        )
        act.session.add(row)
    row.prompt_won, row.cached_won = price.prompt_won, price.cached_won
    row.completion_won = price.completion_won
    row.set_by, row.set_at = act.actor.id, act.now
    act.session.flush()
    audit.record(
        act,
        "billing.price.set",
        row.id,
        from_day=price.from_day.isoformat(),
        prompt_won=price.prompt_won,
        cached_won=price.cached_won,
        completion_won=price.completion_won,
        organization_id=price.organization_id or None,
    )


def set_budget(
    act: Act,
    organization_id: str,
    *,
    project_id: str | None = None,
    unit: Unit,
    amount: int,
    period: Period,
    hard: bool,
) -> str:
    """Give an organization or one of its projects a budget, and return its id.

    It counts what is asked for from now on, and is whole again with each period.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The organization has no such project.
        RoleNeeded: The actor neither owns the organization nor pays for it.
        Archived: The organization or the project does not change any more.
        BudgetUnfit: It is no amount that a budget can be.
    """
    organizations.check_may(act, organization_id, "set_budgets", project_id=project_id)
    holder = (
        Holder("organization", organization_id)
        if project_id is None
        else Holder("project", project_id)
    )
    return _set(act, holder, unit=unit, amount=amount, period=period, hard=hard)


def set_user_budget(
    act: Act, user_id: str, *, unit: Unit, amount: int, period: Period, hard: bool
) -> str:
    """Give an account a budget, for its own keys and its browser, and return its id.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator.
        UserNotFound: There is no such account.
        BudgetUnfit: It is no amount that a budget can be.
    """
    accounts.check_administers(act.actor)
    accounts.get_user(act, user_id)
    return _set(act, Holder("user", user_id), unit=unit, amount=amount, period=period, hard=hard)


def end_budget(act: Act, organization_id: str, budget_id: str) -> None:
    """End a budget of an organization or of one of its projects.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor may not, or an administrator gave it and the actor is none.
        BudgetNotFound: It has no such budget that has not ended.
        Archived: The organization does not change any more.
    """
    organizations.check_may(act, organization_id, "set_budgets")
    row = act.session.get(BudgetRow, budget_id)
    projects = {one.id for one in organizations.list_projects(act, organization_id)}
    if row is None or row.ended_at is not None or row.holder_id not in {organization_id, *projects}:
        raise BudgetNotFound
    if row.by_house and not act.actor.has_role("administrator"):
        raise RoleNeeded(roles=frozenset({"administrator"}))
    row.ended_at = act.now
    audit.record(act, "billing.budget.end", row.id, holder_id=row.holder_id)


def see_alerts(act: Act, organization_id: str) -> None:
    """Say that one saw every alert of the budgets of an organization and its projects.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor neither owns the organization nor pays for it.
        Archived: The organization does not change any more.
    """
    organizations.check_may(act, organization_id, "set_budgets")
    projects = [one.id for one in organizations.list_projects(act, organization_id)]
    budgets = select(BudgetRow.id).where(BudgetRow.holder_id.in_([organization_id, *projects]))
    seen = (
        update(AlertRow)
        .where(AlertRow.budget_id.in_(budgets), AlertRow.seen_at.is_(None))
        .values(seen_at=act.now)
    )
    count = act.session.connection().execute(seen).rowcount
    if count:
        audit.record(act, "billing.alert.see", organization_id, alerts=count)


def _set(act: Act, holder: Holder, *, unit: Unit, amount: int, period: Period, hard: bool) -> str:
    row = BudgetRow(
        id=new_id(),
        holder_kind=holder.kind,
        holder_id=holder.id,
        unit=unit,
        amount=money.check_amount(unit, amount),
        period=period,
        hard=hard,
        by_house=act.actor.has_role("administrator"),
        starts_on=money.day_of(act.now),
        set_by=act.actor.id,
        set_at=act.now,
    )
    act.session.add(row)
    act.session.flush()
    audit.record(
        act,
        "billing.budget.set",
        row.id,
        holder=holder.kind,
        holder_id=holder.id,
        unit=unit,
        amount=row.amount,
        period=period,
        hard=hard,
    )
    return row.id
