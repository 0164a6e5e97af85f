"""Reads of organizations. Each returns only what the actor may see.

Who belongs to an organization sees that it is there; who does not, finds nothing. Auditors and
administrators of the house see all of them, and a key of an organization sees that one alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from hunmin import accounts
from hunmin.act import Act, Actor
from hunmin.errors import InvitationUnusable, OrganizationNotFound, ProjectNotFound
from hunmin.organizations import rules
from hunmin.organizations.tables import (
    InvitationRow,
    MemberRow,
    OrganizationRow,
    ProjectMemberRow,
    ProjectRow,
)
from hunmin.organizations.views import (
    InvitationView,
    MemberView,
    OrganizationView,
    ProjectMemberView,
    ProjectView,
)

LOOKERS = ("administrator", "auditor")
"""Roles of the house that see every organization."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An organization and what the actor is in it."""

    organization: OrganizationRow
    role: rules.Role | None
    """None: the actor is no member, and only looks."""
    looks: bool
    """Whether the actor is of the house, and sees all there is to see."""


@dataclass(frozen=True, slots=True)
class ProjectStanding:
    """A project, its organization, and what the actor is in them."""

    organization: OrganizationRow
    project: ProjectRow
    organization_role: rules.Role | None
    role: rules.ProjectRole | None
    """None: one who only looks."""
    looks: bool
    belongs: bool
    """Whether the actor belongs to the project, and does not manage it from above."""


def standing(act: Act, organization_id: str, *, to_change: bool = False) -> Standing:
    """Return an organization the actor may see, and what the actor is in it.

    An administrator in person, or the house itself, is an owner of each.

    Args:
        act: Who asks.
        organization_id: Which.
        to_change: Whoever else would change the organization waits for this act to end.

    Raises:
        OrganizationNotFound: There is none, or the actor does not belong to it.
    """
    actor = act.actor
    wanted = select(OrganizationRow).where(OrganizationRow.id == organization_id)
    row = act.session.scalar(wanted.with_for_update() if to_change else wanted)
    if row is None or (actor.kind == "key" and actor.organization_id != organization_id):
        raise OrganizationNotFound
    looks = actor.has_role(*LOOKERS)
    if _owns_all(actor):
        return Standing(row, "owner", looks)
    role = act.session.scalar(
        select(MemberRow.role).where(
            MemberRow.organization_id == organization_id, MemberRow.user_id == actor.user_id
        )
    )
    if role is None and not looks:
        raise OrganizationNotFound
    return Standing(row, role, looks)


def project_standing(
    act: Act, organization_id: str, project_id: str, *, to_change: bool = False
) -> ProjectStanding:
    """Return a project the actor may see, and what the actor is in it. See `standing`.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: It has no such project, or the actor does not see it.
    """
    found = standing(act, organization_id, to_change=to_change)
    project = act.session.get(ProjectRow, project_id)
    if project is None or project.organization_id != organization_id:
        raise ProjectNotFound
    given = act.session.scalar(
        select(ProjectMemberRow.role).where(
            ProjectMemberRow.project_id == project_id,
            ProjectMemberRow.user_id == act.actor.user_id,
        )
    )
    role = rules.role_in_project(found.role, given)
    if role is None and not (rules.may(found.role, "see_projects") or found.looks):
        raise ProjectNotFound
    return ProjectStanding(
        found.organization,
        project,
        organization_role=found.role,
        role=role,
        looks=found.looks,
        belongs=given is not None,
    )


def check_may(
    act: Act, organization_id: str, deed: rules.Deed, *, project_id: str | None = None
) -> None:
    """Raise unless the actor may do something in an organization, now. For rooms above this one.

    Args:
        act: Who is to do it.
        organization_id: Where.
        deed: What.
        project_id: To which of its projects.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: It has no such project, or the actor does not see it.
        RoleNeeded: The actor may not.
        Archived: The organization or the project does not change any more.
    """
    found = standing(act, organization_id)
    ended = [found.organization.archived_at]
    if project_id is not None:
        ended.append(project_standing(act, organization_id, project_id).project.archived_at)
    rules.check_may(found.role, deed)
    if not rules.only_looks(deed):
        rules.check_not_archived(*ended)


