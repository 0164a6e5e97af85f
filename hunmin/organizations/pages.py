"""The pages of organizations: the list, one of them with its people, and its invitations."""

from typing import Annotated, ClassVar, Literal

from fastapi import Form, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse

from hunmin import accounts, faces
from hunmin.accounts import PersonAct
from hunmin.organizations import actions, member_actions, project_actions, project_queries, queries
from hunmin.organizations.rules import INVITATION_DAYS, ROLES, Role
from hunmin.organizations.views import InvitationView, MemberView, OrganizationView, ProjectView
from hunmin.settings import Settings

router = faces.PageRouter(tags=["organizations"])

Days = Literal["30", "90", "365", "never"]
HAS_LETTER = "[0-9A-Za-z가-힣]"
Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
Name = Annotated[str, Form(max_length=64, pattern=HAS_LETTER)]


class OrganizationsView(faces.View):
    """The organizations one belongs to."""

    template: ClassVar[str] = "organizations/list.html"

    organizations: list[OrganizationView]
    may_create: bool


class OrganizationPage(faces.View):
    """One organization, as far as one may see it."""

    template: ClassVar[str] = "organizations/organization.html"

    organization: OrganizationView
    projects: list[ProjectView]
    members: list[MemberView]
    invitations: list[InvitationView]
    keys: list[accounts.KeyView]
    """Its own keys, which administer it."""
    owners: dict[str, str]
    """Whose each key is, by the id of the account."""
    roles: tuple[Role, ...] = ROLES
    user_id: str
    """Who looks."""


class InvitedView(faces.View):
    """An invitation that was just made. It is shown here and never again."""

    template: ClassVar[str] = "organizations/invited.html"
    no_store: ClassVar[bool] = True

    organization: OrganizationView
    role: Role
    address: str
    days: int = INVITATION_DAYS


class InvitationPage(faces.View):
    """The page an invitation opens. Looking at it uses nothing up."""

    template: ClassVar[str] = "organizations/invitation.html"
    no_store: ClassVar[bool] = True

    name: str
    """The organization."""
    link: str
    """What to post to `/invitations` to join."""


class AdminKeyMadeView(faces.View):
    """A key of an organization that was just made. The secret is shown only here."""

    template: ClassVar[str] = "accounts/key_made.html"
    no_store: ClassVar[bool] = True

    key: accounts.KeyView
    secret: str
    server: str
    back: str


@router.get("/organizations")
def show_organizations(request: Request, act: PersonAct) -> OrganizationsView:
    """List the organizations one belongs to."""
    settings: Settings = request.app.state.settings
    return OrganizationsView(
        organizations=queries.list_organizations(act),
        may_create=settings.organizations.people_may_create or act.actor.has_role("administrator"),
    )


@router.post("/organizations", status_code=303, response_class=RedirectResponse)
def create_organization(request: Request, act: PersonAct, name: Name) -> RedirectResponse:
    """Make an organization and own it."""
    settings: Settings = request.app.state.settings
    may = settings.organizations.people_may_create
    return _to(actions.create_organization(act, name=name, people_may=may).id)


@router.get("/organizations/{organization_id}")
def show_organization(act: PersonAct, organization_id: Id) -> OrganizationPage:
    """Show one organization: its projects, and as far as one may know them its people and keys."""
    keys = queries.list_admin_keys(act, organization_id)
    owners = accounts.users_by_id(act, [key.user_id for key in keys])
    return OrganizationPage(
        organization=queries.get_organization(act, organization_id),
        projects=project_queries.list_projects(act, organization_id),
        members=queries.list_members(act, organization_id),
        invitations=queries.list_invitations(act, organization_id),
        keys=keys,
        owners={user_id: user.name for user_id, user in owners.items()},
        user_id=act.actor.id,
    )


@router.post(
    "/organizations/{organization_id}/rename", status_code=303, response_class=RedirectResponse
)
def rename_organization(act: PersonAct, organization_id: Id, name: Name) -> RedirectResponse:
    """Give an organization another name."""
    actions.rename_organization(act, organization_id, name=name)
    return _to(organization_id)


