"""Rows of sign-in. Only the SHA-256 of a challenge's secret is kept."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.db import Base, Json, new_id
from hunmin.signin.rules import Kind


class ChallengeRow(Base):
    """One sign-in, or other proof, that was begun and may be ended once."""

    __tablename__ = "signin_challenges"
    __table_args__ = (
        CheckConstraint("kind IN ('passkey_new', 'passkey', 'oidc', 'second')", name="kind"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[Kind] = mapped_column(Text)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    data: Mapped[Json]
    """What the way of signing in needs to end it."""
    user_id: Mapped[str | None] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    """Whose account, where that is known already."""
    session_id: Mapped[str | None]
    """The session it was made in; None: outside of any."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
