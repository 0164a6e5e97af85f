"""Signing in: by link, by password, with a second factor; and showing again that one is here."""

from typing import Annotated, ClassVar

from fastapi import Form, Query
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import RedirectResponse

from hunmin import accounts, faces
from hunmin.act import Actor
from hunmin.errors import ProofNeeded
from hunmin.settings import Settings
from hunmin.signin import actions, challenges, queries, rules
from hunmin.signin.checking import Checking, site_of
from hunmin.signin.entering import (
    SECURITY,
    browser_of,
    let_in,
    let_in_by_second,
    second_secret,
)

router = faces.PageRouter(tags=["sign-in"])

Name = Annotated[str, Form(min_length=1, max_length=200)]
Password = Annotated[str, Form(min_length=1, max_length=rules.PASSWORD_CHARACTERS_MAX)]
Code = Annotated[str, Form(max_length=64)]
Adopt = Annotated[bool, Form()]
After = Annotated[str, Form(max_length=200)]


class ProviderLink(BaseModel):
    """An OpenID provider that one may sign in with."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str


class SignInView(faces.View):
    """The page to sign in at."""

    template: ClassVar[str] = "signin/sign_in.html"

    signed_in_as: str
    """The name of the account that is signed in already, or empty."""
    guests: bool
    """Whether one may chat without an account."""
    is_guest: bool
    """Whether this browser has a guest's conversations, which may be taken along."""
    providers: list[ProviderLink]
    """Where else one may sign in."""
    passkeys: bool
    """Whether browsers have passkeys for the address they came to."""


class ConfirmView(faces.View):
    """The page a sign-in link opens. Looking at it uses nothing up; mail programs look too."""

    template: ClassVar[str] = "signin/confirm.html"
    no_store: ClassVar[bool] = True

    name: str
    """The account the link opens."""
    link: str
    """What to post to `/sign-in` to use the link."""
    is_guest: bool
    """Whether this browser has a guest's conversations, which may be taken along."""


class SecondView(faces.View):
    """The page that asks for a code, after one factor was shown."""

    template: ClassVar[str] = "signin/second.html"

    asks_app: bool
    """Whether an app is set up, whose codes are taken beside recovery codes."""
    asks_passkey: bool
    """Whether the account has passkeys."""
    passkeys: bool
    """Whether browsers have passkeys for the address they came to."""


class ProveView(faces.View):
    """The page to show at once more that it is oneself."""

    template: ClassVar[str] = "signin/prove.html"

    asks_password: bool
    asks_code: bool
    asks_app: bool
    """Whether the code may be one of an app; otherwise it is a recovery code."""
    asks_passkey: bool
    """Whether a passkey takes the place of all that; it may be the only thing there is."""
    passkeys: bool
    """Whether browsers have passkeys for the address they came to."""
    after: str
    """The page to go to afterwards."""


@router.get("/sign-in")
def show_sign_in(request: Request, act: accounts.AnyoneAct) -> SignInView:
    """Take a name and password, or a link that was pasted, and say how else to sign in."""
    settings: Settings = request.app.state.settings
    actor = act.actor
    signed_in = actor.kind == "person" and actor.user_id is not None
    return SignInView(
        signed_in_as=accounts.get_user(act, actor.user_id or "").name if signed_in else "",
        guests=settings.accounts.guests,
        is_guest=_is_guest(actor),
        providers=[
            ProviderLink(name=name, title=one.title or name)
            for name, one in settings.accounts.providers.items()
        ],
        passkeys=site_of(request) is not None,
    )


@router.post("/sign-in", status_code=303, response_class=RedirectResponse)
def sign_in(
    request: Request,
    act: accounts.AnyoneAct,
    link: Annotated[str, Form(min_length=1, max_length=2000)],
    adopt: Adopt = False,  # noqa: FBT002 (a check box)
) -> RedirectResponse:
    """Use up a sign-in link and sign this browser in.

    With `adopt`, what this browser did as a guest comes along to the account.
    """
    used = accounts.use_link(act, link)
    entered = actions.enter(
        act,
        used.user_id,
        method="link",
        strength=1,
        for_other=used.for_other,
        adopt=adopt,
        browser=browser_of(request),
    )
    return let_in(request, act, entered, adopt=adopt)


