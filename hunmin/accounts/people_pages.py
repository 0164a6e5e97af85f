"""The people of the house, for administrators and auditors: found, made, signed in, shut out."""

from typing import Annotated, ClassVar, Literal

from fastapi import Form, Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse

from hunmin import faces
from hunmin.accounts import actions, door, key_queries, queries, rules
from hunmin.accounts.links import sign_in_address
from hunmin.accounts.views import KeyView, UserView
from hunmin.settings import Settings

router = faces.PageRouter(tags=["accounts"])

GivenRole = Literal["administrator", "auditor"]
Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
Roles = Annotated[list[GivenRole] | None, Form(max_length=2)]


class PeopleView(faces.View):
    """The accounts of people, a page of them."""

    template: ClassVar[str] = "accounts/people.html"

    people: list[UserView]
    search: str
    """What was searched; empty where everybody is listed."""
    offset: int
    next_offset: int | None
    """Where the next page begins; None: there is none."""
    may_change: bool
    """Whether the actor is an administrator, and not only looks."""


class PersonView(faces.View):
    """One person's account."""

    template: ClassVar[str] = "accounts/person.html"

    user: UserView
    keys: list[KeyView]
    may_change: bool
    """Whether the actor is an administrator, and it is not their own account."""


class LinkMadeView(faces.View):
    """A sign-in link that was just made. It is shown here and never again."""

    template: ClassVar[str] = "accounts/link_made.html"
    no_store: ClassVar[bool] = True

    user: UserView
    address: str
    minutes: int
    """How long it works, once."""


@router.get("/people")
def show_people(
    act: door.PersonAct,
    search: Annotated[str, Query(max_length=rules.NAME_CHARACTERS_MAX)] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> PeopleView:
    """List the people who have an account, by name; with `search`, those whose names hold it."""
    limit = queries.PAGE_ROWS
    found = queries.list_users(act, search=search.strip(), offset=offset, limit=limit + 1)
    return PeopleView(
        people=found[:limit],
        search=search,
        offset=offset,
        next_offset=offset + limit if len(found) > limit else None,
        may_change=act.actor.has_role("administrator"),
    )


@router.post("/people", status_code=303, response_class=RedirectResponse)
def create_person(
    act: door.PersonAct,
    name: Annotated[str, Form(min_length=1, max_length=rules.NAME_CHARACTERS_MAX)],
    roles: Roles = None,
) -> RedirectResponse:
    """Make an account for a person."""
    made = actions.create_user(act, name=name, roles=roles or ())
    return _to(made.id)


@router.get("/people/{user_id}")
def show_person(act: door.PersonAct, user_id: Id) -> PersonView:
    """Show one person's account."""
    rules.check_role_held(act.actor, "administrator", "auditor")
    return PersonView(
        user=queries.get_user(act, user_id),
        keys=key_queries.list_keys(act, user_id),
        may_change=act.actor.has_role("administrator") and user_id != act.actor.user_id,
    )


@router.post("/people/{user_id}/link")
def create_link(request: Request, act: door.PersonAct, user_id: Id) -> LinkMadeView:
    """Make a link that signs the person in, once, and show it."""
    settings: Settings = request.app.state.settings
    minutes = settings.accounts.sign_in_link_minutes
    secret = actions.create_sign_in_link(act, user_id, minutes=minutes)
    return LinkMadeView(
        user=queries.get_user(act, user_id),
        address=sign_in_address(settings, secret),
        minutes=minutes,
    )


@router.post("/people/{user_id}/roles", status_code=303, response_class=RedirectResponse)
def change_roles(act: door.PersonAct, user_id: Id, roles: Roles = None) -> RedirectResponse:
    """Give an account these roles and no others. Its browsers are signed out."""
    actions.change_roles(act, user_id, roles=roles or ())
    return _to(user_id)


@router.post("/people/{user_id}/disable", status_code=303, response_class=RedirectResponse)
def disable(act: door.PersonAct, user_id: Id) -> RedirectResponse:
    """Shut an account: nothing opens it until it is enabled again."""
    actions.disable_user(act, user_id)
    return _to(user_id)


@router.post("/people/{user_id}/enable", status_code=303, response_class=RedirectResponse)
def enable(act: door.PersonAct, user_id: Id) -> RedirectResponse:
    """Open an account again that was disabled."""
    actions.enable_user(act, user_id)
    return _to(user_id)


def _to(user_id: str) -> RedirectResponse:
    return RedirectResponse(f"/people/{user_id}", status_code=303)
