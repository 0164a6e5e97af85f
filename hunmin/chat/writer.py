"""One answer on its way from the gateway: what is asked, what came so far, and its facts.

Left out: who reads it (`live`), and what is kept of it (`keeper`).
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import Any

from hunmin import documents, logs
from hunmin.act import Act, Actor, Language, open_act
from hunmin.chat import quotations, rules
from hunmin.chat.views import Facts, SourceView
from hunmin.db import Database
from hunmin.documents import PassageFound
from hunmin.errors import EngineStarting
from hunmin.gateway import AnyMessage, ChatMessage, ChatRequest, Gateway
from hunmin.plugins import Delta
from hunmin.settings import ChatSettings

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """One answer to be written: for whom, by which model, to what."""

    actor: Actor
    language: Language
    request_id: str
    turns: Sequence[tuple[rules.Role, str]]
    """The messages of the branch, the last one the question."""
    system_prompt: str
    """What the asker would like the model to be told first; the operator speaks before that."""
    temperature: float | None
    model: str
    model_sha256: str | None
    context_tokens: int
    file_ids: Sequence[str] = ()
    """The files passages are looked for in."""
    collection_ids: Sequence[str] = ()
    """The collections passages are looked for in."""


class Writer:
    """Has the gateway write one answer."""

    def __init__(
        self, order: Order, *, gateway: Gateway, database: Database, settings: ChatSettings
    ) -> None:
        self.order = order
        self.facts = Facts(model=order.model, model_sha256=order.model_sha256)
        self.pieces: list[str] = []
        self.waiting: dict[str, Any] | None = None
        """Why nothing came yet, in words; None where nothing is waited for."""
        self.sources: list[SourceView] | None = None
        """The passages that were found, once they were looked for."""
        self._question = order.turns[-1][1]
        """As the model reads it: with the passages that fit before it."""
        self._database = database
        self._gateway = gateway
        self._settings = settings
        self._began = time.monotonic()

    @property
    def text(self) -> str:
        """Return what was written so far."""
        return "".join(self.pieces)

    async def write(self, tell: Callable[[], None]) -> None:
        """Write to the end; `tell` is called whenever there is something new."""
        deadline = self._began + rules.ENGINE_WAIT_SECONDS
        while True:
            try:
                if self.sources is None and (self.order.file_ids or self.order.collection_ids):
                    await self._look_up()
                    tell()
                request = await self._request()
                answer = await self._gateway.open(
                    self.order.actor, request, request_id=self.order.request_id
                )
                async with aclosing(answer):
                    async for delta in answer:
                        self._take(delta)
                        tell()
            except EngineStarting as starting:
                if self.pieces or time.monotonic() > deadline:
                    raise
                self.waiting = {
                    "reason": starting.code,
                    "message": starting.message(self.order.language),
                }
                tell()
                await asyncio.sleep(rules.ENGINE_ASK_AGAIN_SECONDS)
            else:
                return

    def stop_clock(self) -> None:
        """Note how long it took, at the end, whatever that was."""
        self._set_facts(wall_ms=self._elapsed_ms())

    def report(self, event: str, fault: BaseException) -> None:
        """Say what failed and where, without the fault's message: it might quote the words."""
        log.error(
            event,
            request_id=self.order.request_id,
            error=type(fault).__qualname__,
            where=logs.where(fault),
        )

    async def _look_up(self) -> None:
        """Find passages, and put before the question as many as fit."""
        last = len(self.order.turns) - 1
        asked = self._question

        async def count(question: str) -> int:
            return await self._gateway.count_prompt_tokens(self._request_from(last, question))

        chosen = await quotations.choose(
            asked,
            await asyncio.to_thread(self._find, asked, await self._vectors(asked)),
            count=count,
            tokens_max=self._tokens_max,
            context_tokens=self.order.context_tokens,
        )
        self._question, self.sources = chosen.question, chosen.sources
        self._set_facts(looked=True)

    async def _vectors(self, question: str) -> Mapping[str, Sequence[float]]:
        """Return the question's vectors, where a collection has any to compare them with."""
        order = self.order

        def models() -> frozenset[str]:
            with self._open_act() as act:
                return documents.vector_models(act, order.collection_ids)

        return await documents.vectors_of(
            self._gateway,
            order.actor,
            question,
            models=await asyncio.to_thread(models) if order.collection_ids else (),
            request_id=order.request_id,
        )

    def _find(self, question: str, vectors: Mapping[str, Sequence[float]]) -> list[PassageFound]:
        with self._open_act() as act:
            return documents.find(
                act,
                question,
                file_ids=self.order.file_ids,
                collection_ids=self.order.collection_ids,
                count=quotations.PASSAGES_MAX,
                vectors=vectors,
            )

    def _open_act(self) -> AbstractContextManager[Act]:
        order = self.order
        return open_act(
            self._database,
            order.actor,
            request_id=order.request_id,
            language=order.language,
            read_only=True,
        )

    @property
    def _tokens_max(self) -> int:
        return rules.prompt_tokens_max(
            context_tokens=self.order.context_tokens,
            answer_tokens_max=self._settings.answer_tokens_max,
        )

    async def _request(self) -> ChatRequest:
        """Return the question with as much of the conversation before it as fits."""
        turns = self.order.turns

        async def count_from(first: int) -> int:
            request = self._request_from(first, self._question)
            return await self._gateway.count_prompt_tokens(request)

        left_out = await rules.turns_left_out(
            len(turns),
            count_from=count_from,
            tokens_max=self._tokens_max,
        )
        self._set_facts(left_out=left_out)
        return self._request_from(left_out, self._question)

    def _request_from(self, first: int, question: str) -> ChatRequest:
        """Return the messages from an index on, the last question as the model is to read it."""
        messages: list[AnyMessage] = [
            ChatMessage(role=role, content=content) for role, content in self.order.turns[first:-1]
        ]
        messages.append(ChatMessage(role="user", content=question))
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
            self.waiting = None
            self.pieces.append(delta.text)
            if self.facts.first_token_ms is None:
                facts["first_token_ms"] = self._elapsed_ms()
        self._set_facts(**facts)

    def _set_facts(self, **facts: Any) -> None:  # noqa: ANN401 (fields of `Facts`)
        self.facts = self.facts.model_copy(update=facts)

    def _elapsed_ms(self) -> int:
        return int((time.monotonic() - self._began) * 1000)
