"""Texts to vectors over HTTP: admitted, counted and settled as any other answer."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hunmin.gateway import embeddings, openapi
from hunmin.gateway.embedding_wire import EmbeddingReply, EmbeddingRequest
from hunmin.gateway.exchange import (
    ApiRoute,
    AskingActor,
    gateway_of,
    json_reply,
    read_body,
    request_id_of,
)
from hunmin.gateway.streams import Listener

router = APIRouter(prefix="/v1", tags=["OpenAI API"], route_class=ApiRoute)


@router.post(
    "/embeddings",
    operation_id="createEmbedding",
    response_model=EmbeddingReply,
    responses=openapi.GENERATES,
    openapi_extra=openapi.body(EmbeddingRequest),
)
async def create_embedding(request: Request, actor: AskingActor) -> Response:
    """Turn texts into vectors whose nearness is that of the texts' meanings.

    A model that writes has no vectors, and is refused with `unsupported_parameter`.
    """
    asked = EmbeddingRequest.parse(await read_body(request))
    gateway = gateway_of(request)
    answer = await gateway.open_embeddings(actor, asked, request_id=request_id_of(request))
    listener = Listener(answer, request)
    try:
        pieces = await listener.whole()
    finally:
        await listener.close()
    reply = await run_in_threadpool(lambda: embeddings.reply(asked, pieces, answer.last).to_json())
    return json_reply(request, reply)
