"""llama.cpp in the child process: one sequence of its cache for each running request.

A step computes one token of every answer, and fills up with pieces of the oldest prompts. Tokens
are chosen here, from llama.cpp's logits. A sequence that is free again still holds what it computed
(`places`).
"""

import json
from collections import deque
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np

from hunmin.inference.backend import Opening, Request, Row, Score
from hunmin.inference.llama_cpp_library import PACKAGE, LlamaCpp, LlamaGrammar, Token
from hunmin.inference.places import Places
from hunmin.inference.sampling import Sampler, score

GGUF_NAME = "model.gguf"

_CELL_TOKENS = 256
"""llama.cpp rounds the length of a sequence up to a multiple of this."""

_CELL_BYTES = 2
"""Of one number among keys and values: llama.cpp keeps 16 bits."""


def open_backend(opening: Opening) -> "LlamaCppBackend":
    """Load the GGUF of the folder."""
    path = opening.folder / GGUF_NAME
    if not path.is_file():
        raise FileNotFoundError(f"no {GGUF_NAME} in the folder")
    config = json.loads((opening.folder / "config.json").read_text("utf-8"))
    heads = config.get("num_key_value_heads") or config["num_attention_heads"]
    size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    cells = -(-opening.context_tokens // _CELL_TOKENS) * _CELL_TOKENS
    sequence_bytes = config["num_hidden_layers"] * 2 * heads * size * _CELL_BYTES * cells
    affordable = max(1, opening.limits.kv_cache_bytes_max // sequence_bytes)
    sequences = min(opening.limits.running_max, affordable)
    model = LlamaCpp(
        path,
        sequences=sequences,
        sequence_tokens=cells,
        batch_tokens=opening.limits.batch_tokens_max + sequences,
        threads=opening.threads,
    )
    return LlamaCppBackend(
        model, opening, sequences=sequences, cache_bytes=sequences * sequence_bytes
    )


@dataclass(slots=True)
class _Running:
    request: Request
    place: int
    sampler: Sampler
    grammar: LlamaGrammar | None
    cached: int
    """Tokens whose keys and values are in the cache."""
    remembered: int
    """Tokens of the prompt that were in the cache before."""
    generated: list[int] = field(default_factory=list)
    prompt_scores: list[Score] = field(default_factory=list)

    @property
    def prefilled(self) -> bool:
        return self.cached >= len(self.request.prompt)


class LlamaCppBackend:
    """A model in llama.cpp, stepped from one thread."""

    def __init__(
        self, model: LlamaCpp, opening: Opening, *, sequences: int, cache_bytes: int
    ) -> None:
        self._model = model
        self._context_tokens = opening.context_tokens
        self._piece_tokens = opening.limits.batch_tokens_max
        self._cache_bytes = cache_bytes
        self._sequences = sequences
        self._places = Places(sequences)
        self._waiting: deque[Request] = deque()
        self._running: list[_Running] = []

    def facts(self) -> dict[str, Any]:
        """Return the version and the cache."""
        return {
            "backend": "llama.cpp",
            "version": version(PACKAGE),
            "cache_tokens": self._sequences * self._context_tokens,
            "cache_bytes": self._cache_bytes,
        }

    def add(self, request: Request) -> None:
        """Take a request; it waits where all sequences are taken."""
        if len(request.prompt) + request.max_tokens > self._context_tokens:
            raise ValueError("it is longer than the context")
        if request.grammar:
            # One that cannot be read is refused now.
            self._model.grammar(request.grammar, request.stop_ids).close()
        self._waiting.append(request)

    def cancel(self, request_id: int) -> None:
        """Give up a request, running or waiting."""
        self._waiting = deque(request for request in self._waiting if request.id != request_id)
        for running in self._running:
            if running.request.id == request_id:
                self._free(running)
                return

    def busy(self) -> bool:
        """Return whether a request is running or waiting."""
        return bool(self._running or self._waiting)

    def step(self) -> list[Row]:
        """Work on one token of every answer and on pieces of prompts."""
        while self._waiting and self._places.left:
            self._begin(self._waiting.popleft())
        pieces = self._pieces()
        self._model.compute([token for _, piece in pieces for token in piece])
        rows: list[Row] = []
        place = 0
        for running, piece in pieces:
            row = self._read(running, range(place, place + len(piece)))
            place += len(piece)
            if row is not None:
                rows.append(row)
                if row.finish:
                    self._free(running)
        return rows

    def _begin(self, request: Request) -> None:
        """Give a request a sequence, with what it holds of the prompt."""
        scored = request.prompt_logprobs
        place, held = self._places.take(None if scored else request.cache_group, request.prompt)
        self._model.forget(place, after=held)
        grammar = None
        if request.grammar:
            grammar = self._model.grammar(request.grammar, request.stop_ids)
        sampler = Sampler(request, grammar)
        self._running.append(_Running(request, place, sampler, grammar, held, held))

    def _pieces(self) -> list[tuple[_Running, list[Token]]]:
        """Return what the next step computes of each request."""
        pieces: list[tuple[_Running, list[Token]]] = []
        left = self._piece_tokens
        for running in self._running:
            if running.prefilled:
                ids = running.generated[-1:]
            else:
                ids = running.request.prompt[running.cached : running.cached + left]
                left -= len(ids)
            if ids:
                pieces.append((running, self._tokens(running, ids)))
        return pieces

    def _tokens(self, running: _Running, ids: list[int]) -> list[Token]:
        last = len(running.request.prompt) - 1
        scored = running.request.prompt_logprobs
        return [
            Token(token, position, running.place, kept=scored or position >= last)
            for position, token in enumerate(ids, running.cached)
        ]

    def _read(self, running: _Running, places: range) -> Row | None:
        """Return the token that follows what was just computed, where that was no mere piece."""
        request = running.request
        was_prefilled = running.prefilled
        running.cached += len(places)
        if request.prompt_logprobs and not was_prefilled:
            self._score_prompt(running, places)
        if not running.prefilled:
            return None
        logits_V = self._model.logits(places[-1])
        token = running.sampler.choose(logits_V)
        running.generated.append(token)
        row = Row(request.id, [token])
        if request.logprobs is not None:
            row.scores = score(logits_V[None], [token], top=request.logprobs)
        if not was_prefilled:
            row.cached = running.remembered
            if request.prompt_logprobs:
                row.prompt_scores = running.prompt_scores
        if token in request.stop_ids:
            row.finish = "stop"
        elif len(running.generated) >= request.max_tokens:
            row.finish = "length"
        return row

    def _score_prompt(self, running: _Running, places: range) -> None:
        """Score the tokens that follow those of the piece just worked on."""
        request = running.request
        first = running.cached - len(places) + 1
        for place, follower in zip(
            places, request.prompt[first : running.cached + 1], strict=False
        ):
            logits_1V = np.array(self._model.logits(place))[None]
            running.prompt_scores += score(logits_1V, [follower], top=request.logprobs or 0)

    def _free(self, running: _Running) -> None:
        """Give a sequence back; its tokens stay for its group."""
        self._running.remove(running)
        if running.grammar is not None:
            running.grammar.close()
        tokens = (running.request.prompt + running.generated)[: running.cached]
        self._places.give_back(running.place, running.request.cache_group, tokens)
