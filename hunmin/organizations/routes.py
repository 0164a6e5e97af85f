"""OpenAI's administration API under `/v1/organization`, for keys of an organization.

A key says which organization is meant, and acts as whoever made it may there now. Errors have
OpenAI's envelope, as everywhere under `/v1`.
"""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query

from hunmin.organizations import project_actions, project_queries, queries
from hunmin.organizations.door import ADMIN_REFUSED, AdminAct, organization_of_key
from hunmin.organizations.wire import (
    ApiKey,
    ApiKeyDeleted,
    ApiKeyList,
    NameBody,
    NewKey,
    Project,
    ProjectList,
    ServiceAccount,
    User,
    UserList,
)

T = TypeVar("T", Project, ApiKey, User)

router = APIRouter(prefix="/v1/organization", tags=["OpenAI API"], responses=ADMIN_REFUSED)

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
After = Annotated[str | None, Query(pattern="^[0-9a-z]{26}$")]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.get("/projects", operation_id="listProjects")
def list_projects(
    act: AdminAct,
    *,
    after: After = None,
    limit: Limit = 20,
    include_archived: bool = False,
) -> ProjectList:
    """List the projects of the key's organization."""
    views = project_queries.list_projects(
        act, organization_of_key(act), with_archived=include_archived
    )
    shown, page = _page([Project.of(view) for view in views], after=after, limit=limit)
    return ProjectList(data=shown, **page)


@router.post("/projects", operation_id="createProject")
def create_project(act: AdminAct, body: NameBody) -> Project:
    """Make a project."""
    return Project.of(project_actions.create_project(act, organization_of_key(act), name=body.name))


@router.get("/projects/{project_id}", operation_id="retrieveProject")
def retrieve_project(act: AdminAct, project_id: Id) -> Project:
    """Return one project."""
    return Project.of(project_queries.get_project(act, organization_of_key(act), project_id))


@router.post("/projects/{project_id}", operation_id="modifyProject")
def modify_project(act: AdminAct, project_id: Id, body: NameBody) -> Project:
    """Give a project another name."""
    return Project.of(
        project_actions.rename_project(act, organization_of_key(act), project_id, name=body.name)
    )


@router.post("/projects/{project_id}/archive", operation_id="archiveProject")
def archive_project(act: AdminAct, project_id: Id) -> Project:
    """Close a project for good; its keys end at once."""
    return Project.of(project_actions.archive_project(act, organization_of_key(act), project_id))


@router.get("/projects/{project_id}/api_keys", operation_id="listProjectApiKeys")
def list_api_keys(
    act: AdminAct, project_id: Id, after: After = None, limit: Limit = 20
) -> ApiKeyList:
    """List the keys of a project that work, without their secrets."""
    organization_id = organization_of_key(act)
    keys = project_queries.list_project_keys(
        act, organization_id, project_id, before=after, limit=limit + 1
    )
    members = {
        member.user_id: member
        for member in project_queries.list_project_members(act, organization_id, project_id)
    }
    shown, page = _page([ApiKey.of(key, members[key.user_id]) for key in keys], limit=limit)
    return ApiKeyList(data=shown, **page)


@router.delete("/projects/{project_id}/api_keys/{key_id}", operation_id="deleteProjectApiKey")
def delete_api_key(act: AdminAct, project_id: Id, key_id: Id) -> ApiKeyDeleted:
    """End a key of a project at once."""
    project_actions.revoke_project_key(act, organization_of_key(act), project_id, key_id)
    return ApiKeyDeleted(id=key_id)


@router.post("/projects/{project_id}/service_accounts", operation_id="createProjectServiceAccount")
def create_service_account(act: AdminAct, project_id: Id, body: NameBody) -> ServiceAccount:
    """Make a service account, with its first key. The key is in this answer and nowhere else."""
    account, made = project_actions.create_service_account(
        act, organization_of_key(act), project_id, name=body.name
    )
    created_at = int(account.added_at.timestamp())
    return ServiceAccount(
        id=account.user_id,
        name=account.name,
        created_at=created_at,
        api_key=NewKey(
            id=made.key.id, name=made.key.name, value=made.secret, created_at=created_at
        ),
    )


@router.get("/users", operation_id="listUsers")
def list_users(act: AdminAct, after: After = None, limit: Limit = 20) -> UserList:
    """List the members of the key's organization."""
    views = queries.list_members(act, organization_of_key(act))
    shown, page = _page([User.of(view) for view in views], after=after, limit=limit)
    return UserList(data=shown, **page)


def _page(
    listed: Sequence[T], *, after: str | None = None, limit: int
) -> tuple[list[T], dict[str, Any]]:
    """Return a part of a list, and what tells of it; nothing after an id that is not in it."""
    ids = [one.id for one in listed]
    begin = 0
    if after is not None:
        begin = ids.index(after) + 1 if after in ids else len(ids)
    shown = list(listed[begin : begin + limit])
    return shown, {
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
        "has_more": len(listed) > begin + limit,
    }
