"""The JSON the chat page speaks, under `/chat/api`. Thin: parse, call, answer.

A question is answered by a stream of server-sent events: `begin` with what was kept, `waiting`
while the engine starts, `delta` with each piece of text, `facts`, at times `error`, and `done`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, Form, Query, Response
from starlette.requests import Request
from starlette.responses import JSONResponse

from hunmin import audit, faces
from hunmin.accounts import VisitorAct, VisitorActor
from hunmin.act import Act
from hunmin.chat import actions, models, queries
from hunmin.chat.actions import Limits
from hunmin.chat.answers import Answers
from hunmin.chat.models import ModelsView
from hunmin.chat.streams import (
    EventStream,
    answers_of,
    begin_answer,
    find_live,
    open_for,
    shown_when_whole,
    stream,
)
from hunmin.chat.views import (
    Begun,
    ConversationList,
    ConversationSummary,
    ConversationView,
    ExportedConversations,
)
from hunmin.chat.wire import Again, Branch, BranchShown, FirstQuestion, Id, NewTitle, NextQuestion
from hunmin.errors import AnswerEnded
from hunmin.settings import ChatSettings, Settings


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

    return stream(await begin_answer(request, actor, body.model, begin))


@router.delete("/chat/api/conversations", status_code=204)
def delete_conversations(act: VisitorAct) -> None:
    """Delete every conversation of one's own, for good. Answers being written are stopped."""
    actions.delete_history(act)


@router.get("/chat/api/conversations/export", response_model=ExportedConversations)
def export_conversations(request: Request, actor: VisitorActor) -> Response:
    """Take every conversation of one's own away, as one JSON file marked as partly a model's."""
    with open_for(request, actor) as act:
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
    return queries.get_conversation(act, conversation_id, written_here=answers_of(request))


@router.patch("/chat/api/conversations/{conversation_id}")
def rename_conversation(
    act: VisitorAct, conversation_id: Id, body: NewTitle
) -> ConversationSummary:
    """Give a conversation another title."""
    return actions.rename_conversation(act, conversation_id=conversation_id, title=body.title)


@router.delete("/chat/api/conversations/{conversation_id}", status_code=204)
def delete_conversation(act: VisitorAct, conversation_id: Id) -> None:
    """Delete a conversation with every message, for good. An answer being written is stopped."""
    actions.delete_conversation(act, conversation_id=conversation_id)


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

    return stream(await begin_answer(request, actor, body.model, begin))


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

    return stream(await begin_answer(request, actor, body.model, begin))


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
    live = await find_live(request, actor, conversation_id, message_id)
    if live is None:
        raise AnswerEnded
    return stream(live)


@router.post(
    "/chat/api/conversations/{conversation_id}/messages/{message_id}/stop", status_code=204
)
async def stop_answer(
    request: Request, actor: VisitorActor, conversation_id: Id, message_id: Id
) -> None:
    """Stop an answer and keep what was written. One that has ended is left as it is."""
    live = await find_live(request, actor, conversation_id, message_id)
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

    return await shown_when_whole(await begin_answer(request, actor, None, begin))


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

    return await shown_when_whole(await begin_answer(request, actor, None, begin))


def _limits(request: Request) -> Limits:
    settings: Settings = request.app.state.settings
    chat: ChatSettings = settings.chat
    return Limits(
        message_characters_max=chat.message_characters_max,
        conversation_messages_max=chat.conversation_messages_max,
    )
