"""Texts to tokens and back over HTTP, where vLLM has them and under `/v1` too.

Nothing is generated and nobody's words are kept, so no admission is made; a key is needed.
"""

import json
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hunmin.act import Actor
from hunmin.errors import InvalidRequest, ModelNotFound, UnknownParameter
from hunmin.gateway import openapi, rules, writers
from hunmin.gateway.exchange import ApiRoute, LookingActor, gateway_of, json_reply, read_body
from hunmin.gateway.service import Gateway
from hunmin.gateway.token_wire import (
    DetokenizeReply,
    DetokenizeRequest,
    TokenizeReply,
    TokenizeRequest,
    TokenizerReply,
)
from hunmin.gateway.wire import ApiRequest, ChatRequest, CompletionRequest
from hunmin.plugins import ModelCard

PATHS = ("/tokenize", "/detokenize", "/tokenizer_info")
"""Where vLLM has them; each is under `/v1` too."""

CONFIG_NAME = "tokenizer_config.json"

router = APIRouter(tags=["OpenAI API"], route_class=ApiRoute)


@router.post("/tokenize", include_in_schema=False)
@router.post(
    "/v1/tokenize",
    operation_id="tokenize",
    response_model=TokenizeReply,
    responses=openapi.READS,
    openapi_extra=openapi.body(TokenizeRequest),
)
async def tokenize(request: Request, actor: LookingActor) -> Response:
    """Return the tokens of a text or a conversation, as its model reads it. Not OpenAI's."""
    asked = TokenizeRequest.parse(await read_body(request))
    gateway = gateway_of(request)
    card = _card(gateway, actor, asked.model)
    tokens = await gateway.encode(_prompt(asked, card))
    texts = await gateway.decode(card.id, tokens) if asked.return_token_strs else None
    reply = TokenizeReply(
        count=len(tokens),
        max_model_len=card.context_tokens,
        tokens=list(tokens),
        token_strs=None if texts is None else [text.decode("utf-8", "replace") for text in texts],
    )
    return json_reply(request, reply.to_json())


@router.post("/detokenize", include_in_schema=False)
@router.post(
    "/v1/detokenize",
    operation_id="detokenize",
    response_model=DetokenizeReply,
    responses=openapi.READS,
    openapi_extra=openapi.body(DetokenizeRequest),
)
async def detokenize(request: Request, actor: LookingActor) -> Response:
    """Return the text of tokens, special ones by their names. Not OpenAI's."""
    asked = DetokenizeRequest.parse(await read_body(request))
    gateway = gateway_of(request)
    texts = await gateway.decode(_card(gateway, actor, asked.model).id, asked.tokens)
    return json_reply(request, DetokenizeReply(prompt=writers.joined(texts)).to_json())


@router.get("/tokenizer_info", include_in_schema=False)
@router.get(
    "/v1/tokenizer_info",
    operation_id="tokenizerInfo",
    response_model=TokenizerReply,
    responses=openapi.ERRORS | openapi.BAD_REQUEST | openapi.NOT_FOUND,
    openapi_extra=openapi.parameter("query", "model", {"type": "string", "minLength": 1}),
)
async def tokenizer_info(request: Request, actor: LookingActor) -> Response:
    """Return a model's special tokens and the template of its conversations. Not OpenAI's."""
    gateway = gateway_of(request)
    for name in request.query_params:
        if name != "model":
            raise UnknownParameter(param=name[:64])
    card = _card(gateway, actor, request.query_params.get("model"))
    config = await run_in_threadpool(_config, card)
    reply = TokenizerReply(
        tokenizer_class=str(config.get("tokenizer_class", "")),
        bos_token=config.get("bos_token"),
        eos_token=config.get("eos_token"),
        pad_token=config.get("pad_token"),
        model_max_length=card.context_tokens,
        chat_template=config.get("chat_template"),
    )
    return json_reply(request, reply.to_json())


def _card(gateway: Gateway, actor: Actor, model: str | None) -> ModelCard:
    """Return the card of the model that is meant: the only one, where none is named."""
    cards = rules.models_of(actor, gateway.models())
    if model is not None:
        return rules.choose_model(cards, model)
    if not cards:
        raise ModelNotFound
    if len(cards) != 1:
        raise InvalidRequest(
            param="model",
            reason_en="several models are served, so one must be named",
            reason_ko="제공하는 모델이 여럿이므로 하나를 지정해야 합니다",
        )
    return cards[0]


def _prompt(asked: TokenizeRequest, card: ModelCard) -> ApiRequest:
    """Return the request whose prompt is meant."""
    if (asked.prompt is None) == (asked.messages is None):
        raise InvalidRequest(
            param="prompt",
            reason_en="either 'prompt' or 'messages' must be given",
            reason_ko="'prompt'와 'messages' 가운데 하나를 보내야 합니다",
        )
    if asked.messages is not None:
        return ChatRequest(model=card.id, messages=asked.messages)
    return CompletionRequest(model=card.id, prompt=asked.prompt or "")


def _config(card: ModelCard) -> dict[str, Any]:
    """Return the tokenizer's configuration in the folder of a model.

    Raises:
        ModelNotFound: The model has no folder on this machine.
    """
    if card.folder is None:
        raise ModelNotFound
    try:
        config = json.loads((card.folder / CONFIG_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        raise ModelNotFound from None
    if not isinstance(config, dict):
        raise ModelNotFound
    return config
