"""What kinds of servers call things, and what each can do. What is not known is not offered."""

from dataclasses import dataclass

from hunmin.plugins import Capability

NEEDS_TOKENIZER: frozenset[Capability] = frozenset({"logprobs", "top_logprobs", "prompt_logprobs"})
"""What is told of tokens is told by their numbers, whose text only their tokenizer knows."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of server speaks OpenAI's API."""

    capabilities: frozenset[Capability]
    repetition: str = "repetition_penalty"
    """Its name for the repetition penalty, where it has defaults of its own."""
    grammar: str = ""
    """Its name for the grammar of an answer."""
    token_ids: bool = False
    """Whether it tells the tokens of an answer by number."""
    salted: bool = False
    """Whether it keeps prompts it has seen apart by a salt."""
    counts: bool = False
    """Whether it cuts a prompt into tokens for us."""
    defaults: bool = True
    """Whether it has defaults of its own for what is not said, so that all is said."""
    health: str = "/health"
    running: str = ""
    waiting: str = ""
    cache_used: str = ""
    """Its metrics of requests running and waiting, and of the share of its cache in use."""


DIALECTS: dict[str, Dialect] = {
    "vllm": Dialect(
        capabilities=frozenset(
            {
                "chat",
                "completion",
                "seed",
                "stop",
                "penalties",
                "logprobs",
                "top_logprobs",
                "prompt_logprobs",
                "logit_bias",
                "grammar",
            }
        ),
        grammar="structured_outputs",
        token_ids=True,
        salted=True,
        counts=True,
        running="vllm:num_requests_running",
        waiting="vllm:num_requests_waiting",
        cache_used="vllm:kv_cache_usage_perc",
    ),
    "sglang": Dialect(
        capabilities=frozenset(
            {"chat", "completion", "stop", "penalties", "logit_bias", "grammar"}
        ),
        grammar="ebnf",
        running="sglang:num_running_reqs",
        waiting="sglang:num_queue_reqs",
        cache_used="sglang:token_usage",
    ),
    "llama.cpp": Dialect(
        capabilities=frozenset({"chat", "completion", "seed", "stop", "penalties", "grammar"}),
        grammar="grammar",
        repetition="repeat_penalty",
        running="llamacpp:requests_processing",
        waiting="llamacpp:requests_deferred",
    ),
    "openai": Dialect(
        capabilities=frozenset({"chat", "completion", "stop"}),
        defaults=False,
        health="/v1/models",
    ),
}
"""By the setting `kind`.

Source:
    vLLM, `entrypoints/openai/completion/protocol.py` and `v1/metrics/loggers.py`; SGLang,
    `srt/entrypoints/openai/protocol.py`; llama.cpp, `tools/server/README.md`.
"""
