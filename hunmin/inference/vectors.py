"""Texts to vectors, by a model folder of this machine."""

from hunmin.errors import ContextTooLong
from hunmin.inference.folder import ModelFolder
from hunmin.inference.host import ModelHost
from hunmin.inference.inbox import Inbox, until_ready
from hunmin.inference.prompts import PromptReader, texts_of
from hunmin.inference.requests import request_of
from hunmin.inference.ways import Way
from hunmin.plugins import Delta, Generation

WAYS = (
    Way(
        "vectors",
        "hunmin.inference.vectors_backend:open_backend",
        capabilities=frozenset({"embedding"}),
    ),
)
"""How a model that writes nothing is run."""

TOGETHER_MAX = 8
"""Texts of one request that the process has at the same time, so that others find room beside."""


async def count(prompts: PromptReader, model: ModelFolder, generation: Generation) -> int:
    """Return how many tokens the texts have together.

    Raises:
        ContextTooLong: One of them is longer than the context.
        TokenUnknown: The model has no token of a number that is given.
    """
    counts = [await prompts.count(model, text) for text in texts_of(generation)]
    if max(counts) > model.context_tokens:
        raise ContextTooLong(prompt_tokens=max(counts), context_tokens=model.context_tokens)
    return sum(counts)


async def embed(prompts: PromptReader, host: ModelHost, generation: Generation) -> Delta:
    """Return one piece with all vectors.

    Raises:
        HunminError: A text does not fit, the engine is full or has failed.
    """
    prompt_tokens = await count(prompts, host.model, generation)
    texts = texts_of(generation)
    vectors: list[tuple[float, ...]] = []
    await until_ready(host)
    for start in range(0, len(texts), TOGETHER_MAX):
        vectors += await _together(prompts, host, texts[start : start + TOGETHER_MAX])
    return Delta("", finish_reason="stop", prompt_tokens=prompt_tokens, vectors=tuple(vectors))


async def _together(
    prompts: PromptReader, host: ModelHost, texts: list[Generation]
) -> list[tuple[float, ...]]:
    """Return the vectors of a few texts."""
    inbox = Inbox()
    numbers: list[int] = []
    vectors: dict[int, tuple[float, ...]] = {}
    try:
        for text in texts:
            tokens = await prompts.encode(host.model, text)
            request = request_of(text, tokens, host.model, room=0, prefix_cache="off")
            numbers.append(host.submit(request, inbox.put))
        while len(vectors) < len(texts):
            row = await inbox.get()
            vectors[row["id"]] = tuple(row["vector"])
    finally:
        for number in numbers:
            host.cancel(number)
    return [vectors[number] for number in numbers]
