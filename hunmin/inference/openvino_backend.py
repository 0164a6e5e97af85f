"""OpenVINO GenAI in the child process: continuous batching over a GGUF file.

The GGUF is opened directly. OpenVINO makes a tokenizer of its own from it, which knows no
`llama-bpe` and is never used: token ids come and go.
"""

import json
import math
import sys
from typing import Any

from hunmin.inference.backend import Finish, Opening, Request, Row

GGUF_NAME = "model.gguf"

BLOCK_TOKENS = 32
"""Tokens in one block of OpenVINO's cache on a CPU."""

RUNTIME_CACHE_CAPACITY = 100
"""Kernels kept for shapes seen before. OpenVINO keeps 5,000, and every new number of tokens in a
step adds some: memory then grows for thousands of requests, and none of them gets faster."""

NUCLEUS_TOKENS_MAX = 512
"""Among so many of the most probable tokens the nucleus of `top_p` is looked for. OpenVINO sorts
all it is given, for each token anew: for a vocabulary of 32,000 that took longer than the model."""

_SCALE_BYTES = 16
"""Scale and zero point that an 8-bit cache keeps for each head and token, rounded up."""


def open_backend(opening: Opening) -> "OpenVinoBackend":
    """Load the model with the properties of OpenVINO that `opening.options` names."""
    # Intel's package tells Intel who imports OpenVINO; where it is missing, a stub says nothing.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    path = opening.folder / GGUF_NAME
    if not path.is_file():
        raise FileNotFoundError(f"no {GGUF_NAME} in the folder")
    import openvino_genai  # noqa: PLC0415 (after telemetry is out of the way)

    scheduler = openvino_genai.SchedulerConfig()
    scheduler.max_num_seqs = opening.limits.running_max
    scheduler.max_num_batched_tokens = opening.limits.batch_tokens_max
    scheduler.dynamic_split_fuse = True
    # Blocks are found by a hash of tokens alone: it cannot keep groups of requests apart.
    scheduler.enable_prefix_caching = opening.prefix_cache == "shared"
    scheduler.num_kv_blocks = cache_blocks(opening)
    properties: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": opening.threads,
        "sampler_num_threads": opening.threads,
        "CPU_RUNTIME_CACHE_CAPACITY": RUNTIME_CACHE_CAPACITY,
        **opening.options,
    }
    pipeline = openvino_genai.ContinuousBatchingPipeline(
        str(path), scheduler, "CPU", properties, {}
    )
    return OpenVinoBackend(pipeline, blocks=scheduler.num_kv_blocks)


def cache_blocks(opening: Opening) -> int:
    """Return how many blocks of keys and values to keep.

    Twice what all running answers can need, so that prompts seen before stay remembered; never
    more memory than the limit, but always enough for one answer.
    """
    config = json.loads((opening.folder / "config.json").read_text("utf-8"))
    heads = config.get("num_key_value_heads") or config["num_attention_heads"]
    size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    element = {"f32": 4, "f16": 2, "bf16": 2}.get(
        opening.options.get("KV_CACHE_PRECISION", "u8"), 1
    )
    token_bytes = config["num_hidden_layers"] * 2 * heads * (size * element + _SCALE_BYTES)
    answer_blocks = math.ceil(opening.context_tokens / BLOCK_TOKENS) + 1
    affordable = opening.limits.kv_cache_bytes_max // (token_bytes * BLOCK_TOKENS)
    return max(answer_blocks, min(2 * opening.limits.running_max * answer_blocks, affordable))


class OpenVinoBackend:
    """One pipeline, stepped from one thread."""

    def __init__(self, pipeline: Any, *, blocks: int) -> None:  # noqa: ANN401 (no types there)
        import numpy  # noqa: ICN001, PLC0415 (openvino has just loaded it)
        import openvino  # noqa: PLC0415
        import openvino_genai  # noqa: PLC0415

        self._genai, self._openvino, self._numpy = openvino_genai, openvino, numpy
        self._pipeline = pipeline
        self._blocks = blocks
        self._running: dict[int, tuple[Any, Request]] = {}

    def facts(self) -> dict[str, Any]:
        """Return the version and the cache."""
        return {
            "backend": "openvino",
            "version": self._genai.__version__,
            "cache_tokens": self._blocks * BLOCK_TOKENS,
            "cache_bytes": self._pipeline.get_metrics().cache_size_in_bytes,
        }

    def add(self, request: Request) -> None:
        """Take a request."""
        if request.logprobs or request.prompt_logprobs or request.logit_bias:
            raise ValueError("OpenVINO tells of the chosen tokens alone, and favors none")
        config = self._genai.GenerationConfig()
        config.max_new_tokens = request.max_tokens
        config.stop_token_ids = set(request.stop_ids)
        if request.stop_ids:
            config.eos_token_id = request.stop_ids[0]
        else:
            config.ignore_eos = True
        config.repetition_penalty = request.repetition_penalty
        config.presence_penalty = request.presence_penalty
        config.frequency_penalty = request.frequency_penalty
        config.logprobs = int(request.check or request.logprobs is not None)
        if request.grammar:
            config.structured_output_config = self._genai.StructuredOutputConfig(
                grammar=request.grammar
            )
        config.do_sample = not request.greedy
        if not request.greedy:
            config.rng_seed = request.seed
            config.temperature = request.temperature
            config.top_p = min(request.top_p, 1.0)
            if request.top_k > 0:
                config.top_k = request.top_k
            elif request.top_p < 1:
                config.top_k = NUCLEUS_TOKENS_MAX
        prompt = self._openvino.Tensor(self._numpy.array([request.prompt], self._numpy.int64))
        handle = self._pipeline.add_request(request.id, prompt, config)
        self._running[request.id] = (handle, request)

    def cancel(self, request_id: int) -> None:
        """Give up a request; the next step frees its blocks."""
        running = self._running.pop(request_id, None)
        if running is not None:
            running[0].cancel()

    def busy(self) -> bool:
        """Return whether a request is left, a cancelled one to be freed included."""
        return self._pipeline.has_non_finished_requests()

    def step(self) -> list[Row]:
        """Step once and read what every request got."""
        self._pipeline.step()
        rows = [self._read(request_id) for request_id in list(self._running)]
        return [row for row in rows if row.tokens or row.finish or row.refused]

    def _read(self, request_id: int) -> Row:
        handle, request = self._running[request_id]
        row = Row(request_id, [], scores=None if request.logprobs is None else [])
        while handle.can_read():
            for output in handle.read().values():
                row.tokens += output.generated_ids
                row.finish = self._finish(output.finish_reason)
                if request.check and not all(map(math.isfinite, output.generated_log_probs)):
                    raise ArithmeticError("probabilities are not numbers")
                if row.scores is not None:
                    row.scores += [(logprob, []) for logprob in output.generated_log_probs]
        if handle.get_status() == self._genai.GenerationStatus.IGNORED:
            row.refused = "the cache for keys and values is too small for it"
        if row.finish or row.refused:
            del self._running[request_id]
        return row

    def _finish(self, reason: object) -> Finish | None:
        reasons = self._genai.GenerationFinishReason
        if reason == reasons.NONE:
            return None
        return "length" if reason == reasons.LENGTH else "stop"
