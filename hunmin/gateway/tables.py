"""Rows of the gateway: an admission for every answer begun, a settlement for every one ended.

An admission without its settlement is an answer still running or, past its deadline, a crash made
visible. A settlement is written once; only one that says `lost` gives way when the answer turns
out to have ended after all. No column holds anyone's words. Beside them there is a row for every
server that lives.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.db import Base, new_id


class AdmissionRow(Base):
    """An answer that was let in."""

    __tablename__ = "gateway_admissions"
    __table_args__ = (
        Index("ix_gateway_admissions_holder_admitted_at", "holder", "admitted_at"),
        Index("ix_gateway_admissions_day_user_id", "day", "user_id"),
        Index(
            "ix_gateway_admissions_open",
            "holder",
            "deadline_at",
            sqlite_where=text("NOT settled"),
            postgresql_where=text("NOT settled"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    request_id: Mapped[str]
    holder: Mapped[str]
    """Whose limits it counts against: the key's id, else the account's."""
    user_id: Mapped[str | None]
    key_id: Mapped[str | None]
    endpoint: Mapped[str]
    """`chat`, `completion` or `embedding`."""
    model: Mapped[str]
    server: Mapped[str]
    """Which process writes the answer."""
    prompt_tokens: Mapped[int]
    completion_tokens_max: Mapped[int]
    admitted_at: Mapped[datetime]
    """When it was let in, for counting requests per minute; see `actions.admit` for a clock that
    goes back."""
    day: Mapped[date]
    """The day of `admitted_at` in UTC, by which usage is summed."""
    deadline_at: Mapped[datetime]
    settled: Mapped[bool] = mapped_column(default=False)
    """Whether a settlement exists; here so that a small index finds what is open."""


class SettlementRow(Base):
    """What an answer came to."""

    __tablename__ = "gateway_settlements"

    admission_id: Mapped[str] = mapped_column(ForeignKey("gateway_admissions.id"), primary_key=True)
    outcome: Mapped[str]
    """`stop` or `length` as the engine says; `canceled`, `failed`; `lost` where nobody settled."""
    error_code: Mapped[str | None]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    first_token_ms: Mapped[int | None]
    wall_ms: Mapped[int]
    settled_at: Mapped[datetime]


class ServerRow(Base):
    """A server that lives, or did a moment ago."""

    __tablename__ = "gateway_servers"

    server: Mapped[str] = mapped_column(primary_key=True)
    """As in its admissions."""
    beats: Mapped[int] = mapped_column(BigInteger)
    """Counts up every few seconds; others watch it."""
    seen_at: Mapped[datetime]
    """When it last did, by its own clock: for people who look, nothing is decided by it."""
