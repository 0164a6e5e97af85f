"""Between HTTP and an answer being written: begin one, find one, and send it as events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, suppress

from fastapi import Response
from starlette.requests import Request
from starlette.responses import RedirectResponse, StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from hunmin import accounts, faces
from hunmin.act import Act, Actor, open_act
from hunmin.chat import models, queries, rules, source_queries, wish_queries
from hunmin.chat.afar import AnswerAfar
from hunmin.chat.answers import Answers
from hunmin.chat.live import Event, LiveAnswer
from hunmin.chat.views import NOWHERE, Begun, Places, Wishes
from hunmin.chat.writer import Order
from hunmin.db import Database
from hunmin.gateway import Gateway
from hunmin.plugins import ModelCard


class TimedStream(StreamingResponse):
    """A stream which ends where its reader takes no more."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, or as much as the reader stays for and takes."""
        gateway: Gateway = scope["app"].state.gateway
        timed = faces.in_time(send, seconds=gateway.settings.write_seconds_max)
        with suppress(TimeoutError):
            await super().__call__(scope, receive, timed)


class EventStream(TimedStream):
    """A stream of server-sent events."""

    media_type = "text/event-stream"


async def begin_answer(
    request: Request, actor: Actor, model: str | None, begin: Callable[[Act], Begun]
) -> LiveAnswer:
    """Keep a question in one transaction, then begin to write its answer.

    A stranger becomes a guest in that transaction.
    """
    gateway: Gateway = request.app.state.gateway

    def keep() -> tuple[Actor, Begun, list[tuple[rules.Role, str]], Wishes, ModelCard, Places]:
        with accounts.welcome(request, actor) as act:
            begun = begin(act)
            wishes = wish_queries.wishes(act, begun.conversation.id)
            card = models.choose_model(gateway, act.actor, model, preferred=wishes.models)
            path = queries.path(act, begun.conversation.id, begun.question.id)
            turns = [(message.role, message.text) for message in path]
            places = source_queries.places_of(act, begun.conversation.id, path)
            return act.actor, begun, turns, wishes, card, places

    asker, begun, turns, wishes, card, places = await asyncio.to_thread(keep)
    order = await order_for(request, asker, turns=turns, wishes=wishes, card=card, places=places)
    return answers_of(request).begin(begun, order)


async def order_for(
    request: Request,
    asker: Actor,
    *,
    turns: list[tuple[rules.Role, str]],
    wishes: Wishes,
    card: ModelCard,
    places: Places = NOWHERE,
) -> Order:
    """Return what is to be written for a request."""
    return Order(
        actor=asker,
        language=faces.language_of(request),
        request_id=request.state.request_id,
        turns=turns,
        system_prompt=wishes.system_prompt,
        temperature=wishes.temperature,
        model=card.id,
        model_sha256=await models.identity_of(card),
        context_tokens=card.context_tokens,
        file_ids=places.file_ids,
        collection_ids=places.collection_ids,
    )


async def find_live(
    request: Request, actor: Actor, conversation_id: str, message_id: str
) -> LiveAnswer | None:
    """Return the actor's answer being written here, or None; raise where it is not theirs."""

    def check() -> None:
        with open_for(request, actor, read_only=True) as act:
            queries.get_message(act, conversation_id, message_id)

    await asyncio.to_thread(check)
    return answers_of(request).find(message_id)


def find_afar(request: Request, actor: Actor, conversation_id: str, message_id: str) -> AnswerAfar:
    """Return an answer that perhaps another server writes, for its asker."""
    return AnswerAfar(
        conversation_id,
        message_id,
        open_act=lambda read_only: open_for(request, actor, read_only=read_only),
        language=faces.language_of(request),
    )


def stream(live: LiveAnswer) -> EventStream:
    """Send an answer from its beginning, as it is written."""
    return stream_of(live.read())


def stream_of(events: AsyncIterator[Event]) -> EventStream:
    """Send events as they come."""
    return EventStream(
        _lines(events), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


async def _lines(events: AsyncIterator[Event]) -> AsyncIterator[str]:
    async for event in events:
        if event.name:
            data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
            yield f"event: {event.name}\ndata: {data}\n\n"
        else:
            yield ": still here\n\n"


async def shown_when_whole(live: LiveAnswer) -> Response:
    """Wait for the end of an answer, then lead to the page that shows it."""
    async for _ in live.read():
        pass
    return RedirectResponse(f"/chat/c/{live.conversation_id}", status_code=303)


def open_for(
    request: Request, actor: Actor, *, read_only: bool = False
) -> AbstractContextManager[Act]:
    """Open a transaction of its own for a request that streams or writes at a GET."""
    database: Database = request.app.state.database
    return open_act(
        database,
        actor,
        request_id=request.state.request_id,
        language=faces.language_of(request),
        read_only=read_only,
    )


def answers_of(request: Request) -> Answers:
    """Return the answers this process is writing."""
    return request.app.state.chat_answers
