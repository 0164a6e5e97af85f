"""What opens one's own account: its password, its second factor, its recovery codes."""

from typing import Annotated, ClassVar

import segno
from fastapi import Form
from pyotp import TOTP
from starlette.requests import Request
from starlette.responses import RedirectResponse

from hunmin import accounts, faces
from hunmin.act import Act
from hunmin.errors import ProofNeeded
from hunmin.settings import Settings
from hunmin.signin import actions, factor_actions, queries, rules
from hunmin.signin.checking import Checking, site_of
from hunmin.signin.entering import SECURITY
from hunmin.signin.owner import check_owner
from hunmin.signin.sealing import open_seal
from hunmin.signin.views import SecurityView

router = faces.PageRouter(tags=["sign-in"])

NewPassword = Annotated[str, Form(min_length=1, max_length=rules.PASSWORD_CHARACTERS_MAX)]
Code = Annotated[str, Form(min_length=1, max_length=64)]


class SecurityPage(faces.View):
    """What opens one's own account, and what may be changed of it."""

    template: ClassVar[str] = "signin/security.html"

    name: str
    security: SecurityView
    is_proved: bool
    """Whether it was shown just now that it is really them; changes ask for that."""
    for_other: bool
    """Whether another person's link let the browser in, which changes nothing here."""
    lacks_second: bool
    """Whether the service asks this account for a second factor that it does not have."""
    characters_min: int
    """The shortest password."""
    passkeys: bool
    """Whether browsers make passkeys for the address they came to."""
    device: str
    """The browser in two words; empty where it does not say."""


class SecondSetUpView(faces.View):
    """The secret of an authenticator app, to be read by its camera or typed in."""

    template: ClassVar[str] = "signin/set_up.html"
    no_store: ClassVar[bool] = True

    picture: str
    """The address below as a QR code, an SVG."""
    address: str
    """`otpauth://…`, as authenticator apps read it."""
    secret: str
    """The same secret to be typed in, in groups of four."""


class RecoveryCodesView(faces.View):
    """Recovery codes that were just made. They are shown here and never again."""

    template: ClassVar[str] = "signin/recovery.html"
    no_store: ClassVar[bool] = True

    codes: list[str]


@router.get(SECURITY)
def show_security(request: Request, act: accounts.HeldAct) -> SecurityPage:
    """Show what opens one's own account."""
    settings: Settings = request.app.state.settings
    user = accounts.get_user(act, act.actor.user_id or "")
    security = queries.own_security(act)
    lacks = not security.has_second_factor and accounts.needs_second_factor(
        user.roles, second_factor=settings.accounts.second_factor
    )
    return SecurityPage(
        name=user.name,
        security=security,
        is_proved=_is_proved(act),
        for_other=act.actor.for_other,
        lacks_second=lacks,
        characters_min=rules.PASSWORD_CHARACTERS_MIN,
        passkeys=site_of(request) is not None,
        device=accounts.device_of(request),
    )


@router.post("/account/password", status_code=303, response_class=RedirectResponse)
def set_password(
    request: Request, actor: accounts.HeldActor, password: NewPassword
) -> RedirectResponse:
    """Set one's password. Every other browser of the account is signed out."""
    checking = Checking(request, actor)
    user_id = actor.user_id or ""
    with checking.act() as act:
        check_owner(act, user_id)
        name = accounts.get_user(act, user_id).name
    hashed = checking.passwords.hash(password, name=name)
    with checking.act() as act:
        session_id = accounts.session_id_of(request)
        actions.set_password(act, user_id, hashed=hashed, session_id=session_id)
    return RedirectResponse(SECURITY, status_code=303)


@router.post("/account/second-factor")
def begin_second_factor(request: Request, act: accounts.HeldAct) -> SecondSetUpView:
    """Show a new secret for an authenticator app. It counts once a code of it is typed in."""
    settings: Settings = request.app.state.settings
    secret = factor_actions.begin_second_factor(act, seal=open_seal(settings.data))
    name = accounts.get_user(act, act.actor.user_id or "").name
    address = TOTP(secret).provisioning_uri(name=name, issuer_name="Hunmin")
    picture = segno.make(address, error="m", micro=False)
    return SecondSetUpView(
        picture=picture.svg_inline(scale=5, border=4, dark="#000", light="#fff"),
        address=address,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
    )


@router.post("/account/second-factor/confirm")
def confirm_second_factor(request: Request, act: accounts.HeldAct, code: Code) -> RecoveryCodesView:
    """Set up the authenticator app whose code this is, and show recovery codes, once."""
    settings: Settings = request.app.state.settings
    codes = factor_actions.confirm_second_factor(
        act,
        code=code,
        session_id=accounts.session_id_of(request) or "",
        seal=open_seal(settings.data),
    )
    return RecoveryCodesView(codes=codes)


@router.post("/account/second-factor/remove", status_code=303, response_class=RedirectResponse)
def remove_second_factor(request: Request, act: accounts.PersonAct) -> RedirectResponse:
    """Remove one's second factor, and sign every browser out, this one too."""
    factor_actions.remove_second_factor(act, act.actor.user_id or "")
    accounts.forget_session(request)
    return RedirectResponse("/sign-in", status_code=303)


@router.post("/account/recovery-codes")
def make_recovery_codes(act: accounts.PersonAct) -> RecoveryCodesView:
    """Make recovery codes in the place of those there are, and show them, once."""
    return RecoveryCodesView(codes=factor_actions.make_recovery_codes(act))


def _is_proved(act: Act) -> bool:
    try:
        accounts.check_proved(act.actor, act.now)
    except ProofNeeded:
        return False
    return True
