"""Transformers in the child process: the reference, and the way that runs everywhere.

One cache of keys and values with a row for each running request. A step works on a piece of the
newest prompt, then on one token of every answer in one batch, so answers join and leave at any
step. Memory for the cache grows with what runs and is bounded by `Limits`.

Shapes: B running rows, H key heads, T positions, D size of a head, V vocabulary, Q new tokens.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from transformers.cache_utils import Cache, CacheLayerMixin

from hunmin.inference.backend import Opening, Request, Row, Score
from hunmin.inference.sampling import Sampler, score
from hunmin.inference.ways import processor_has

BFLOAT16_PARAMETERS_MIN = 200_000_000
"""Smaller models gain nothing from bfloat16 on a processor, and lose accuracy."""


def open_backend(opening: Opening) -> "TransformersBackend":
    """Load the model from the files of its folder alone."""
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(opening.threads)
    dtype = getattr(torch, opening.options.get("dtype", "float32"))
    model = transformers.AutoModelForCausalLM.from_pretrained(
        opening.folder,
        dtype=dtype,
        attn_implementation="sdpa",
        local_files_only=True,
        trust_remote_code=False,
    ).eval()
    kinds = set(getattr(model.config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        raise ValueError(f"layers of the kinds {sorted(kinds)} are not supported")
    if (
        "dtype" not in opening.options
        and model.num_parameters() >= BFLOAT16_PARAMETERS_MIN
        and processor_has("avx512_bf16", "amx_bf16")
    ):
        model = model.to(torch.bfloat16)
    return TransformersBackend(model, opening)


@dataclass(slots=True)
class _Running:
    request: Request
    sampler: Sampler
    cached: int = 0
    """Tokens whose keys and values are in the cache."""
    generated: list[int] = field(default_factory=list)
    prompt_scores: list[Score] = field(default_factory=list)

    @property
    def prefilled(self) -> bool:
        return self.cached >= len(self.request.prompt)


class _RowLayer(CacheLayerMixin):
    """Keys and values of one layer, `(rows, H, T, D)`; which rows and where is set per call."""

    is_sliding = False

    def __init__(self, rows: "_Rows") -> None:
        super().__init__()
        self._rows = rows

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        del value_states
        _, heads, _, size = key_states.shape
        shape = (self._rows.capacity, heads, self._rows.positions, size)
        self.keys, self.values = key_states.new_zeros(shape), key_states.new_zeros(shape)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        del args, kwargs
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        rows = self._rows
        first, last = rows.rows.start, rows.rows.stop
        at = torch.arange(first, last)[:, None]
        self.keys[at, :, rows.positions_BQ] = key_states.transpose(1, 2)
        self.values[at, :, rows.positions_BQ] = value_states.transpose(1, 2)
        return self.keys[first:last, :, : rows.length], self.values[first:last, :, : rows.length]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        del query_length
        return self._rows.length, 0

    def get_seq_length(self) -> int:
        return self._rows.length - self._rows.positions_BQ.shape[1]

    def get_max_length(self) -> int:
        return self._rows.positions


class _Rows:
    """Which rows and positions of the cache the next forward pass writes and reads."""

    def __init__(self, *, layers: int, capacity: int, positions: int) -> None:
        self.capacity = capacity
        self.positions = positions
        self.rows = range(0)
        self.positions_BQ = torch.zeros(0, 0, dtype=torch.long)
        self.length = 0
        self._layers = [_RowLayer(self) for _ in range(layers)]
        self.cache = Cache(layers=list(self._layers))

    def point(self, rows: range, positions_BQ: torch.Tensor) -> torch.Tensor:
        """Set what the next pass touches; return its mask `(B, 1, Q, T)`, true where seen."""
        self.rows, self.positions_BQ = rows, positions_BQ
        self.length = int(positions_BQ.max()) + 1
        return torch.arange(self.length) <= positions_BQ[:, None, :, None]

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first positions of one row over another."""
        for layer in self._layers:
            if layer.keys is not None and layer.values is not None:
                layer.keys[target, :, :length] = layer.keys[source, :, :length]
                layer.values[target, :, :length] = layer.values[source, :, :length]


