"""The JSON the chat page speaks, under `/chat/api`. Thin: parse, call, answer.

A question is answered by a stream of server-sent events: `begin` with what was kept, `sources`
with the passages that were found, where any were looked for, `waiting` while the engine starts,
`delta` with each piece of text, `facts`, at times `error`, and `done`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, Form, Query, Response
from starlette.requests import Request

from hunmin import audit, faces
from hunmin.accounts import VisitorAct, VisitorActor
from hunmin.act import Act
from hunmin.chat import (
    actions,
    arranging,
    export_routes,
    feedback_routes,
    folder_routes,
    history,
    listing,
    models,
    queries,
    share_routes,
    temporary_routes,
    wish_queries,
    words,
)
from hunmin.chat.actions import Limits
from hunmin.chat.answers import Answers
from hunmin.chat.listing import PLACE
from hunmin.chat.models import ModelsView
from hunmin.chat.streams import (
    EventStream,
    answers_of,
    begin_answer,
    find_afar,
    find_live,
    shown_when_whole,
    stream,
    stream_of,
)
from hunmin.chat.views import (
    Asked,
    Begun,
    ConversationList,
    ConversationSummary,
    ConversationView,
    Instructions,
)
from hunmin.chat.wire import Again, Branch, BranchShown, Change, FirstQuestion, Id, NextQuestion
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
router.include_router(folder_routes.router)
router.include_router(share_routes.router)
router.include_router(feedback_routes.router)
router.include_router(temporary_routes.router)
router.include_router(export_routes.router)  # first: `export` is no conversation's id


@router.get("/chat/api/conversations")
def list_conversations(
    act: VisitorAct,
    *,
    search: Annotated[str, Query(max_length=1_000)] = "",
    folder: Annotated[str | None, Query(pattern="^([0-9a-z]{26}|none)$")] = None,
    archived: Annotated[bool | None, Query()] = None,
    after: Annotated[str | None, Query(pattern=PLACE)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> ConversationList:
    """List one's conversations, what is pinned first, then the last used.

    With `search`, those that have the words; a lone consonant matches every syllable it begins.
    `folder` is an id, or `none` for what lies in no folder. The archive is left out, unless
    `archived` or a search asks for it. A list goes on where `after` is the `next` of the part
    before.
    """
    return listing.list_conversations(
        act,
        search=search,
        folder=folder,
        archived=archived,
        after=None if after is None else listing.Place.read(after),
        limit=limit,
    )


@router.post("/chat/api/conversations", response_class=EventStream)
async def start_conversation(
    request: Request, actor: VisitorActor, body: FirstQuestion
) -> Response:
    """Begin a conversation: keep the question, then stream the answer."""
    limits = _limits(request)

    def begin(act: Act) -> Begun:
        return actions.start_conversation(
            act,
            text=body.text,
            limits=limits,
            model=body.model,
            folder_id=body.folder_id,
            asked=Asked(file_ids=body.file_ids, collection_ids=body.collection_ids),
        )

    return stream(await begin_answer(request, actor, body.model, begin))


@router.delete("/chat/api/conversations", status_code=204)
def delete_conversations(act: VisitorAct) -> None:
    """Delete every conversation of one's own, for good. Answers being written are stopped."""
    history.delete_history(act)


@router.get("/chat/api/conversations/{conversation_id}")
def get_conversation(request: Request, act: VisitorAct, conversation_id: Id) -> ConversationView:
    """Return one conversation with its tree of messages."""
    return queries.get_conversation(act, conversation_id, written_here=answers_of(request))


@router.patch("/chat/api/conversations/{conversation_id}")
def change_conversation(
    request: Request, act: VisitorAct, conversation_id: Id, body: Change
) -> ConversationSummary:
    """Change what is named: title, folder, pin, archive, and how questions are answered."""
    changes = body.model_dump(exclude_unset=True)
    of_it = {"conversation_id": conversation_id}
    if "title" in changes:
        arranging.rename_conversation(act, **of_it, title=body.title)
    if "folder_id" in changes:
        arranging.file_conversation(act, **of_it, folder_id=body.folder_id)
    if "pinned" in changes:
        arranging.pin_conversation(act, **of_it, pinned=body.pinned)
    if "archived" in changes:
        arranging.archive_conversation(act, **of_it, archived=body.archived)
    said = {name: changes[name] for name in Instructions.model_fields if name in changes}
    if said:
        if body.model is not None:
            models.choose_model(request.app.state.gateway, act.actor, body.model)
        wanted = wish_queries.get_instructions(act, conversation_id).model_copy(update=said)
        arranging.instruct_conversation(act, **of_it, instructions=wanted)
    return queries.get_summary(act, conversation_id)


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
            model=body.model,
            asked=Asked(file_ids=body.file_ids, collection_ids=body.collection_ids),
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
            act,
            conversation_id=conversation_id,
            answer_id=message_id,
            limits=limits,
            model=body.model,
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

    Where another server writes it, it comes as it is saved there, every other second.
    409 `answer_ended` where it is not being written any more: what there is, is kept.
    """
    live = await find_live(request, actor, conversation_id, message_id)
    if live is not None:
        return stream(live)
    afar = find_afar(request, actor, conversation_id, message_id)
    return stream_of(afar.read(await afar.begin()))


@router.post(
    "/chat/api/conversations/{conversation_id}/messages/{message_id}/stop", status_code=204
)
async def stop_answer(
    request: Request, actor: VisitorActor, conversation_id: Id, message_id: Id
) -> None:
    """Stop an answer and keep what was written. One that has ended is left as it is."""
    live = await find_live(request, actor, conversation_id, message_id)
    if live is None:
        await find_afar(request, actor, conversation_id, message_id).stop()
    else:
        live.end()
        await live.finished()


@router.get("/chat/api/models")
def list_models(request: Request, actor: VisitorActor) -> ModelsView:
    """List the models one may chat with, and say whether they can answer now."""
    return models.list_models(request.app.state.gateway, actor)


@router.get("/chat/api/words")
def late_words(request: Request, _actor: VisitorActor) -> dict[str, str]:
    """Return what the page says beyond its first view, in the reader's language, by the English."""
    return words.translated(faces.language_of(request), first=False)


@router.get("/chat/api/trace")
def trace_model(
    request: Request, actor: VisitorActor, model: Annotated[str, Query(max_length=256)]
) -> audit.TraceNode:
    """Show what a model was made from: runs, tokenizer, corpus, sources and their licenses."""
    return models.trace(request.app.state.gateway, actor, model)


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
        leaf_id = queries.leaf_id(act, conversation_id)
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
