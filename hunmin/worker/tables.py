"""The jobs table. Done jobs are deleted; failed ones stay for a person to look at."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.db import Base, Json, new_id


class JobRow(Base):
    """One job: waiting, running or failed."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'failed')", name="state"),
        Index("ix_jobs_state_due_at", "state", "due_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    handler: Mapped[str]
    arguments: Mapped[Json]
    state: Mapped[str] = mapped_column(default="waiting")
    due_at: Mapped[datetime]
    """When waiting: not before this. When running: the end of the lease."""
    attempts: Mapped[int] = mapped_column(default=0)
    attempts_max: Mapped[int]
    every_seconds: Mapped[int | None]
    """A periodic job goes back to waiting when it is done."""
    unique_key: Mapped[str | None] = mapped_column(unique=True)
    """At most one job of a key waits or runs; a second one is not enqueued."""
    worker_id: Mapped[str | None]
    request_id: Mapped[str]
    """The request that wanted the job; it binds their log lines together."""
    created_at: Mapped[datetime]
    error_code: Mapped[str | None]
    """Why the last attempt failed: the code of a HunminError, else the name of the exception."""
