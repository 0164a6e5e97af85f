"""Reads of organizations and of who belongs to them. Each returns only what the actor may see."""

from sqlalchemy import func, select

from hunmin import accounts
from hunmin.act import Act
from hunmin.errors import InvitationUnusable, OrganizationNotFound
from hunmin.organizations import rules
from hunmin.organizations.standing import LOOKERS, owns_all, project_standing, standing
from hunmin.organizations.tables import (
    InvitationRow,
    MemberRow,
    OrganizationRow,
    ProjectMemberRow,
)
from hunmin.organizations.views import InvitationView, MemberView, OrganizationView


def list_organizations(act: Act) -> list[OrganizationView]:
    """Return the actor's organizations by name; all of them to those of the house."""
    listed = select(OrganizationRow, MemberRow.role).order_by(OrganizationRow.name_key)
    mine = (MemberRow.organization_id == OrganizationRow.id) & (
        MemberRow.user_id == act.actor.user_id
    )
    listed = listed.join(MemberRow, mine, isouter=act.actor.has_role(*LOOKERS))
    if act.actor.kind == "key":
        listed = listed.where(OrganizationRow.id == act.actor.organization_id)
    sees_as_owner = owns_all(act.actor)
    return [
        _organization(row, "owner" if sees_as_owner else role)
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
