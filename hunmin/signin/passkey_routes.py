"""Passkeys: signing in with one, showing one again, adding one, renaming and removing one's own.

Each is begun and ended by `passkey.js`: a browser asks what it has to sign, signs it, and hands in
what its device made. What it signs is derived from a secret in its cookie, of which the database
has the hash, to see that it is used once, in time, for what it was begun for. The rest are forms.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Form, Path
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import RedirectResponse

from hunmin import accounts, faces
from hunmin.act import Act
from hunmin.errors import ChallengeUnusable, PasskeyUnusable, UserNotFound
from hunmin.signin import actions, challenges, passkey_actions, passkeys, queries, rules
from hunmin.signin.checking import Checking
from hunmin.signin.entering import SECURITY, browser_of, let_in, let_in_by_second, second_secret
from hunmin.signin.owner import check_owner

router = APIRouter(tags=["sign-in"], responses=faces.PROBLEM_RESPONSES)

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
Name = Annotated[str, Form(min_length=1, max_length=64)]
Answer = Annotated[
    dict[str, Any], Body(embed=True, description="What the browser's device made, as JSON.")
]

Purpose = Literal["sign_in", "second", "prove", "add"]

_COOKIE = "hunmin_passkey"


class Asked(BaseModel):
    """What a browser is asked for, to be handed to `navigator.credentials`."""

    model_config = ConfigDict(frozen=True)

    options: dict[str, Any]


class Ended(BaseModel):
    """Where a browser goes on that answered."""

    model_config = ConfigDict(frozen=True)

    page: str


@router.post("/sign-in/passkey/begin")
def begin_sign_in(request: Request, actor: accounts.AnyoneActor) -> Asked:
    """Ask a browser for any passkey it has of this service."""
    checking = Checking(request, actor)
    site = checking.site
    with checking.act() as act:
        challenge = _begin(request, act, "sign_in")
    return Asked(options=passkeys.ask_for_known(site, challenge=challenge))


@router.post("/sign-in/passkey/finish")
def end_sign_in(
    request: Request,
    actor: accounts.AnyoneActor,
    answer: Answer,
    adopt: Annotated[bool, Body()] = False,  # noqa: FBT002 (a check box)
) -> Ended:
    """Sign a browser in that showed a passkey: its device asked the person, so both factors.

    With `adopt`, what it did as a guest comes along to the account.
    """
    checking = Checking(request, actor)
    challenge = _end(checking, "sign_in")
    user_id = checking.passkey_of(answer, challenge=challenge)
    with checking.act() as act:
        try:
            entered = actions.enter(
                act,
                user_id,
                method="passkey",
                strength=2,
                adopt=adopt,
                browser=browser_of(request),
            )
        except UserNotFound:
            raise PasskeyUnusable from None
        return _sent(let_in(request, act, entered, adopt=adopt))


@router.post("/sign-in/second/passkey/begin")
def begin_second(request: Request, actor: accounts.AnyoneActor) -> Asked:
    """Ask a browser that showed one factor for a passkey of the same account."""
    checking = Checking(request, actor)
    site = checking.site
    with checking.act() as act:
        asked = challenges.peek(act, "second", second_secret(request))
        challenge = _begin(request, act, "second")
        known = _known(act, asked.user_id or "")
    return Asked(options=passkeys.ask_for_known(site, challenge=challenge, known=known))


@router.post("/sign-in/second/passkey/finish")
def end_second(
    request: Request,
    actor: accounts.AnyoneActor,
    answer: Answer,
) -> Ended:
    """End a sign-in with a passkey as the second factor."""
    checking = Checking(request, actor)
    secret = second_secret(request)
    challenge = _end(checking, "second")
    with checking.act() as act:
        asked = challenges.peek(act, "second", secret)
    checking.passkey_of(answer, challenge=challenge, user_id=asked.user_id or "")
    with checking.act() as act:
        return _sent(let_in_by_second(request, act, secret))


@router.post("/sign-in/prove/passkey/begin")
def begin_proof(request: Request, actor: accounts.HeldActor) -> Asked:
    """Ask who is signed in for one of their passkeys."""
    accounts.check_own_session(actor)
    checking = Checking(request, actor)
    site = checking.site
    with checking.act() as act:
        challenge = _begin(request, act, "prove")
        known = _known(act, actor.user_id or "")
    return Asked(options=passkeys.ask_for_known(site, challenge=challenge, known=known))


@router.post("/sign-in/prove/passkey/finish")
def end_proof(
    request: Request,
    actor: accounts.HeldActor,
    answer: Answer,
    after: Annotated[str, Body(max_length=200)] = SECURITY,
) -> Ended:
    """Remember for a while that whoever is signed in showed a passkey of theirs."""
    accounts.check_own_session(actor)
    checking = Checking(request, actor)
    challenge = _end(checking, "prove")
    checking.passkey_of(answer, challenge=challenge, user_id=actor.user_id or "")
    with checking.act() as act:
        accounts.prove_session(act, accounts.session_id_of(request) or "", strength=2)
    return Ended(page=rules.page_after(after))


@router.post("/account/passkeys/begin")
def begin_adding(request: Request, actor: accounts.HeldActor) -> Asked:
    """Ask a browser to make a passkey for one's own account."""
    checking = Checking(request, actor)
    site = checking.site
    user_id = actor.user_id or ""
    with checking.act() as act:
        check_owner(act, user_id)
        challenge = _begin(request, act, "add")
        name = accounts.get_user(act, user_id).name
        known = _known(act, user_id)
        rules.check_passkey_count(len(known))
    asked = passkeys.ask_for_new(site, challenge=challenge, user_id=user_id, name=name, known=known)
    return Asked(options=asked)


