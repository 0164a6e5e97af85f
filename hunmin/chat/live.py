"""An answer being written: a task of its own, read by any number of readers.

So a page that is loaded again goes on reading, and a reader who leaves loses nothing. No database
session is held while tokens flow. An answer nobody reads any more is stopped after a while, so it
frees the engine's place; one of which nothing is kept is stopped at once.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from hunmin.chat import rules
from hunmin.chat.keeper import Keeper
from hunmin.chat.views import Begun, BegunTemporary
from hunmin.chat.writer import Writer
from hunmin.errors import AnswerFailed, HunminError

SAVE_SECONDS = 2.0
"""How often what was written is kept; well below `rules.ALIVE_SECONDS`."""

READER_GRACE_SECONDS = 30.0
"""How long an answer goes on being written when nobody reads it any more. A page that is loaded
again within this time goes on reading; after it what was written is kept."""

KEEPALIVE_SECONDS = 15.0
"""Something is sent this often, so that no proxy takes a slow answer for a dead one."""

Ending = Literal["stopped", "interrupted"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the stream of an answer. An empty name only keeps the connection alive."""

    name: Literal["begin", "sources", "waiting", "delta", "facts", "error", "done", ""]
    data: dict[str, Any]


class LiveAnswer:
    """One answer being written. Made by `Answers`; without a keeper nothing of it is kept."""

    def __init__(
        self,
        begun: Begun | BegunTemporary,
        writer: Writer,
        keeper: Keeper | None,
    ) -> None:
        self.id = begun.answer.id
        self.conversation_id = begun.conversation.id if isinstance(begun, Begun) else None
        self._begun = begun
        self._writer = writer
        self._keeper = keeper
        self._error: HunminError | None = None
        self._state: rules.State = "writing"
        self._read_at = time.monotonic()
        self._readers = 0
        self._pulse = asyncio.Event()
        self._asked_to_end = asyncio.Event()
        self._ending: Ending = "stopped"
        self.task = asyncio.create_task(self._write())

    def end(self, ending: Ending = "stopped") -> None:
        """Stop writing; what was written is kept, if anything is."""
        if not self._asked_to_end.is_set():
            self._ending = ending
            self._asked_to_end.set()

    async def finished(self) -> None:
        """Return when the answer has ended and was kept; a wait that is canceled stops nothing."""
        await asyncio.shield(self.task)

    async def read(self) -> AsyncIterator[Event]:
        """Read from the beginning: what was written so far, then each piece as it comes."""
        self._readers += 1
        try:
            begun = self._begun.model_dump(mode="json")
            sent = len(self._writer.pieces)
            begun["answer"]["text"] = self._writer.text
            yield Event("begin", begun)
            told: dict[str, Any] | None = None
            cited = False
            while True:
                pulse = self._pulse
                if not cited and self._writer.sources is not None:
                    cited = True
                    shown = [each.model_dump(mode="json") for each in self._writer.sources]
                    yield Event("sources", {"sources": shown})
                waiting = self._writer.waiting
                if waiting is not None and waiting is not told:
                    told = waiting
                    yield Event("waiting", told)
                if sent < len(self._writer.pieces):
                    text = "".join(self._writer.pieces[sent:])
                    sent = len(self._writer.pieces)
                    yield Event("delta", {"text": text})
                elif self._state != "writing":
                    break
                elif pulse is self._pulse and not await _within(pulse, KEEPALIVE_SECONDS):
                    yield Event("", {})
            for event in self._last_events():
                yield event
        finally:
            self._readers -= 1
            self._read_at = time.monotonic()
            if self._keeper is None:
                self.end()  # nobody can come back to it

    def _last_events(self) -> list[Event]:
        events = [Event("facts", self._writer.facts.model_dump(mode="json"))]
        if self._error is not None:
            message = self._error.message(self._writer.order.language)
            events.append(Event("error", {"code": self._error.code, "message": message}))
        return [*events, Event("done", {"state": self._state})]

    def _tell(self) -> None:
        """Wake every reader."""
        self._pulse.set()
        self._pulse = asyncio.Event()

    async def _write(self) -> None:
        """Write, keep now and then, and keep at the end, come what may."""
        writing = asyncio.create_task(self._writer.write(self._tell))
        asked = asyncio.create_task(self._asked_to_end.wait())
        state: rules.State = "whole"
        while not writing.done():
            await asyncio.wait(
                {writing, asked}, timeout=SAVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if writing.done():
                break
            if self._asked_to_end.is_set() or self._is_abandoned():
                state = self._ending
                writing.cancel()
                await asyncio.wait({writing})
            elif self._keeper is not None:
                await self._keep_so_far(self._keeper)
        asked.cancel()
        if not writing.cancelled() and (fault := writing.exception()) is not None:
            state = "failed"
            self._error = fault if isinstance(fault, HunminError) else AnswerFailed()
            if not isinstance(fault, HunminError):
                self._writer.report("answer broke off", fault)
        elif state == "whole" and self._asked_to_end.is_set() and not self._finished_by_itself:
            state = self._ending
        self._writer.stop_clock()
        if self._keeper is not None:
            unkept = await self._keeper.keep_at_last(state, self._error)
            self._error = self._error or unkept
        self._state = state
        self._tell()

    async def _keep_so_far(self, keeper: Keeper) -> None:
        """Keep what was written, and hear what was said of it at other servers."""
        if not await keeper.keep_so_far():
            self.end()  # it was deleted meanwhile, or stopped there
        elif keeper.is_read_elsewhere:
            self._read_at = time.monotonic()

    @property
    def _finished_by_itself(self) -> bool:
        return self._writer.facts.finish_reason is not None

    def _is_abandoned(self) -> bool:
        quiet_seconds = time.monotonic() - self._read_at
        return self._readers == 0 and quiet_seconds > READER_GRACE_SECONDS


async def _within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
            return True
    return False
