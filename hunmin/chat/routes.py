"""The JSON the chat page speaks, under `/chat/api`. Thin: parse, call, answer.

A question is answered by a stream of server-sent events: `begin` with what was kept, `waiting`
while the engine starts, `delta` with each piece of text, `facts`, at times `error`, and `done`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, StreamingResponse

from hunmin import audit, faces
from hunmin.accounts import VisitorAct, VisitorActor
from hunmin.act import Act, Actor, open_act
from hunmin.chat import actions, models, queries, rules
from hunmin.chat.actions import Limits
from hunmin.chat.answers import Answers, Event, LiveAnswer, Order
from hunmin.chat.models import ModelsView
from hunmin.chat.views import (
    Begun,
    ConversationList,
    ConversationSummary,
    ConversationView,
    ExportedConversations,
)
from hunmin.db import Database
from hunmin.errors import AnswerEnded
from hunmin.gateway import Gateway
from hunmin.settings import ChatSettings, Settings


class EventStream(StreamingResponse):
    """A stream of server-sent events."""

    media_type = "text/event-stream"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.chat_answers = Answers(
        gateway=app.state.gateway,
        database=app.state.database,
        settings=app.state.settings.chat,
    )
    try:
        yield
    finally:
        await app.state.chat_answers.close()


router = APIRouter(tags=["chat"], responses=faces.PROBLEM_RESPONSES, lifespan=_lifespan)

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
IdField = Annotated[str, Field(pattern="^[0-9a-z]{26}$")]
Words = Annotated[str, Field(max_length=1_000_000)]
"""More than any setting allows; `rules` says how long a message may be, in people's words."""


class Body(BaseModel):
    """What a request says, as JSON."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class FirstQuestion(Body):
    """The question a conversation begins with."""

    text: Words
    model: Annotated[str | None, Field(max_length=256)] = None
    """Which model answers; the first one by default."""


class NextQuestion(FirstQuestion):
    """A question in a conversation."""

    parent_id: IdField | None
    """The answer it follows; null for another first question. An edited question follows what
    the old one followed."""


class Again(Body):
    """Another answer to the same question."""

    model: Annotated[str | None, Field(max_length=256)] = None
    """Which model answers; the first one by default."""


class NewTitle(Body):
    """Another title."""

    title: Annotated[str, Field(max_length=10_000)]


class Branch(Body):
    """A message on the branch to show."""

    message_id: IdField


class BranchShown(BaseModel):
    """The branch that is shown now."""

    leaf_id: str


@router.get("/chat/api/conversations")
def list_conversations(
    act: VisitorAct,
    search: Annotated[str, Query(max_length=1_000)] = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> ConversationList:
    """List one's conversations, the last used first; with `search`, those that have the words."""
    return queries.list_conversations(act, search=search, offset=offset, limit=limit)


@router.post("/chat/api/conversations", response_class=EventStream)
async def start_conversation(
    request: Request, actor: VisitorActor, body: FirstQuestion
) -> Response:
    """Begin a conversation: keep the question, then stream the answer."""
    limits = _limits(request)

    def begin(act: Act) -> Begun:
        return actions.start_conversation(act, text=body.text, limits=limits)

    return _stream(await _begin(request, actor, body.model, begin))


@router.delete("/chat/api/conversations", status_code=204)
def delete_conversations(request: Request, act: VisitorAct) -> None:
    """Delete every conversation of one's own, for good."""
    ids = {row.id for row in queries.own_rows(act)}
    actions.delete_history(act)
    _end_soon(request, ids)


