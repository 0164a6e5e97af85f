"""What was used and what is left: reads for pages and programs, each of one organization."""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from hunmin import organizations
from hunmin.act import Act
from hunmin.billing import money, queries
from hunmin.billing.money import Spending
from hunmin.billing.rules import Holder
from hunmin.billing.tables import AlertRow, BudgetRow, UsageDayRow
from hunmin.billing.usage import UsageLine

CSV_COLUMNS = (
    "day",
    "project_id",
    "project",
    "key_id",
    "model",
    "requests",
    "failed_requests",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "won",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take the beginning of a formula for."""


@dataclass(frozen=True, slots=True)
class Alert:
    """That a budget was used up to a percentage in this period."""

    percent: int
    raised_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget of an organization or a project, and how far it is used up."""

    spending: Spending
    by_house: bool
    alerts: list[Alert]

    @property
    def unseen(self) -> list[Alert]:
        """Return the alerts nobody said they saw."""
        return [alert for alert in self.alerts if alert.seen_at is None]

    @property
    def percent(self) -> int:
        """Return how much of it is gone, in whole percent."""
        return self.spending.spent * 100 // self.spending.amount


def usage_of(act: Act, organization_id: str, *, since: date, until: date) -> list[UsageLine]:
    """Return what an organization used from one day to before another, the oldest first.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor does not see its bills.
    """
    check_sees(act, organization_id)
    rows = act.session.scalars(
        select(UsageDayRow)
        .where(
            UsageDayRow.organization_id == organization_id,
            UsageDayRow.day >= since,
            UsageDayRow.day < until,
        )
        .order_by(UsageDayRow.day, UsageDayRow.project_id, UsageDayRow.key_id, UsageDayRow.model)
    )
    return [
        UsageLine(
            row.day,
            row.project_id,
            row.key_id,
            row.model,
            row.requests,
            row.failed,
            row.prompt_tokens,
            row.cached_tokens,
            row.completion_tokens,
            row.micro_won,
        )
        for row in rows
    ]


def budgets_of(act: Act, organization_id: str) -> list[BudgetState]:
    """Return the budgets of an organization and its projects, and what of them is gone now.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor does not see its bills.
    """
    check_sees(act, organization_id)
    holders = [Holder("organization", organization_id)]
    holders += [
        Holder("project", one.id) for one in organizations.list_projects(act, organization_id)
    ]
    spendings = queries.spendings_of(
        act, holders, day=money.day_of(act.now), tenant=organization_id
    )
    ids = [one.budget_id for one in spendings]
    rows = act.session.execute(
        select(BudgetRow.id, BudgetRow.by_house).where(BudgetRow.id.in_(ids))
    )
    by_house = {budget_id: given for budget_id, given in rows}  # noqa: C416 (rows are no pairs)
    alerts: dict[tuple[str, date], list[Alert]] = {}
    for row in act.session.scalars(
        select(AlertRow).where(AlertRow.budget_id.in_(ids)).order_by(AlertRow.percent)
    ):
        alert = Alert(row.percent, row.raised_at, row.seen_at)
        alerts.setdefault((row.budget_id, row.period_on), []).append(alert)
    return [
        BudgetState(one, by_house[one.budget_id], alerts.get((one.budget_id, one.period_on), []))
        for one in spendings
    ]


def first_month(act: Act, organization_id: str) -> date | None:
    """Return the first day of the month in which an organization first used anything.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor does not see its bills.
    """
    check_sees(act, organization_id)
    first = act.session.scalar(
        select(func.min(UsageDayRow.day)).where(UsageDayRow.organization_id == organization_id)
    )
    return None if first is None else money.month_of(first)


def csv_of(act: Act, organization_id: str, *, since: date, until: date) -> str:
    """Return what was used as a table for spreadsheets: RFC 4180, with a byte order mark.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor does not see its bills.
    """
    names = {one.id: one.name for one in organizations.list_projects(act, organization_id)}
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for line in usage_of(act, organization_id, since=since, until=until):
        writer.writerow(
            [
                line.day.isoformat(),
                line.project_id,
                plain_cell(names.get(line.project_id, "")),
                line.key_id,
                plain_cell(line.model),
                line.requests,
                line.failed,
                line.prompt_tokens,
                line.cached_tokens,
                line.completion_tokens,
                money.said_won(line.micro_won),
            ]
        )
    return "\ufeff" + text.getvalue()


def check_sees(act: Act, organization_id: str) -> None:
    """Raise unless the actor sees the bills; auditors of the house see all.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor does not see its bills.
    """
    if act.actor.kind == "key" or not act.actor.has_role("auditor"):
        organizations.check_may(act, organization_id, "see_bills")
    organizations.get_organization(act, organization_id)


def plain_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
