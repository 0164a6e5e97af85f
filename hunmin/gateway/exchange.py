"""What every route of the API shares: its bodies, its headers, and its errors in OpenAI's envelope.

Errors are in English unless Accept-Language asks for Korean, and every response has an
`x-request-id`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from typing_extensions import override

from hunmin import accounts, faces
from hunmin.act import Actor, Language
from hunmin.db import new_id
from hunmin.errors import (
    BodyTooLarge,
    HunminError,
    RequestTooLarge,
    RequestTooSlow,
    UnsupportedMediaType,
)
from hunmin.gateway import writers
from hunmin.gateway.answers import Answer
from hunmin.gateway.choices import Choices
from hunmin.gateway.service import Gateway
from hunmin.gateway.streams import ClientGone, EventStream, Listener, Writer

FIRST_PIECE_SECONDS = 2.0
"""How long a stream's status waits for the first piece: an engine that is full or fails at once
is answered with its own status, a slow one begins with 200 and an empty stream."""

UNAUTHORIZED = 401
CLIENT_GONE = 499
"""What nginx logs for a client that went away; nobody reads it."""


AskingActor = Annotated[Actor, Depends(accounts.known_key_actor("inference"))]
"""A key that may ask models. The gateway finds out whether it still works when it admits."""
LookingActor = Annotated[Actor, Depends(accounts.key_actor("inference"))]
"""A key that may ask models, where nothing is admitted."""
UsageActor = Annotated[Actor, Depends(accounts.key_actor("usage"))]
"""A key that may know what it used."""


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ApiRoute(APIRoute):
    """A route whose errors have OpenAI's envelope."""

    @override
    def get_route_handler(self) -> Handler:
        return _enveloped(super().get_route_handler())


def straight_handler(route: APIRoute) -> Handler:
    """Return what answers a request to a route for an `AskingActor` as the route does, but sooner.

    FastAPI finds out anew at each request what a handler needs; of these it is known.
    """
    (asking,) = route.dependant.dependencies
    find_actor, answer = asking.call, route.endpoint
    assert find_actor is not None

    async def handle(request: Request) -> Response:
        response: Response = await answer(request, await find_actor(request, None))
        return response

    return _enveloped(handle)


def _enveloped(handle: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handle(request)
        except HunminError as error:
            return show_error(request, error)
        except HTTPException as error:  # of a body that goes on and on
            return error_face(request, faces.problem_of(request, error))
        except (ClientGone, ClientDisconnect):
            return Response(status_code=CLIENT_GONE)

    return answer


async def read_body(request: Request) -> bytes:
    """Return the JSON text of a request.

    Raises:
        HunminError: It is not JSON by its headers, too long, or too slow in coming.
    """
    settings = gateway_of(request).settings
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or request.headers.get("content-encoding", "") not in {
        "",
        "identity",
    }:
        raise UnsupportedMediaType
    body = bytearray()
    try:
        async with asyncio.timeout(settings.request_seconds_max):
            async for piece in request.stream():
                body += piece
                if len(body) > settings.request_bytes_max:
                    raise RequestTooLarge(bytes_max=settings.request_bytes_max)
    except TimeoutError:
        raise RequestTooSlow(seconds=settings.request_seconds_max) from None
    return bytes(body)


async def deliver(
    request: Request,
    answer: Answer | Choices,
    make_writer: Callable[[], Writer],
    *,
    stream: bool,
    with_usage: bool = False,
) -> Response:
    """Return an answer, whole or as a stream; it is closed in the end, also where the client goes.

    Args:
        request: What it answers.
        answer: Opened already.
        make_writer: Makes what writes it; the answer is closed where that fails.
        stream: Whether to send it piece by piece.
        with_usage: Whether a stream ends with the token counts.

    Raises:
        HunminError: The answer failed, a streamed one before its first piece.
        ClientGone: The client closed the connection.
    """
    settings = gateway_of(request).settings
    listener = Listener(answer, request)
    handed_on = False
    try:
        writer = make_writer()
        if not stream:
            body = writer.whole(await listener.whole(), answer.last)
            return json_reply(request, body, headers=headers_of(request) | answer.headers)
        await listener.first(seconds=FIRST_PIECE_SECONDS)
        handed_on = True
    finally:
        if not handed_on:
            await listener.close()
    return EventStream(
        listener,
        answer,
        writer,
        with_usage=with_usage,
        write_seconds_max=settings.write_seconds_max,
        language=language_of(request),
        headers=headers_of(request) | answer.headers | {"X-Accel-Buffering": "no"},
    )


def gateway_of(request: Request) -> Gateway:
    """Return the gateway of the application a request came to."""
    gateway: Gateway = request.app.state.gateway
    return gateway


def request_id_of(request: Request) -> str:
    """Return the request's id: the one the front desk gave it, or else a new one."""
    known: str | None = getattr(request.state, "request_id", None)
    if known is None:
        known = request.state.request_id = new_id()
    return known


def language_of(request: Request) -> Language:
    """Return the language of a request to the API: English unless it asks for Korean."""
    accepted = request.headers.get("accept-language", "")[:400]
    return faces.choose_language(asked=None, cookie=None, accepted=f"{accepted},en;q=0.001")


def show_error(request: Request, error: HunminError) -> Response:
    """Return the response for an error, in OpenAI's envelope."""
    request.state.error_code = error.code
    headers = headers_of(request)
    retry_after = getattr(error, "retry_after_seconds", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if not getattr(error, "should_retry", True):
        headers["x-should-retry"] = "false"
    if error.status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = writers.error_reply(error, language_of(request)).to_json()
    return json_reply(request, body, status=error.status, headers=headers)


def error_face(request: Request, problem: faces.Problem) -> Response:
    """Show a problem of the API that no route saw: an unknown address, a fault of the server.

    A body that was refused unread has the code of one that was read up to the limit.
    """
    error = problem.error
    if isinstance(error, BodyTooLarge):
        error = RequestTooLarge(bytes_max=gateway_of(request).settings.request_bytes_max)
    return show_error(request, error)


def headers_of(request: Request) -> dict[str, str]:
    """Return the headers every answer of the API has."""
    return {"x-request-id": request_id_of(request), "Vary": "Accept-Language"}


def json_reply(
    request: Request, body: str, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return JSON that nobody keeps."""
    return Response(
        body,
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or headers_of(request))},
    )
