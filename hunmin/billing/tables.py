"""Rows of billing: limits, what was let in by the second, and what answers set aside.

Holders are ids this room does not look into: of a key, a project, an organization or an account.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.billing.rules import HolderKind
from hunmin.db import Base


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
