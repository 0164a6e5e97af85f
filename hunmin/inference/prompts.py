"""Prompts to tokens and back, without holding up the streams beside them.

A short prompt is cut into tokens in less time than another thread takes to wake up; a book takes
seconds, and goes to one of two threads of its own.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from hunmin.errors import ContextTooLong
from hunmin.inference.folder import ModelFolder
from hunmin.plugins import Generation

AT_ONCE_TOKENS_MAX = 2_000


def texts_of(generation: Generation) -> list[Generation]:
    """Return each of the texts that are to become vectors as a prompt of its own."""
    return [
        replace(generation, embed=(), prompt=one)
        if isinstance(one, str)
        else replace(generation, embed=(), prompt_ids=one)
        for one in generation.embed
    ]


class PromptReader:
    """Cuts prompts into tokens."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="engine-prompts")

    async def encode(self, model: ModelFolder, generation: Generation) -> list[int]:
        """Return the tokens of the prompt, chat template included.

        Raises:
            TokenUnknown: The model has no token of a number that is asked for.
        """
        if model.tokens_at_least(generation) <= AT_ONCE_TOKENS_MAX:
            return model.encode(generation)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, model.encode, generation)

    async def count(self, model: ModelFolder, generation: Generation) -> int:
        """Return how many tokens the prompt has, chat template included.

        A text so long that no way of cutting it could fit the context is not cut: what it has at
        least is returned.
        """
        least = model.tokens_at_least(generation)
        return least if least > model.context_tokens else len(await self.encode(model, generation))

    async def encode_fitting(
        self, model: ModelFolder, generation: Generation, *, context_tokens: int
    ) -> list[int]:
        """Return the tokens of a prompt that leaves room for an answer.

        Raises:
            ContextTooLong: It leaves none.
        """
        prompt: list[int] = []
        count = model.tokens_at_least(generation)
        if count <= context_tokens:
            prompt = await self.encode(model, generation)
            count = len(prompt)
        if count >= context_tokens:
            raise ContextTooLong(prompt_tokens=count, context_tokens=context_tokens)
        return prompt

    async def decode(self, model: ModelFolder, tokens: Sequence[int]) -> list[bytes]:
        """Return what each token stands for: bytes of text, or the name of a special token.

        Raises:
            TokenUnknown: The model has no token of that number.
        """
        if len(tokens) <= AT_ONCE_TOKENS_MAX:
            return model.decode(tokens)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, model.decode, tokens)
