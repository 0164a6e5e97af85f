"""Everything that can be done to invoices: they are issued, and they are declared void."""

from datetime import date

from sqlalchemy import func, select

from hunmin import accounts, audit
from hunmin.act import Act
from hunmin.billing import charges, invoice_queries, invoicing
from hunmin.billing.tables import InvoiceRow, InvoiceVoidRow
from hunmin.db import new_id
from hunmin.errors import InvoiceExists, InvoiceNotFound, InvoiceVoid

_LOCK = "billing.invoices"


def issue_invoice(act: Act, organization_id: str, month: date) -> str:
    """Issue the invoice of an organization for a month under the next number, and return its id.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator.
        OrganizationNotFound: There is none.
        MonthOpen: Answers of the month may still be written.
        InvoiceEmpty: It comes to less than a won.
        InvoiceExists: There is one, and it is not void.
    """
    accounts.check_administers(act.actor)
    draft = invoice_queries.draft_of(act, organization_id, month)
    invoicing.check_issuable(draft, now=act.now)
    charges.lock(act, _LOCK)
    earlier = select(InvoiceRow.id).where(
        InvoiceRow.organization_id == organization_id, InvoiceRow.month == month
    )
    editions = act.session.scalars(earlier).all()
    void = select(InvoiceVoidRow.invoice_id).where(InvoiceVoidRow.invoice_id.in_(editions))
    if len(editions) > len(act.session.scalars(void).all()):
        raise InvoiceExists
    serial = (act.session.scalar(select(func.max(InvoiceRow.serial))) or 0) + 1
    kept = draft.numbered(serial).kept
    row = InvoiceRow(
        id=new_id(),
        serial=serial,
        organization_id=organization_id,
        month=month,
        edition=len(editions) + 1,
        document=kept,
        sha256=invoicing.sha256_of(kept),
        issued_by=act.actor.id,
        issued_at=act.now,
    )
    act.session.add(row)
    act.session.flush()
    audit.record(
        act,
        "billing.invoice.issue",
        row.id,
        organization_id=organization_id,
        serial=serial,
        sha256=row.sha256,
        total_won=draft.total_won,
    )
    return row.id


def void_invoice(act: Act, organization_id: str, invoice_id: str, *, reason: str) -> None:
    """Declare an invoice void: its number stays, and its month can be invoiced anew.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator.
        InvoiceNotFound: The organization has none of that id.
        InvoiceVoid: It is void already.
        NameUnusable: The reason says nothing.
    """
    accounts.check_administers(act.actor)
    reason = accounts.clean_label(reason)
    charges.lock(act, _LOCK)
    row = act.session.get(InvoiceRow, invoice_id)
    if row is None or row.organization_id != organization_id:
        raise InvoiceNotFound
    if act.session.get(InvoiceVoidRow, invoice_id) is not None:
        raise InvoiceVoid
    void = InvoiceVoidRow(
        invoice_id=invoice_id, reason=reason, voided_by=act.actor.id, voided_at=act.now
    )
    act.session.add(void)
    act.session.flush()
    audit.record(act, "billing.invoice.void", invoice_id, organization_id=organization_id)
