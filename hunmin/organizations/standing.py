"""What an actor is in an organization and its projects, and what they may change there, now.

Who belongs to an organization sees that it is there; who does not, finds nothing. Auditors and
administrators of the house see all of them, and a key of an organization sees that one alone.
"""

from dataclasses import dataclass

from sqlalchemy import select

from hunmin.act import Act, Actor
from hunmin.errors import OrganizationNotFound, ProjectNotFound
from hunmin.organizations import rules
from hunmin.organizations.tables import MemberRow, OrganizationRow, ProjectMemberRow, ProjectRow

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
    if owns_all(actor):
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


def changing(act: Act, organization_id: str, deed: rules.Deed) -> Standing:
    """Return an organization that the actor may change so, closed to others meanwhile."""
    found = standing(act, organization_id, to_change=True)
    rules.check_may(found.role, deed)
    rules.check_not_archived(found.organization.archived_at)
    return found


def project_changing(
    act: Act, organization_id: str, project_id: str, deed: rules.ProjectDeed
) -> ProjectStanding:
    """Return a project that the actor may change so, closed to others meanwhile."""
    found = project_standing(act, organization_id, project_id, to_change=True)
    rules.check_may_in_project(found.role, deed)
    rules.check_not_archived(found.organization.archived_at, found.project.archived_at)
    return found


def owns_all(actor: Actor) -> bool:
    """Return whether somebody is an administrator in person, or the house itself."""
    return actor.has_role("administrator") and actor.kind in {"person", "system"}
