"""Every upstream behind `plugins.Engine`: which one is asked, and what becomes of a failure.

A request is sent again only where nothing of its answer was shown: to another upstream, at most
twice, and only so many of all requests. After the first text a failure is the answer's end.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from hunmin import logs
from hunmin.errors import (
    EngineFull,
    EngineNotReady,
    ModelNotServed,
    UpstreamBrokeOff,
    UpstreamUnreachable,
)
from hunmin.inference.engine import check_sampling
from hunmin.inference.prompts import PromptReader
from hunmin.plugins import Delta, Generation, ModelCard
from hunmin.settings import UpstreamSettings
from hunmin.upstreams import catalog, routing, salts, wire
from hunmin.upstreams.answer import Answer, PlainAnswer, TokenAnswer
from hunmin.upstreams.client import CallFailed
from hunmin.upstreams.embedder import Embedder
from hunmin.upstreams.retries import RetryBudget
from hunmin.upstreams.shapes import Garbled
from hunmin.upstreams.tokens import RemoteTokens, as_text
from hunmin.upstreams.upstream import Upstream
from hunmin.upstreams.watching import watch

log = logs.get(__name__)

RETRIES_MAX = 2


class UpstreamEngine:
    """Serves the models of all upstreams; those of one name share its requests."""

    def __init__(self, upstreams: Mapping[str, UpstreamSettings], *, data: Path) -> None:
        """Read the settings and the tokenizers; nothing is opened yet.

        Raises:
            UpstreamWrong: The settings of one make no sense, or not beside those of another.
            ModelFolderBroken: A tokenizer cannot be used.
        """
        self.upstreams = catalog.open_upstreams(upstreams)
        self._data = data
        self._secret = b""
        self._prompts = PromptReader()
        self._embedder = Embedder(self._prompts)
        self._retries = RetryBudget()
        self._watchers: list[asyncio.Task[None]] = []
        self._seen = asyncio.Event()
        self._closed = False

    async def start(self) -> None:
        """Begin to look after every upstream; return when one of them was seen well."""
        if not self._watchers:
            self._secret = await asyncio.to_thread(salts.read_secret, self._data)
            for upstream in self.upstreams:
                upstream.client.open()
            self._watchers = [
                asyncio.create_task(watch(upstream, data=self._data, seen=self._seen))
                for upstream in self.upstreams
            ]
        await self._seen.wait()

    def models(self) -> Sequence[ModelCard]:
        """Return the models served, also those that cannot answer now."""
        names = dict.fromkeys(name for one in self.upstreams for name in one.models)
        return [catalog.card_of(name, self._upstreams_of(name)) for name in names]

    async def count_prompt_tokens(self, generation: Generation) -> int:
        """Return how many tokens the prompt has, chat template included.

        Tools come into a prompt by the server's own template, so it is asked; one that does not
        count for us is believed to need what their JSON has.

        Raises:
            HunminError: The model is unknown, or has no such token, or cannot be asked.
        """
        upstreams = self._upstreams_of(generation.model)
        folder = upstreams[0].folder
        if generation.embed:
            card = catalog.card_of(generation.model, upstreams)
            return await self._embedder.count(folder, generation, card.context_tokens)
        if folder is None or (generation.with_tools and upstreams[0].dialect.counts):
            return await RemoteTokens(upstreams).count(generation)
        if generation.with_tools:
            generation = as_text(generation)
        return await self._prompts.count(folder, generation)

    async def encode(self, generation: Generation) -> Sequence[int]:
        """Return the tokens of the prompt, chat template included.

        Raises:
            HunminError: The model is unknown, or has no such token, or cannot be asked.
        """
        upstreams = self._upstreams_of(generation.model)
        folder = upstreams[0].folder
        if folder is None or generation.with_tools:
            return await RemoteTokens(upstreams).encode(generation)
        return await self._prompts.encode(folder, generation)

    async def decode(self, model: str, tokens: Sequence[int]) -> list[bytes]:
        """Return what each token stands for: bytes of text, or the name of a special token.

        Raises:
            HunminError: The model is unknown, has no such token, or its tokenizer is not here.
        """
        upstreams = self._upstreams_of(model)
        if (folder := upstreams[0].folder) is not None:
            return await self._prompts.decode(folder, tokens)
        return RemoteTokens(upstreams).decode(tokens)

    async def stream(self, generation: Generation) -> AsyncGenerator[Delta]:
        """Generate. Closing the iterator ends the request at the upstream, which frees its place.

        Raises:
            HunminError: The prompt does not fit; no upstream can take it, or none did; the one
                that answered broke off.
        """
        if not generation.embed:
            check_sampling(generation.sampling)
        upstreams = self._upstreams_of(generation.model)
        if self._closed:
            raise EngineNotReady
        prompt = await self._prompt(generation, upstreams)
        key = routing.key_of(generation)
        self._retries.earn()
        tried: list[Upstream] = []
        shown = False
        while True:
            upstream = self._choose(generation.model, upstreams, key, tried)
            try:
                async with aclosing(self._ask(upstream, generation, prompt)) as deltas:
                    async for delta in deltas:
                        shown = True
                        yield delta
            except CallFailed as failure:
                tried.append(upstream)
                log.warning(
                    "upstream failed",
                    upstream=upstream.name,
                    request_id=generation.request_id,
                    reason=failure.reason,
                    shown=shown,
                )
                if shown:
                    raise UpstreamBrokeOff from None
                if len(tried) > RETRIES_MAX or not failure.again or not self._retries.spend():
                    raise failure.error from None
            else:
                return

    def healthy(self, model: str | None = None) -> bool:
        """Return whether a model can take a request now; without a name, whether any can."""
        if self._closed:
            return False
        if model is not None:
            return any(one.can_take(model) for one in self._upstreams_of(model))
        return any(one.can_take(name) for one in self.upstreams for name in one.models)

    async def close(self) -> None:
        """Close every connection, which ends what is being written. Safe to call twice."""
        self._closed = True
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for upstream in self.upstreams:
            await upstream.client.close()

    def _upstreams_of(self, model: str) -> list[Upstream]:
        found = [one for one in self.upstreams if model in one.models]
        if not found:
            raise ModelNotServed
        return found

    async def _prompt(
        self, generation: Generation, upstreams: Sequence[Upstream]
    ) -> list[int] | None:
        """Return the prompt's tokens, or None where the server makes them.

        That is where its tokenizer is not here, or tools are spoken of, which each model has
        learned in words of its own. Then whoever asks has counted it already, and the server
        refuses what does not fit.
        """
        folder = upstreams[0].folder
        if folder is None or generation.with_tools or generation.embed:
            return list(generation.prompt_ids) or None
        card = catalog.card_of(generation.model, upstreams)
        return await self._prompts.encode_fitting(
            folder, generation, context_tokens=card.context_tokens
        )

    def _choose(
        self, model: str, upstreams: Iterable[Upstream], key: bytes, tried: Sequence[Upstream]
    ) -> Upstream:
        """Return the upstream to ask: one that was not tried yet, where there is one.

        Raises:
            UpstreamUnreachable: None can be asked now.
            EngineFull: All that can be asked write as many answers as they may.
        """
        able = [one for one in upstreams if one.can_take(model)]
        if not able:
            raise UpstreamUnreachable
        free = [one for one in able if not one.is_full]
        if not free:
            raise EngineFull(requests_max=sum(one.settings.concurrent_max for one in able))
        free = [one for one in free if one not in tried] or free
        chosen = routing.choose([one.place() for one in free], key)
        return next(one for one in free if one.name == chosen.name)

    async def _ask(
        self, upstream: Upstream, generation: Generation, prompt: list[int] | None
    ) -> AsyncGenerator[Delta]:
        """Ask one upstream, and let its breaker know how that went."""
        upstream.load += 1
        upstream.breaker.begin()
        try:
            deltas = (
                self._embedder.embed(upstream, generation)
                if generation.embed
                else self._answer(upstream, generation, prompt)
            )
            async with aclosing(deltas):
                async for delta in deltas:
                    if delta.finish_reason is not None:
                        upstream.breaker.succeed()
                    yield delta
        except CallFailed as failure:
            if failure.fault:
                upstream.breaker.fail(time.monotonic())
            raise
        finally:
            upstream.breaker.leave()
            upstream.load -= 1

    async def _answer(
        self, upstream: Upstream, generation: Generation, prompt: list[int] | None
    ) -> AsyncGenerator[Delta]:
        """Return the pieces of one upstream's answer, the last one with a reason."""
        sampling, folder = generation.sampling, upstream.folder
        card = catalog.card_of(generation.model, [upstream])
        room = card.context_tokens - len(prompt or ()) if card.context_tokens else None
        sent = wire.body(
            generation,
            upstream.dialect,
            model=upstream.models[generation.model],
            prompt=prompt,
            max_tokens=sampling.max_tokens if room is None else min(sampling.max_tokens, room),
            stop_ids=folder.stop_ids if folder is not None else [],
            salt=salts.salt_of(generation.tenant, self._secret),
        )
        answer: Answer
        if folder is not None and prompt is not None and upstream.dialect.token_ids:
            answer = TokenAnswer(folder, prompt, sampling.stop, top=sampling.logprobs)
        else:
            known = len(prompt or [])
            answer = PlainAnswer(sampling.stop, prompt_tokens=known, tools=generation.tools)
        path = "/v1/chat/completions" if wire.is_chat(sent) else "/v1/completions"
        seconds_max = upstream.settings.first_token_seconds_max
        try:
            events = upstream.client.events(path, sent, first_seconds_max=seconds_max)
            async with aclosing(events):
                async for data in events:
                    if (delta := answer.take(data)) is not None:
                        yield delta
                    if answer.stopped:
                        break
            yield answer.finish()
        except Garbled as wrong:
            raise CallFailed(str(wrong), UpstreamBrokeOff, again=True) from None
