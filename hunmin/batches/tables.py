"""Rows of files, batches and their lines. Lines go when their batch has ended."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.batches.rules import Status
from hunmin.db import Base, Json, new_id


class FileRow(Base):
    """A file a program brought, or the output of a batch."""

    __tablename__ = "batches_files"
    __table_args__ = (
        CheckConstraint("purpose IN ('batch', 'batch_output')", name="purpose"),
        CheckConstraint("state IN ('coming', 'processed')", name="state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    owner: Mapped[str] = mapped_column(index=True)
    """The project of the key that brought it, or its account where it has none."""
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int]
    blob_sha256: Mapped[str] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(Text)
    """`coming` while its bytes are on their way to the store."""
    made_at: Mapped[datetime] = mapped_column(index=True)


class BatchRow(Base):
    """A batch of requests."""

    __tablename__ = "batches_batches"
    __table_args__ = (
        CheckConstraint(
            "status IN ('validating', 'failed', 'in_progress', 'finalizing', 'completed', "
            "'expired', 'cancelling', 'cancelled')",
            name="status",
        ),
        Index("ix_batches_batches_status_due_at", "status", "due_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    owner: Mapped[str] = mapped_column(index=True)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    actor: Mapped[Json]
    """The key in whose name its requests are asked."""
    status: Mapped[Status] = mapped_column(Text)
    endpoint: Mapped[str] = mapped_column(Text)
    input_file_id: Mapped[str]
    output_file_id: Mapped[str | None]
    error_file_id: Mapped[str | None]
    told: Mapped[Json]
    """`metadata` as it was given, as `faults` what is wrong with the file, and as `answers_bytes`
    how long the answers are."""
    total: Mapped[int] = mapped_column(default=0)
    completed: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    cancelling_at: Mapped[datetime | None]
    finalizing_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    lease: Mapped[str | None]
    """Which server works on it."""
    due_at: Mapped[datetime]
    """With a lease: until when it holds. Without: not before this."""


class LineRow(Base):
    """A request of a batch that has not ended."""

    __tablename__ = "batches_lines"
    __table_args__ = (Index("ix_batches_lines_batch_id_status", "batch_id", "status"),)

    batch_id: Mapped[str] = mapped_column(
        ForeignKey("batches_batches.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    """Counted from 1, in the order of the file."""
    custom_id: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    """The body of the request; once it is answered, that of the answer. JSON."""
    status: Mapped[int | None]
    """What the answer's HTTP status would have been; None until then."""
    tries: Mapped[int] = mapped_column(default=0)
