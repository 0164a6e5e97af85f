"""What can be done to organizations themselves, and to the keys that administer them.

What can be done to their members stands in `member_actions`, to their projects in
`project_actions`. Whoever changes something in an organization waits for whoever else does: so
there is no moment at which the last owner could leave twice, or a key be made in what is being
archived.
"""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hunmin import accounts, audit
from hunmin.act import Act
from hunmin.db import new_id
from hunmin.errors import KeyNotFound, NameTaken, PersonNeeded, UserNotFound
from hunmin.organizations import queries
from hunmin.organizations.standing import changing
from hunmin.organizations.tables import MemberRow, OrganizationRow
from hunmin.organizations.views import OrganizationView


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
    row = changing(act, organization_id, "rename").organization
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
    row = changing(act, organization_id, "archive").organization
    row.archived_at = act.now
    ended = accounts.end_keys(act, organization_id=organization_id)
    audit.record(act, "organizations.organization.archive", organization_id, keys=ended)


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
    changing(act, organization_id, "make_admin_key")
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
    changing(act, organization_id, "make_admin_key")
    if not accounts.end_keys(act, organization_id=organization_id, key_id=key_id):
        raise KeyNotFound


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
