"""Signing out, and one's own account: keys and browsers."""

from typing import Annotated, ClassVar, Literal

from fastapi import Form, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse

from hunmin import faces
from hunmin.accounts import door, key_actions, key_queries, queries, rules, session_actions
from hunmin.accounts.views import KeyView, SessionView, UserView
from hunmin.settings import Settings

router = faces.PageRouter(tags=["accounts"])

Days = Literal["30", "90", "365", "never"]

HAS_LETTER = "[0-9A-Za-z가-힣]"
"""What a key is for has at least one of these; a pattern that browsers and OpenAPI know too."""

Hours = Literal["0", "1", "24", "168"]
"""How long a key that was replaced works beside the new one."""

DEFAULT_SCOPES: list[rules.Scope] = list(rules.PROGRAM_SCOPES)

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]


class AccountView(faces.View):
    """One's own account."""

    template: ClassVar[str] = "accounts/account.html"

    user: UserView
    keys: list[KeyView]
    sessions: list[SessionView]
    has_providers: bool
    """Whether there are OpenID providers that the account could be opened with."""


class KeyMadeView(faces.View):
    """A key that was just made, or took another's place. The secret is shown only here."""

    template: ClassVar[str] = "accounts/key_made.html"
    no_store: ClassVar[bool] = True

    key: KeyView
    secret: str
    server: str
    """The address of this service, for a client's settings."""
    back: str = "/account"
    """The page that has the list of keys."""


@router.post("/sign-out", status_code=303, response_class=RedirectResponse)
def sign_out(request: Request, act: door.HeldAct) -> RedirectResponse:
    """Sign this browser out."""
    session_actions.end_session(act, door.session_id_of(request) or "")
    door.forget_session(request)
    return RedirectResponse("/sign-in", status_code=303)


@router.get("/account")
def show_account(request: Request, act: door.PersonAct) -> AccountView:
    """Show one's own account, with its keys and the browsers that are signed in."""
    settings: Settings = request.app.state.settings
    return AccountView(
        user=queries.get_user(act, act.actor.user_id or ""),
        keys=key_queries.list_keys(act),
        sessions=queries.list_sessions(act, this=door.session_id_of(request)),
        has_providers=bool(settings.accounts.providers),
    )


@router.post("/account/keys")
def create_key(
    request: Request,
    act: door.PersonAct,
    name: Annotated[str, Form(max_length=rules.NAME_CHARACTERS_MAX, pattern=HAS_LETTER)],
    days: Annotated[Days, Form()],
    scopes: Annotated[list[rules.Scope], Form(max_length=len(rules.SCOPES))] = DEFAULT_SCOPES,
) -> KeyMadeView:
    """Make an API key and show it, once."""
    made = key_actions.create_key(
        act, name=name, days=None if days == "never" else int(days), scopes=scopes
    )
    return _shown_once(request, made)


@router.post("/account/keys/{key_id}/rotate")
def rotate_key(
    request: Request, act: door.PersonAct, key_id: Id, hours: Annotated[Hours, Form()] = "24"
) -> KeyMadeView:
    """Make a key that takes the place of one of one's own, which works so many hours longer."""
    settings: Settings = request.app.state.settings
    made = key_actions.rotate_key(
        act,
        key_id,
        overlap_hours=int(hours),
        overlap_hours_max=settings.accounts.key_overlap_hours_max,
    )
    return _shown_once(request, made)


@router.post("/account/keys/{key_id}/revoke", status_code=303, response_class=RedirectResponse)
def revoke_key(act: door.PersonAct, key_id: Id) -> RedirectResponse:
    """End one of one's own keys at once."""
    key_actions.revoke_key(act, key_id)
    return RedirectResponse("/account", status_code=303)


@router.post("/account/sessions/{session_id}/end", status_code=303, response_class=RedirectResponse)
def end_session(request: Request, act: door.PersonAct, session_id: Id) -> RedirectResponse:
    """Sign one of one's own browsers out."""
    session_actions.end_session(act, session_id)
    if session_id == door.session_id_of(request):
        door.forget_session(request)
        return RedirectResponse("/sign-in", status_code=303)
    return RedirectResponse("/account", status_code=303)


def _shown_once(request: Request, made: key_actions.KeyMade) -> KeyMadeView:
    return KeyMadeView(key=made.key, secret=made.secret, server=str(request.base_url).rstrip("/"))
