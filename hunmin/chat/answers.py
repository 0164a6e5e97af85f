"""The answers being written now: each a task of its own, read by any number of readers.

So a page that is loaded again goes on reading, and a reader who leaves loses nothing: what was
written is kept every few seconds, and whole at the end. No database session is held while tokens
flow. An answer nobody reads any more is stopped after a while, so it frees the engine's place.

Left out: HTTP (`routes`), what is kept and its events (`actions`), the engine (`gateway`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Container, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Literal

from hunmin import logs
from hunmin.act import Actor, Language, open_act
from hunmin.chat import actions, rules
from hunmin.chat.views import Begun, Facts
from hunmin.db import Database
from hunmin.errors import AnswerFailed, EngineStarting, HunminError
from hunmin.gateway import ChatMessage, ChatRequest, Gateway, keep_trying
from hunmin.plugins import Delta
from hunmin.settings import ChatSettings

log = logs.get(__name__)

SAVE_SECONDS = 2.0
"""How often what was written is kept; well below `rules.ALIVE_SECONDS`."""

LAST_SAVE_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""How long to wait between tries to keep a whole answer while the database is away."""

CLOSE_SECONDS = 20.0
"""How long the server waits for its answers to be kept when it stops."""

KEEPALIVE_SECONDS = 15.0
"""Something is sent this often, so that no proxy takes a slow answer for a dead one."""

