"""Who belongs to an organization: inviting, joining, another role, leaving."""

import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from hunmin import accounts, audit
from hunmin.act import Act
from hunmin.db import new_id
from hunmin.errors import (
    InvitationUnusable,
    MemberExists,
    MemberNotFound,
    PersonNeeded,
    UserNotFound,
)
from hunmin.organizations import queries, rules
from hunmin.organizations.standing import changing, standing
from hunmin.organizations.tables import (
    InvitationRow,
    MemberRow,
    ProjectMemberRow,
    ProjectRow,
)
from hunmin.organizations.views import OrganizationView

SECRET_BYTES = 32


def invite(act: Act, organization_id: str, *, role: str) -> str:
    """Return the secret of a link that makes whoever is signed in a member, once.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleUnknown: There is no such role.
        RoleNeeded: The actor may not invite, or not into a role above their own.
        Archived: The organization does not change any more.
    """
    found = changing(act, organization_id, "invite")
    given = rules.check_role(role)
    rules.check_gives(found.role, role=given)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = InvitationRow(
        id=new_id(),
        organization_id=organization_id,
        role=given,
        secret_sha256=accounts.hash_secret(secret),
        created_by=act.actor.id,
        created_at=act.now,
        expires_at=act.now + timedelta(days=rules.INVITATION_DAYS),
    )
    act.session.add(row)
    audit.record(
        act,
        "organizations.member.invite",
        row.id,
        organization_id=organization_id,
        role=given,
    )
    return secret


def withdraw_invitation(act: Act, organization_id: str, invitation_id: str) -> None:
    """Take an invitation back that nobody used.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor may not invite.
        InvitationUnusable: The organization has none of that id that can be used.
    """
    changing(act, organization_id, "invite")
    row = act.session.get(InvitationRow, invitation_id)
    if row is None or row.organization_id != organization_id or row.used_at is not None:
        raise InvitationUnusable
    act.session.delete(row)
    audit.record(
        act,
        "organizations.invitation.withdraw",
        invitation_id,
        organization_id=organization_id,
    )


def join(act: Act, link: str) -> OrganizationView:
    """Use up an invitation, and become a member.

    Args:
        act: Whoever was given the link, signed in.
        link: The address of the invitation, or its secret alone.

    Raises:
        PersonNeeded: A key or a guest tried.
        InvitationUnusable: It is unknown, used, withdrawn or expired.
        MemberExists: The actor is a member already; the invitation stays as it is.
    """
    user_id = act.actor.user_id
    if act.actor.kind != "person" or user_id is None:
        raise PersonNeeded
    secret = accounts.secret_of_link(link)
    if secret is None:
        raise InvitationUnusable
    row = queries.find_invitation(act, secret, to_use=True)
    if queries.member_row(act, row.organization_id, user_id) is not None:
        raise MemberExists
    row.used_at, row.used_by = act.now, user_id
    act.session.add(
        MemberRow(
            organization_id=row.organization_id, user_id=user_id, role=row.role, added_at=act.now
        )
    )
    act.session.flush()
    audit.record(
        act,
        "organizations.member.join",
        user_id,
        organization_id=row.organization_id,
        role=row.role,
        invitation_id=row.id,
    )
    return queries.get_organization(act, row.organization_id)


def add_member(act: Act, organization_id: str, user_id: str, *, role: str) -> None:
    """Make somebody a member without an invitation, as the house does whom a group names.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is not an administrator.
        OrganizationNotFound: There is none.
        RoleUnknown: There is no such role.
        UserNotFound: There is no such account, or it is not a person's.
        MemberExists: They are a member already; they stay what they are.
        Archived: The organization does not change any more.
    """
    accounts.check_administers(act.actor)
    changing(act, organization_id, "invite")
    given = rules.check_role(role)
    if "person" not in accounts.get_user(act, user_id).roles:
        raise UserNotFound
    if queries.member_row(act, organization_id, user_id) is not None:
        raise MemberExists
    act.session.add(
        MemberRow(organization_id=organization_id, user_id=user_id, role=given, added_at=act.now)
    )
    act.session.flush()
    audit.record(
        act,
        "organizations.member.join",
        user_id,
        organization_id=organization_id,
        role=given,
    )


def change_role(act: Act, organization_id: str, user_id: str, *, role: str) -> None:
    """Give a member another role. Invitations they made and nobody used are withdrawn.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleUnknown: There is no such role.
        RoleNeeded: The actor may not change members, or not one above their own role or into one.
        MemberNotFound: There is no such member.
        LastOwner: Nobody would own the organization.
        Archived: It does not change any more.
    """
    found = changing(act, organization_id, "change_members")
    given = rules.check_role(role)
    row = _member(act, organization_id, user_id)
    rules.check_gives(found.role, role=given, had=row.role)
    owners = queries.count_owners(act, organization_id)
    rules.check_owner_left(row.role, becomes=given, owners=owners)
    row.role = given
    _withdraw_invitations_of(act, organization_id, user_id)
    audit.record(
        act,
        "organizations.member.change",
        user_id,
        organization_id=organization_id,
        role=given,
    )


def remove_member(act: Act, organization_id: str, user_id: str) -> None:
    """Let a member leave, or remove one: from every project too, and their keys of it end at once.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: It is another, and the actor may not change members, or not one above.
        MemberNotFound: There is no such member.
        LastOwner: Nobody would own the organization.
    """
    found = standing(act, organization_id, to_change=True)
    row = _member(act, organization_id, user_id)
    if user_id != act.actor.user_id:
        rules.check_gives(found.role, role=row.role)
    owners = queries.count_owners(act, organization_id)
    rules.check_owner_left(row.role, becomes=None, owners=owners)
    ended = accounts.end_keys(act, user_id=user_id, organization_id=organization_id)
    projects = select(ProjectRow.id).where(ProjectRow.organization_id == organization_id)
    act.session.execute(
        delete(ProjectMemberRow).where(
            ProjectMemberRow.user_id == user_id, ProjectMemberRow.project_id.in_(projects)
        )
    )
    act.session.delete(row)
    _withdraw_invitations_of(act, organization_id, user_id)
    audit.record(
        act,
        "organizations.member.remove",
        user_id,
        organization_id=organization_id,
        keys=ended,
    )


def _member(act: Act, organization_id: str, user_id: str) -> MemberRow:
    row = queries.member_row(act, organization_id, user_id)
    if row is None:
        raise MemberNotFound
    return row


def _withdraw_invitations_of(act: Act, organization_id: str, user_id: str) -> None:
    """Take back what somebody offered who may no longer be one to offer it."""
    act.session.execute(
        delete(InvitationRow).where(
            InvitationRow.organization_id == organization_id,
            InvitationRow.created_by == user_id,
            InvitationRow.used_at.is_(None),
        )
    )
