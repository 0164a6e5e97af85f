"""Reads of projects. Each returns only what the actor may see."""

from collections.abc import Sequence

from sqlalchemy import select

from hunmin import accounts
from hunmin.act import Act
from hunmin.errors import ProjectNotFound
from hunmin.organizations import rules
from hunmin.organizations.standing import project_standing, standing
from hunmin.organizations.tables import OrganizationRow, ProjectMemberRow, ProjectRow
from hunmin.organizations.views import ProjectMemberView, ProjectView


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


def find_project(act: Act, organization_id: str, wanted: str) -> ProjectView:
    """Return the project of that name or id, or raise `ProjectNotFound`."""
    for one in list_projects(act, organization_id):
        if wanted == one.id or accounts.name_key(wanted) == accounts.name_key(one.name):
            return one
    raise ProjectNotFound


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


def project_ids(act: Act, organization_id: str) -> Sequence[str]:
    """Return the ids of an organization's projects, for actions."""
    return act.session.scalars(
        select(ProjectRow.id).where(ProjectRow.organization_id == organization_id)
    ).all()


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