def list_organizations(act: Act) -> list[OrganizationView]:
    """Return the actor's organizations by name; all of them to those of the house."""
    listed = select(OrganizationRow, MemberRow.role).order_by(OrganizationRow.name_key)
    mine = (MemberRow.organization_id == OrganizationRow.id) & (
        MemberRow.user_id == act.actor.user_id
    )
    listed = listed.join(MemberRow, mine, isouter=act.actor.has_role(*LOOKERS))
    if act.actor.kind == "key":
        listed = listed.where(OrganizationRow.id == act.actor.organization_id)
    owns_all = _owns_all(act.actor)
    return [
        _organization(row, "owner" if owns_all else role)
        for row, role in act.session.execute(listed)
    ]


def get_organization(act: Act, organization_id: str) -> OrganizationView:
    """Return one organization, or raise `OrganizationNotFound`."""
    found = standing(act, organization_id)
    return _organization(found.organization, found.role)


def find_organization(act: Act, wanted: str) -> OrganizationView:
    """Return the organization of that name or id, or raise `OrganizationNotFound`."""
    for one in list_organizations(act):
        if wanted == one.id or accounts.name_key(wanted) == accounts.name_key(one.name):
            return one
    raise OrganizationNotFound


def find_project(act: Act, organization_id: str, wanted: str) -> ProjectView:
    """Return the project of that name or id, or raise `ProjectNotFound`."""
    for one in list_projects(act, organization_id):
        if wanted == one.id or accounts.name_key(wanted) == accounts.name_key(one.name):
            return one
    raise ProjectNotFound


def list_members(act: Act, organization_id: str) -> list[MemberView]:
    """Return who belongs to an organization, by name; to others than its overseers only oneself.

    Raises:
        OrganizationNotFound: The actor does not belong to it.
    """
    found = standing(act, organization_id)
    members = _members(act, organization_id)
    if found.looks or rules.may(found.role, "see_members"):
        return members
    return [member for member in members if member.user_id == act.actor.user_id]


def list_candidates(act: Act, organization_id: str, project_id: str) -> list[MemberView]:
    """Return who could be added to a project, by name; nobody to those who may not add anybody.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
    """
    found = project_standing(act, organization_id, project_id)
    if not rules.may_in_project(found.role, "change_members"):
        return []
    inside = act.session.scalars(
        select(ProjectMemberRow.user_id).where(ProjectMemberRow.project_id == project_id)
    ).all()
    return [one for one in _members(act, organization_id) if one.user_id not in inside]


def _members(act: Act, organization_id: str) -> list[MemberView]:
    rows = act.session.scalars(
        select(MemberRow).where(MemberRow.organization_id == organization_id)
    ).all()
    users = accounts.users_by_id(act, [row.user_id for row in rows])
    members = [
        MemberView(
            user_id=row.user_id,
            name=users[row.user_id].name,
            role=row.role,
            added_at=row.added_at,
            disabled=users[row.user_id].disabled_at is not None,
        )
        for row in rows
    ]
    return sorted(members, key=lambda member: member.name.casefold())


def list_invitations(act: Act, organization_id: str) -> list[InvitationView]:
    """Return the invitations that can still be used, the newest first; none to those who may not.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
    """
    found = standing(act, organization_id)
    if not found.looks and not rules.may(found.role, "invite"):
        return []
    rows = act.session.scalars(
        select(InvitationRow)
        .where(
            InvitationRow.organization_id == organization_id,
            InvitationRow.used_at.is_(None),
            InvitationRow.expires_at > act.now,
        )
        .order_by(InvitationRow.id.desc())
    )
    return [InvitationView.model_validate(row) for row in rows]


def list_projects(
    act: Act, organization_id: str, *, with_archived: bool = True
) -> list[ProjectView]:
    """Return the projects of an organization that the actor sees, by name.

    Raises:
        OrganizationNotFound: The actor does not belong to it.
    """
    found = standing(act, organization_id)
    mine = (ProjectMemberRow.project_id == ProjectRow.id) & (
        ProjectMemberRow.user_id == act.actor.user_id
    )
    sees_all = found.looks or rules.may(found.role, "see_projects")
    listed = (
        select(ProjectRow, ProjectMemberRow.role)
        .join(ProjectMemberRow, mine, isouter=sees_all)
        .where(ProjectRow.organization_id == organization_id)
        .order_by(ProjectRow.name_key)
    )
    if not with_archived:
        listed = listed.where(ProjectRow.archived_at.is_(None))
    return [
        _project(
            found.organization,
            row,
            rules.role_in_project(found.role, given),
            belongs=given is not None,
        )
        for row, given in act.session.execute(listed)
    ]


def get_project(act: Act, organization_id: str, project_id: str) -> ProjectView:
    """Return one project, or raise `OrganizationNotFound` or `ProjectNotFound`."""
    found = project_standing(act, organization_id, project_id)
    return _project(found.organization, found.project, found.role, belongs=found.belongs)


