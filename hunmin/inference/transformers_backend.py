"""Transformers in the child process: the reference, and the way that runs everywhere.

One cache of keys and values with a row for each running request. A step works on a piece of the
newest prompt, then on one token of every answer in one batch, so answers join and leave at any
step. A part of the cache remembers what rows began with (`prefixes`). Memory for both grows with
what runs and is bounded by `Limits`.

Shapes: B running rows, T positions, V vocabulary, Q new tokens.
"""

import functools
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers

from hunmin.inference.backend import Opening, Request, Row, Score
from hunmin.inference.prefixes import BLOCK_TOKENS, Prefixes
from hunmin.inference.rows import Rows
from hunmin.inference.sampling import Logits, Sampler, score
from hunmin.inference.ways import processor_has

BFLOAT16_PARAMETERS_MIN = 200_000_000
"""Smaller models gain nothing from bfloat16 on a processor, and lose accuracy."""

REMEMBERED_SHARE = 4
"""One part in so many of the memory for keys and values is for prompts seen before."""


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
    remembered: int = 0
    """Tokens whose keys and values need not be computed."""
    generated: list[int] = field(default_factory=list)
    prompt_scores: list[Score] = field(default_factory=list)

    @property
    def prefilled(self) -> bool:
        return self.cached >= len(self.request.prompt)


class TransformersBackend:
    """A Transformers model with one row of cache for each running request."""

    def __init__(self, model: Any, opening: Opening) -> None:  # noqa: ANN401 (any architecture)
        self._model = model
        self._limits = opening.limits
        self._threads = opening.threads
        text = model.config.get_text_config()
        heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
        size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        token_bytes = text.num_hidden_layers * 2 * heads * size * model.dtype.itemsize
        row_bytes = token_bytes * opening.context_tokens
        bytes_max = opening.limits.kv_cache_bytes_max
        remembered_bytes = 0 if opening.prefix_cache == "off" else bytes_max // REMEMBERED_SHARE
        affordable = max(1, (bytes_max - remembered_bytes) // row_bytes)
        self._capacity = min(opening.limits.running_max, affordable)
        self._prefixes = Prefixes(blocks_max=remembered_bytes // (token_bytes * BLOCK_TOKENS))
        self._rows = Rows(
            layers=text.num_hidden_layers,
            capacity=self._capacity,
            positions=opening.context_tokens,
        )
        self._cache_bytes = self._capacity * row_bytes + remembered_bytes
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
            self._begin(self._waiting.popleft())
        rows = self._prefill()
        rows += self._decode(exclude={row.id for row in rows})
        for place in reversed(range(len(self._running))):
            running = self._running[place]
            if any(row.id == running.request.id and row.finish for row in rows):
                self._free(place)
        return rows

    def _begin(self, request: Request) -> None:
        """Give a request a row, and into it what is remembered of its prompt."""
        running, place = _Running(request, Sampler(request)), len(self._running)
        if request.cache_group is not None and not request.prompt_logprobs:
            # The last token is always computed: what follows it is chosen from that.
            blocks = self._prefixes.find(request.cache_group, request.prompt[:-1])
            for number, block in enumerate(blocks):
                self._rows.write(place, number * BLOCK_TOKENS, block)
            running.cached = running.remembered = len(blocks) * BLOCK_TOKENS
        self._running.append(running)

    def _remember(self, place: int) -> None:
        """Keep what a row holds for later requests of its group."""
        running = self._running[place]
        group = running.request.cache_group
        if group is not None:
            tokens = (running.request.prompt + running.generated)[: running.cached]
            self._prefixes.keep(group, tokens, functools.partial(self._rows.read, place))

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
                self._remember(place)
                row = self._choose(running, logits_QV[-1])
                row.cached = running.remembered
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
    ) -> Logits:
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
        logits: Logits = output.logits.float().numpy()
        return logits

    def _score_prompt(self, running: _Running, logits_QV: Logits) -> None:
        """Score the tokens that follow those of the piece just worked on."""
        request = running.request
        first = running.cached - len(logits_QV) + 1
        followers = request.prompt[first : running.cached + 1]
        running.prompt_scores += score(
            logits_QV[: len(followers)], followers, top=request.logprobs or 0
        )

    def _choose(self, running: _Running, logits_V: Logits) -> Row:
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
        """Give a row back, its tokens remembered: the last one moves into its place."""
        self._remember(place)
        last = self._running.pop()
        if place < len(self._running):
            self._running[place] = last
            self._rows.move(len(self._running), place, last.cached)
