"""Vectors that tell meanings: a stand-in for a server that makes them, and for an engine."""

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hunmin.errors import EngineUnavailable, ServerUnreachable
from hunmin.indexing.embedding import Embedder
from hunmin.plugins import Delta, Generation, ModelCard
from tests.fakes import ScriptedEngine

MODEL = "meanings"

_ALIKE = (("과태료", "벌금", "물어내"), ("전입", "이사", "거주지를"), ("목적", "왜 있"))
"""What is said in several words, one direction for each meaning."""


def vector_of(text: str) -> tuple[float, ...]:
    """Return a direction of length 1 that tells which of the meanings stand in a text."""
    values = [0.1 + sum(text.count(word) for word in words) for words in _ALIKE]
    return tuple(value / math.hypot(*values) for value in values)


@dataclass(frozen=True, slots=True)
class StandIn(Embedder):
    """Gives a collection its vectors without a server, as many as it may."""

    asked: list[str] = field(default_factory=list)
    texts_max: int = 1_000

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if len(self.asked) + len(texts) > self.texts_max:
            raise ServerUnreachable(url=self.url, reason="away")
        self.asked.extend(texts)
        return np.array([vector_of(text) for text in texts], np.float32)


class MeaningEngine(ScriptedEngine):
    """A scripted engine with a second model, which makes vectors."""

    gives_vectors = True

    def models(self) -> Sequence[ModelCard]:
        vectors = ModelCard(
            id=MODEL,
            folder=None,
            context_tokens=2_000,
            created_at=1_700_000_000,
            capabilities=frozenset({"embedding"}),
            defaults={},
        )
        return [*super().models(), vectors]

    async def stream(self, generation: Generation) -> AsyncIterator[Delta]:
        if generation.embed:
            if not self.gives_vectors:
                raise EngineUnavailable
            vectors = tuple(vector_of(str(text)) for text in generation.embed)
            yield Delta("", "stop", len(generation.embed), vectors=vectors)
            return
        async for delta in super().stream(generation):
            yield delta
