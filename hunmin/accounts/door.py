"""Who is at the door: the actor of a request, as FastAPI dependencies.

`credentials_of` is the one place that reads a cookie or a key; what it returns decides, so no
header can be obeyed by one route and overlooked by another. A request with a key is judged by
the key alone, never by a cookie beside it, and a route that takes keys says for which scope.

Finding out who acts takes a transaction of its own, ended before the handler's begins: a thread
that waits for the database never holds it.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import APIKey as APIKeyModel
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from hunmin import faces
from hunmin.accounts import actions, key_actions, key_queries, queries, rules, session_actions
from hunmin.accounts.known_keys import KnownKeys
from hunmin.accounts.opening import SessionOpened
from hunmin.act import Act, Actor, open_act
from hunmin.db import Database
from hunmin.errors import InvalidApiKey, PersonNeeded, SecondFactorNeeded, SignInNeeded
from hunmin.settings import Settings

SESSION_COOKIE = "hunmin_session"
OLD_NAME_UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
"""Where https is spoken the cookie's name begins with `__Host-`, so that no other host of the
domain can set it. Sessions opened before this day are also known by the name without it."""

STRANGER = Actor(user_id=None, kind="guest")
"""Somebody of whom nothing is known yet."""

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows to say who acts."""

    key: str | None
    session: str | None
    is_old_name: bool = False
    """Whether the session came under the name that cookies had before."""


def credentials_of(request: HTTPConnection) -> Credentials:
    """Return the key or else the session cookie of a request."""
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return Credentials(key=shown.strip(), session=None)
    name = faces.cookie_name(request, SESSION_COOKIE)
    session = request.cookies.get(name)
    if session is None and name != SESSION_COOKIE:
        return Credentials(None, request.cookies.get(SESSION_COOKIE), is_old_name=True)
    return Credentials(key=None, session=session)


def find_actor(request: Request) -> Actor:
    """Return who makes a request: by key, by cookie, or a stranger.

    Raises:
        InvalidApiKey: A key was shown and is not valid.
    """
    found = _recognize(request, credentials_of(request))
    return _remember(request, found)


def _recognize(request: Request, shown: Credentials) -> queries.Recognized | None:
    """Return whom a key or cookie belongs to, its first use today noted; None for a stranger."""
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    with open_act(database, STRANGER, read_only=True) as act:
        if shown.key is not None:
            found = key_queries.find_by_key(act, shown.key)
            if found is None:
                raise InvalidApiKey
        elif shown.session is not None:
            found = queries.find_by_session(
                act,
                shown.session,
                second_factor=settings.accounts.second_factor,
                opened_before=OLD_NAME_UNTIL if shown.is_old_name else None,
            )
        else:
            found = None
    if found is not None and not found.used_today:
        _note_use(request, found, shown)
    if found is not None and shown.is_old_name and shown.session is not None:
        keep_session(request, shown.session)
    return found


def _note_use(request: Request, found: queries.Recognized, shown: Credentials) -> None:
    settings: Settings = request.app.state.settings
    with open_act(request.app.state.database, found.actor, request_id=_request_id(request)) as act:
        if found.actor.kind == "key":
            key_actions.use_key(act, found.secret_id)
        else:
            days = settings.accounts.session_days
            session_actions.use_session(act, found.secret_id, days=days)
            keep_session(request, shown.session or "")


def _remember(request: Request, found: queries.Recognized | None) -> Actor:
    """Put on a request who makes it, for its log lines and pages; return them."""
    actor = found.actor if found else STRANGER
    request.state.actor = actor
    request.state.actor_name = found.name if found else ""
    if found is not None and actor.kind != "key":
        request.state.session_id = found.secret_id
        request.state.is_held = found.is_held
    return actor


def _check_not_held(request: Request) -> None:
    """Raise `SecondFactorNeeded` where a session may only set up what it lacks."""
    if getattr(request.state, "is_held", False):
        raise SecondFactorNeeded


def _request_id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)


def keep_session(request: Request, secret: str) -> None:
    """Have the browser keep a session's secret for as long as the session lasts."""
    settings: Settings = request.app.state.settings
    seconds = settings.accounts.session_days * _DAY_SECONDS
    name = faces.cookie_name(request, SESSION_COOKIE)
    faces.set_cookie(request, name, secret, seconds=seconds)


def forget_session(request: Request) -> None:
    """Have the browser forget its session."""
    for name in {SESSION_COOKIE, faces.cookie_name(request, SESSION_COOKIE)}:
        faces.set_cookie(request, name, "", seconds=0)


def session_id_of(request: Request) -> str | None:
    """Return the id of the session a request came with, once its actor was found."""
    return getattr(request.state, "session_id", None)


def device_of(request: Request) -> str:
    """Return the browser of a request in two words."""
    return rules.device_name(request.headers.get("user-agent", ""))


class _Documented(SecurityBase):
    """Says in OpenAPI what a route takes. It decides nothing: `credentials_of` does."""

    def __init__(self, scheme_name: str, model: HTTPBearerModel | APIKeyModel) -> None:
        self.scheme_name = scheme_name
        self.model = model

    async def __call__(self) -> None:
        """Take part in a route. Async, for else it would cost a thread."""


_Key = Annotated[
    None,
    Depends(_Documented("key", HTTPBearerModel(description="An API key: `Bearer hm-...`."))),
]
_Cookie = Annotated[
    None,
    Depends(
        _Documented(
            "session",
            APIKeyModel.model_validate(
                {
                    "in": "cookie",
                    "name": SESSION_COOKIE,
                    "description": "A browser that is signed in, or a guest's.",
                }
            ),
        )
    ),
]


def find_anyone(request: Request) -> Actor:
    """Return whoever asks, a stranger too: for pages that are public."""
    return find_actor(request)


