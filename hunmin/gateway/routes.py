"""The OpenAI-compatible API over HTTP: parse, call the gateway, answer in OpenAI's shapes.

Responses and tokens have files of their own; what all share is in `exchange`.
"""

from datetime import timedelta

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hunmin.act import Actor, open_act
from hunmin.errors import InvalidRequest, UnknownParameter
from hunmin.gateway import openapi, queries, rules, writers
from hunmin.gateway.answers import Answer
from hunmin.gateway.choices import Choices
from hunmin.gateway.exchange import (
    ApiRoute,
    AskingActor,
    LookingActor,
    UsageActor,
    deliver,
    gateway_of,
    json_reply,
    read_body,
    request_id_of,
)
from hunmin.gateway.replies import ChatChunk, ChatReply, ModelList, ModelReply, TextReply, UsageList
from hunmin.gateway.wire import ApiRequest, ChatRequest, CompletionRequest
from hunmin.gateway.writing import echoes_of, writer_of

USAGE_DAYS_MAX = 366

router = APIRouter(prefix="/v1", tags=["OpenAI API"], route_class=ApiRoute)


@router.post(
    "/chat/completions",
    operation_id="createChatCompletion",
    response_model=ChatReply,
    responses=openapi.answers(ChatChunk),
    openapi_extra=openapi.body(ChatRequest),
)
async def create_chat_completion(request: Request, actor: AskingActor) -> Response:
    """Answer a conversation, whole or as a stream of server-sent events.

    What this server or the model's engine cannot do (images, audio) is refused with
    `unsupported_parameter`, never ignored.
    """
    return await _answer(request, actor, ChatRequest.parse(await read_body(request)))


@router.post(
    "/completions",
    operation_id="createCompletion",
    response_model=TextReply,
    responses=openapi.answers(TextReply),
    openapi_extra=openapi.body(CompletionRequest),
)
async def create_completion(request: Request, actor: AskingActor) -> Response:
    """Continue texts or lists of tokens, whole or as a stream of server-sent events."""
    return await _answer(request, actor, CompletionRequest.parse(await read_body(request)))


@router.get(
    "/models", operation_id="listModels", response_model=ModelList, responses=openapi.ERRORS
)
async def list_models(request: Request, actor: LookingActor) -> Response:
    """List the models served here that this key may ask."""
    cards = rules.models_of(actor, gateway_of(request).models())
    listed = ModelList(object="list", data=[writers.model_reply(card) for card in cards])
    return json_reply(request, listed.to_json())


@router.get(
    "/models/{model:path}",  # noqa: FAST003 (read by hand: FastAPI would document its own 422)
    operation_id="retrieveModel",
    response_model=ModelReply,
    responses=openapi.ERRORS | openapi.NOT_FOUND,
    openapi_extra=openapi.parameter("path", "model", {"type": "string", "minLength": 1}),
)
async def retrieve_model(request: Request, actor: LookingActor) -> Response:
    """Return one model served here."""
    cards = rules.models_of(actor, gateway_of(request).models())
    card = rules.choose_model(cards, request.path_params["model"])
    return json_reply(request, writers.model_reply(card).to_json())


@router.get(
    "/usage",
    operation_id="listUsage",
    response_model=UsageList,
    responses=openapi.ERRORS | openapi.BAD_REQUEST,
    openapi_extra=openapi.parameter(
        "query", "days", {"type": "integer", "minimum": 1, "maximum": USAGE_DAYS_MAX, "default": 30}
    ),
)
async def list_usage(request: Request, actor: UsageActor) -> Response:
    """List what this key used on each of the last days (UTC), the newest first. Not OpenAI's."""
    for name in request.query_params:
        if name != "days":
            raise UnknownParameter(param=name[:64])
    days = _days(request.query_params.get("days", "30"))

    def read() -> list[queries.Usage]:
        with open_act(gateway_of(request).database, actor, read_only=True) as act:
            return queries.usage(act, since=act.now.date() - timedelta(days=days - 1))

    found = await run_in_threadpool(read)
    return json_reply(request, writers.usage_list(found).to_json())


async def _answer(request: Request, actor: Actor, asked: ApiRequest) -> Response:
    gateway = gateway_of(request)
    echoes = await echoes_of(gateway, actor, asked)
    answer: Answer | Choices
    if asked.answers == 1:
        answer = await gateway.open(actor, asked, request_id=request_id_of(request))
    else:
        answers = await gateway.open_all(actor, asked, request_id=request_id_of(request))
        answer = Choices(answers, to_one_prompt=asked.choices)
    return await deliver(
        request,
        answer,
        lambda: writer_of(gateway, asked, answer, echoes),
        stream=bool(asked.stream),
        with_usage=asked.wants_usage_chunk,
    )


def _days(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= USAGE_DAYS_MAX:
        raise InvalidRequest(
            param="days",
            reason_en=f"it must be a whole number from 1 to {USAGE_DAYS_MAX}",
            reason_ko=f"1부터 {USAGE_DAYS_MAX}까지의 정수여야 합니다",
        )
    return int(given)