@router.get("/chat/api/conversations/export", response_model=ExportedConversations)
def export_conversations(request: Request, actor: VisitorActor) -> Response:
    """Take every conversation of one's own away, as one JSON file marked as partly a model's."""
    with _open(request, actor) as act:
        exported = actions.export_history(act)
    name = f"hunmin-{exported.exported_at:%Y-%m-%d}.json"
    return JSONResponse(
        exported.model_dump(mode="json"),
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


@router.get("/chat/api/conversations/{conversation_id}")
def get_conversation(request: Request, act: VisitorAct, conversation_id: Id) -> ConversationView:
    """Return one conversation with its tree of messages."""
    return queries.get_conversation(act, conversation_id, written_here=_answers(request))


@router.patch("/chat/api/conversations/{conversation_id}")
def rename_conversation(
    act: VisitorAct, conversation_id: Id, body: NewTitle
) -> ConversationSummary:
    """Give a conversation another title."""
    return actions.rename_conversation(act, conversation_id=conversation_id, title=body.title)


@router.delete("/chat/api/conversations/{conversation_id}", status_code=204)
def delete_conversation(request: Request, act: VisitorAct, conversation_id: Id) -> None:
    """Delete a conversation with every message, for good."""
    actions.delete_conversation(act, conversation_id=conversation_id)
    _end_soon(request, {conversation_id})


@router.put("/chat/api/conversations/{conversation_id}/branch")
def show_branch(act: VisitorAct, conversation_id: Id, body: Branch) -> BranchShown:
    """Show the branch that a message is on, now and when the conversation is opened again."""
    leaf_id = actions.show_branch(act, conversation_id=conversation_id, message_id=body.message_id)
    return BranchShown(leaf_id=leaf_id)


@router.post("/chat/api/conversations/{conversation_id}/messages", response_class=EventStream)
async def ask(
    request: Request, actor: VisitorActor, conversation_id: Id, body: NextQuestion
) -> Response:
    """Ask the next question, or an edited one: keep it, then stream the answer."""
    limits = _limits(request)

    def begin(act: Act) -> Begun:
        return actions.ask(
            act,
            conversation_id=conversation_id,
            parent_id=body.parent_id,
            text=body.text,
            limits=limits,
        )

    return _stream(await _begin(request, actor, body.model, begin))


@router.post(
    "/chat/api/conversations/{conversation_id}/messages/{message_id}/again",
    response_class=EventStream,
)
async def ask_again(
    request: Request, actor: VisitorActor, conversation_id: Id, message_id: Id, body: Again
) -> Response:
    """Stream another answer to the question that an answer answered."""
    limits = _limits(request)

    def begin(act: Act) -> Begun:
        return actions.ask_again(
            act, conversation_id=conversation_id, answer_id=message_id, limits=limits
        )

    return _stream(await _begin(request, actor, body.model, begin))


@router.get(
    "/chat/api/conversations/{conversation_id}/messages/{message_id}/stream",
    response_class=EventStream,
)
async def read_answer(
    request: Request, actor: VisitorActor, conversation_id: Id, message_id: Id
) -> Response:
    """Go on reading an answer that is being written, from its beginning.

    409 `answer_ended` where it is not being written any more: what there is, is kept.
    """
    live = await _find_live(request, actor, conversation_id, message_id)
    if live is None:
        raise AnswerEnded
    return _stream(live)


@router.post(
    "/chat/api/conversations/{conversation_id}/messages/{message_id}/stop", status_code=204
)
async def stop_answer(
    request: Request, actor: VisitorActor, conversation_id: Id, message_id: Id
) -> None:
    """Stop an answer and keep what was written. One that has ended is left as it is."""
    live = await _find_live(request, actor, conversation_id, message_id)
    if live is not None:
        live.end()
        await live.finished()


@router.get("/chat/api/models")
def list_models(request: Request, _actor: VisitorActor) -> ModelsView:
    """List the models one may chat with, and say whether they can answer now."""
    return models.list_models(request.app.state.gateway)


@router.get("/chat/api/trace")
def trace_model(
    request: Request, _actor: VisitorActor, model: Annotated[str, Query(max_length=256)]
) -> audit.TraceNode:
    """Show what a model was made from: runs, tokenizer, corpus, sources and their licenses."""
    return models.trace(request.app.state.gateway, model)


@router.post("/chat", include_in_schema=False)
async def start_from_form(
    request: Request, actor: VisitorActor, text: Annotated[str, Form()]
) -> Response:
    """Begin a conversation from a page without scripts; shown when the answer is whole."""
    limits = _limits(request)

    def begin(act: Act) -> Begun:
        return actions.start_conversation(act, text=text, limits=limits)

    return await _shown_when_whole(await _begin(request, actor, None, begin))


@router.post("/chat/c/{conversation_id}", include_in_schema=False)
async def ask_from_form(
    request: Request, actor: VisitorActor, conversation_id: Id, text: Annotated[str, Form()]
) -> Response:
    """Ask from a page without scripts; shown when the answer is whole."""
    limits = _limits(request)

    def begin(act: Act) -> Begun:
        leaf_id = queries.get_conversation(act, conversation_id).leaf_id
        return actions.ask(
            act, conversation_id=conversation_id, parent_id=leaf_id, text=text, limits=limits
        )

    return await _shown_when_whole(await _begin(request, actor, None, begin))


async def _begin(
    request: Request, actor: Actor, model: str | None, begin: Callable[[Act], Begun]
) -> LiveAnswer:
    """Keep a question in one transaction, then begin to write its answer."""
    gateway: Gateway = request.app.state.gateway
    card = models.choose_model(gateway, model)

    def keep() -> tuple[Begun, list[tuple[rules.Role, str]]]:
        with _open(request, actor) as act:
            begun = begin(act)
            path = queries.path(act, begun.conversation.id, begun.question.id)
            return begun, [(message.role, message.text) for message in path]

    begun, turns = await asyncio.to_thread(keep)
    order = Order(
        actor=actor,
        language=faces.language_of(request),
        request_id=request.state.request_id,
        begun=begun,
        turns=turns,
        model=card.id,
        model_sha256=await models.identity_of(card),
        context_tokens=card.context_tokens,
    )
    return _answers(request).begin(order)


async def _find_live(
    request: Request, actor: Actor, conversation_id: str, message_id: str
) -> LiveAnswer | None:
    """Return the actor's answer being written here, or None; raise where it is not theirs."""

    def check() -> None:
        with _open(request, actor, read_only=True) as act:
            queries.get_message(act, conversation_id, message_id)

    await asyncio.to_thread(check)
    return _answers(request).find(message_id)


def _stream(live: LiveAnswer) -> EventStream:
    return EventStream(
        _lines(live.read()), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


async def _lines(events: AsyncIterator[Event]) -> AsyncIterator[str]:
    async for event in events:
        if event.name:
            data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
            yield f"event: {event.name}\ndata: {data}\n\n"
        else:
            yield ": still here\n\n"


async def _shown_when_whole(live: LiveAnswer) -> Response:
    async for _ in live.read():
        pass
    return RedirectResponse(f"/chat/c/{live.conversation_id}", status_code=303)


def _open(request: Request, actor: Actor, *, read_only: bool = False) -> Any:  # noqa: ANN401
    database: Database = request.app.state.database
    return open_act(
        database,
        actor,
        request_id=request.state.request_id,
        language=faces.language_of(request),
        read_only=read_only,
    )


def _answers(request: Request) -> Answers:
    return request.app.state.chat_answers


def _limits(request: Request) -> Limits:
    settings: Settings = request.app.state.settings
    chat: ChatSettings = settings.chat
    return Limits(
        message_characters_max=chat.message_characters_max,
        conversation_messages_max=chat.conversation_messages_max,
    )


def _end_soon(request: Request, conversation_ids: set[str]) -> None:
    """Stop answers in conversations that are gone. Handlers of threads ask the event loop to."""
    answers = _answers(request)
    answers.loop.call_soon_threadsafe(answers.end_conversations, conversation_ids)
