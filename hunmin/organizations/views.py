"""What others may know of an organization, its members and projects."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from hunmin.organizations.rules import Deed, ProjectDeed, ProjectRole, Role


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True, hide_input_in_errors=True)


class OrganizationView(_Shown):
    """One organization, as the actor sees it."""

    id: str
    name: str
    created_at: datetime
    archived_at: datetime | None
    """Since when it does not change any more; None: it does."""
    role: Role | None
    """What the actor is in it; None: one of the house, who only looks."""
    may: list[Deed]
    """What the actor may do there."""


class MemberView(_Shown):
    """One person in an organization."""

    user_id: str
    name: str
    role: Role
    added_at: datetime
    disabled: bool
    """Whether an administrator shut the account."""


class InvitationView(_Shown):
    """One invitation that can still be used, without its secret."""

    id: str
    role: Role
    created_at: datetime
    expires_at: datetime


class ProjectView(_Shown):
    """One project, as the actor sees it."""

    id: str
    organization_id: str
    name: str
    created_at: datetime
    archived_at: datetime | None
    role: ProjectRole | None
    """What the actor is in it; None: one who only looks."""
    may: list[ProjectDeed]
    """What the actor may do there."""


class ProjectMemberView(_Shown):
    """One person, or one service account, in a project."""

    user_id: str
    name: str
    role: ProjectRole
    added_at: datetime
    is_service: bool
    """Whether it is no person but owns keys of programs."""
