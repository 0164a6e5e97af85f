"""Everything that can be done to organizations, and to who belongs to them.

What can be done to their projects stands in `project_actions`. Whoever changes something in an
organization waits for whoever else does: so there is no moment at which the last owner could leave
twice, or a key be made in what is being archived.
"""

import secrets
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from hunmin import accounts, audit
from hunmin.act import Act
from hunmin.db import new_id
from hunmin.errors import (
    InvitationUnusable,
    KeyNotFound,
    MemberExists,
    MemberNotFound,
    NameTaken,
    PersonNeeded,
    UserNotFound,
)
from hunmin.organizations import queries, rules
from hunmin.organizations.queries import Standing
from hunmin.organizations.tables import (
    InvitationRow,
    MemberRow,
    OrganizationRow,
    ProjectMemberRow,
    ProjectRow,
)
from hunmin.organizations.views import OrganizationView

SECRET_BYTES = 32


def create_organization(
    act: Act, *, name: str, owner_id: str | None = None, people_may: bool = False
) -> OrganizationView:
    """Make an organization with its first owner.

    Args:
        act: Who makes it.
        name: What it is called.
        owner_id: Who owns it; by default whoever makes it. Another only for an administrator.
        people_may: Whether people who are no administrators may make organizations.

    Raises:
        PersonNeeded: A key or a guest tried.
        RoleNeeded: The actor is no administrator, and people may not, or it is for another.
        UserNotFound: The owner is nobody.
        NameUnusable: The name has no letter and no digit.
        NameTaken: Another has the name.
    """
    for_oneself = act.actor.kind == "person" and owner_id in {None, act.actor.user_id}
    if not (people_may and for_oneself):
        accounts.check_administers(act.actor)
    owner = owner_id or act.actor.user_id
    if owner is None or "person" not in accounts.get_user(act, owner).roles:
        raise UserNotFound
    cleaned = accounts.clean_label(name)
    row = OrganizationRow(
        id=new_id(), name=cleaned, name_key=accounts.name_key(cleaned), created_at=act.now
    )
    _keep_name(act, row)
    act.session.add(
        MemberRow(organization_id=row.id, user_id=owner, role="owner", added_at=act.now)
    )
    act.session.flush()
    audit.record(act, "organizations.organization.create", row.id, owner_id=owner)
    return queries.get_organization(act, row.id)


def rename_organization(act: Act, organization_id: str, *, name: str) -> None:
    """Give an organization another name.

    Raises:
        OrganizationNotFound: The actor does not belong to it.
        RoleNeeded: The actor does not own it.
        Archived: It does not change any more.
        NameUnusable: The name has no letter and no digit.
        NameTaken: Another has the name.
    """
    row = _changing(act, organization_id, "rename").organization
    row.name = accounts.clean_label(name)
    row.name_key = accounts.name_key(row.name)
    _keep_name(act, row)
    audit.record(act, "organizations.organization.rename", organization_id)


def archive_organization(act: Act, organization_id: str) -> None:
    """Close an organization for good: its keys end at once, and nothing of it changes any more.

    Raises:
        OrganizationNotFound: The actor does not belong to it.
        RoleNeeded: The actor does not own it.
        Archived: It is closed already.
    """
    row = _changing(act, organization_id, "archive").organization
    row.archived_at = act.now
    ended = accounts.end_keys(act, organization_id=organization_id)
    audit.record(act, "organizations.organization.archive", organization_id, keys=ended)


def invite(act: Act, organization_id: str, *, role: str) -> str:
    """Return the secret of a link that makes whoever is signed in a member, once.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleUnknown: There is no such role.
        RoleNeeded: The actor may not invite, or not into a role above their own.
        Archived: The organization does not change any more.
    """
    found = _changing(act, organization_id, "invite")
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
    _changing(act, organization_id, "invite")
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
    _changing(act, organization_id, "invite")
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
    found = _changing(act, organization_id, "change_members")
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
    found = queries.standing(act, organization_id, to_change=True)
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


def create_admin_key(
    act: Act, organization_id: str, *, name: str, days: int | None = None
) -> accounts.KeyMade:
    """Make a key with which a program administers the organization, as its maker may.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor may not.
        PersonNeeded: A key tried.
        Archived: The organization does not change any more.
        NameUnusable: The name has no letter and no digit.
        TooManyKeys: The actor's account holds as many as it may.
    """
    _changing(act, organization_id, "make_admin_key")
    user_id = act.actor.user_id
    if act.actor.kind != "person" or user_id is None:
        raise PersonNeeded
    return accounts.make_key(
        act,
        name=name,
        user_id=user_id,
        days=days,
        scopes=["admin"],
        organization_id=organization_id,
    )


def revoke_admin_key(act: Act, organization_id: str, key_id: str) -> None:
    """End a key of the organization itself at once, whoever made it.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor may not.
        KeyNotFound: The organization has none of that id that works.
        Archived: It does not change any more.
    """
    _changing(act, organization_id, "make_admin_key")
    if not accounts.end_keys(act, organization_id=organization_id, key_id=key_id):
        raise KeyNotFound


def _changing(act: Act, organization_id: str, deed: rules.Deed) -> Standing:
    """Return an organization that the actor may change so, closed to others meanwhile."""
    found = queries.standing(act, organization_id, to_change=True)
    rules.check_may(found.role, deed)
    rules.check_not_archived(found.organization.archived_at)
    return found


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


def _keep_name(act: Act, row: OrganizationRow) -> None:
    """Keep an organization under its name, or raise `NameTaken` and change nothing."""
    taken = select(OrganizationRow.id).where(
        OrganizationRow.name_key == row.name_key, OrganizationRow.id != row.id
    )
    with act.session.no_autoflush:
        if act.session.scalar(taken) is not None:
            raise NameTaken
    act.session.add(row)
    try:
        act.session.flush()
    except IntegrityError as error:  # another took the name since it was looked up
        raise NameTaken from error