def find_visitor(request: Request, _key: _Key, _cookie: _Cookie) -> Actor:
    """Return a person, a key's owner, or a guest where guests are welcome.

    Who has no account yet is a stranger, and stays one until `welcome`.

    Raises:
        InvalidApiKey: A key was shown and is not valid.
        ScopeNeeded: The key was not made for its owner's conversations.
        SignInNeeded: Nobody is signed in and guests are not welcome.
        SecondFactorNeeded: One has to be set up first.
        SessionNotOwn: Another person's link let whoever asks in.
    """
    settings: Settings = request.app.state.settings
    actor = find_actor(request)
    rules.check_scope(actor, "chat")
    rules.check_own_session(actor)
    _check_not_held(request)
    if actor.user_id is not None and (actor.kind != "guest" or settings.accounts.guests):
        return actor
    if not settings.accounts.guests:
        raise SignInNeeded
    return actor


@contextmanager
def welcome(request: Request, visitor: Actor) -> Iterator[Act]:
    """Open the transaction in which a visitor does the first thing that is kept.

    A stranger becomes a guest in it. Where it is refused, no account is left behind either.
    """
    settings: Settings = request.app.state.settings
    opened: SessionOpened | None = None
    with open_act(
        request.app.state.database,
        visitor,
        request_id=_request_id(request),
        language=faces.language_of(request),
    ) as act:
        if visitor.user_id is None:
            days, device = settings.accounts.session_days, device_of(request)
            opened = actions.welcome_guest(act, days=days, device=device)
            act = replace(act, actor=opened.actor)  # noqa: PLW2901 (the same transaction)
        yield act
    if opened is not None:
        keep_session(request, opened.secret)
        guest = queries.Recognized(opened.actor, "", opened.session_id, used_today=True)
        _remember(request, guest)


def find_person(request: Request, _cookie: _Cookie) -> Actor:
    """Return the person who signed in.

    Raises:
        InvalidApiKey: A key was shown and is not valid.
        PersonNeeded: A key was shown.
        SignInNeeded: Nobody is signed in.
        SecondFactorNeeded: One has to be set up first.
    """
    actor = find_held(request, _cookie)
    _check_not_held(request)
    return actor


def find_held(request: Request, _cookie: _Cookie) -> Actor:
    """Return the person who signed in, also where a second factor is still to be set up.

    Raises:
        InvalidApiKey: A key was shown and is not valid.
        PersonNeeded: A key was shown.
        SignInNeeded: Nobody is signed in.
    """
    actor = find_actor(request)
    if actor.kind == "key":
        raise PersonNeeded
    if actor.kind != "person":
        raise SignInNeeded
    return actor


def key_actor(scope: rules.Scope) -> Callable[[Request, None], Actor]:
    """Return the dependency of a route that takes an API key made for `scope`, and nothing else.

    It raises `InvalidApiKey` where no key was shown or it is not valid, and `ScopeNeeded` where
    it was not made for this.
    """

    def find_key(request: Request, _key: _Key) -> Actor:
        if credentials_of(request).key is None:
            raise InvalidApiKey
        actor = find_actor(request)
        rules.check_scope(actor, scope)
        return actor

    return find_key


def known_key_actor(scope: rules.Scope) -> Callable[[Request, None], Awaitable[Actor]]:
    """Return the same for an action that begins with `check_key_works`.

    What is known of the key may be out of date by a moment; that spares the database.
    """

    async def find_known_key(request: Request, _key: _Key) -> Actor:
        shown = credentials_of(request)
        if shown.key is None:
            raise InvalidApiKey
        known: KnownKeys = request.app.state.known_keys
        now = datetime.now(UTC)
        found = known.find(shown.key, now=now)
        if found is None:
            found = await run_in_threadpool(_recognize, request, shown)
            assert found is not None, "a key is known or refused"
            known.remember(shown.key, found, asked_at=now)
        actor = _remember(request, found)
        rules.check_scope(actor, scope)
        return actor

    return find_known_key


def _open(request: Request, actor: Actor) -> Iterator[Act]:
    with open_act(
        request.app.state.database,
        actor,
        request_id=_request_id(request),
        language=faces.language_of(request),
        read_only=request.method in _READS,
    ) as act:
        yield act


def key_act(scope: rules.Scope) -> Callable[[Request, Actor], Iterator[Act]]:
    """Return the dependency that opens the act of a request by an API key made for `scope`."""

    def open_for_key(
        request: Request, actor: Annotated[Actor, Depends(key_actor(scope))]
    ) -> Iterator[Act]:
        yield from _open(request, actor)

    return open_for_key


def _anyone_act(request: Request, actor: "AnyoneActor") -> Iterator[Act]:
    yield from _open(request, actor)


def _visitor_act(request: Request, actor: "VisitorActor") -> Iterator[Act]:
    yield from _open(request, actor)


def _person_act(request: Request, actor: "PersonActor") -> Iterator[Act]:
    yield from _open(request, actor)


def _held_act(request: Request, actor: "HeldActor") -> Iterator[Act]:
    yield from _open(request, actor)


AnyoneActor = Annotated[Actor, Depends(find_anyone)]
VisitorActor = Annotated[Actor, Depends(find_visitor)]
PersonActor = Annotated[Actor, Depends(find_person)]
HeldActor = Annotated[Actor, Depends(find_held)]

# The act ends with the handler, before the answer leaves: what was answered is kept.
AnyoneAct = Annotated[Act, Depends(_anyone_act, scope="function")]
VisitorAct = Annotated[Act, Depends(_visitor_act, scope="function")]
PersonAct = Annotated[Act, Depends(_person_act, scope="function")]
HeldAct = Annotated[Act, Depends(_held_act, scope="function")]
