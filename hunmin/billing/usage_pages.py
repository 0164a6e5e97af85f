"""The pages of money: what an organization used, its budgets, and the prices of models."""

from datetime import date
from typing import Annotated, Any, ClassVar

from fastapi import Form, Path, Query
from starlette.responses import RedirectResponse, Response
from typing_extensions import override

from hunmin import accounts, faces, organizations
from hunmin.accounts import PersonAct
from hunmin.billing import budget_actions, money, queries, usage, usage_queries
from hunmin.billing.money import MICRO_WON, WON_MAX, Period, Price, Unit
from hunmin.billing.rules import LIMIT_MAX
from hunmin.billing.usage import UsageLine
from hunmin.billing.usage_queries import BudgetState

router = faces.PageRouter(tags=["billing"])

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
FormId = Annotated[str | None, Form(pattern="^[0-9a-z]{26}$")]
MONTH_PATTERN = "^20[0-9]{2}-(0[1-9]|1[0-2])$"
Month = Annotated[str | None, Query(pattern=MONTH_PATTERN)]
Won = Annotated[int, Form(ge=0, le=WON_MAX)]

USAGE = "/organizations/{organization_id}/usage"


class UsagePage(faces.View):
    """What an organization used in one month, and its budgets."""

    template: ClassVar[str] = "billing/usage.html"

    organization: organizations.OrganizationView
    projects: list[organizations.ProjectView]
    month: date
    """Its first day."""
    before: date | None
    """The month before, where there may be usage."""
    after: date | None
    lines: list[UsageLine]
    budgets: list[BudgetState]
    administers: bool
    most: int = LIMIT_MAX

    @override
    def values(self) -> dict[str, Any]:
        """Return the fields, and sums by project and model, and by day."""
        names = {one.id: one.name for one in self.projects}
        days = usage.by_day(self.lines)
        return {
            **super().values(),
            "sums": usage.by_project_and_model(self.lines, names),
            "by_day": days,
            "most_tokens": max((tokens for _, tokens in days), default=1),
            "names": names,
            "unseen": sum(len(budget.unseen) for budget in self.budgets),
            "micro_won": MICRO_WON,
        }


class PricesPage(faces.View):
    """What models cost."""

    template: ClassVar[str] = "billing/prices.html"

    prices: list[Price]
    names: dict[str, str]
    """Of organizations with prices of their own, by id."""
    today: date
    most: int = WON_MAX


@router.get(USAGE)
def show_usage(act: PersonAct, organization_id: Id, month: Month = None) -> UsagePage:
    """Show what an organization used in a month, this one by default, and its budgets."""
    this_month = money.month_of(money.day_of(act.now))
    shown = money.month_named(month) if month else this_month
    after = money.next_month(shown)
    first = usage_queries.first_month(act, organization_id)
    return UsagePage(
        organization=organizations.get_organization(act, organization_id),
        projects=organizations.list_projects(act, organization_id),
        month=shown,
        before=money.month_before(shown) if first is not None and first < shown else None,
        after=after if after <= this_month else None,
        lines=usage_queries.usage_of(act, organization_id, since=shown, until=after),
        budgets=usage_queries.budgets_of(act, organization_id),
        administers=act.actor.has_role("administrator"),
    )


@router.get("/organizations/{organization_id}/usage.csv", response_class=Response)
def download_usage(act: PersonAct, organization_id: Id, month: Month = None) -> Response:
    """Return the same month as a table for spreadsheets."""
    shown = money.month_named(month) if month else money.month_of(money.day_of(act.now))
    text = usage_queries.csv_of(act, organization_id, since=shown, until=money.next_month(shown))
    return table_for_spreadsheets(text, name=f"usage-{shown:%Y-%m}")


@router.post(
    "/organizations/{organization_id}/budgets", status_code=303, response_class=RedirectResponse
)
def set_budget(
    act: PersonAct,
    *,
    organization_id: Id,
    project_id: FormId = None,
    unit: Annotated[Unit, Form()],
    amount: Annotated[int, Form(ge=1, le=LIMIT_MAX)],
    period: Annotated[Period, Form()],
    hard: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    """Give the organization or one of its projects a budget."""
    budget_actions.set_budget(
        act,
        organization_id,
        project_id=project_id,
        unit=unit,
        amount=amount,
        period=period,
        hard=hard,
    )
    return _to_usage(organization_id)


@router.post(
    "/organizations/{organization_id}/budgets/{budget_id}/end",
    status_code=303,
    response_class=RedirectResponse,
)
def end_budget(act: PersonAct, organization_id: Id, budget_id: Id) -> RedirectResponse:
    """End a budget."""
    budget_actions.end_budget(act, organization_id, budget_id)
    return _to_usage(organization_id)


@router.post(
    "/organizations/{organization_id}/alerts/see",
    status_code=303,
    response_class=RedirectResponse,
)
def see_alerts(act: PersonAct, organization_id: Id) -> RedirectResponse:
    """Say that one saw the alerts of the organization's budgets."""
    budget_actions.see_alerts(act, organization_id)
    return _to_usage(organization_id)


@router.get("/prices")
def show_prices(act: PersonAct) -> PricesPage:
    """List what models cost, for administrators."""
    accounts.check_administers(act.actor)
    prices = queries.all_prices(act)
    named = {one.id: one.name for one in organizations.list_organizations(act)}
    return PricesPage(
        prices=prices,
        names={one.organization_id: named.get(one.organization_id, "") for one in prices},
        today=money.day_of(act.now),
    )


@router.post("/prices", status_code=303, response_class=RedirectResponse)
def set_price(
    act: PersonAct,
    *,
    model: Annotated[str, Form(min_length=1, max_length=64)],
    from_day: Annotated[date, Form()],
    prompt_won: Won,
    cached_won: Won,
    completion_won: Won,
) -> RedirectResponse:
    """Say what a million tokens of a model cost from a day on."""
    budget_actions.set_price(
        act, Price(model, "", from_day, prompt_won, cached_won, completion_won)
    )
    return RedirectResponse("/prices", status_code=303)


def table_for_spreadsheets(text: str, *, name: str) -> Response:
    """Return a table as a file of that name."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _to_usage(organization_id: str) -> RedirectResponse:
    return RedirectResponse(f"/organizations/{organization_id}/usage", status_code=303)
