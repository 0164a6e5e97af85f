"""Invoices, drafts of those to be issued, and whether what was issued still agrees."""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select

from hunmin import accounts, organizations
from hunmin.act import Act
from hunmin.billing import invoicing, money, usage, usage_queries
from hunmin.billing.invoicing import InvoiceDocument
from hunmin.billing.queries import whole
from hunmin.billing.tables import InvoiceRow, InvoiceVoidRow, UsageDayRow
from hunmin.errors import InvoiceNotFound

CSV_COLUMNS = (
    "number",
    "month",
    "project_id",
    "project",
    "model",
    "requests",
    "failed_requests",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "won",
)


class InvoiceView(BaseModel):
    """One invoice, or the draft of one."""

    model_config = ConfigDict(frozen=True)

    id: str | None
    """None: it is a draft."""
    state: Literal["draft", "issued", "void"]
    document: InvoiceDocument
    sha256: str | None
    """Of the document as it was issued."""
    issued_at: datetime | None
    voided_at: datetime | None
    reason: str
    """Why it is void; empty where it is not."""


@dataclass(frozen=True, slots=True)
class OpenMonth:
    """A month an organization used something in, and has no invoice for that is not void."""

    organization_id: str
    month: date
    micro_won: int
    issuable_on: date
    """The first day on which it can be invoiced."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What is wrong with an invoice, or with a number."""

    number: str
    what: Literal["changed", "missing", "differs"]
    """`changed`: it is not what was issued; `missing`: no invoice has this number; `differs`:
    it is not what its organization used."""


def list_invoices(act: Act, organization_id: str) -> list[InvoiceView]:
    """Return the invoices an organization was given, the newest first.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor does not see its bills.
    """
    usage_queries.check_sees(act, organization_id)
    rows = act.session.execute(
        select(InvoiceRow, InvoiceVoidRow)
        .outerjoin(InvoiceVoidRow, InvoiceVoidRow.invoice_id == InvoiceRow.id)
        .where(InvoiceRow.organization_id == organization_id)
        .order_by(InvoiceRow.serial.desc())
    )
    return [_view(row, void) for row, void in rows]


def get_invoice(act: Act, organization_id: str, invoice_id: str) -> InvoiceView:
    """Return one invoice of an organization.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor does not see its bills.
        InvoiceNotFound: It has none of that id.
    """
    usage_queries.check_sees(act, organization_id)
    row = act.session.get(InvoiceRow, invoice_id)
    if row is None or row.organization_id != organization_id:
        raise InvoiceNotFound
    return _view(row, act.session.get(InvoiceVoidRow, row.id))


def draft_of(act: Act, organization_id: str, month: date) -> InvoiceDocument:
    """Return what an organization owes for a month, as far as it is known now.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor does not see its bills.
    """
    lines = usage_queries.usage_of(act, organization_id, since=month, until=money.next_month(month))
    names = {one.id: one.name for one in organizations.list_projects(act, organization_id)}
    return InvoiceDocument.of(
        organization_id=organization_id,
        organization=organizations.get_organization(act, organization_id).name,
        month=month,
        lines=usage.by_project_and_model(lines, names),
    )


def draft_view(act: Act, organization_id: str, month: date) -> InvoiceView:
    """Return the draft of an invoice as it is shown. Raises what `draft_of` raises."""
    return InvoiceView(
        id=None,
        state="draft",
        document=draft_of(act, organization_id, month),
        sha256=None,
        issued_at=None,
        voided_at=None,
        reason="",
    )


def open_months(act: Act, organization_id: str) -> list[OpenMonth]:
    """Return the months an organization owes something for and has no invoice, the newest first.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor does not see its bills.
    """
    usage_queries.check_sees(act, organization_id)
    return _open_months(act, organization_id)


def all_open_months(act: Act) -> list[OpenMonth]:
    """Return the months any organization owes something for, for administrators.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator.
    """
    accounts.check_administers(act.actor)
    return _open_months(act)


