"""Rows of billing: limits, budgets, prices, what was let in, set aside and used, and invoices.

Holders are ids this room does not look into: of a key, a project, an organization or an account.
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from hunmin import audit
from hunmin.billing.money import Period, Unit
from hunmin.billing.rules import HolderKind
from hunmin.db import Base, Json, new_id


class LimitRow(Base):
    """How much one holder may ask."""

    __tablename__ = "billing_limits"
    __table_args__ = (
        CheckConstraint(
            "holder_kind IN ('key', 'project', 'organization', 'user')", name="holder_kind"
        ),
    )

    holder_id: Mapped[str] = mapped_column(primary_key=True)
    holder_kind: Mapped[HolderKind] = mapped_column(Text)
    requests_per_minute_max: Mapped[int | None] = mapped_column(BigInteger)
    tokens_per_minute_max: Mapped[int | None] = mapped_column(BigInteger)
    concurrent_max: Mapped[int | None] = mapped_column(BigInteger)
    set_by: Mapped[str]
    """The account of whoever set it, or what they are where they have none."""
    set_at: Mapped[datetime]


class SlotRow(Base):
    """What one holder was let in with in one second; kept only where a limit is by the minute."""

    __tablename__ = "billing_slots"

    holder_id: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """Which of the seconds that are kept: `at` modulo their number."""
    at: Mapped[int] = mapped_column(BigInteger)
    """Which second, since 1970."""
    requests: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)


class ReservationRow(Base):
    """What an answer that is being written holds: its place, and what it may come to.

    It counts until the answer is settled, or its deadline is past and nobody will settle it.
    """

    __tablename__ = "billing_reservations"
    __table_args__ = (Index("ix_billing_reservations_tenant_deadline_at", "tenant", "deadline_at"),)

    admission_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    """The organization, or else the account."""
    project_id: Mapped[str | None]
    key_id: Mapped[str | None]
    tokens: Mapped[int] = mapped_column(BigInteger)
    """The prompt's, and the most the answer may have."""
    micro_won: Mapped[int] = mapped_column(BigInteger)
    """What these cost, in millionths of a won."""
    deadline_at: Mapped[datetime]


class PriceRow(Base):
    """What a million tokens of a model cost from a day on, in won."""

    __tablename__ = "billing_prices"
    __table_args__ = (UniqueConstraint("model", "organization_id", "from_day"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    model: Mapped[str] = mapped_column(Text)
    organization_id: Mapped[str]
    """For whom alone; empty: for everybody who has no price of their own."""
    from_day: Mapped[date]
    prompt_won: Mapped[int] = mapped_column(BigInteger)
    cached_won: Mapped[int] = mapped_column(BigInteger)
    completion_won: Mapped[int] = mapped_column(BigInteger)
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class BudgetRow(Base):
    """How much a holder may use in a period."""

    __tablename__ = "billing_budgets"
    __table_args__ = (
        CheckConstraint("holder_kind IN ('project', 'organization', 'user')", name="holder_kind"),
        CheckConstraint("unit IN ('tokens', 'won')", name="unit"),
        CheckConstraint("period IN ('day', 'month', 'total')", name="period"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    holder_kind: Mapped[HolderKind] = mapped_column(Text)
    holder_id: Mapped[str] = mapped_column(index=True)
    unit: Mapped[Unit] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    """Tokens, or millionths of a won."""
    period: Mapped[Period] = mapped_column(Text)
    hard: Mapped[bool]
    """Whether requests are refused where it is used up; else it only alerts."""
    by_house: Mapped[bool]
    """Whether an administrator gave it: then only administrators end it."""
    starts_on: Mapped[date]
    ended_at: Mapped[datetime | None]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class SpendingRow(Base):
    """What is gone of a budget in one period, in its unit."""

    __tablename__ = "billing_spendings"

    budget_id: Mapped[str] = mapped_column(
        ForeignKey("billing_budgets.id", ondelete="CASCADE"), primary_key=True
    )
    period_on: Mapped[date] = mapped_column(primary_key=True)
    """The first day of the period."""
    spent: Mapped[int] = mapped_column(BigInteger)


class AlertRow(Base):
    """That a budget was used up to a percentage."""

    __tablename__ = "billing_alerts"

    budget_id: Mapped[str] = mapped_column(
        ForeignKey("billing_budgets.id", ondelete="CASCADE"), primary_key=True
    )
    period_on: Mapped[date] = mapped_column(primary_key=True)
    percent: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    raised_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    """When somebody who pays said that they saw it."""


class UsageDayRow(Base):
    """What one key of an organization used of one model on one day, in Seoul."""

    __tablename__ = "billing_usage_days"

    organization_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    cached_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    micro_won: Mapped[int] = mapped_column(BigInteger)
    """What it cost, in millionths of a won."""


class InvoiceRow(Base):
    """One invoice that was issued. Rows are added and never changed: triggers refuse it."""

    __tablename__ = "billing_invoices"
    __table_args__ = (UniqueConstraint("organization_id", "month", "edition"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    serial: Mapped[int] = mapped_column(BigInteger, unique=True)
    """How many invoices the house had issued with it: numbers have no gaps."""
    organization_id: Mapped[str]
    month: Mapped[date]
    """Its first day."""
    edition: Mapped[int] = mapped_column(SmallInteger)
    """How many the month had with it; all before it are void."""
    document: Mapped[Json]
    """What it says: `invoicing.InvoiceDocument`."""
    sha256: Mapped[str]
    """Of the document."""
    issued_by: Mapped[str]
    issued_at: Mapped[datetime]


class InvoiceVoidRow(Base):
    """That an invoice is void. Such rows are added and never changed either."""

    __tablename__ = "billing_invoice_voids"

    invoice_id: Mapped[str] = mapped_column(ForeignKey("billing_invoices.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    voided_by: Mapped[str]
    voided_at: Mapped[datetime]


audit.refuse_changes(
    InvoiceVoidRow.__table__,
    {"billing_invoices": "id", "billing_invoice_voids": "invoice_id"},
    room="billing",
    what="an issued invoice",
)
