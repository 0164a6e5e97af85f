"""The engine behind `plugins.Engine`: requests in, whole characters out.

Everything about text happens here: the prompt's tokens, characters, stop strings, counts. The
model itself runs in a child process (`host`).
"""

import asyncio
import contextlib
import functools
import math
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hunmin.errors import (
    ContextTooLong,
    EngineNotReady,
    EngineRefused,
    HunminError,
    ModelNotServed,
    SamplingWrong,
)
from hunmin.inference.folder import ModelFolder
from hunmin.inference.frames import Message
from hunmin.inference.host import ModelHost
from hunmin.inference.text import AnswerText
from hunmin.inference.ways import Limits, Way, core_count
from hunmin.plugins import Delta, Generation, ModelCard, Sampling, TokenScore

READY_SECONDS_MAX = 20.0
"""How long a request waits for a process that is being started again."""

LOGPROBS_MAX = 20
"""Of this many most probable tokens an answer may tell at each place."""

_SHORT_PROMPT_TOKENS = 2_000
"""Longer prompts are cut into tokens in a thread, so that other streams go on."""

_SEEDS = 1 << 32

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
    ) -> None:
        """Read the folders; nothing is started yet.

        Raises:
            ModelFolderBroken: A folder cannot be served.
        """
        self._hosts = {
            name: ModelHost(
                ModelFolder(name, folder),
                ways,
                cache=cache,
                threads=core_count(threads),
                limits=limits or Limits(),
            )
            for name, folder in models.items()
        }

    async def start(self) -> None:
        """Start every model and wait until all can take requests.

        Raises:
            EngineFailed: A model could not be started in any way.
        """
        futures = [host.start() for host in self._hosts.values()]
        await asyncio.gather(*(asyncio.shield(asyncio.wrap_future(f)) for f in futures))

    def models(self) -> Sequence[ModelCard]:
        """Return the models served."""
        return [host.card() for host in self._hosts.values()]

    def host(self, model: str) -> ModelHost:
        """Return the process of a model.

        Raises:
            ModelNotServed: There is no such model.
        """
        try:
            return self._hosts[model]
        except KeyError:
            raise ModelNotServed from None

    def count_prompt_tokens(self, generation: Generation) -> int:
        """Return how many tokens the prompt has, chat template included.

        A text so long that no way of cutting it could fit the context is not cut: what it has at
        least is returned.
        """
        model = self.host(generation.model).model
        least = model.tokens_at_least(generation)
        return least if least > model.context_tokens else len(model.encode(generation))

    def encode(self, generation: Generation) -> Sequence[int]:
        """Return the tokens of the prompt, chat template included.

        Raises:
            HunminError: The model is unknown, or has no such token.
        """
        return self.host(generation.model).model.encode(generation)

    def decode(self, model: str, tokens: Sequence[int]) -> list[bytes]:
        """Return what each token stands for: bytes of text, or the name of a special token.

        Raises:
            HunminError: The model is unknown, or has no such token.
        """
        return self.host(model).model.decode(tokens)

    async def stream(self, generation: Generation) -> AsyncIterator[Delta]:
        """Generate. Closing the iterator cancels and frees the place at the next step.

        An answer is never longer than what the prompt leaves of the context; one that is cut off
        there ends with `length`.

        Raises:
            HunminError: The prompt does not fit, the engine is full or has failed.
        """
        check_sampling(generation.sampling)
        host = self.host(generation.model)
        prompt = await _encode(host.model, generation)
        room = host.model.context_tokens - len(prompt)
        await _until_ready(host)
        answer = _Answer(
            AnswerText(host.model.token_bytes, generation.sampling.stop), host.model, prompt
        )
        inbox: asyncio.Queue[Message | HunminError] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        request = _request(prompt, generation.sampling, host.model, room=room)
        number = host.submit(request, functools.partial(_hand_over, loop, inbox))
        try:
            while answer.open:
                message = await inbox.get()
                if isinstance(message, HunminError):
                    raise message
                for delta in answer.take(message):
                    yield delta
        finally:
            host.cancel(number)

    def healthy(self) -> bool:
        """Return whether every model can take a request now."""
        return all(host.is_ready() for host in self._hosts.values())

    async def close(self) -> None:
        """Stop every generation and every process. Safe to call twice."""
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
    open: bool = True
    scores: list[TokenScore] = field(default_factory=list)
    prompt_scores: list[TokenScore] = field(default_factory=list)

    def take(self, row: Message) -> list[Delta]:
        """Take a row of the child process; the last delta has the reason of the end."""
        if row["refused"]:
            raise EngineRefused(reason=row["refused"])
        shown = ""
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
                scores=scores,
                prompt_scores=prompt_scores,
            )
        ]

    def _scored(self, token: int, score: _Score) -> TokenScore:
        """Return a token with its probability, and with the tokens that might have come instead."""
        logprob, best = score
        top = (TokenScore(other, self.model.bytes_of(other), value) for other, value in best)
        return TokenScore(token, self.model.bytes_of(token), logprob, tuple(top))


def _request(
    prompt: list[int], sampling: Sampling, model: ModelFolder, *, room: int
) -> dict[str, object]:
    """Return the request as the child process reads it (`backend.Request`)."""
    seed = secrets.randbelow(_SEEDS) if sampling.seed is None else sampling.seed
    return {
        "prompt": prompt,
        "max_tokens": min(sampling.max_tokens, room),
        "stop_ids": model.stop_ids,
        "seed": (seed ^ (seed >> 32)) % _SEEDS,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": min(sampling.top_k, model.vocab_size),
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "repetition_penalty": sampling.repetition_penalty,
        "logit_bias": sampling.logit_bias,
        "grammar": sampling.grammar,
        "logprobs": sampling.logprobs,
        "prompt_logprobs": sampling.prompt_logprobs,
        "check": False,
    }


async def _encode(model: ModelFolder, generation: Generation) -> list[int]:
    """Return the prompt's tokens, or raise `ContextTooLong` where they leave no room."""
    count = model.tokens_at_least(generation)
    prompt: list[int] = []
    if count <= min(_SHORT_PROMPT_TOKENS, model.context_tokens):
        prompt = model.encode(generation)
    elif count <= model.context_tokens:
        prompt = await asyncio.to_thread(model.encode, generation)
    count = len(prompt) or count
    if count >= model.context_tokens:
        raise ContextTooLong(prompt_tokens=count, context_tokens=model.context_tokens)
    return prompt


async def _until_ready(host: ModelHost) -> None:
    """Wait for a process that is being started again, but not for long."""
    ready = host.ready()
    if not ready.done():
        try:
            # Not `wait_for`: Python 3.11's loses a cancellation that comes at the last moment.
            async with asyncio.timeout(READY_SECONDS_MAX):
                await asyncio.shield(asyncio.wrap_future(ready))
        except TimeoutError:
            raise EngineNotReady from None
    if (error := ready.exception()) is not None:
        raise error


def _hand_over(
    loop: asyncio.AbstractEventLoop,
    inbox: asyncio.Queue[Message | HunminError],
    message: Message | HunminError,
) -> None:
    """Put a message into the queue of a stream, from the host's thread."""
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is reading
        loop.call_soon_threadsafe(inbox.put_nowait, message)
