"""An answer that another server writes: read as it is saved there, and stopped by asking for it.

A reader gives signs of life in the answer's row, so that its writer does not take it for one that
nobody reads. Left out: answers of this server (`live`), and asking for the stop (`afar_actions`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

from sqlalchemy import update

from hunmin.act import Act, Language
from hunmin.chat import afar_actions, queries, rules
from hunmin.chat.live import KEEPALIVE_SECONDS, Event
from hunmin.chat.tables import MessageRow
from hunmin.chat.views import Begun, MessageView
from hunmin.errors import AnswerEnded, AnswerFailed, ConversationNotFound, MessageNotFound

LOOK_SECONDS = 1.0
"""How often what was saved is looked at. Its writer saves every other second."""

SIGN_SECONDS = 5.0
"""How often a reader gives a sign of life."""

STOP_SECONDS_MAX = 2 * rules.ALIVE_SECONDS
"""How long a stop is waited for. A writer that has not saved by then is dead, and so its answer."""


class AnswerAfar:
    """One answer that another server writes, for one reader of it."""

    def __init__(
        self,
        conversation_id: str,
        message_id: str,
        *,
        open_act: Callable[[bool], AbstractContextManager[Act]],
        language: Language,
    ) -> None:
        """Note which. Whose it is, is asked at every look.

        Args:
            conversation_id: The conversation it is in.
            message_id: The answer.
            open_act: Opens a transaction of whoever reads, one that only asks where it is told so.
            language: In which a failure is told.
        """
        self._conversation_id = conversation_id
        self._message_id = message_id
        self._open_act = open_act
        self._language: Language = language

    async def begin(self) -> Begun:
        """Return the answer with its question, as they stand now.

        Raises:
            AnswerEnded: It is not being written any more.
            ConversationNotFound, MessageNotFound: It is not the reader's.
        """
        begun = await asyncio.to_thread(self._look)
        if begun.answer.state != "writing":
            raise AnswerEnded
        return begun

    async def read(self, begun: Begun) -> AsyncIterator[Event]:
        """Read from the beginning: what was saved until now, then what is saved from now on.

        Where a text turned out otherwise than it was shown, the stream breaks off, so that its
        reader looks at all of it again.
        """
        answer, shown, is_cited = begun.answer, _settled(begun.answer), False
        begun = begun.model_copy(update={"answer": answer.model_copy(update={"text": shown})})
        yield Event("begin", begun.model_dump(mode="json"))
        told_at, signed_at = time.monotonic(), float("-inf")
        while True:
            text = _settled(answer)
            if not text.startswith(shown):
                return
            if answer.sources and not is_cited:
                is_cited = True
                sources = [each.model_dump(mode="json") for each in answer.sources]
                yield Event("sources", {"sources": sources})
            if text != shown:
                yield Event("delta", {"text": text.removeprefix(shown)})
                shown, told_at = text, time.monotonic()
            elif time.monotonic() - told_at > KEEPALIVE_SECONDS:
                yield Event("", {})
                told_at = time.monotonic()
            if answer.state != "writing":
                break
            if time.monotonic() - signed_at > SIGN_SECONDS:
                await asyncio.to_thread(self._sign)
                signed_at = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            try:
                answer = (await asyncio.to_thread(self._look)).answer
            except (ConversationNotFound, MessageNotFound):  # deleted meanwhile
                answer = answer.model_copy(update={"state": "stopped"})
        for event in self._last_events(answer):
            yield event

    async def stop(self) -> None:
        """Have its writer stop it, and return when it has; one that has ended is left as it is.

        Raises:
            ConversationNotFound, MessageNotFound: It is not the actor's.
        """
        is_written = await asyncio.to_thread(self._ask_to_stop)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while is_written and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS / 2)
            is_written = (await asyncio.to_thread(self._look)).answer.state == "writing"

    def _last_events(self, answer: MessageView) -> list[Event]:
        events = []
        if answer.facts is not None:
            events.append(Event("facts", answer.facts.model_dump(mode="json")))
        if answer.error_code is not None:
            message = AnswerFailed().message(self._language)
            events.append(Event("error", {"code": answer.error_code, "message": message}))
        return [*events, Event("done", {"state": answer.state})]

    def _look(self) -> Begun:
        with self._open_act(True) as act:  # noqa: FBT003 (it only asks)
            conversation = queries.get_summary(act, self._conversation_id)
            answer = queries.message_row(act, self._conversation_id, self._message_id)
            if answer.parent_id is None:
                raise AnswerEnded  # it is a question
            question = queries.message_row(act, self._conversation_id, answer.parent_id)
            asked, answered = queries.message_views(act, [question, answer])
            return Begun(conversation=conversation, question=asked, answer=answered)

    def _sign(self) -> None:
        with self._open_act(False) as act:  # noqa: FBT003 (it writes)
            read = update(MessageRow).where(MessageRow.id == self._message_id)
            act.session.execute(read.values(reader_seen_at=act.now))

    def _ask_to_stop(self) -> bool:
        with self._open_act(False) as act:  # noqa: FBT003 (it writes)
            return afar_actions.stop_answer(
                act, conversation_id=self._conversation_id, message_id=self._message_id
            )


def _settled(answer: MessageView) -> str:
    """Return what of a text does not change any more: its last syllable may still be composed."""
    return answer.text[:-1] if answer.state == "writing" else answer.text