Ending = Literal["stopped", "interrupted"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the stream of an answer. An empty name only keeps the connection alive."""

    name: Literal["begin", "waiting", "delta", "facts", "error", "done", ""]
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """One answer to be written: for whom, by which model, to what."""

    actor: Actor
    language: Language
    request_id: str
    begun: Begun
    turns: Sequence[tuple[rules.Role, str]]
    """The messages of the branch, the last one the question."""
    system_prompt: str
    """What the asker would like the model to be told first; the operator speaks before that."""
    temperature: float | None
    model: str
    model_sha256: str | None
    context_tokens: int


class LiveAnswer:
    """One answer being written. Made by `Answers.begin`."""

    def __init__(
        self, order: Order, *, gateway: Gateway, database: Database, settings: ChatSettings
    ) -> None:
        self.order = order
        self.id = order.begun.answer.id
        self.conversation_id = order.begun.conversation.id
        self._gateway = gateway
        self._database = database
        self._settings = settings
        self._facts = Facts(model=order.model, model_sha256=order.model_sha256)
        self._pieces: list[str] = []
        self._waiting: dict[str, Any] | None = None
        self._error: HunminError | None = None
        self._state: rules.State = "writing"
        self._began = self._read_at = time.monotonic()
        self._readers = 0
        self._pulse = asyncio.Event()
        self._asked_to_end = asyncio.Event()
        self._ending: Ending = "stopped"
        self.task = asyncio.create_task(self._write())

    @property
    def text(self) -> str:
        """Return what was written so far."""
        return "".join(self._pieces)

    def end(self, ending: Ending = "stopped") -> None:
        """Stop writing; what was written is kept."""
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
            begun = self.order.begun.model_dump(mode="json")
            sent = len(self._pieces)
            begun["answer"]["text"] = self.text
            yield Event("begin", begun)
            told: dict[str, Any] | None = None
            while True:
                pulse = self._pulse
                if self._waiting is not None and self._waiting is not told:
                    told = self._waiting
                    yield Event("waiting", told)
                if sent < len(self._pieces):
                    text = "".join(self._pieces[sent:])
                    sent = len(self._pieces)
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

    def _last_events(self) -> list[Event]:
        events = [Event("facts", self._facts.model_dump(mode="json"))]
        if self._error is not None:
            message = self._error.message(self.order.language)
            events.append(Event("error", {"code": self._error.code, "message": message}))
        return [*events, Event("done", {"state": self._state})]

    def _tell(self) -> None:
        """Wake every reader."""
        self._pulse.set()
        self._pulse = asyncio.Event()

    async def _write(self) -> None:
        """Write, keep now and then, and keep at the end, come what may."""
        writing = asyncio.create_task(self._generate())
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
            elif not await self._keep_so_far():
                self.end()  # it was deleted meanwhile
        asked.cancel()
        if not writing.cancelled() and (fault := writing.exception()) is not None:
            state = "failed"
            self._error = fault if isinstance(fault, HunminError) else AnswerFailed()
            if not isinstance(fault, HunminError):
                self._report("answer broke off", fault)
        elif state == "whole" and self._asked_to_end.is_set() and not self._facts.finish_reason:
            state = self._ending
        self._set_facts(wall_ms=self._elapsed_ms())
        await self._keep_at_last(state)
        self._state = state
        self._tell()

    def _is_abandoned(self) -> bool:
        quiet_seconds = time.monotonic() - self._read_at
        return self._readers == 0 and quiet_seconds > self._settings.reader_grace_seconds

    async def _generate(self) -> None:
        deadline = self._began + rules.ENGINE_WAIT_SECONDS
        while True:
            try:
                request = await self._request()
                answer = await self._gateway.open(
                    self.order.actor, request, request_id=self.order.request_id
                )
                async with aclosing(answer):
                    async for delta in answer:
                        self._take(delta)
            except EngineStarting as starting:
                if self._pieces or time.monotonic() > deadline:
                    raise
                self._waiting = {
                    "reason": starting.code,
                    "message": starting.message(self.order.language),
                }
                self._tell()
                await asyncio.sleep(rules.ENGINE_ASK_AGAIN_SECONDS)
            else:
                return

    async def _request(self) -> ChatRequest:
        """Return the question with as much of the conversation before it as fits."""
        turns = self.order.turns

        async def count_from(first: int) -> int:
            return await self._gateway.count_prompt_tokens(self._request_from(first))

        left_out = await rules.turns_left_out(
            len(turns),
            count_from=count_from,
            tokens_max=rules.prompt_tokens_max(
                context_tokens=self.order.context_tokens,
                answer_tokens_max=self._settings.answer_tokens_max,
            ),
        )
        self._set_facts(left_out=left_out)
        return self._request_from(left_out)

    def _request_from(self, first: int) -> ChatRequest:
        messages = [
            ChatMessage(role=role, content=content) for role, content in self.order.turns[first:]
        ]
        system_prompt = rules.join_system_prompts(
            self._settings.system_prompt, self.order.system_prompt
        )
        if system_prompt:
            messages.insert(0, ChatMessage(role="system", content=system_prompt))
        return ChatRequest(
            model=self.order.model,
            messages=messages,
            temperature=self.order.temperature,
            max_tokens=self._settings.answer_tokens_max,
        )

    def _take(self, delta: Delta) -> None:
        facts: dict[str, Any] = {
            "prompt_tokens": delta.prompt_tokens,
            "completion_tokens": delta.completion_tokens,
            "finish_reason": delta.finish_reason,
        }
        if delta.text:
            self._waiting = None
            self._pieces.append(delta.text)
            if self._facts.first_token_ms is None:
                facts["first_token_ms"] = self._elapsed_ms()
        self._set_facts(**facts)
        self._tell()

    def _set_facts(self, **facts: Any) -> None:  # noqa: ANN401 (fields of `Facts`)
        self._facts = self._facts.model_copy(update=facts)

    def _elapsed_ms(self) -> int:
        return int((time.monotonic() - self._began) * 1000)

    async def _keep_so_far(self) -> bool:
        """Keep what was written so far; return False where it was deleted meanwhile."""
        try:
            return await self._save("writing")
        except Exception as fault:  # noqa: BLE001 (whatever it is, the next save may succeed)
            self._report("answer not kept yet", fault)
            return True

    async def _keep_at_last(self, state: rules.State) -> None:
        """Keep the whole, trying again for a while; a failure in the end is told to the readers."""
        fault = await keep_trying(
            lambda: self._save(state),
            pauses_seconds=LAST_SAVE_PAUSES_SECONDS,
            failed=lambda fault: self._report("answer not kept", fault),
        )
        if fault is not None and self._error is None:
            self._error = fault if isinstance(fault, HunminError) else AnswerFailed()

    async def _save(self, state: rules.State) -> bool:
        """Write to the database; return False where the answer was deleted."""
        text, facts = self.text, self._facts
        error_code = self._error.code if self._error is not None else None

        def save() -> bool:
            with open_act(
                self._database,
                self.order.actor,
                request_id=self.order.request_id,
                language=self.order.language,
            ) as act:
                return actions.save_answer(
                    act,
                    answer_id=self.id,
                    text=text,
                    state=state,
                    facts=facts,
                    error_code=error_code,
                )

        return await asyncio.to_thread(save)

    def _report(self, event: str, fault: BaseException) -> None:
        """Say what failed and where, without the fault's message: it might quote the words."""
        log.error(
            event,
            request_id=self.order.request_id,
            error=type(fault).__qualname__,
            where=logs.where(fault),
        )


class Answers(Container[str]):
    """Every answer this process is writing, by id."""

    def __init__(self, *, gateway: Gateway, database: Database, settings: ChatSettings) -> None:
        self._gateway = gateway
        self._database = database
        self._settings = settings
        self._live: dict[str, LiveAnswer] = {}

    def __contains__(self, answer_id: object) -> bool:
        """Return whether this process is writing an answer."""
        return answer_id in self._live

    def begin(self, order: Order) -> LiveAnswer:
        """Begin to write an answer."""
        live = LiveAnswer(
            order, gateway=self._gateway, database=self._database, settings=self._settings
        )
        self._live[live.id] = live
        live.task.add_done_callback(lambda _: self._live.pop(live.id, None))
        return live

    def find(self, answer_id: str) -> LiveAnswer | None:
        """Return an answer being written here. Whose it is, the caller has found out."""
        return self._live.get(answer_id)

    async def close(self) -> None:
        """Stop every answer and keep what was written; the server is stopping."""
        tasks = {live.task for live in self._live.values()}
        for live in self._live.values():
            live.end("interrupted")
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
            return True
    return False
