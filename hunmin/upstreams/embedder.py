"""Texts to vectors, by servers on other machines.

Texts go as texts: what a model of vectors wants around them (a first token, a last one) only its
server knows.
"""

import asyncio
import json
import math
from collections.abc import AsyncGenerator

from hunmin.errors import ContextTooLong, UpstreamBrokeOff
from hunmin.inference.folder import ModelFolder, whole_text
from hunmin.inference.prompts import PromptReader, texts_of
from hunmin.plugins import Delta, Generation
from hunmin.upstreams.client import CallFailed
from hunmin.upstreams.shapes import COUNT_MAX, Garbled, count_of, object_of, objects
from hunmin.upstreams.upstream import Upstream

TOGETHER_MAX = 64
"""Texts in one question, so that no reply is longer than is read."""

BYTES_OF_A_TOKEN = 4
"""What a token is believed to have where nobody here can count; the server's own count follows."""


class Embedder:
    """Asks upstreams for vectors."""

    def __init__(self, prompts: PromptReader) -> None:
        self._prompts = prompts

    async def count(
        self, folder: ModelFolder | None, generation: Generation, context_tokens: int
    ) -> int:
        """Return how many tokens the texts have together, about as many where no tokenizer is here.

        Raises:
            ContextTooLong: One of them is longer than the context.
            TokenUnknown: The model has no token of a number that is given.
        """
        counts: list[int] = []
        for one, text in zip(generation.embed, texts_of(generation), strict=True):
            if folder is not None:
                counts.append(await self._prompts.count(folder, text))
            elif isinstance(one, str):
                size = len(one.encode("utf-8", "surrogatepass"))
                counts.append(math.ceil(size / BYTES_OF_A_TOKEN))
            else:
                counts.append(len(one))
        known = folder is not None and context_tokens
        if known and max(counts) > context_tokens:
            raise ContextTooLong(prompt_tokens=max(counts), context_tokens=context_tokens)
        return sum(counts)

    async def embed(self, upstream: Upstream, generation: Generation) -> AsyncGenerator[Delta]:
        """Give one piece with all vectors.

        Raises:
            CallFailed: There is no answer, or it is none.
        """
        vectors: list[tuple[float, ...]] = []
        prompt_tokens = 0
        for start in range(0, len(generation.embed), TOGETHER_MAX):
            texts = generation.embed[start : start + TOGETHER_MAX]
            sent = {
                "model": upstream.models[generation.model],
                "input": [whole_text(one) if isinstance(one, str) else list(one) for one in texts],
                "encoding_format": "float",
            }
            seconds_max = upstream.settings.first_token_seconds_max
            reply = await upstream.client.post("/v1/embeddings", sent, seconds_max=seconds_max)
            try:
                more, tokens = await asyncio.to_thread(read_vectors, reply, len(texts))
            except Garbled as wrong:
                raise CallFailed(str(wrong), UpstreamBrokeOff, again=True) from None
            vectors += more
            prompt_tokens = min(prompt_tokens + tokens, COUNT_MAX)
        yield Delta("", finish_reason="stop", prompt_tokens=prompt_tokens, vectors=tuple(vectors))


def read_vectors(reply: bytes, count: int) -> tuple[list[tuple[float, ...]], int]:
    """Return the vectors of a reply, each brought to length 1, and the tokens that were read.

    Raises:
        Garbled: It is not what a server of this kind sends.
    """
    try:
        told = object_of(json.loads(reply), "reply")
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, Garbled) else Garbled("a reply that is no JSON") from None
    vectors: dict[object, tuple[float, ...]] = {}
    for one in objects(told.get("data"), "data"):
        values = one.get("embedding")
        if not isinstance(values, list) or not all(type(value) in {int, float} for value in values):
            raise Garbled("a vector that is none")
        number = one.get("index")
        vectors[number if type(number) is int else None] = _unit(values)
    if vectors.keys() != set(range(count)) or len({len(one) for one in vectors.values()}) != 1:
        raise Garbled("vectors of other texts")
    usage = told.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return [vectors[number] for number in range(count)], count_of(tokens, 0)


def _unit(values: list[float]) -> tuple[float, ...]:
    try:
        length = math.hypot(*values)
    except OverflowError:
        length = math.inf
    if not 0 < length < math.inf:
        raise Garbled("a vector without a direction")
    return tuple(value / length for value in values)
