"""The pages of limits: of an organization with its projects, and of a project with its keys."""

from typing import Annotated, ClassVar

from fastapi import Form, Path, Query
from starlette.responses import RedirectResponse

from hunmin import accounts, faces, organizations
from hunmin.accounts import PersonAct
from hunmin.billing import actions, queries
from hunmin.billing.rules import LIMIT_MAX, Limits

router = faces.PageRouter(tags=["billing"])

KEYS_SHOWN = 50

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
Most = Annotated[int | None, Form(ge=1, le=LIMIT_MAX)]

ORGANIZATION = "/organizations/{organization_id}/limits"
PROJECT = "/organizations/{organization_id}/projects/{project_id}/limits"


class OrganizationLimitsPage(faces.View):
    """The limits of an organization and its projects."""

    template: ClassVar[str] = "billing/organization_limits.html"

    organization: organizations.OrganizationView
    projects: list[organizations.ProjectView]
    limits: dict[str, Limits]
    """Those that are set, by the id of whose they are."""
    administers: bool
    """Whether whoever looks sets those of the organization itself."""
    most: int = LIMIT_MAX


class ProjectLimitsPage(faces.View):
    """The limits of a project and its keys."""

    template: ClassVar[str] = "billing/project_limits.html"

    organization: organizations.OrganizationView
    project: organizations.ProjectView
    keys: list[accounts.KeyView]
    more_keys_before: str | None
    """The id of the last key shown, where there may be older ones."""
    limits: dict[str, Limits]
    may_set: bool
    most: int = LIMIT_MAX


@router.get(ORGANIZATION)
def show_organization_limits(act: PersonAct, organization_id: Id) -> OrganizationLimitsPage:
    """Show how much an organization and its projects may ask."""
    return OrganizationLimitsPage(
        organization=organizations.get_organization(act, organization_id),
        projects=organizations.list_projects(act, organization_id, with_archived=False),
        limits=queries.organization_limits(act, organization_id),
        administers=act.actor.has_role("administrator"),
    )


@router.post(ORGANIZATION, status_code=303, response_class=RedirectResponse)
def set_organization_limits(
    act: PersonAct,
    *,
    organization_id: Id,
    requests_per_minute_max: Most = None,
    tokens_per_minute_max: Most = None,
    concurrent_max: Most = None,
) -> RedirectResponse:
    """Say how much an organization may ask. What is left empty has no limit."""
    limits = Limits(requests_per_minute_max, tokens_per_minute_max, concurrent_max)
    actions.set_organization_limits(act, organization_id, limits)
    return RedirectResponse(f"/organizations/{organization_id}/limits", status_code=303)


@router.get(PROJECT)
def show_project_limits(
    act: PersonAct,
    organization_id: Id,
    project_id: Id,
    before: Annotated[str | None, Query(pattern="^[0-9a-z]{26}$")] = None,
) -> ProjectLimitsPage:
    """Show how much a project and its keys may ask, those older than `before` where many are."""
    organization = organizations.get_organization(act, organization_id)
    project = organizations.get_project(act, organization_id, project_id)
    keys = organizations.list_project_keys(
        act, organization_id, project_id, before=before, limit=KEYS_SHOWN
    )
    return ProjectLimitsPage(
        organization=organization,
        project=project,
        keys=keys,
        more_keys_before=keys[-1].id if len(keys) == KEYS_SHOWN else None,
        limits=queries.project_limits(act, organization_id, project_id, keys=keys),
        may_set="set_limits" in organization.may and project.archived_at is None,
    )


@router.post(PROJECT, status_code=303, response_class=RedirectResponse)
def set_project_limits(
    act: PersonAct,
    *,
    organization_id: Id,
    project_id: Id,
    requests_per_minute_max: Most = None,
    tokens_per_minute_max: Most = None,
    concurrent_max: Most = None,
) -> RedirectResponse:
    """Say how much a project may ask. What is left empty has no limit."""
    limits = Limits(requests_per_minute_max, tokens_per_minute_max, concurrent_max)
    actions.set_project_limits(act, organization_id, project_id, limits)
    return _to(organization_id, project_id)


@router.post(
    "/organizations/{organization_id}/projects/{project_id}/keys/{key_id}/limits",
    status_code=303,
    response_class=RedirectResponse,
)
def set_key_limits(
    act: PersonAct,
    *,
    organization_id: Id,
    project_id: Id,
    key_id: Id,
    requests_per_minute_max: Most = None,
    tokens_per_minute_max: Most = None,
    concurrent_max: Most = None,
) -> RedirectResponse:
    """Say how much one key of a project may ask. What is left empty has no limit."""
    limits = Limits(requests_per_minute_max, tokens_per_minute_max, concurrent_max)
    actions.set_key_limits(act, organization_id, project_id, key_id, limits)
    return _to(organization_id, project_id)


def _to(organization_id: str, project_id: str) -> RedirectResponse:
    return RedirectResponse(
        f"/organizations/{organization_id}/projects/{project_id}/limits", status_code=303
    )
