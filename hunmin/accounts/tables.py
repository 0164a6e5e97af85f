"""Rows of accounts, and of the secrets that open them. Only SHA-256 of a secret is ever kept."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hunmin.accounts.rules import Method, Role
from hunmin.db import Base, Words, new_id


class UserRow(Base):
    """One account: of a person, of a guest's browser, or of a project's programs."""

    __tablename__ = "accounts_users"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text, unique=True)
    """The name as it is compared: no two differ only in case or composition."""
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    """Since when no session, key or link of the account opens anything."""
    opened_at: Mapped[datetime | None]
    """When somebody first signed in to it; None: nobody has yet."""
    roles: Mapped[list["UserRoleRow"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="UserRoleRow.role"
    )


class UserRoleRow(Base):
    """One role of one account."""

    __tablename__ = "accounts_user_roles"
    __table_args__ = (
        CheckConstraint(
            "role IN ('administrator', 'auditor', 'person', 'guest', 'service')", name="role"
        ),
    )

    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[Role] = mapped_column(Text, primary_key=True)


class SignInLinkRow(Base):
    """One link that signs one person in, once."""

    __tablename__ = "accounts_sign_in_links"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_by: Mapped[str | None]
    """The id of the account that made it; None: the house itself, by a command."""


class SessionRow(Base):
    """One browser that is signed in, or belongs to a guest."""

    __tablename__ = "accounts_sessions"
    __table_args__ = (
        CheckConstraint(
            "method IN ('guest', 'link', 'password', 'passkey', 'oidc')", name="method"
        ),
        CheckConstraint("strength IN (1, 2)", name="strength"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    device: Mapped[str] = mapped_column(Text)
    """The browser and system, in two words, for its owner to know it by."""
    created_at: Mapped[datetime]
    used_on: Mapped[date]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    method: Mapped[Method] = mapped_column(Text)
    """By what it was opened."""
    strength: Mapped[int]
    """How many factors were shown: 1 or 2."""
    proved_at: Mapped[datetime]
    """When whoever is at the browser last showed that it is them."""
    for_other: Mapped[bool]
    """Whether a link opened it that another person made for an account in use."""


class KeyRow(Base):
    """One API key of one account, on its own behalf or on that of a project.

    Organization and project are ids this room does not look into: the room of organizations says
    what they are, and ends the keys of what ends there.
    """

    __tablename__ = "accounts_keys"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(Text)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    last_four: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_on: Mapped[date | None]
    revoked_at: Mapped[datetime | None]
    organization_id: Mapped[str | None] = mapped_column(index=True)
    project_id: Mapped[str | None] = mapped_column(index=True)
    scopes: Mapped[Words]
    """What it may be used for, of `rules.SCOPES`."""
    models: Mapped[Words | None]
    """The models it may ask; None: any."""
    replaces_id: Mapped[str | None] = mapped_column(
        ForeignKey("accounts_keys.id", ondelete="SET NULL")
    )
    """The key it was made to take the place of."""
    retires_at: Mapped[datetime | None]
    """When it stops working because another took its place."""
