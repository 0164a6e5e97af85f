"""The Responses API over HTTP: the same answers as in a chat, in other shapes, and none is kept."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from hunmin.errors import ApiError
from hunmin.gateway import openapi
from hunmin.gateway.exchange import (
    ApiRoute,
    AskingActor,
    deliver,
    gateway_of,
    read_body,
    request_id_of,
)
from hunmin.gateway.response_replies import ResponseEvent, ResponseReply
from hunmin.gateway.response_wire import ResponseRequest
from hunmin.gateway.writing import response_writer_of

_NAMES = {"messages": "input", "response_format": "text.format"}
"""What fields of a chat request are called here."""

router = APIRouter(prefix="/v1", tags=["OpenAI API"], route_class=ApiRoute)


@router.post(
    "/responses",
    operation_id="createResponse",
    response_model=ResponseReply,
    responses=openapi.answers(ResponseEvent),
    openapi_extra=openapi.body(ResponseRequest),
)
async def create_response(request: Request, actor: AskingActor) -> Response:
    """Answer a text or a conversation, whole or as a stream of events. Nothing is kept.

    What would have to be kept between requests is refused with `unsupported_parameter`.
    """
    asked = ResponseRequest.parse(await read_body(request))
    gateway = gateway_of(request)
    try:
        answer = await gateway.open(actor, asked.as_chat(), request_id=request_id_of(request))
    except ApiError as refusal:
        refusal.param = _NAMES.get(refusal.param or "", refusal.param)
        raise

    return await deliver(
        request, answer, lambda: response_writer_of(asked, answer), stream=bool(asked.stream)
    )
