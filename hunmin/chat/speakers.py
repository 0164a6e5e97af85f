"""Who answers in the terminal: an engine inside this program, or a server over HTTP.

A speaker knows how to put messages into a stream of text and nothing of terminals.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import aiohttp

from hunmin.chat import rules
from hunmin.db import new_id
from hunmin.errors import EngineStarting, ServerUnreachable
from hunmin.plugins import Delta, Engine, Generation, Message, Sampling

CONTEXT_TOKENS = 4_096
"""What a model elsewhere is taken to take in where its server does not say."""


class Speaker(Protocol):
    """Answers conversations."""

    model: str
    """The name of the model that answers."""
    tokens_max: int
    """How long an answer may be."""
    context_tokens: int
    """How much the model takes in at once, as far as it is known; said once it is open."""

    async def open(self) -> None:
        """Get ready to answer."""
        ...

    async def count(self, messages: Sequence[Message]) -> int:
        """Return how many tokens messages have, about as many where only a server could tell."""
        ...

    def answer(self, messages: Sequence[Message]) -> AsyncGenerator[Delta]:
        """Answer the last message. Closing the iterator stops.

        Raises:
            EngineStarting: The model is still being loaded: ask again in a moment.
            HunminError: There is no answer.
        """
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


class EngineSpeaker:
    """The embedded engine: no server, no database."""

    def __init__(self, engine: Engine, *, tokens_max: int) -> None:
        self._engine = engine
        card = engine.models()[0]
        self.model, self.context_tokens = card.id, card.context_tokens
        self.tokens_max = min(tokens_max, card.context_tokens // 3)

    async def open(self) -> None:
        """Load the model."""
        await self._engine.start()

    async def count(self, messages: Sequence[Message]) -> int:
        """Return how many tokens messages have, with what the model's form of a chat adds."""
        return await self._engine.count_prompt_tokens(self._plan(messages))

    async def answer(self, messages: Sequence[Message]) -> AsyncGenerator[Delta]:
        """Answer with as much of the conversation as the model can take in."""
        system = [message for message in messages if message.role == "system"]
        turns = [message for message in messages if message.role != "system"]

        async def count_from(first: int) -> int:
            return await self.count(system + turns[first:])

        first = await rules.turns_left_out(
            len(turns),
            count_from=count_from,
            tokens_max=rules.prompt_tokens_max(
                context_tokens=self.context_tokens, answer_tokens_max=self.tokens_max
            ),
        )
        pieces = self._engine.stream(self._plan(system + turns[first:]))
        try:
            async for delta in pieces:
                yield delta
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()  # frees the engine's place at once

    async def close(self) -> None:
        """Stop the engine."""
        await self._engine.close()

    def _plan(self, messages: Sequence[Message]) -> Generation:
        card = self._engine.models()[0]
        return Generation(
            request_id=new_id(),
            model=card.id,
            sampling=_sampling(card.defaults, self.tokens_max),
            messages=tuple(messages),
        )


def _sampling(defaults: Any, tokens: int) -> Sampling:  # noqa: ANN401 (a mapping of numbers)
    house = Sampling(max_tokens=tokens)
    return Sampling(
        max_tokens=tokens,
        temperature=defaults.get("temperature", house.temperature),
        top_p=defaults.get("top_p", house.top_p),
        top_k=int(defaults.get("top_k", house.top_k)),
        repetition_penalty=defaults.get("repetition_penalty", house.repetition_penalty),
    )


class HttpSpeaker:
    """Any server that speaks OpenAI's API."""

    def __init__(self, url: str, *, key: str | None, model: str | None, tokens_max: int) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.tokens_max = tokens_max
        self.context_tokens = CONTEXT_TOKENS
        self._session: aiohttp.ClientSession | None = None
        self.model = model or ""

    async def open(self) -> None:
        """Ask which models there are, which also shows whether the key is good.

        Raises:
            ServerUnreachable: There is no such server, it refuses, or it has no model.
        """
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=None, sock_connect=10)
        )
        try:
            async with self._session.get(f"{self._url}/v1/models") as response:
                listed = await self._checked(response)
            self.model = self.model or listed["data"][0]["id"]
            named = [one for one in listed["data"] if one["id"] == self.model]
            known = named[0].get("max_model_len") if named else None  # of Hunmin and vLLM
            self.context_tokens = known if type(known) is int else CONTEXT_TOKENS
        except (aiohttp.ClientError, OSError, ValueError, LookupError, TypeError) as error:
            raise ServerUnreachable(url=self._url, reason=_reason(error)) from error

    async def count(self, messages: Sequence[Message]) -> int:
        """Return a number of tokens that is seldom too low: one for each character."""
        return sum(len(message.content) for message in messages)

    async def answer(self, messages: Sequence[Message]) -> AsyncGenerator[Delta]:
        """Answer through `/v1/chat/completions`."""
        assert self._session is not None, "open it first"
        body = {
            "model": self.model,
            "messages": [{"role": one.role, "content": one.content} for one in messages],
            "max_tokens": self.tokens_max,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        try:
            async with self._session.post(
                f"{self._url}/v1/chat/completions", json=body
            ) as response:
                if response.status != 200:  # noqa: PLR2004 (the one status of success)
                    await self._checked(response)
                async with aclosing(_deltas(response)) as deltas:
                    async for delta in deltas:
                        yield delta
        except (aiohttp.ClientError, OSError, ValueError, LookupError, TypeError) as error:
            raise ServerUnreachable(url=self._url, reason=_reason(error)) from error

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()

    async def _checked(self, response: aiohttp.ClientResponse) -> Any:  # noqa: ANN401 (JSON)
        """Return the JSON of an answer, or raise with what the server said."""
        answer = await response.json(content_type=None)
        if response.status != 200:  # noqa: PLR2004
            error = answer.get("error") if isinstance(answer, dict) else None
            said = error if isinstance(error, dict) else {}
            if said.get("code") == EngineStarting.code:
                raise EngineStarting
            reason = said.get("message")
            raise ServerUnreachable(url=self._url, reason=reason or f"HTTP {response.status}")
        return answer


async def _deltas(response: aiohttp.ClientResponse) -> AsyncGenerator[Delta]:
    """Return the pieces in a stream of server-sent events, the last one with the counts."""
    async for line in response.content:
        kind, _, data = line.decode().partition(":")
        if kind != "data" or data.strip() == "[DONE]":
            continue
        chunk = json.loads(data)
        if "error" in chunk:
            raise ValueError(chunk["error"].get("message", "error"))
        usage = chunk.get("usage") or {}
        choices = chunk.get("choices") or [{}]
        yield Delta(
            text=(choices[0].get("delta") or {}).get("content") or "",
            finish_reason=choices[0].get("finish_reason"),
            prompt_tokens=usage.get("prompt_tokens", 0),
            completion_tokens=usage.get("completion_tokens", 0),
        )


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
