"""The way to an OpenID provider and back, for a browser.

What it takes to end a sign-in is shared between the browser (a cookie), the provider (the state
it sends back) and the database (that it is used once, in time), so that none of them can end it
alone. A cookie goes with one purpose: who set out to sign in cannot come back to link an account.

Nobody is sent anywhere but to the provider, and afterwards to our own front page: there is no
address in the request that could lead elsewhere.
"""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse

from hunmin import accounts, faces
from hunmin.act import Act, Actor, open_act
from hunmin.errors import ChallengeUnusable, ProviderAnswerWrong, ProviderRefused
from hunmin.settings import Settings
from hunmin.signin import challenges, provider_actions, provider_rules, rules
from hunmin.signin.entering import browser_of, let_in
from hunmin.signin.provider import Provider, Stranger
from hunmin.signin.providers import Providers

router = APIRouter(tags=["sign-in"], responses=faces.PROBLEM_RESPONSES)

Purpose = Literal["sign_in", "link"]

COOKIES: dict[Purpose, str] = {"sign_in": "hunmin_sign_in_with", "link": "hunmin_link_with"}
"""Where a browser keeps the secret of what it set out for."""

Name = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9_-]{0,31}$")]


@router.get("/sign-in/with/{provider}", status_code=303, response_class=RedirectResponse)
async def set_out_to_sign_in(
    request: Request,
    actor: accounts.AnyoneActor,
    provider: Name,
    adopt: Annotated[bool, Query()] = False,  # noqa: FBT002 (a part of the address)
) -> RedirectResponse:
    """Send a browser to a provider to sign in there.

    With `adopt`, what it did as a guest will come along to the account. A page of another site
    cannot have it set out: it is shown where to sign in.
    """
    there = provider_of(request, provider)
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        return RedirectResponse("/sign-in", status_code=303)
    await there.discover()  # where that fails nothing is left behind
    back = address_back(request, there)

    def begin() -> str:
        with open_for(request, actor) as act:
            data = {"provider": there.name, "back": back, "adopt": adopt}
            return challenges.make(act, "oidc", data=data).secret

    secret = await run_in_threadpool(begin)
    keep_secret(request, "sign_in", secret)
    return RedirectResponse(await _address_there(there, secret, back=back), status_code=303)


@router.get("/account/providers/{provider}/go", status_code=303, response_class=RedirectResponse)
async def set_out_to_link(
    request: Request, actor: accounts.PersonActor, provider: Name
) -> RedirectResponse:
    """Send a browser to a provider that is to be linked, once that was asked for by a form."""
    there = provider_of(request, provider)
    secret = request.cookies.get(faces.cookie_name(request, COOKIES["link"]), "")

    def begun() -> str:
        with open_for(request, actor) as act:
            session_id = accounts.session_id_of(request)
            begun = challenges.peek(act, "oidc", secret, session_id=session_id)
            return _back_in(begun, there)

    back = await run_in_threadpool(begun)
    return RedirectResponse(await _address_there(there, secret, back=back), status_code=303)


@router.get("/sign-in/back/{provider}", status_code=303, response_class=RedirectResponse)
async def come_back(
    request: Request,
    actor: accounts.AnyoneActor,
    provider: Name,
    *,
    state: Annotated[str, Query(max_length=64)] = "",
    code: Annotated[str, Query(max_length=4096)] = "",
    iss: Annotated[str | None, Query(max_length=2048)] = None,
) -> RedirectResponse:
    """Take a browser in that comes back from a provider: sign it in, or link its account."""
    there = provider_of(request, provider)
    purpose, secret = _set_out_for(request, state)
    session_id = accounts.session_id_of(request)

    def end() -> challenges.Challenge:
        with open_for(request, actor) as act:
            own = session_id if purpose == "link" else None
            return challenges.use(act, "oidc", secret, session_id=own)

    begun = await run_in_threadpool(end)
    keep_secret(request, purpose, "")
    back = _back_in(begun, there)
    try:
        await there.check_issuer(iss)
        if not code:
            raise ProviderRefused(title=there.title)
        stranger = await there.redeem(
            code,
            verifier=rules.derived(secret, "verifier"),
            nonce=rules.derived(secret, "nonce"),
            back=back,
            now=datetime.now(UTC),
        )
    except ProviderAnswerWrong as error:
        await run_in_threadpool(_note, request, actor, there, error.reason)
        raise
    if purpose == "link":
        await run_in_threadpool(_link, request, actor, there, stranger)
        return RedirectResponse("/account/providers", status_code=303)
    adopt = bool(begun.data["adopt"])
    return await run_in_threadpool(_sign_in, request, actor, there, stranger, adopt=adopt)


def provider_of(request: Request, name: str) -> Provider:
    """Return the provider of that name, or raise `ProviderUnknown`."""
    providers: Providers = request.app.state.providers
    return providers.get(name)


def address_back(request: Request, there: Provider) -> str:
    """Return where a provider is to send a browser back to, as it was told when we registered."""
    settings: Settings = request.app.state.settings
    ours = settings.web.public_url or str(request.base_url)
    return f"{ours.rstrip('/')}/sign-in/back/{there.name}"


def keep_secret(request: Request, purpose: Purpose, secret: str) -> None:
    """Have the browser keep the secret of what it sets out for; empty: forget it."""
    name = faces.cookie_name(request, COOKIES[purpose])
    faces.set_cookie(request, name, secret, seconds=rules.CHALLENGE_SECONDS)


def open_for(request: Request, actor: Actor) -> AbstractContextManager[Act]:
    """Open a transaction of this request."""
    return open_act(
        request.app.state.database,
        actor,
        request_id=request.state.request_id,
        language=faces.language_of(request),
    )


async def _address_there(there: Provider, secret: str, *, back: str) -> str:
    return await there.authorization_address(
        state=rules.derived(secret, "state"),
        nonce=rules.derived(secret, "nonce"),
        verifier=rules.derived(secret, "verifier"),
        back=back,
    )


def _set_out_for(request: Request, state: str) -> tuple[Purpose, str]:
    """Return what a browser set out for that comes back with a state, and its secret.

    Raises:
        ChallengeUnusable: It set out for nothing, or somebody else did.
    """
    for purpose, cookie in COOKIES.items():
        secret = request.cookies.get(faces.cookie_name(request, cookie), "")
        if secret and provider_rules.is_state_of(secret, state):
            return purpose, secret
    raise ChallengeUnusable


def _back_in(begun: challenges.Challenge, there: Provider) -> str:
    """Return where the provider was told to send the browser back to: to this one, no other."""
    if begun.data["provider"] != there.name:
        raise ChallengeUnusable
    return str(begun.data["back"])


def _note(request: Request, actor: Actor, there: Provider, reason: str) -> None:
    with open_for(request, actor) as act:
        provider_actions.note_refusal(act, there, reason=reason)


def _link(request: Request, actor: Actor, there: Provider, stranger: Stranger) -> None:
    with open_for(request, actor) as act:
        provider_actions.link(act, there, stranger)


def _sign_in(
    request: Request, actor: Actor, there: Provider, stranger: Stranger, *, adopt: bool
) -> RedirectResponse:
    with open_for(request, actor) as act:
        entered = provider_actions.sign_in_with(
            act, there, stranger, browser=browser_of(request), adopt=adopt
        )
        return let_in(request, act, entered, adopt=adopt)
