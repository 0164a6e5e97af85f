"""A chat of which nothing is kept: it comes with each question, and passes through.

No row, file or log has a word of it. What stays is the gateway's record that an answer was written,
with ids and numbers; and a stranger is given a guest's account, as for any question. An answer ends
when its reader leaves.
"""

import asyncio

from fastapi import APIRouter, Response
from starlette.requests import Request

from hunmin import accounts, faces
from hunmin.accounts import VisitorActor
from hunmin.act import Actor
from hunmin.chat import models, rules, wish_queries
from hunmin.chat.streams import EventStream, answers_of, order_for, stream
from hunmin.chat.views import BegunTemporary, Instructions, MessageView, Wishes
from hunmin.chat.wire import TemporaryQuestion
from hunmin.db import new_id
from hunmin.errors import TemporaryOff
from hunmin.plugins import ModelCard
from hunmin.settings import ChatSettings, Settings

router = APIRouter(tags=["chat"], responses=faces.PROBLEM_RESPONSES)


@router.post("/chat/api/temporary", response_class=EventStream)
async def ask_temporarily(
    request: Request, actor: VisitorActor, body: TemporaryQuestion
) -> Response:
    """Stream the answer to a question of a chat of which nothing is kept.

    Its events are those of any answer; `begin` names no conversation, and its ids name nothing.
    It is stopped by leaving the stream.
    """
    settings: Settings = request.app.state.settings
    chat: ChatSettings = settings.chat
    if not chat.temporary:
        raise TemporaryOff
    turns = rules.check_turns(
        [(turn.role, turn.text) for turn in body.turns],
        characters_max=chat.message_characters_max,
        messages_max=chat.conversation_messages_max,
    )
    said = Instructions(
        system_prompt=rules.check_system_prompt(body.system_prompt),
        temperature=rules.check_temperature(body.temperature),
    )

    def meet() -> tuple[Actor, BegunTemporary, Wishes, ModelCard]:
        with accounts.welcome(request, actor) as act:
            wishes = wish_queries.with_preferences(act, said)
            gateway = request.app.state.gateway
            card = models.choose_model(gateway, act.actor, body.model, preferred=wishes.models)
            question = MessageView(
                id=new_id(),
                parent_id=None,
                role="user",
                text=turns[-1][1],
                state="whole",
                created_at=act.now,
                ai_generated=False,
            )
            answer = MessageView(
                id=new_id(),
                parent_id=question.id,
                role="assistant",
                text="",
                state="writing",
                created_at=act.now,
                ai_generated=True,
            )
            return act.actor, BegunTemporary(question=question, answer=answer), wishes, card

    asker, begun, wishes, card = await asyncio.to_thread(meet)
    order = await order_for(request, asker, turns=turns, wishes=wishes, card=card)
    return stream(answers_of(request).begin_temporary(begun, order))
