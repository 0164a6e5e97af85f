"""The pages of invoices: an organization's, one to look at and print, and months to be invoiced."""

from datetime import date
from typing import Annotated, Any, ClassVar

from fastapi import Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from typing_extensions import override

from hunmin import faces, organizations
from hunmin.accounts import PersonAct
from hunmin.billing import invoice_actions, invoice_queries, invoicing, money
from hunmin.billing.invoice_queries import InvoiceView, OpenMonth
from hunmin.billing.usage_pages import MONTH_PATTERN, Id, Month, table_for_spreadsheets

router = faces.PageRouter(tags=["billing"])

INVOICES = "/organizations/{organization_id}/invoices"


class InvoicesPage(faces.View):
    """The invoices of an organization, and its months without one."""

    template: ClassVar[str] = "billing/invoices.html"

    organization: organizations.OrganizationView
    months: list[OpenMonth]
    invoices: list[InvoiceView]
    administers: bool
    today: date

    @override
    def values(self) -> dict[str, Any]:
        return {**super().values(), "micro_won": money.MICRO_WON}


class InvoicePage(faces.View):
    """One invoice, or the draft of one."""

    template: ClassVar[str] = "billing/invoice.html"

    organization: organizations.OrganizationView
    invoice: InvoiceView
    issuable_on: date
    server: str
    """Where it comes from."""
    administers: bool
    today: date

    @override
    def values(self) -> dict[str, Any]:
        return {**super().values(), "said_won": money.said_won}


class OpenMonthsPage(faces.View):
    """The months of all organizations that are not invoiced."""

    template: ClassVar[str] = "billing/open_months.html"

    months: list[OpenMonth]
    names: dict[str, str]
    """Of the organizations, by id."""
    today: date

    @override
    def values(self) -> dict[str, Any]:
        return {**super().values(), "micro_won": money.MICRO_WON}


@router.get("/invoices")
def show_open_months(act: PersonAct) -> OpenMonthsPage:
    """List the months that are to be invoiced, for administrators."""
    return OpenMonthsPage(
        months=invoice_queries.all_open_months(act),
        names={one.id: one.name for one in organizations.list_organizations(act)},
        today=money.day_of(act.now),
    )


@router.get(INVOICES)
def show_invoices(act: PersonAct, organization_id: Id) -> InvoicesPage:
    """List the invoices of an organization, and its months without one."""
    return InvoicesPage(
        organization=organizations.get_organization(act, organization_id),
        months=invoice_queries.open_months(act, organization_id),
        invoices=invoice_queries.list_invoices(act, organization_id),
        administers=act.actor.has_role("administrator"),
        today=money.day_of(act.now),
    )


@router.get(f"{INVOICES}/draft")
def show_draft(
    request: Request, act: PersonAct, organization_id: Id, month: Month = None
) -> InvoicePage:
    """Show what an organization owes for a month, this one by default, as far as it is known."""
    shown = money.month_named(month) if month else money.month_of(money.day_of(act.now))
    view = invoice_queries.draft_view(act, organization_id, shown)
    return _page(request, act, view)


@router.get(f"{INVOICES}/{{invoice_id}}.csv", response_class=Response)
def download_invoice(act: PersonAct, organization_id: Id, invoice_id: Id) -> Response:
    """Return the lines of an invoice as a table for spreadsheets."""
    number, text = invoice_queries.csv_of(act, organization_id, invoice_id)
    return table_for_spreadsheets(text, name=f"invoice-{number}")


@router.get(f"{INVOICES}/{{invoice_id}}")
def show_invoice(
    request: Request, act: PersonAct, organization_id: Id, invoice_id: Id
) -> InvoicePage:
    """Show one invoice, to look at and to print."""
    view = invoice_queries.get_invoice(act, organization_id, invoice_id)
    return _page(request, act, view)


@router.post(INVOICES, status_code=303, response_class=RedirectResponse)
def issue_invoice(
    act: PersonAct,
    organization_id: Id,
    month: Annotated[str, Form(pattern=MONTH_PATTERN)],
) -> RedirectResponse:
    """Issue the invoice of a month under the next number."""
    issued = invoice_actions.issue_invoice(act, organization_id, money.month_named(month))
    return _to(organization_id, issued)


@router.post(f"{INVOICES}/{{invoice_id}}/void", status_code=303, response_class=RedirectResponse)
def void_invoice(
    act: PersonAct,
    organization_id: Id,
    invoice_id: Id,
    reason: Annotated[str, Form(min_length=1, max_length=64)],
) -> RedirectResponse:
    """Declare an invoice void."""
    invoice_actions.void_invoice(act, organization_id, invoice_id, reason=reason)
    return _to(organization_id, invoice_id)


def _page(request: Request, act: PersonAct, invoice: InvoiceView) -> InvoicePage:
    return InvoicePage(
        organization=organizations.get_organization(act, invoice.document.organization_id),
        invoice=invoice,
        issuable_on=invoicing.closes_on(invoice.document.month),
        server=str(request.base_url).rstrip("/"),
        administers=act.actor.has_role("administrator"),
        today=money.day_of(act.now),
    )


def _to(organization_id: str, invoice_id: str) -> RedirectResponse:
    return RedirectResponse(
        f"/organizations/{organization_id}/invoices/{invoice_id}", status_code=303
    )
