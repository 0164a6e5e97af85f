"""The OpenAI-compatible API over HTTP: parse, call the gateway, answer in OpenAI's shapes.

Every error under /v1 has OpenAI's envelope, in English unless Accept-Language asks for Korean,
and every response an `x-request-id`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from typing_extensions import override

import hunmin
from hunmin import accounts, faces
from hunmin.act import Actor, Language, open_act
from hunmin.db import new_id
from hunmin.errors import (
    BodyTooLarge,
    HunminError,
    InvalidRequest,
    RequestTooLarge,
    RequestTooSlow,
    UnknownParameter,
    UnsupportedMediaType,
)
from hunmin.gateway import openapi, queries, rules, writers
from hunmin.gateway.answers import Answer
from hunmin.gateway.replies import ChatChunk, ChatReply, ModelList, ModelReply, TextReply, UsageList
from hunmin.gateway.service import Gateway
from hunmin.gateway.streams import ClientGone, EventStream, Listener
from hunmin.gateway.wire import ApiRequest, ChatRequest, CompletionRequest
from hunmin.gateway.writers import ChatWriter, TextWriter

FIRST_PIECE_SECONDS = 2.0
"""How long a stream's status waits for the first piece: an engine that is full or fails at once
is answered with its own status, a slow one begins with 200 and an empty stream."""

UNAUTHORIZED = 401
CLIENT_GONE = 499
"""What nginx logs for a client that went away; nobody reads it."""

USAGE_DAYS_MAX = 366


class ApiRoute(APIRoute):
    """A route whose errors have OpenAI's envelope."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except HunminError as error:
                return show_error(request, error)
            except (ClientGone, ClientDisconnect):
                return Response(status_code=CLIENT_GONE)

        return answer


router = APIRouter(prefix="/v1", tags=["OpenAI API"], route_class=ApiRoute)


@router.post(
    "/chat/completions",
    operation_id="createChatCompletion",
    response_model=ChatReply,
    responses=openapi.answers(ChatChunk),
    openapi_extra=openapi.body(ChatRequest),
)
async def create_chat_completion(request: Request, actor: accounts.KeyActor) -> Response:
    """Answer a conversation, whole or as a stream of server-sent events.

    What this server cannot do (tools, images, several choices, log probabilities, JSON mode) is
    refused with `unsupported_parameter`, never ignored.
    """
    return await _answer(request, actor, ChatRequest.parse(await read_body(request)))


@router.post(
    "/completions",
    operation_id="createCompletion",
    response_model=TextReply,
    responses=openapi.answers(TextReply),
    openapi_extra=openapi.body(CompletionRequest),
)
async def create_completion(request: Request, actor: accounts.KeyActor) -> Response:
    """Continue a text, whole or as a stream of server-sent events."""
    return await _answer(request, actor, CompletionRequest.parse(await read_body(request)))


@router.get(
    "/models", operation_id="listModels", response_model=ModelList, responses=openapi.ERRORS
)
async def list_models(request: Request, actor: accounts.KeyActor) -> Response:
    """List the models served here."""
    del actor  # any valid key may look
    cards = _gateway(request).models()
    listed = ModelList(object="list", data=[writers.model_reply(card) for card in cards])
    return _json(request, listed.to_json())


@router.get(
    "/models/{model:path}",  # noqa: FAST003 (read by hand: FastAPI would document its own 422)
    operation_id="retrieveModel",
    response_model=ModelReply,
    responses=openapi.ERRORS | openapi.NOT_FOUND,
    openapi_extra=openapi.parameter("path", "model", {"type": "string", "minLength": 1}),
)
async def retrieve_model(request: Request, actor: accounts.KeyActor) -> Response:
    """Return one model served here."""
    del actor
    card = rules.choose_model(_gateway(request).models(), request.path_params["model"])
    return _json(request, writers.model_reply(card).to_json())


@router.get(
    "/usage",
    operation_id="listUsage",
    response_model=UsageList,
    responses=openapi.ERRORS | openapi.BAD_REQUEST,
    openapi_extra=openapi.parameter(
        "query", "days", {"type": "integer", "minimum": 1, "maximum": USAGE_DAYS_MAX, "default": 30}
    ),
)
async def list_usage(request: Request, actor: accounts.KeyActor) -> Response:
    """List what this key used on each of the last days (UTC), the newest first. Not OpenAI's."""
    for name in request.query_params:
        if name != "days":
            raise UnknownParameter(param=name[:64])
    days = _days(request.query_params.get("days", "30"))

    def read() -> list[queries.Usage]:
        with open_act(_gateway(request).database, actor, read_only=True) as act:
            return queries.usage(act, since=act.now.date() - timedelta(days=days - 1))

    found = await run_in_threadpool(read)
    return _json(request, writers.usage_list(found).to_json())


async def _answer(request: Request, actor: Actor, asked: ApiRequest) -> Response:
    gateway = _gateway(request)
    answer = await gateway.open(actor, asked, request_id=request_id_of(request))
    listener = Listener(answer, request)
    writer = _writer(gateway, asked, answer)
    handed_on = False
    try:
        if not asked.stream:
            text = "".join([piece.text for piece in await listener.whole()])
            return _json(request, writer.whole(text, answer.last))
        await listener.first(seconds=FIRST_PIECE_SECONDS)
        handed_on = True
    finally:
        if not handed_on:
            await listener.close()
    return EventStream(
        listener,
        answer,
        writer,
        with_usage=asked.wants_usage_chunk,
        keep_alive_seconds=gateway.settings.keep_alive_seconds,
        write_seconds_max=gateway.settings.write_seconds_max,
        language=language_of(request),
        headers=_headers(request) | {"X-Accel-Buffering": "no"},
    )


def _writer(gateway: Gateway, asked: ApiRequest, answer: Answer) -> ChatWriter | TextWriter:
    kind = ChatWriter if isinstance(asked, ChatRequest) else TextWriter
    card = rules.choose_model(gateway.models(), asked.model)
    return kind(
        answer_id=answer.admission_id,
        created=answer.created_at,
        model=card.id,
        fingerprint=writers.fingerprint_of(card, hunmin.__version__),
    )


async def read_body(request: Request) -> bytes:
    """Return the JSON text of a request.

    Raises:
        HunminError: It is not JSON by its headers, too long, or too slow in coming.
    """
    settings = _gateway(request).settings
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


def _days(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= USAGE_DAYS_MAX:
        raise InvalidRequest(
            param="days",
            reason_en=f"it must be a whole number from 1 to {USAGE_DAYS_MAX}",
            reason_ko=f"1부터 {USAGE_DAYS_MAX}까지의 정수여야 합니다",
        )
    return int(given)


def _gateway(request: Request) -> Gateway:
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
    headers = _headers(request)
    retry_after = getattr(error, "retry_after_seconds", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if error.status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = writers.error_reply(error, language_of(request)).to_json()
    return _json(request, body, status=error.status, headers=headers)


def error_face(request: Request, problem: faces.Problem) -> Response:
    """Show a problem under /v1 that no route saw: an unknown address, a fault of the server.

    A body that was refused unread has the code of one that was read up to the limit.
    """
    error = problem.error
    if isinstance(error, BodyTooLarge):
        error = RequestTooLarge(bytes_max=_gateway(request).settings.request_bytes_max)
    return show_error(request, error)


def _headers(request: Request) -> dict[str, str]:
    return {"x-request-id": request_id_of(request), "Vary": "Accept-Language"}


def _json(
    request: Request, body: str, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(
        body,
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or _headers(request))},
    )