@router.post("/account/passkeys/finish")
def end_adding(
    request: Request,
    actor: accounts.HeldActor,
    answer: Answer,
    name: Annotated[str, Body(min_length=1, max_length=64)],
) -> Ended:
    """Keep the passkey that a browser made."""
    checking = Checking(request, actor)
    challenge = _end(checking, "add")
    made = passkeys.check_new(checking.site, answer, challenge=challenge)
    with checking.act() as act:
        session_id = accounts.session_id_of(request) or ""
        passkey_actions.add_passkey(act, made, name=name, session_id=session_id)
    return Ended(page=SECURITY)


@router.post(
    "/account/passkeys/{passkey_id}/rename", status_code=303, response_class=RedirectResponse
)
def rename_passkey(act: accounts.PersonAct, passkey_id: Id, name: Name) -> RedirectResponse:
    """Give one of one's own passkeys another name."""
    passkey_actions.rename_passkey(act, passkey_id, name=name)
    return RedirectResponse(SECURITY, status_code=303)


@router.post(
    "/account/passkeys/{passkey_id}/remove", status_code=303, response_class=RedirectResponse
)
def remove_passkey(request: Request, act: accounts.PersonAct, passkey_id: Id) -> RedirectResponse:
    """End one of one's own passkeys. Every other browser of the account is signed out."""
    session_id = accounts.session_id_of(request)
    passkey_actions.remove_passkey(act, passkey_id, session_id=session_id)
    return RedirectResponse(SECURITY, status_code=303)


def _begin(request: Request, act: Act, purpose: Purpose) -> bytes:
    """Begin something that is ended with a passkey, and return what is to be signed."""
    begun = challenges.make(
        act, _kind(purpose), data={"for": purpose}, session_id=_session_of(request, purpose)
    )
    name = faces.cookie_name(request, _COOKIE)
    faces.set_cookie(request, name, begun.secret, seconds=rules.CHALLENGE_SECONDS)
    return rules.derived(begun.secret, _COOKIE).encode()


def _end(checking: Checking, purpose: Purpose) -> bytes:
    """Use up what was begun, and return what had to be signed.

    Raises:
        ChallengeUnusable: It is unknown, used, out of its time, or for something else.
    """
    request = checking.request
    name = faces.cookie_name(request, _COOKIE)
    secret = request.cookies.get(name, "")
    faces.set_cookie(request, name, "", seconds=0)
    with checking.act() as act:
        begun = challenges.use(
            act, _kind(purpose), secret, session_id=_session_of(request, purpose)
        )
    if begun.data["for"] != purpose:
        raise ChallengeUnusable
    return rules.derived(secret, _COOKIE).encode()


def _kind(purpose: Purpose) -> rules.Kind:
    return "passkey_new" if purpose == "add" else "passkey"


def _session_of(request: Request, purpose: Purpose) -> str | None:
    """Return the session something is begun and ended in; signing in is outside of any."""
    return accounts.session_id_of(request) if purpose in {"prove", "add"} else None


def _known(act: Act, user_id: str) -> list[str]:
    return [row.credential_id for row in queries.passkey_rows(act, user_id)]


def _sent(answer: RedirectResponse) -> Ended:
    """Return where a browser was sent, for a script that goes there."""
    return Ended(page=answer.headers["location"])
