"""The page of a project: its people, its service accounts, its keys."""

from typing import Annotated, Any, ClassVar, Literal

from fastapi import Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse
from typing_extensions import override

from hunmin import accounts, faces
from hunmin.accounts import PersonAct
from hunmin.organizations import project_actions, project_queries, queries
from hunmin.organizations.pages import Days, Id, Name
from hunmin.organizations.rules import PROJECT_ROLES, ProjectRole
from hunmin.organizations.views import (
    MemberView,
    OrganizationView,
    ProjectMemberView,
    ProjectView,
)
from hunmin.settings import Settings

router = faces.PageRouter(tags=["organizations"])

KEYS_SHOWN = 50

ProjectScope = Literal["inference", "files", "usage"]
Scopes = Annotated[list[ProjectScope], Form(min_length=1, max_length=3)]
Hours = Literal["0", "1", "24", "168"]
EVERY_SCOPE: list[ProjectScope] = ["inference", "files", "usage"]
UserId = Annotated[str, Form(pattern="^[0-9a-z]{26}$")]

PATH = "/organizations/{organization_id}/projects/{project_id}"


class ProjectPage(faces.View):
    """One project, as far as one may see it."""

    template: ClassVar[str] = "organizations/project.html"

    organization: OrganizationView
    project: ProjectView
    members: list[ProjectMemberView]
    keys: list[accounts.KeyView]
    more_keys_before: str | None
    """The id of the last key shown, where there may be older ones."""
    candidates: list[MemberView]
    """Who could be added: members of the organization that are not in the project. None are shown
    to those who add nobody."""
    roles: tuple[ProjectRole, ...] = PROJECT_ROLES
    user_id: str
    """Who looks."""

    @override
    def values(self) -> dict[str, Any]:
        return {**super().values(), "names": {one.user_id: one.name for one in self.members}}


class ProjectKeyMadeView(faces.View):
    """A key of a project that was just made, or took another's place: shown only here."""

    template: ClassVar[str] = "accounts/key_made.html"
    no_store: ClassVar[bool] = True

    key: accounts.KeyView
    secret: str
    server: str
    back: str


@router.get(PATH)
def show_project(
    act: PersonAct,
    organization_id: Id,
    project_id: Id,
    before: Annotated[str | None, Query(pattern="^[0-9a-z]{26}$")] = None,
) -> ProjectPage:
    """Show one project: its people and keys, those older than `before` where there are many."""
    project = project_queries.get_project(act, organization_id, project_id)
    members = project_queries.list_project_members(act, organization_id, project_id)
    keys = project_queries.list_project_keys(
        act, organization_id, project_id, before=before, limit=KEYS_SHOWN
    )
    return ProjectPage(
        organization=queries.get_organization(act, organization_id),
        project=project,
        members=members,
        keys=keys,
        more_keys_before=keys[-1].id if len(keys) == KEYS_SHOWN else None,
        candidates=queries.list_candidates(act, organization_id, project_id),
        user_id=act.actor.id,
    )


@router.post(f"{PATH}/rename", status_code=303, response_class=RedirectResponse)
def rename_project(
    act: PersonAct, organization_id: Id, project_id: Id, name: Name
) -> RedirectResponse:
    """Give a project another name."""
    project_actions.rename_project(act, organization_id, project_id, name=name)
    return _to(organization_id, project_id)


@router.post(f"{PATH}/archive", status_code=303, response_class=RedirectResponse)
def archive_project(act: PersonAct, organization_id: Id, project_id: Id) -> RedirectResponse:
    """Close a project for good; its keys end at once."""
    project_actions.archive_project(act, organization_id, project_id)
    return _to(organization_id, project_id)


@router.post(f"{PATH}/members", status_code=303, response_class=RedirectResponse)
def add_to_project(
    act: PersonAct,
    organization_id: Id,
    project_id: Id,
    user_id: UserId,
    role: Annotated[ProjectRole, Form()],
) -> RedirectResponse:
    """Make a member of the organization one of the project."""
    project_actions.add_to_project(act, organization_id, project_id, user_id, role=role)
    return _to(organization_id, project_id)


@router.post(f"{PATH}/members/{{user_id}}/remove", status_code=303, response_class=RedirectResponse)
def remove_from_project(
    act: PersonAct, organization_id: Id, project_id: Id, user_id: Id
) -> RedirectResponse:
    """Take a person or a service account out of a project; their keys of it end at once."""
    project_actions.remove_from_project(act, organization_id, project_id, user_id)
    return _to(organization_id, project_id)


@router.post(f"{PATH}/service-accounts")
def create_service_account(
    request: Request,
    act: PersonAct,
    *,
    organization_id: Id,
    project_id: Id,
    name: Name,
    days: Annotated[Days, Form()],
    scopes: Scopes = EVERY_SCOPE,
) -> ProjectKeyMadeView:
    """Make an account for programs of the project, and show its key, once."""
    _, made = project_actions.create_service_account(
        act, organization_id, project_id, name=name, days=_days(days), scopes=scopes
    )
    return _shown_once(request, organization_id, project_id, made)


@router.post(f"{PATH}/keys")
def create_project_key(
    request: Request,
    act: PersonAct,
    *,
    organization_id: Id,
    project_id: Id,
    name: Name,
    days: Annotated[Days, Form()],
    scopes: Scopes = EVERY_SCOPE,
) -> ProjectKeyMadeView:
    """Make a key of one's own in the project, and show it, once."""
    made = project_actions.create_project_key(
        act, organization_id, project_id, name=name, days=_days(days), scopes=scopes
    )
    return _shown_once(request, organization_id, project_id, made)


@router.post(f"{PATH}/keys/{{key_id}}/rotate")
def rotate_project_key(
    request: Request,
    act: PersonAct,
    *,
    organization_id: Id,
    project_id: Id,
    key_id: Id,
    hours: Annotated[Hours, Form()] = "24",
) -> ProjectKeyMadeView:
    """Make a key that takes the place of one of the project, and show it, once."""
    settings: Settings = request.app.state.settings
    made = project_actions.rotate_project_key(
        act,
        organization_id,
        project_id,
        key_id,
        overlap_hours=int(hours),
        overlap_hours_max=settings.accounts.key_overlap_hours_max,
    )
    return _shown_once(request, organization_id, project_id, made)


@router.post(f"{PATH}/keys/{{key_id}}/revoke", status_code=303, response_class=RedirectResponse)
def revoke_project_key(
    act: PersonAct, organization_id: Id, project_id: Id, key_id: Id
) -> RedirectResponse:
    """End a key of the project at once."""
    project_actions.revoke_project_key(act, organization_id, project_id, key_id)
    return _to(organization_id, project_id)


def _days(days: Days) -> int | None:
    return None if days == "never" else int(days)


def _shown_once(
    request: Request, organization_id: str, project_id: str, made: accounts.KeyMade
) -> ProjectKeyMadeView:
    return ProjectKeyMadeView(
        key=made.key,
        secret=made.secret,
        server=str(request.base_url).rstrip("/"),
        back=f"/organizations/{organization_id}/projects/{project_id}",
    )


def _to(organization_id: str, project_id: str) -> RedirectResponse:
    return RedirectResponse(
        f"/organizations/{organization_id}/projects/{project_id}", status_code=303
    )
