"""An engine made of paper: it obeys the `Engine` protocol, needs no model, and does as told.

One character is one token. What it says, in how large pieces, how slowly, and how it fails are
set on it by the test.
"""

import asyncio
import dataclasses
import math
import random
import typing
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from hunmin.errors import ContextLengthExceeded, TokenUnknown
from hunmin.plugins import (
    CallPiece,
    Capability,
    Delta,
    Generation,
    ModelCard,
    Sampling,
    TokenScore,
)

PAPER = ModelCard(
    id="paper",
    folder=None,
    context_tokens=2000,
    created_at=1_760_000_000,
    capabilities=frozenset(typing.get_args(Capability)),
    defaults={"temperature": 0.6, "top_p": 0.95},
)

BASE = ModelCard(
    id="paper-base",
    folder=Path("base"),
    context_tokens=100,
    created_at=1_760_000_001,
    capabilities=frozenset({"completion"}),
)


VOCAB_SIZE = 0x110000
"""One token for each character there may be."""


def scores_of(
    text: str, sampling: Sampling, *, first_unknown: bool = False
) -> tuple[TokenScore, ...]:
    """Return how probable each character is: the lower its code point, the more."""
    if sampling.logprobs is None:
        return ()

    def score(character: str, top: tuple[TokenScore, ...] = ()) -> TokenScore:
        return TokenScore(ord(character), character.encode(), -ord(character) / VOCAB_SIZE, top)

    told = [score(one, tuple(map(score, "abcde"[: sampling.logprobs]))) for one in text]
    if first_unknown and told:
        told[0] = dataclasses.replace(told[0], logprob=None, top=())
    return tuple(told)


def pieces_of(calls: list[tuple[str, str]]) -> Iterator[CallPiece]:
    """Give calls as engines do: first their names, then their arguments in two parts."""
    for index, (name, arguments) in enumerate(calls):
        yield CallPiece(index, id=f"call_{index}", name=name)
        middle = len(arguments) // 2
        yield CallPiece(index, arguments=arguments[:middle])
        yield CallPiece(index, arguments=arguments[middle:])


def vector_of(text: str | tuple[int, ...]) -> tuple[float, ...]:
    """Return a direction in three dimensions: texts with the same characters have the same one."""
    ids = [ord(one) for one in text] if isinstance(text, str) else list(text)
    values = [1.0 + sum(ids[place::3]) for place in range(3)]
    return tuple(value / math.hypot(*values) for value in values)


def tokens_of(generation: Generation) -> list[int]:
    """Return a prompt's tokens: its characters."""
    if generation.prompt_ids:
        if max(generation.prompt_ids) >= VOCAB_SIZE:
            raise TokenUnknown(vocab_size=VOCAB_SIZE, param="prompt")
        return list(generation.prompt_ids)
    if generation.embed:
        return [0 for text in generation.embed for _ in text]
    said = generation.prompt or "".join(turn.content for turn in generation.messages)
    return [ord(character) for character in said]


class PaperEngine:
    """Says `text` again and again, as an engine would."""

    def __init__(
        self, text: str = "훈민정음은 백성을 가르치는 바른 소리입니다. ", *, seed: int = 0
    ):
        self.text = text
        self.cards = [PAPER, BASE]
        self.piece_characters_max = 3
        self.step_seconds = 0.0
        self.ends_after: int | None = None
        """Characters after which the model stops by itself; None: never before max_tokens."""
        self.fails_after: int | None = None
        """Characters after which `failure` is raised."""
        self.failure: BaseException = RuntimeError("the engine broke")
        self.calls: list[tuple[str, str]] = []
        """Functions it asks for, with their arguments, after what it says."""
        self.vanishes_after: int | None = None
        """Characters after which the stream ends without a reason, as a bug would."""
        self.start_failure: BaseException | None = None
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.healthy_now = True
        self.running: set[str] = set()
        """Request ids of the streams that hold a place."""
        self.speaks_among = 1
        """Streams that must hold a place before any of them speaks."""
        self._enough = asyncio.Event()
        self.seen: list[Generation] = []
        self.closed = False
        self._random = random.Random(seed)

    async def start(self) -> None:
        await self.may_start.wait()
        if self.start_failure is not None:
            self.healthy_now = False
            raise self.start_failure

    def models(self) -> list[ModelCard]:
        return self.cards

    async def count_prompt_tokens(self, generation: Generation) -> int:
        return len(tokens_of(generation))

    async def encode(self, generation: Generation) -> list[int]:
        return tokens_of(generation)

    async def decode(self, model: str, tokens: Sequence[int]) -> list[bytes]:  # noqa: ARG002
        if any(token >= VOCAB_SIZE for token in tokens):
            raise TokenUnknown(vocab_size=VOCAB_SIZE, param="tokens")
        return [chr(token).encode("utf-8", "surrogatepass") for token in tokens]

    async def stream(self, generation: Generation) -> AsyncIterator[Delta]:
        self.seen.append(generation)
        self.running.add(generation.request_id)
        if len(self.running) >= self.speaks_among:
            self._enough.set()
        try:
            async with asyncio.timeout(60):
                await self._enough.wait()
            async for delta in self._pieces(generation):
                yield delta
        finally:
            self.running.discard(generation.request_id)

    async def _pieces(self, generation: Generation) -> AsyncIterator[Delta]:
        prompt_tokens = len(tokens_of(generation))
        if generation.embed:
            await asyncio.sleep(self.step_seconds)
            if self.fails_after is not None:
                raise self.failure
            vectors = tuple(vector_of(text) for text in generation.embed)
            yield Delta("", "stop", prompt_tokens, vectors=vectors)
            return
        card = next(card for card in self.cards if card.id == generation.model)
        most = generation.sampling.max_tokens
        if prompt_tokens + most > card.context_tokens:
            raise ContextLengthExceeded(
                prompt_tokens=prompt_tokens, context_tokens=card.context_tokens, param="messages"
            )
        ends = most if self.ends_after is None else min(most, self.ends_after)
        said = 0
        while said < ends:
            await asyncio.sleep(self.step_seconds)
            if self.fails_after is not None and said >= self.fails_after:
                raise self.failure
            if self.vanishes_after is not None and said >= self.vanishes_after:
                return
            step = min(self._random.randint(1, self.piece_characters_max), ends - said)
            piece = "".join(self.text[(said + n) % len(self.text)] for n in range(step))
            told = scores_of(piece, generation.sampling)
            first = generation.sampling.prompt_logprobs and said == 0
            prompt = "".join(map(chr, tokens_of(generation))) if first else ""
            said += step
            yield Delta(
                text=piece,
                prompt_tokens=prompt_tokens,
                completion_tokens=said,
                scores=told,
                prompt_scores=scores_of(prompt, generation.sampling, first_unknown=True),
            )
        reason = "stop" if ends == self.ends_after else "length"
        if generation.tools is not None and generation.tools.choice != "none":
            for piece in pieces_of(self.calls):
                reason = "tool_calls"
                yield Delta("", None, prompt_tokens, said, calls=(piece,))
        yield Delta(
            text="", finish_reason=reason, prompt_tokens=prompt_tokens, completion_tokens=said
        )

    def healthy(self, model: str | None = None) -> bool:  # noqa: ARG002
        return self.healthy_now and not self.closed

    async def close(self) -> None:
        self.closed = True