@router.post("/sign-in/password", status_code=303, response_class=RedirectResponse)
def sign_in_by_password(
    request: Request,
    actor: accounts.AnyoneActor,
    name: Name,
    password: Password,
    adopt: Adopt = False,  # noqa: FBT002 (a check box)
) -> RedirectResponse:
    """Sign this browser in by name and password."""
    checking = Checking(request, actor)
    user_id = checking.password_of_name(name.strip(), password)
    with checking.act() as act:
        entered = actions.enter(
            act, user_id, method="password", strength=1, adopt=adopt, browser=browser_of(request)
        )
        return let_in(request, act, entered, adopt=adopt)


@router.get("/sign-in/second")
def show_second(request: Request, act: accounts.AnyoneAct) -> SecondView:
    """Ask for a code of the second factor, or a passkey."""
    asked = challenges.peek(act, "second", second_secret(request))
    user_id = asked.user_id or ""
    return SecondView(
        asks_app=queries.has_app(act, user_id),
        asks_passkey=bool(queries.passkey_rows(act, user_id)),
        passkeys=site_of(request) is not None,
    )


@router.post("/sign-in/second", status_code=303, response_class=RedirectResponse)
def sign_in_by_second(
    request: Request, actor: accounts.AnyoneActor, code: Code
) -> RedirectResponse:
    """End a sign-in with a code of the second factor."""
    checking = Checking(request, actor)
    secret = second_secret(request)
    with checking.act() as act:
        asked = challenges.peek(act, "second", secret)
    checking.code_of(asked.user_id or "", code)
    with checking.act() as act:
        return let_in_by_second(request, act, secret)


@router.get("/sign-in/prove")
def show_prove(
    request: Request,
    act: accounts.HeldAct,
    after: Annotated[str, Query(max_length=200)] = SECURITY,
) -> ProveView:
    """Ask who is signed in to show that it is still them."""
    security = queries.own_security(act)
    has_app = security.second_factor_since is not None
    asks_code = has_app or (bool(security.passkeys) and security.recovery_codes_left > 0)
    has_password = security.password_changed_at is not None
    return ProveView(
        asks_password=has_password and (asks_code or not security.has_second_factor),
        asks_code=asks_code,
        asks_app=has_app,
        asks_passkey=bool(security.passkeys),
        passkeys=site_of(request) is not None,
        after=rules.page_after(after),
    )


@router.post("/sign-in/prove", status_code=303, response_class=RedirectResponse)
def prove(
    request: Request,
    actor: accounts.HeldActor,
    password: Annotated[str, Form(max_length=rules.PASSWORD_CHARACTERS_MAX)] = "",
    code: Code = "",
    after: After = SECURITY,
) -> RedirectResponse:
    """Check whatever the account is opened with, and remember for a while that it was right."""
    accounts.check_own_session(actor)
    checking = Checking(request, actor)
    user_id = actor.user_id or ""
    with checking.act() as act:
        security = queries.own_security(act)
    strength = 0
    if security.password_changed_at is not None:
        checking.password_of(user_id, password)
        strength += 1
    if security.has_second_factor:
        checking.code_of(user_id, code)
        strength += 1
    if strength == 0:
        raise ProofNeeded
    with checking.act() as act:
        session_id = accounts.session_id_of(request) or ""
        accounts.prove_session(act, session_id, strength=strength)
    return RedirectResponse(rules.page_after(after), status_code=303)


@router.get("/sign-in/{secret}")
def show_confirm(act: accounts.AnyoneAct, secret: str) -> ConfirmView:
    """Ask whether to sign in with a link, without using it up."""
    name = accounts.name_on_link(act, secret)
    return ConfirmView(name=name, link=secret, is_guest=_is_guest(act.actor))


def _is_guest(actor: Actor) -> bool:
    """Return whether a browser has done something without an account, so there is what to keep."""
    return actor.kind == "guest" and actor.user_id is not None
