"""The engine behind `plugins.Engine`: requests in, whole characters out.

Everything about text happens here: the prompt's tokens, characters, stop strings, counts. The
model itself runs in a child process (`host`).
"""

import asyncio
import functools
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hunmin.errors import (
    EngineRefused,
    ModelNotServed,
    SamplingWrong,
)
from hunmin.inference import vectors
from hunmin.inference.folder import ModelFolder
from hunmin.inference.frames import Message
from hunmin.inference.host import ModelHost
from hunmin.inference.inbox import Inbox, until_ready
from hunmin.inference.prompts import PromptReader
from hunmin.inference.requests import request_of
from hunmin.inference.text import AnswerText
from hunmin.inference.ways import Limits, Way, core_count
from hunmin.plugins import (
    Delta,
    Generation,
    ModelCard,
    ModelState,
    PrefixCache,
    Sampling,
    TokenScore,
)

LOGPROBS_MAX = 20
"""Of this many most probable tokens an answer may tell at each place."""

_Score = tuple[float | None, Sequence[tuple[int, float]]]


class EmbeddedEngine:
    """Serves model folders, each in a process of its own."""

    def __init__(
        self,
        models: Mapping[str, Path],
        ways: Sequence[Way],
        *,
        cache: Path,
        threads: int = 0,
        limits: Limits | None = None,
        prefix_cache: PrefixCache = "tenant",
    ) -> None:
        """Read the folders; nothing is started yet.

        Args:
            models: Model folders by name, as `hunmin export` makes them.
            ways: How to serve one; where one does not run, the next is tried.
            cache: A folder for what was learned about this machine, and for the engine's log.
            threads: Processor threads for generating; 0 takes one for each physical core.
            limits: How many requests at once, and how much memory.
            prefix_cache: Who gains by prompts that were computed before.

        Raises:
            ModelFolderBroken: A folder cannot be served.
        """
        self._ways = ways
        self._make_host = functools.partial(
            ModelHost,
            cache=cache,
            threads=core_count(threads),
            limits=limits or Limits(),
            prefix_cache=prefix_cache,
        )
        self._hosts = {
            name: self._open(ModelFolder(name, folder)) for name, folder in models.items()
        }
        self._prompts = PromptReader()
        self._closed = False

    def _open(self, model: ModelFolder) -> ModelHost:
        return self._make_host(model, vectors.WAYS if model.embeds else self._ways)

    async def start(self) -> None:
        """Start every model and wait until all can take requests.

        Called again, it starts what was given up.

        Raises:
            EngineFailed: A model could not be started in any way.
        """
        for name, host in self._hosts.items():
            if _state(host) == "failed" and not self._closed:
                self._hosts[name] = self._open(host.model)
        futures = [host.start() for host in self._hosts.values()]
        await asyncio.gather(*(asyncio.shield(asyncio.wrap_future(f)) for f in futures))

    def models(self) -> Sequence[ModelCard]:
        """Return the models served, also those that cannot answer now."""
        return [replace(host.card(), state=_state(host)) for host in self._hosts.values()]

    def host(self, model: str) -> ModelHost:
        """Return the process of a model.

        Raises:
            ModelNotServed: There is no such model.
        """
        try:
            return self._hosts[model]
        except KeyError:
            raise ModelNotServed from None

    async def count_prompt_tokens(self, generation: Generation) -> int:
        """Return how many tokens the prompt has, chat template included.

        A text so long that no way of cutting it could fit the context is not cut: what it has at
        least is returned.

        Raises:
            HunminError: The model is unknown, or has no such token; one of the texts that are to
                become vectors does not fit.
        """
        if generation.embed:
            model = self.host(generation.model).model
            return await vectors.count(self._prompts, model, generation)
        return await self._prompts.count(self.host(generation.model).model, generation)

    async def encode(self, generation: Generation) -> Sequence[int]:
        """Return the tokens of the prompt, chat template included.

        Raises:
            HunminError: The model is unknown, or has no such token.
        """
        return await self._prompts.encode(self.host(generation.model).model, generation)

    async def decode(self, model: str, tokens: Sequence[int]) -> list[bytes]:
        """Return what each token stands for: bytes of text, or the name of a special token.

        Raises:
            HunminError: The model is unknown, or has no such token.
        """
        return await self._prompts.decode(self.host(model).model, tokens)

    async def stream(self, generation: Generation) -> AsyncIterator[Delta]:
        """Generate. Closing the iterator cancels and frees the place at the next step.

        An answer is never longer than what the prompt leaves of the context; one that is cut off
        there ends with `length`.

        Raises:
            HunminError: The prompt does not fit, the engine is full or has failed.
        """
        host = self.host(generation.model)
        if host.model.embeds != bool(generation.embed):
            kind = "no answers" if host.model.embeds else "no vectors"
            raise EngineRefused(reason=f"this model gives {kind}")
        if generation.embed:
            yield await vectors.embed(self._prompts, host, generation)
            return
        check_sampling(generation.sampling)
        prompt = await self._prompts.encode_fitting(
            host.model, generation, context_tokens=host.model.context_tokens
        )
        room = host.model.context_tokens - len(prompt)
        await until_ready(host)
        answer = _Answer(
            AnswerText(host.model.token_bytes, generation.sampling.stop), host.model, prompt
        )
        request = request_of(
            generation, prompt, host.model, room=room, prefix_cache=host.prefix_cache
        )
        inbox = Inbox()
        number = host.submit(request, inbox.put)
        try:
            while answer.open:
                for delta in answer.take(await inbox.get()):
                    yield delta
        finally:
            host.cancel(number)

    def healthy(self, model: str | None = None) -> bool:
        """Return whether a model can take a request now; without a name, whether any can."""
        asked = self._hosts.values() if model is None else [self.host(model)]
        return any(host.is_ready() for host in asked)

    async def close(self) -> None:
        """Stop every generation and every process. Safe to call twice."""
        self._closed = True
        await asyncio.gather(*(asyncio.to_thread(host.close) for host in self._hosts.values()))


