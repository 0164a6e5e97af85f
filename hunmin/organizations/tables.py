"""Rows of organizations, their members, projects and invitations.

Nothing here is deleted but memberships and invitations: what is archived stays, so that bills and
the audit log go on having something to speak of.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.db import Base, new_id
from hunmin.organizations.rules import ProjectRole, Role

_ROLES = "role IN ('owner', 'manager', 'billing', 'member')"


class OrganizationRow(Base):
    """One organization."""

    __tablename__ = "organizations_organizations"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text, unique=True)
    """The name as it is compared."""
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class MemberRow(Base):
    """One person in one organization."""

    __tablename__ = "organizations_members"
    __table_args__ = (CheckConstraint(_ROLES, name="role"),)

    organization_id: Mapped[str] = mapped_column(
        ForeignKey("organizations_organizations.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[Role] = mapped_column(Text)
    added_at: Mapped[datetime]


class ProjectRow(Base):
    """One project of one organization: people, keys, and a line of the bill."""

    __tablename__ = "organizations_projects"
    __table_args__ = (UniqueConstraint("organization_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations_organizations.id"))
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class ProjectMemberRow(Base):
    """One person, or one service account, in one project."""

    __tablename__ = "organizations_project_members"
    __table_args__ = (CheckConstraint("role IN ('manager', 'developer', 'viewer')", name="role"),)

    project_id: Mapped[str] = mapped_column(
        ForeignKey("organizations_projects.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[ProjectRole] = mapped_column(Text)
    added_at: Mapped[datetime]


class InvitationRow(Base):
    """One link that makes whoever is signed in a member, once."""

    __tablename__ = "organizations_invitations"
    __table_args__ = (CheckConstraint(_ROLES, name="role"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[str] = mapped_column(
        ForeignKey("organizations_organizations.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[Role] = mapped_column(Text)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[str]
    """The account of whoever invited, or what they are where they have none."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="SET NULL")
    )
