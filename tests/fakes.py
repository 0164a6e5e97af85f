"""Small real implementations of what can be swapped, for tests that need no model.

`ScriptedEngine` is an engine in every respect but that its answers are written down: it streams
whole characters with a pause between them, counts tokens, obeys `max_tokens` and `stop`, stops
when its stream is closed, and can be told to be slow, full, broken or still loading.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from hunmin.errors import EngineUnavailable
from hunmin.plugins import Delta, Generation, ModelCard

MODEL = "hunmin-reference"

ANSWER = (
    "전입신고는 이사한 날부터 **14일 안에** 합니다.\n\n"
    "- 새 주소지의 주민센터\n- 정부24 누리집\n\n"
    "신분증을 가져가십시오. 😀"
)

CHARACTERS_PER_TOKEN = 2


class ScriptedEngine:
    """An engine whose answers are written down.

    Args:
        answers: What to answer, by the last thing that was said; anything else gets `answer`.
        answer: What to answer by default.
        pause_seconds: How long each token takes.
        start_seconds: How long the model takes to load.
        models: The names to serve.
        context_tokens: How many tokens a prompt and its answer may have together.
        folder: The model folder the cards name.
        fail_after: Break after that many tokens.
        start_error: What loading the model raises.
    """

    def __init__(
        self,
        answers: Mapping[str, str] | None = None,
        *,
        answer: str = ANSWER,
        pause_seconds: float = 0.0,
        start_seconds: float = 0.0,
        models: Sequence[str] = (MODEL,),
        context_tokens: int = 512,
        folder: Path | None = None,
        fail_after: int | None = None,
        start_error: Exception | None = None,
    ) -> None:
        self.answers = dict(answers or {})
        self.default = answer
        self.pause_seconds = pause_seconds
        self.start_seconds = start_seconds
        self.names = list(models)
        self.context_tokens = context_tokens
        self.folder = folder
        self.fail_after = fail_after
        self.start_error = start_error
        self.is_healthy = True
        self.started = False
        self.closed = False
        self.running = 0
        self.running_max = 0
        self.generations: list[Generation] = []
        """Everything that was asked, in order."""
        self.canceled: list[str] = []
        """The request ids of streams that were closed before their end."""

    async def start(self) -> None:
        await asyncio.sleep(self.start_seconds)
        if self.start_error is not None:
            self.is_healthy = False
            raise self.start_error
        self.started = True

    def models(self) -> Sequence[ModelCard]:
        return [
            ModelCard(
                id=name,
                folder=self.folder,
                context_tokens=self.context_tokens,
                created_at=1_700_000_000,
                capabilities=frozenset({"chat", "completion", "seed", "stop"}),
                defaults={"temperature": 0.7, "top_p": 0.9},
            )
            for name in self.names
        ]

    async def count_prompt_tokens(self, generation: Generation) -> int:
        texts = [message.content for message in generation.messages] or [generation.prompt or ""]
        return sum(len(pieces(text)) + 4 for text in texts)

    async def encode(self, generation: Generation) -> list[int]:
        return [0] * await self.count_prompt_tokens(generation)

    async def decode(self, model: str, tokens: Sequence[int]) -> list[bytes]:  # noqa: ARG002
        return [b"?"] * len(tokens)

    async def stream(self, generation: Generation) -> AsyncIterator[Delta]:
        self.generations.append(generation)
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        ended = False
        try:
            async for delta in self._write(generation):
                ended = delta.finish_reason is not None
                yield delta
        finally:
            self.running -= 1
            if not ended:
                self.canceled.append(generation.request_id)

    async def _write(self, generation: Generation) -> AsyncIterator[Delta]:
        prompt_tokens = await self.count_prompt_tokens(generation)
        text, stopped = self._text(generation)
        tokens = pieces(text)
        limit = generation.sampling.max_tokens
        for number, piece in enumerate(tokens[:limit], start=1):
            await asyncio.sleep(self.pause_seconds)
            if self.closed or number - 1 == self.fail_after:
                raise EngineUnavailable
            yield Delta(text=piece, prompt_tokens=prompt_tokens, completion_tokens=number)
        whole = len(tokens) <= limit or (stopped and len(tokens) == limit)
        yield Delta(
            text="",
            finish_reason="stop" if whole else "length",
            prompt_tokens=prompt_tokens,
            completion_tokens=min(len(tokens), limit),
        )

    def _text(self, generation: Generation) -> tuple[str, bool]:
        said = generation.messages[-1].content if generation.messages else generation.prompt
        text = self.answers.get(said or "", self.default)
        places = [text.find(stop) for stop in generation.sampling.stop if stop in text]
        return (text[: min(places)], True) if places else (text, False)

    def healthy(self, model: str | None = None) -> bool:  # noqa: ARG002
        return self.started and self.is_healthy and not self.closed

    async def close(self) -> None:
        self.closed = True


def pieces(text: str) -> list[str]:
    """Return a text cut into what this engine calls tokens: two characters each."""
    step = CHARACTERS_PER_TOKEN
    return [text[start : start + step] for start in range(0, len(text), step)]


def open_engine(models: Mapping[str, Path], **_: object) -> ScriptedEngine:
    """Open a scripted engine as the entry point of a real one would."""
    return ScriptedEngine(models=list(models))
