"""Gateway: every answer of every door goes admit, stream, settle through here.

The database is touched in two short transactions (`records`); while tokens flow no session is held.
Left out: HTTP (`routes`), what may be asked (`rules`), one answer's way (`answers`), how all of it
begins (`starting`).
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from hunmin import telemetry
from hunmin.act import SYSTEM, Actor
from hunmin.db import Database
from hunmin.errors import EngineBusy, EngineStarting, EngineUnavailable
from hunmin.gateway import embeddings, rules
from hunmin.gateway.answers import ENGINE_CLOSE_SECONDS, Answer, Keep
from hunmin.gateway.embedding_wire import EmbeddingRequest
from hunmin.gateway.heartbeat import Heartbeat
from hunmin.gateway.records import Records
from hunmin.gateway.shedding import Limits as SheddingLimits
from hunmin.gateway.starting import Start
from hunmin.gateway.traced import TracedRecords
from hunmin.gateway.watch import Watch
from hunmin.gateway.wire import ApiRequest
from hunmin.plugins import Delta, Engine, Generation, ModelCard
from hunmin.settings import GatewaySettings

if TYPE_CHECKING:
    from hunmin.tracing import Tracer

SETTLE_AT_CLOSE_SECONDS = 10
"""How long closing waits for answers that could not be settled yet."""


class Gateway:
    """Lets requests in, streams from the engine, records what was used."""

    def __init__(
        self,
        engine: Engine,
        database: Database,
        settings: GatewaySettings,
        *,
        tracer: "Tracer | None" = None,
    ) -> None:
        """Make a gateway, which perhaps makes spans; `launch` starts its engine."""
        self.database = database
        self.settings = settings
        self._engine = engine
        self._answers: dict[asyncio.Task[None], Answer] = {}
        self._settling: set[asyncio.Task[None]] = set()
        self._places_taken = 0
        self._records = (
            Records(database, settings)
            if tracer is None
            else TracedRecords(database, settings, tracer=tracer)
        )
        self._watch = Watch(
            self._answers.values,
            records_waiting=self._records.waiting,
            limits=SheddingLimits(settings.wait_seconds_max, settings.memory_bytes_max),
        )
        self._start = Start(engine, database)
        self._heartbeat = Heartbeat(database, self._records.server)
        self._closed = False

    def launch(self) -> None:
        """Start the engine beside everything else; until it is ready requests get a 503."""
        self._start.launch()
        self._watch.begin()
        self._heartbeat.begin()

    async def ready(self) -> None:
        """Return when the engine has started, with all models or some.

        Raises:
            HunminError: None of its models could be started; what can be tried again, is.
        """
        self.launch()
        await self._start.ended()

    async def close(self) -> None:
        """Stop every answer, settle it, and close the engine. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._watch.close()
        self._heartbeat.close()
        for answer in self._answers.values():
            answer.stop(EngineUnavailable())
        if self._answers:
            await asyncio.wait(set(self._answers), timeout=2 * ENGINE_CLOSE_SECONDS)
        await self._start.close()
        await self._engine.close()
        if self._settling:
            _, unsettled = await asyncio.wait(self._settling, timeout=SETTLE_AT_CLOSE_SECONDS)
            for task in unsettled:
                task.cancel()
        self._records.close()

    def models(self) -> Sequence[ModelCard]:
        """Return the models served, also those that cannot answer now."""
        return self._engine.models()

    def has_room(self) -> bool:
        """Return whether work that can wait may begin: half of all places are free."""
        return 2 * self._places_taken < self.settings.concurrent_requests_max

    def healthy(self) -> bool:
        """Return whether a request could be answered now, by one model at least."""
        return self._started and self._engine.healthy()

    def can_answer(self, model: str) -> bool:
        """Return whether a model served can take a request now."""
        return self._started and self._engine.healthy(model)

    def answers_running(self) -> Mapping[str, int]:
        """Return how many answers each model is writing. Safe to ask from any thread."""
        return Counter(answer.generation.model for answer in list(self._answers.values()))

    def busy(self) -> bool:
        """Return whether an answer is being written or settled."""
        return bool(self._answers or self._settling)

    def state(self) -> Literal["ok", "starting", "failed"]:
        """Return what a probe wants to know: can it answer, not yet, or not any more."""
        if self.healthy():
            return "ok"
        if self._closed:
            return "failed"
        waiting = not self._started or any(one.state == "starting" for one in self.models())
        return "starting" if waiting else "failed"

    async def count_prompt_tokens(self, request: ApiRequest) -> int:
        """Return how many tokens a request's prompt has, chat template included.

        So a caller with a long conversation can leave out its oldest part.

        Raises:
            HunminError: The engine is not ready, or the model is unknown.
        """
        card = self._ready_card(request.model)
        return await self._engine.count_prompt_tokens(rules.plan(request, card, request_id="count"))

    async def answer(
        self, actor: Actor, request: ApiRequest, *, request_id: str
    ) -> AsyncIterator[Delta]:
        """Answer a request: the pieces of the answer, the last one with a `finish_reason`.

        Nothing happens before the first piece is asked for. Closing the iterator, or canceling
        the task that reads it, stops the engine and settles what was used so far; leave a loop
        over it early only inside `contextlib.aclosing`.

        Args:
            actor: Who asks; their limits count and their account is charged.
            request: What is asked, as `wire.ChatRequest` or `wire.CompletionRequest`.
            request_id: Binds the log lines and audit events of the request together.

        Raises:
            HunminError: With nothing begun: the engine is not ready, the model is unknown, the
                prompt does not fit, a limit is reached. Later: the engine failed or took too long.
        """
        answer = await self.open(actor, request, request_id=request_id)
        try:
            async for delta in answer:
                yield delta
        finally:
            await answer.aclose()

    async def open(
        self, actor: Actor, request: ApiRequest, *, request_id: str, keep: Keep | None = None
    ) -> Answer:
        """Admit a request and return its answer, being written; or refuse it and change nothing.

        Whoever opens an answer closes it, also after an error. See `answer` for the arguments;
        `keep` is called in the transaction that settles the answer.
        """
        card = self._ready_card(request.model, actor)
        planned = rules.plan(request, card, request_id=request_id)
        return await self._open(actor, planned, card, keep)

    async def open_all(self, actor: Actor, request: ApiRequest, *, request_id: str) -> list[Answer]:
        """Open every answer a request asks for: `n` to each prompt. All, or none stays open.

        Each is admitted, counted and settled by itself.
        """
        card = self._ready_card(request.model, actor)
        generations = rules.plan_all(request, card, request_id=request_id)
        param = "n" if request.choices > 1 else "prompt"
        rules.check_choices(len(generations), self._records.limits_of(actor), param=param)
        opening = [asyncio.ensure_future(self._open(actor, one, card)) for one in generations]
        try:
            return list(await asyncio.gather(*opening))
        except BaseException:
            for one in opening:
                one.cancel()
            await asyncio.wait(opening)
            for one in opening:
                if not one.cancelled() and one.exception() is None:
                    await one.result().aclose()
            raise

    async def open_embeddings(
        self, actor: Actor, request: EmbeddingRequest, *, request_id: str, keep: Keep | None = None
    ) -> Answer:
        """Admit a request for vectors and return its answer, whose one piece has them.

        It is closed, refused, counted and settled as any other. See `open`.
        """
        card = self._ready_card(request.model, actor)
        planned = embeddings.plan(request, card, request_id=request_id)
        return await self._open(actor, planned, card, keep)

    async def encode(self, request: ApiRequest) -> Sequence[int]:
        """Return the tokens of a request's prompt, chat template included.

        Raises:
            HunminError: The engine is not ready, or the model or a token is unknown.
        """
        card = self._ready_card(request.model)
        return await self._engine.encode(rules.plan(request, card, request_id="tokens"))

    async def decode(self, model: str, tokens: Sequence[int]) -> list[bytes]:
        """Return what each token stands for: bytes of text, or the name of a special token.

        Raises:
            HunminError: The engine is not ready, or the model or a token is unknown.
        """
        return await self._engine.decode(self._ready_card(model).id, tokens)

    async def _open(
        self, actor: Actor, generation: Generation, card: ModelCard, keep: Keep | None = None
    ) -> Answer:
        """Admit one answer and begin it."""
        came = time.perf_counter()
        self._watch.check(actor, card.id)
        self._take_place()
        try:
            answer = await self._prepare(actor, generation, card, keep)
        except BaseException:
            self._places_taken -= 1
            raise
        task = answer.begin()
        self._answers[task] = answer
        task.add_done_callback(self._forget)
        await answer.admitted()
        telemetry.answer_admitted(seconds=time.perf_counter() - came)
        return answer

    async def _prepare(
        self, actor: Actor, generation: Generation, card: ModelCard, keep: Keep | None
    ) -> Answer:
        """Return the answer, not begun, to a prompt that fits."""
        prompt_tokens = await self._engine.count_prompt_tokens(generation)
        if not generation.embed:
            generation = rules.fit(
                generation,
                prompt_tokens=prompt_tokens,
                context_tokens=card.context_tokens,
                completion_tokens_max=self.settings.completion_tokens_max,
            )
        generation = replace(generation, tenant=actor.tenant)
        self._ready_card(card.id)  # it may have been closed while the tokens were counted
        charge = self._records.charge_for(generation, prompt_tokens=prompt_tokens)
        answer = Answer(
            self._engine,
            generation,
            prompt_tokens=prompt_tokens,
            seconds_max=self.settings.answer_seconds_max,
            admit=lambda note: self._records.admit(
                actor, generation, prompt_tokens, charge, note=note
            ),
            settle=lambda admission_id, meter: self._records.settle(
                actor,
                generation,
                admission_id,
                meter,
                charge=charge,
                keep=None if keep is None else partial(keep, answer),
            ),
            headers=charge.headers,
        )
        return answer

    def _take_place(self) -> None:
        if self._places_taken >= self.settings.concurrent_requests_max:
            raise EngineBusy
        self._places_taken += 1

    def _forget(self, task: asyncio.Task[None]) -> None:
        answer = self._answers.pop(task)
        self._watch.ended(answer)
        settling = answer.settling
        if settling is not None:
            self._settling.add(settling)
            settling.add_done_callback(self._settling.discard)
        self._places_taken -= 1

    @property
    def _started(self) -> bool:
        return self._start.has_ended and not self._closed

    def _ready_card(self, model: str, actor: Actor = SYSTEM) -> ModelCard:
        """Return the card of a model that can answer an actor now.

        Raises:
            ModelNotFound: There is no such model that the actor may ask.
            EngineStarting: It is being loaded.
            EngineUnavailable: It cannot answer, or the gateway is closed.
        """
        if self._closed:
            raise EngineUnavailable
        if not self._started:
            raise EngineStarting
        card = rules.choose_model(rules.models_of(actor, self._engine.models()), model)
        if card.state == "starting":
            raise EngineStarting
        if not self._engine.healthy(card.id):
            raise EngineUnavailable
        return card
