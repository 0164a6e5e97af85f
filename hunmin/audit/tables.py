"""The events and their seals. Rows are added and never changed: triggers refuse it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.audit import append_only
from hunmin.db import Base, Json, new_id


class EventRow(Base):
    """One line of the audit log."""

    __tablename__ = "audit_events"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(index=True)
    actor_id: Mapped[str] = mapped_column(index=True)
    actor_kind: Mapped[str]
    key_id: Mapped[str | None]
    subject: Mapped[str] = mapped_column(index=True)
    request_id: Mapped[str]
    details: Mapped[Json]

    def columns(self) -> dict[str, Any]:
        """Return every column as a plain value."""
        return {column.key: getattr(self, column.key) for column in self.__table__.columns}


class SealRow(Base):
    """One link of the chain over the events, in the order they were sealed."""

    __tablename__ = "audit_seals"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[str] = mapped_column(ForeignKey("audit_events.id"), unique=True)
    sha256: Mapped[str]
    """Of the seal before it, and of the event."""


append_only.refuse_changes(SealRow.__table__)
