"""Everything that can be done to projects: their people, service accounts and keys."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hunmin import accounts, audit
from hunmin.act import Act
from hunmin.db import new_id
from hunmin.errors import (
    KeyNotFound,
    MemberExists,
    MemberNotFound,
    NameTaken,
    PersonNeeded,
)
from hunmin.organizations import project_queries, queries, rules
from hunmin.organizations.standing import project_changing, project_standing, standing
from hunmin.organizations.tables import ProjectMemberRow, ProjectRow
from hunmin.organizations.views import ProjectMemberView, ProjectView


def create_project(act: Act, organization_id: str, *, name: str) -> ProjectView:
    """Make a project. Whoever owns or manages the organization manages it.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        RoleNeeded: The actor may not.
        Archived: The organization does not change any more.
        NameUnusable: The name has no letter and no digit.
        NameTaken: Another project of the organization has the name.
    """
    found = standing(act, organization_id, to_change=True)
    rules.check_may(found.role, "create_project")
    rules.check_not_archived(found.organization.archived_at)
    cleaned = accounts.clean_label(name)
    row = ProjectRow(
        id=new_id(),
        organization_id=organization_id,
        name=cleaned,
        name_key=accounts.name_key(cleaned),
        created_at=act.now,
    )
    _keep_name(act, row)
    audit.record(act, "organizations.project.create", row.id, organization_id=organization_id)
    return project_queries.get_project(act, organization_id, row.id)


def rename_project(act: Act, organization_id: str, project_id: str, *, name: str) -> ProjectView:
    """Give a project another name.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
        RoleNeeded: The actor does not manage it.
        Archived: It does not change any more.
        NameUnusable: The name has no letter and no digit.
        NameTaken: Another project of the organization has the name.
    """
    row = project_changing(act, organization_id, project_id, "change_members").project
    row.name = accounts.clean_label(name)
    row.name_key = accounts.name_key(row.name)
    _keep_name(act, row)
    audit.record(act, "organizations.project.rename", project_id, organization_id=organization_id)
    return project_queries.get_project(act, organization_id, project_id)


def archive_project(act: Act, organization_id: str, project_id: str) -> ProjectView:
    """Close a project for good: its keys end at once, and nothing of it changes any more.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
        RoleNeeded: The actor may not.
        Archived: It is closed already.
    """
    found = project_standing(act, organization_id, project_id, to_change=True)
    rules.check_may(found.organization_role, "archive_project")
    rules.check_not_archived(found.organization.archived_at, found.project.archived_at)
    found.project.archived_at = act.now
    ended = accounts.end_keys(act, organization_id=organization_id, project_id=project_id)
    audit.record(
        act,
        "organizations.project.archive",
        project_id,
        organization_id=organization_id,
        keys=ended,
    )
    return project_queries.get_project(act, organization_id, project_id)


def add_to_project(
    act: Act, organization_id: str, project_id: str, user_id: str, *, role: str
) -> None:
    """Make a member of the organization one of the project.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
        RoleUnknown: There is no such role.
        RoleNeeded: The actor does not manage the project.
        MemberNotFound: The person does not belong to the organization.
        MemberExists: The person belongs to the project already.
        Archived: It does not change any more.
    """
    project_changing(act, organization_id, project_id, "change_members")
    given = rules.check_project_role(role)
    if queries.member_row(act, organization_id, user_id) is None:
        raise MemberNotFound
    if act.session.get(ProjectMemberRow, (project_id, user_id)) is not None:
        raise MemberExists
    act.session.add(
        ProjectMemberRow(project_id=project_id, user_id=user_id, role=given, added_at=act.now)
    )
    audit.record(
        act, "organizations.project_member.add", user_id, project_id=project_id, role=given
    )


def remove_from_project(act: Act, organization_id: str, project_id: str, user_id: str) -> None:
    """Take a person or a service account out of a project; their keys of it end at once.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
        RoleNeeded: The actor does not manage the project.
        MemberNotFound: The project has no such member.
        Archived: It does not change any more.
    """
    project_changing(act, organization_id, project_id, "change_members")
    row = act.session.get(ProjectMemberRow, (project_id, user_id))
    if row is None:
        raise MemberNotFound
    act.session.delete(row)
    ended = accounts.end_keys(act, user_id=user_id, project_id=project_id)
    audit.record(
        act,
        "organizations.project_member.remove",
        user_id,
        project_id=project_id,
        keys=ended,
    )


def create_service_account(
    act: Act,
    organization_id: str,
    project_id: str,
    *,
    name: str,
    days: int | None = None,
    scopes: Collection[str] = rules.PROJECT_SCOPES,
    models: Sequence[str] | None = None,
) -> tuple[ProjectMemberView, accounts.KeyMade]:
    """Make an account for programs of a project, with its first key.

    Its keys outlast the people of the project: nobody signs in to it.

    Args:
        act: Who makes it.
        organization_id: Of which organization.
        project_id: Of which of its projects.
        name: What the programs are.
        days: After how many days its key expires; None: never.
        scopes: What its key may be used for.
        models: The models its key may ask; None: any.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
        RoleNeeded: The actor does not manage the project.
        NameUnusable: The name has no letter and no digit.
        ScopeUnknown: No key of a project has one of these scopes, or none is given.
        ModelsUnfit: The models are too many, or one cannot be a model's name.
        Archived: The project does not change any more.
    """
    project_changing(act, organization_id, project_id, "manage_keys")
    rules.check_project_scopes(scopes)
    user = accounts.create_service_account(act, name=name)
    row = ProjectMemberRow(
        project_id=project_id, user_id=user.id, role="developer", added_at=act.now
    )
    act.session.add(row)
    audit.record(act, "organizations.service.create", user.id, project_id=project_id)
    made = accounts.make_key(
        act,
        name=name,
        user_id=user.id,
        days=days,
        scopes=scopes,
        models=models,
        organization_id=organization_id,
        project_id=project_id,
    )
    account = ProjectMemberView(
        user_id=user.id, name=user.name, role="developer", added_at=act.now, is_service=True
    )
    return account, made


def create_project_key(
    act: Act,
    organization_id: str,
    project_id: str,
    *,
    name: str,
    days: int | None = None,
    scopes: Collection[str] = rules.PROJECT_SCOPES,
    models: Sequence[str] | None = None,
) -> accounts.KeyMade:
    """Make a key of one's own in a project one belongs to. It ends when one leaves the project.

    Raises:
        PersonNeeded: A key tried.
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
        RoleNeeded: The actor may only look.
        MemberNotFound: The actor manages the project without belonging to it.
        NameUnusable: The name has no letter and no digit.
        ScopeUnknown: No key of a project has one of these scopes, or none is given.
        ModelsUnfit: The models are too many, or one cannot be a model's name.
        TooManyKeys: The actor's account holds as many as it may.
        Archived: The project does not change any more.
    """
    found = project_changing(act, organization_id, project_id, "make_own_key")
    user_id = act.actor.user_id
    if act.actor.kind != "person" or user_id is None:
        raise PersonNeeded
    if not found.belongs:
        raise MemberNotFound
    rules.check_project_scopes(scopes)
    return accounts.make_key(
        act,
        name=name,
        user_id=user_id,
        days=days,
        scopes=scopes,
        models=models,
        organization_id=organization_id,
        project_id=project_id,
    )


def rotate_project_key(
    act: Act,
    organization_id: str,
    project_id: str,
    key_id: str,
    *,
    overlap_hours: int,
    overlap_hours_max: int,
) -> accounts.KeyMade:
    """Make a key that takes the place of one of a project; see `accounts.rotate_key`.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
        RoleNeeded: The actor makes no keys in the project.
        KeyNotFound: The project has none of that id that works, or it is another's.
        KeyNotRotatable: Another took its place already.
        OverlapTooLong: The old key was to work longer than it may.
        Archived: The project does not change any more.
    """
    return accounts.replace_key(
        act,
        key_id,
        user_id=_owner_touched(act, organization_id, project_id),
        organization_id=organization_id,
        project_id=project_id,
        overlap_hours=overlap_hours,
        overlap_hours_max=overlap_hours_max,
    )


def revoke_project_key(act: Act, organization_id: str, project_id: str, key_id: str) -> None:
    """End a key of a project at once: one's own, or any for those who manage the project.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
        RoleNeeded: The actor makes no keys in the project.
        KeyNotFound: The project has none of that id that works, or it is another's.
        Archived: The project does not change any more.
    """
    owner = _owner_touched(act, organization_id, project_id)
    if not accounts.end_keys(
        act, user_id=owner, organization_id=organization_id, project_id=project_id, key_id=key_id
    ):
        raise KeyNotFound


def _owner_touched(act: Act, organization_id: str, project_id: str) -> str | None:
    """Return whose keys of a project the actor may replace and end; None: everybody's."""
    found = project_changing(act, organization_id, project_id, "make_own_key")
    return None if rules.may_in_project(found.role, "manage_keys") else act.actor.user_id


def _keep_name(act: Act, row: ProjectRow) -> None:
    """Keep a project under its name, or raise `NameTaken` and change nothing."""
    taken = select(ProjectRow.id).where(
        ProjectRow.organization_id == row.organization_id,
        ProjectRow.name_key == row.name_key,
        ProjectRow.id != row.id,
    )
    with act.session.no_autoflush:
        if act.session.scalar(taken) is not None:
            raise NameTaken
    act.session.add(row)
    try:
        act.session.flush()
    except IntegrityError as error:  # another took the name since it was looked up
        raise NameTaken from error