def list_project_members(
    act: Act, organization_id: str, project_id: str
) -> list[ProjectMemberView]:
    """Return the people and service accounts of a project, by name.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
    """
    project_standing(act, organization_id, project_id)
    rows = act.session.scalars(
        select(ProjectMemberRow).where(ProjectMemberRow.project_id == project_id)
    ).all()
    users = accounts.users_by_id(act, [row.user_id for row in rows])
    members = [
        ProjectMemberView(
            user_id=row.user_id,
            name=users[row.user_id].name,
            role=row.role,
            added_at=row.added_at,
            is_service="service" in users[row.user_id].roles,
        )
        for row in rows
    ]
    return sorted(members, key=lambda member: (member.is_service, member.name.casefold()))


def list_project_keys(
    act: Act, organization_id: str, project_id: str, *, before: str | None = None, limit: int = 50
) -> list[accounts.KeyView]:
    """Return the keys of a project that work, the newest first; one's own to those who manage none.

    Args:
        act: Who asks.
        organization_id: Of which organization.
        project_id: Of which of its projects.
        before: Only keys older than this one, to read on.
        limit: How many at the most.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
    """
    found = project_standing(act, organization_id, project_id)
    sees_all = found.looks or rules.may_in_project(found.role, "manage_keys")
    return accounts.keys_of_organization(
        act,
        organization_id,
        project_id=project_id,
        user_id=None if sees_all else act.actor.user_id,
        before=before,
        limit=limit,
    )


def list_admin_keys(act: Act, organization_id: str) -> list[accounts.KeyView]:
    """Return the organization's own keys that work, the newest first; none to those who may not.

    Raises:
        OrganizationNotFound: The actor does not belong to it.
    """
    found = standing(act, organization_id)
    if not found.looks and not rules.may(found.role, "make_admin_key"):
        return []
    return accounts.keys_of_organization(act, organization_id, project_id=None)


def find_invitation(act: Act, secret: str, *, to_use: bool = False) -> InvitationRow:
    """Return an invitation that can still be used. The secret itself is the permission.

    Raises:
        InvitationUnusable: It is unknown, used, expired, or its organization is archived.
    """
    wanted = select(InvitationRow).where(
        InvitationRow.secret_sha256 == accounts.hash_secret(secret),
        InvitationRow.used_at.is_(None),
        InvitationRow.expires_at > act.now,
    )
    row = act.session.scalar(wanted.with_for_update() if to_use else wanted)
    if row is None or _archived(act, row.organization_id):
        raise InvitationUnusable
    return row


def name_on_invitation(act: Act, secret: str) -> str:
    """Return the name of the organization an invitation is of, or raise `InvitationUnusable`."""
    invitation = find_invitation(act, secret)
    return act.session.get_one(OrganizationRow, invitation.organization_id).name


def member_row(act: Act, organization_id: str, user_id: str | None) -> MemberRow | None:
    """Return the row of a member, for actions."""
    return act.session.get(MemberRow, (organization_id, user_id)) if user_id else None


def count_owners(act: Act, organization_id: str) -> int:
    """Return how many owners an organization has."""
    owners = select(func.count()).where(
        MemberRow.organization_id == organization_id, MemberRow.role == "owner"
    )
    return act.session.scalar(owners) or 0


def project_ids(act: Act, organization_id: str) -> Sequence[str]:
    """Return the ids of an organization's projects, for actions."""
    return act.session.scalars(
        select(ProjectRow.id).where(ProjectRow.organization_id == organization_id)
    ).all()


def _owns_all(actor: Actor) -> bool:
    """Return whether somebody is an administrator in person, or the house itself."""
    return actor.has_role("administrator") and actor.kind in {"person", "system"}


def _archived(act: Act, organization_id: str) -> bool:
    return act.session.get_one(OrganizationRow, organization_id).archived_at is not None


def _organization(row: OrganizationRow, role: rules.Role | None) -> OrganizationView:
    return OrganizationView(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        archived_at=row.archived_at,
        role=role,
        may=rules.deeds_of(role, archived=row.archived_at is not None),
    )


def _project(
    organization: OrganizationRow,
    row: ProjectRow,
    role: rules.ProjectRole | None,
    *,
    belongs: bool,
) -> ProjectView:
    archived = organization.archived_at is not None or row.archived_at is not None
    return ProjectView(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        created_at=row.created_at,
        archived_at=row.archived_at,
        role=role,
        may=rules.project_deeds_of(role, archived=archived, belongs=belongs),
    )