def check_sampling(sampling: Sampling) -> None:
    """Raise `SamplingWrong` where a value is out of its range, or is no number."""
    ranges: list[tuple[str, float, float, float]] = [
        ("max_tokens", sampling.max_tokens, 1, math.inf),
        ("temperature", sampling.temperature, 0, 100),
        ("top_p", sampling.top_p, 0, 1),
        ("top_k", sampling.top_k, 0, math.inf),
        ("presence_penalty", sampling.presence_penalty, -2, 2),
        ("frequency_penalty", sampling.frequency_penalty, -2, 2),
        ("repetition_penalty", sampling.repetition_penalty, 0.01, 100),
        ("logprobs", sampling.logprobs or 0, 0, LOGPROBS_MAX),
        *(("logit_bias", bias, -100, 100) for _, bias in sampling.logit_bias),
    ]
    for name, value, low, high in ranges:
        if not low <= value <= high:  # false also for what is no number
            allowed = f"{low} or more" if high == math.inf else f"{low} - {high}"
            raise SamplingWrong(name=name, allowed=allowed)


@dataclass(slots=True)
class _Answer:
    """One answer under way: rows of tokens in, deltas out."""

    text: AnswerText
    model: ModelFolder
    prompt: list[int]
    completion_tokens: int = 0
    cached_tokens: int = 0
    open: bool = True
    scores: list[TokenScore] = field(default_factory=list)
    prompt_scores: list[TokenScore] = field(default_factory=list)

    def take(self, row: Message) -> list[Delta]:
        """Take a row of the child process; the last delta has the reason of the end."""
        shown = ""
        self.cached_tokens = self.cached_tokens or row["cached"]
        if row["prompt_scores"] is not None:
            self.prompt_scores = [
                self._scored(self.prompt[0], (None, [])),
                *map(self._scored, self.prompt[1:], row["prompt_scores"]),
            ]
        for place, token in enumerate(row["tokens"]):
            self.completion_tokens += 1
            if row["scores"] is not None:
                self.scores.append(self._scored(token, row["scores"][place]))
            shown += self.text.push(token)
            if self.text.stopped:
                break
        finish = "stop" if self.text.stopped else row["finish"]
        if finish:
            self.open = False
            shown += self.text.finish()
        if not shown and not finish:
            return []
        scores, prompt_scores = tuple(self.scores), tuple(self.prompt_scores)
        self.scores.clear()
        self.prompt_scores.clear()
        return [
            Delta(
                shown,
                finish_reason=finish,
                prompt_tokens=len(self.prompt),
                completion_tokens=self.completion_tokens,
                cached_tokens=self.cached_tokens,
                scores=scores,
                prompt_scores=prompt_scores,
            )
        ]

    def _scored(self, token: int, score: _Score) -> TokenScore:
        """Return a token with its probability, and with the tokens that might have come instead."""
        logprob, best = score
        top = (TokenScore(other, self.model.bytes_of(other), value) for other, value in best)
        return TokenScore(token, self.model.bytes_of(token), logprob, tuple(top))


def _state(host: ModelHost) -> ModelState:
    """Return whether a model can answer, is being loaded, or was given up."""
    ready = host.ready()
    if not ready.done():
        return "starting"
    return "ready" if ready.exception() is None else "failed"