class TransformersBackend:
    """A Transformers model with one row of cache for each running request."""

    def __init__(self, model: Any, opening: Opening) -> None:  # noqa: ANN401 (any architecture)
        self._model = model
        self._limits = opening.limits
        self._threads = opening.threads
        text = model.config.get_text_config()
        heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
        size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        row_bytes = (
            text.num_hidden_layers
            * 2
            * heads
            * size
            * opening.context_tokens
            * model.dtype.itemsize
        )
        affordable = max(1, opening.limits.kv_cache_bytes_max // row_bytes)
        self._capacity = min(opening.limits.running_max, affordable)
        self._rows = _Rows(
            layers=text.num_hidden_layers,
            capacity=self._capacity,
            positions=opening.context_tokens,
        )
        self._cache_bytes = self._capacity * row_bytes
        self._waiting: deque[Request] = deque()
        self._running: list[_Running] = []
        """The place in the list is the row in the cache."""

    def facts(self) -> dict[str, Any]:
        """Return the version, the number format and the cache."""
        return {
            "backend": "transformers",
            "version": transformers.__version__,
            "torch": torch.__version__,
            "dtype": str(self._model.dtype).removeprefix("torch."),
            "cache_tokens": self._capacity * self._rows.positions,
            "cache_bytes": self._cache_bytes,
        }

    def add(self, request: Request) -> None:
        """Take a request; it waits where all rows are taken."""
        if len(request.prompt) + request.max_tokens > self._rows.positions:
            raise ValueError("it is longer than the context")
        if request.grammar:
            raise ValueError("Transformers follows no grammar")
        self._waiting.append(request)

    @torch.inference_mode()
    def cancel(self, request_id: int) -> None:
        """Give up a request, running or waiting."""
        self._waiting = deque(request for request in self._waiting if request.id != request_id)
        for place, running in enumerate(self._running):
            if running.request.id == request_id:
                self._free(place)
                return

    def busy(self) -> bool:
        """Return whether a request is running or waiting."""
        return bool(self._running or self._waiting)

    @torch.inference_mode()
    def step(self) -> list[Row]:
        """Work on a piece of one prompt, then on one token of every answer."""
        while self._waiting and len(self._running) < self._capacity:
            request = self._waiting.popleft()
            self._running.append(_Running(request, Sampler(request)))
        rows = self._prefill()
        rows += self._decode(exclude={row.id for row in rows})
        for place in reversed(range(len(self._running))):
            running = self._running[place]
            if any(row.id == running.request.id and row.finish for row in rows):
                self._free(place)
        return rows

    def _prefill(self) -> list[Row]:
        """Take pieces of prompts, oldest first, until the tokens of a step are used up."""
        rows: list[Row] = []
        left = self._limits.batch_tokens_max
        for place, running in enumerate(self._running):
            if running.prefilled:
                continue
            prompt = running.request.prompt
            piece = prompt[running.cached : running.cached + left]
            positions_BQ = torch.arange(running.cached, running.cached + len(piece))[None]
            # With its prompt scored, the logits of every place are kept, and not the last alone.
            [logits_QV] = self._forward(
                range(place, place + 1),
                [piece],
                positions_BQ,
                kept=len(piece) if running.request.prompt_logprobs else 1,
            )
            running.cached += len(piece)
            left -= len(piece)
            if running.request.prompt_logprobs:
                self._score_prompt(running, logits_QV)
            if running.prefilled:
                row = self._choose(running, logits_QV[-1])
                if running.request.prompt_logprobs:
                    row.prompt_scores = running.prompt_scores
                rows.append(row)
            if left <= 0:
                break
        return rows

    def _decode(self, exclude: set[int]) -> list[Row]:
        """Generate one token for every run of neighboring rows that are past their prompt."""
        ready = [
            running.prefilled and running.request.id not in exclude for running in self._running
        ]
        rows: list[Row] = []
        place = 0
        while place < len(ready):
            if not ready[place]:
                place += 1
                continue
            end = place
            while end < len(ready) and ready[end]:
                end += 1
            batch = self._running[place:end]
            positions_BQ = torch.tensor([[running.cached] for running in batch])
            tokens = [running.generated[-1:] for running in batch]
            logits_BQV = self._forward(range(place, end), tokens, positions_BQ, kept=1)
            for running, logits_QV in zip(batch, logits_BQV, strict=True):
                running.cached += 1
                rows.append(self._choose(running, logits_QV[-1]))
            place = end
        return rows

    def _forward(
        self, rows: range, tokens: list[list[int]], positions_BQ: torch.Tensor, *, kept: int
    ) -> torch.Tensor:
        """Return the logits after the last `kept` tokens of each row, `(B, kept, V)`."""
        mask = self._rows.point(rows, positions_BQ)
        output = self._model(
            input_ids=torch.tensor(tokens),
            attention_mask=mask,
            position_ids=positions_BQ,
            past_key_values=self._rows.cache,
            use_cache=True,
            logits_to_keep=kept,
        )
        logits: torch.Tensor = output.logits
        return logits

    def _score_prompt(self, running: _Running, logits_QV: torch.Tensor) -> None:
        """Score the tokens that follow those of the piece just worked on."""
        request = running.request
        first = running.cached - len(logits_QV) + 1
        followers = request.prompt[first : running.cached + 1]
        running.prompt_scores += score(
            logits_QV[: len(followers)], followers, top=request.logprobs or 0
        )

    def _choose(self, running: _Running, logits_V: torch.Tensor) -> Row:
        token = running.sampler.choose(logits_V)
        running.generated.append(token)
        row = Row(running.request.id, [token])
        if running.request.logprobs is not None:
            row.scores = score(logits_V[None], [token], top=running.request.logprobs)
        if token in running.request.stop_ids:
            row.finish = "stop"
        elif len(running.generated) >= running.request.max_tokens:
            row.finish = "length"
        return row

    def _free(self, place: int) -> None:
        """Give a row back: the last one moves into its place."""
        last = self._running.pop()
        if place < len(self._running):
            self._running[place] = last
            self._rows.move(len(self._running), place, last.cached)