@router.post(
    "/organizations/{organization_id}/archive", status_code=303, response_class=RedirectResponse
)
def archive_organization(act: PersonAct, organization_id: Id) -> RedirectResponse:
    """Close an organization for good; its keys end at once."""
    actions.archive_organization(act, organization_id)
    return _to(organization_id)


@router.post("/organizations/{organization_id}/invitations")
def invite(
    request: Request, act: PersonAct, organization_id: Id, role: Annotated[Role, Form()]
) -> InvitedView:
    """Make an invitation and show its link, once."""
    secret = member_actions.invite(act, organization_id, role=role)
    address = accounts.address_of(request.app.state.settings)
    return InvitedView(
        organization=queries.get_organization(act, organization_id),
        role=role,
        address=f"{address}/invitations/{secret}",
    )


@router.post(
    "/organizations/{organization_id}/invitations/{invitation_id}/withdraw",
    status_code=303,
    response_class=RedirectResponse,
)
def withdraw_invitation(act: PersonAct, organization_id: Id, invitation_id: Id) -> RedirectResponse:
    """Take an invitation back that nobody used."""
    member_actions.withdraw_invitation(act, organization_id, invitation_id)
    return _to(organization_id)


@router.post(
    "/organizations/{organization_id}/members/{user_id}/role",
    status_code=303,
    response_class=RedirectResponse,
)
def change_role(
    act: PersonAct, organization_id: Id, user_id: Id, role: Annotated[Role, Form()]
) -> RedirectResponse:
    """Give a member another role."""
    member_actions.change_role(act, organization_id, user_id, role=role)
    return _to(organization_id)


@router.post(
    "/organizations/{organization_id}/members/{user_id}/remove",
    status_code=303,
    response_class=RedirectResponse,
)
def remove_member(act: PersonAct, organization_id: Id, user_id: Id) -> RedirectResponse:
    """Remove a member, or leave; their keys of the organization end at once."""
    member_actions.remove_member(act, organization_id, user_id)
    left = user_id == act.actor.user_id
    return RedirectResponse("/organizations", status_code=303) if left else _to(organization_id)


@router.post(
    "/organizations/{organization_id}/projects", status_code=303, response_class=RedirectResponse
)
def create_project(act: PersonAct, organization_id: Id, name: Name) -> RedirectResponse:
    """Make a project."""
    made = project_actions.create_project(act, organization_id, name=name)
    return RedirectResponse(f"/organizations/{organization_id}/projects/{made.id}", status_code=303)


@router.post("/organizations/{organization_id}/keys")
def create_admin_key(
    request: Request, act: PersonAct, organization_id: Id, name: Name, days: Annotated[Days, Form()]
) -> AdminKeyMadeView:
    """Make a key that administers the organization, and show it, once."""
    made = actions.create_admin_key(
        act, organization_id, name=name, days=None if days == "never" else int(days)
    )
    return AdminKeyMadeView(
        key=made.key,
        secret=made.secret,
        server=str(request.base_url).rstrip("/"),
        back=f"/organizations/{organization_id}",
    )


@router.post(
    "/organizations/{organization_id}/keys/{key_id}/revoke",
    status_code=303,
    response_class=RedirectResponse,
)
def revoke_admin_key(act: PersonAct, organization_id: Id, key_id: Id) -> RedirectResponse:
    """End a key of the organization at once."""
    actions.revoke_admin_key(act, organization_id, key_id)
    return _to(organization_id)


@router.get("/invitations/{secret}")
def show_invitation(act: PersonAct, secret: str) -> InvitationPage:
    """Ask whether to join an organization, without using the invitation up."""
    return InvitationPage(name=queries.name_on_invitation(act, secret), link=secret)


@router.post("/invitations", status_code=303, response_class=RedirectResponse)
def join(
    act: PersonAct, link: Annotated[str, Form(min_length=1, max_length=2000)]
) -> RedirectResponse:
    """Use up an invitation, and become a member."""
    return _to(member_actions.join(act, link).id)


def _to(organization_id: str) -> RedirectResponse:
    return RedirectResponse(f"/organizations/{organization_id}", status_code=303)
