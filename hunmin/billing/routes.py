"""Limits of projects in OpenAI's administration API, for keys of an organization."""

from typing import Annotated

from fastapi import APIRouter, Path

from hunmin import organizations
from hunmin.billing import actions, queries
from hunmin.billing.rules import Limits
from hunmin.billing.wire import EVERY_MODEL, RateLimit, RateLimitBody, RateLimitList
from hunmin.organizations import AdminAct

router = APIRouter(
    prefix="/v1/organization", tags=["OpenAI API"], responses=organizations.ADMIN_REFUSED
)

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]


@router.get("/projects/{project_id}/rate_limits", operation_id="listProjectRateLimits")
def list_rate_limits(act: AdminAct, project_id: Id) -> RateLimitList:
    """List the limits of a project: one for all models together, or none."""
    organization_id = organizations.organization_of_key(act)
    found = queries.project_limits(act, organization_id, project_id)
    return RateLimitList.of(found.get(project_id, Limits()))


@router.post(
    f"/projects/{{project_id}}/rate_limits/{EVERY_MODEL}", operation_id="updateProjectRateLimits"
)
def update_rate_limit(act: AdminAct, project_id: Id, body: RateLimitBody) -> RateLimit:
    """Change the limit of a project. What the body does not name stays as it is."""
    organization_id = organizations.organization_of_key(act)
    found = queries.project_limits(act, organization_id, project_id)
    limits = body.applied(found.get(project_id, Limits()))
    actions.set_project_limits(act, organization_id, project_id, limits)
    return RateLimit.of(limits)
