"""The end of every sign-in, whatever began it: a session, or the question for a second factor."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse

from hunmin import accounts, faces
from hunmin.act import Act
from hunmin.settings import Settings
from hunmin.signin import challenges, rules
from hunmin.signin.actions import Browser, Entered, enter

SECURITY = "/account/security"
"""The page with what opens one's own account."""

_SECOND_COOKIE = "hunmin_second"


def browser_of(request: Request) -> Browser:
    """Return what a session is told of the browser of a request."""
    settings: Settings = request.app.state.settings
    return Browser(
        days=settings.accounts.session_days,
        device=accounts.device_of(request),
        instead_of=accounts.session_id_of(request),
    )


def second_cookie(request: Request) -> str:
    """Return the name of the cookie that holds the challenge of whoever is asked for a code."""
    return faces.cookie_name(request, _SECOND_COOKIE)


def second_secret(request: Request) -> str:
    """Return the secret in that cookie; empty where there is none."""
    return request.cookies.get(second_cookie(request), "")


def let_in(request: Request, act: Act, entered: Entered, *, adopt: bool) -> RedirectResponse:
    """Give a browser what came of its sign-in, and send it where it goes on.

    Args:
        request: Of the browser.
        act: The transaction in which it signed in.
        entered: What came of it.
        adopt: What the browser did as a guest comes along.
    """
    if entered.second is not None:
        faces.set_cookie(
            request,
            second_cookie(request),
            entered.second.secret,
            seconds=rules.CHALLENGE_SECONDS,
        )
        return RedirectResponse("/sign-in/second", status_code=303)
    session = entered.session
    assert session is not None, "a session was opened or a second factor asked for"
    accounts.keep_session(request, session.secret)
    if adopt and act.actor.kind == "guest" and act.actor.user_id is not None:
        for take in request.app.state.adopters:
            take(replace(act, actor=session.actor), guest_id=act.actor.user_id)
    settings: Settings = request.app.state.settings
    lacks = entered.strength == 1 and accounts.needs_second_factor(
        session.actor.roles, second_factor=settings.accounts.second_factor
    )
    return RedirectResponse(SECURITY if lacks else "/", status_code=303)


def let_in_by_second(request: Request, act: Act, secret: str) -> RedirectResponse:
    """End a sign-in whose second factor was just shown, as its first factor began it.

    Args:
        request: Of the browser.
        act: The transaction in which it signs in.
        secret: Of the question for the second factor, from the cookie.

    Raises:
        ChallengeUnusable: The question is unknown, was answered already, or is too old.
        UserNotFound: The account was disabled meanwhile.
    """
    asked = challenges.use(act, "second", secret)
    adopt = bool(asked.data["adopt"])
    entered = enter(
        act,
        asked.user_id or "",
        method=asked.data["method"],
        strength=2,
        for_other=asked.data["for_other"],
        adopt=adopt,
        browser=browser_of(request),
    )
    faces.set_cookie(request, second_cookie(request), "", seconds=0)
    return let_in(request, act, entered, adopt=adopt)