def csv_of(act: Act, organization_id: str, invoice_id: str) -> tuple[str, str]:
    """Return the number of an invoice, and its lines as a table for spreadsheets: RFC 4180.

    Raises what `get_invoice` raises.
    """
    document = get_invoice(act, organization_id, invoice_id).document
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for line in document.lines:
        writer.writerow(
            [
                document.number,
                f"{document.month:%Y-%m}",
                line.project_id,
                usage_queries.plain_cell(line.project),
                usage_queries.plain_cell(line.model),
                line.requests,
                line.failed,
                line.prompt_tokens,
                line.cached_tokens,
                line.completion_tokens,
                money.said_won(line.micro_won),
            ]
        )
    return document.number, "\ufeff" + text.getvalue()


def verify_invoices(act: Act) -> tuple[int, list[Disagreement]]:
    """Return how many invoices there are, and what of them does not agree, by number.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator.
    """
    accounts.check_administers(act.actor)
    void = set(act.session.scalars(select(InvoiceVoidRow.invoice_id)))
    rows = act.session.scalars(select(InvoiceRow).order_by(InvoiceRow.serial)).all()
    found: list[Disagreement] = []
    expected = 1
    for row in rows:
        missing = range(expected, row.serial)
        found += [Disagreement(f"{serial:06}", "missing") for serial in missing]
        expected = row.serial + 1
        number = str(row.document.get("number", f"{row.serial:06}"))
        if not _is_as_issued(row):
            found.append(Disagreement(number, "changed"))
        elif row.id not in void and not _agrees(act, row):
            found.append(Disagreement(number, "differs"))
    return len(rows), found


def _open_months(act: Act, organization_id: str | None = None) -> list[OpenMonth]:
    used = (
        select(UsageDayRow.organization_id, UsageDayRow.day, whole(func.sum(UsageDayRow.micro_won)))
        .where(UsageDayRow.micro_won > 0)
        .group_by(UsageDayRow.organization_id, UsageDayRow.day)
    )
    if organization_id is not None:
        used = used.where(UsageDayRow.organization_id == organization_id)
    owed: dict[tuple[str, date], int] = {}
    for organization, day, micro_won in act.session.execute(used):
        where = (organization, money.month_of(day))
        owed[where] = owed.get(where, 0) + micro_won
    living = select(InvoiceRow.organization_id, InvoiceRow.month).where(
        InvoiceRow.id.not_in(select(InvoiceVoidRow.invoice_id))
    )
    for organization, month in act.session.execute(living):
        owed.pop((organization, month), None)
    months = [
        OpenMonth(organization, month, micro_won, invoicing.closes_on(month))
        for (organization, month), micro_won in owed.items()
        if micro_won >= money.MICRO_WON
    ]
    return sorted(months, key=lambda one: (-one.month.toordinal(), one.organization_id))


def _is_as_issued(row: InvoiceRow) -> bool:
    document = row.document
    return (
        invoicing.sha256_of(document) == row.sha256
        and document.get("number") == invoicing.number_of(row.month, row.serial)
        and document.get("organization_id") == row.organization_id
    )


def _agrees(act: Act, row: InvoiceRow) -> bool:
    """Return whether an invoice asks for what was used: won for won, line by line."""
    issued = InvoiceDocument.model_validate(row.document)
    used = draft_of(act, row.organization_id, row.month)

    def owed(document: InvoiceDocument) -> dict[tuple[str, str], int]:
        lines = document.lines
        return {(one.project_id, one.model): one.micro_won for one in lines if one.micro_won}

    return owed(issued) == owed(used) and issued.total_won == used.total_won


def _view(row: InvoiceRow, void: InvoiceVoidRow | None) -> InvoiceView:
    return InvoiceView(
        id=row.id,
        state="issued" if void is None else "void",
        document=InvoiceDocument.model_validate(row.document),
        sha256=row.sha256,
        issued_at=row.issued_at,
        voided_at=None if void is None else void.voided_at,
        reason="" if void is None else void.reason,
    )
