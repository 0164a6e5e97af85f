"""What the child process runs: a backend that works on many requests, one step at a time.

Token ids in, token ids out. Backends know nothing of text, people or processes; `child` drives
them from one thread.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from hunmin.inference.ways import Limits
from hunmin.plugins import PrefixCache

Finish = Literal["stop", "length"]

Score = tuple[float, list[tuple[int, float]]]
"""The log-probability of a token, and the most probable tokens of its place with theirs."""

GREEDY_BELOW = 1e-3
"""Temperatures below this are 0: the most probable token, always."""


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to generate."""

    id: int
    prompt: list[int]
    max_tokens: int
    stop_ids: list[int]
    """Tokens that end an answer; without any it goes on to `max_tokens`."""
    seed: int
    """0 to 2**32 - 1."""
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: list[tuple[int, float]] = field(default_factory=list)
    grammar: str = ""
    """Well-formed EBNF the answer obeys. Whoever adds the request answers for its form: a grammar
    that is not well formed may end the process."""
    logprobs: int | None = None
    """Of how many tokens the log-probability is told beside the one chosen; None: of none."""
    prompt_logprobs: bool = False
    cache_group: str | None = None
    """Requests of the same group may use what was computed of each other's prompts; one of no
    group neither uses nor leaves anything."""
    check: bool = False
    """Whether probabilities that are no numbers end the process: for the self-test."""

    @property
    def greedy(self) -> bool:
        """Whether the most probable token is always taken."""
        return self.temperature < GREEDY_BELOW or self.top_p <= 0 or self.top_k == 1

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "Request":
        """Read a request that came as a message."""
        return cls(**{each.name: message[each.name] for each in dataclasses.fields(cls)})


@dataclass(slots=True)
class Row:
    """What one step brought one request."""

    id: int
    tokens: list[int]
    finish: Finish | None = None
    refused: str | None = None
    """Why the request cannot go on, where it cannot."""
    scores: list[Score] | None = None
    """One for each of `tokens`, where they were asked for."""
    prompt_scores: list[Score] | None = None
    """With the first token: one for each token of the prompt but the first."""
    vector: list[float] | None = None
    """What a text comes to, of length 1, where the model writes none."""
    cached: int = 0
    """With the first token: how many tokens of the prompt were remembered and not computed; 0 also
    where the backend does not know."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a backend is opened with."""

    folder: Path
    options: Mapping[str, str]
    threads: int
    context_tokens: int
    limits: Limits
    prefix_cache: PrefixCache
    """Whether requests come in groups (`Request.cache_group`), in none, or all in one."""


class Backend(Protocol):
    """A model in memory. Called from one thread."""

    def facts(self) -> dict[str, Any]:
        """Return what is worth knowing about how the model runs, as plain JSON.

        `cache_tokens`, where it is told, is how many tokens keys and values can be kept of.
        """
        ...

    def add(self, request: Request) -> None:
        """Take a request; it is worked on from the next step."""
        ...

    def cancel(self, request_id: int) -> None:
        """Give up a request, and its memory at the next step. Unknown ids are ignored."""
        ...

    def busy(self) -> bool:
        """Return whether there is anything to step for."""
        ...

    def step(self) -> list[Row]:
        """Generate up to one token for each running request."""
        ...


class OpenBackend(Protocol):
    """What `Way.program` names."""

    def __call__(self, opening: Opening) -> Backend:
        """Load the model."""
        ...
