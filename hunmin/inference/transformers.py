"""The fallback engine: Hugging Face Transformers in PyTorch, in a process of its own.

It reads `model.safetensors`, runs wherever PyTorch does, and is what the default engine is
checked against.
"""

from collections.abc import Mapping
from pathlib import Path

from hunmin.inference.engine import EmbeddedEngine
from hunmin.inference.ways import Limits, Way
from hunmin.plugins import PrefixCache

WAYS = (
    Way(
        "transformers",
        "hunmin.inference.transformers_backend:open_backend",
        capabilities=frozenset({"logprobs", "top_logprobs", "prompt_logprobs", "logit_bias"}),
    ),
)


def open_engine(
    models: Mapping[str, Path],
    *,
    cache: Path,
    threads: int = 0,
    limits: Limits | None = None,
    prefix_cache: PrefixCache = "tenant",
) -> EmbeddedEngine:
    """Return an engine, not yet started, serving model folders by name.

    Args:
        models: Model folders, as `hunmin export` makes them.
        cache: A folder for what was learned about this machine, and for the engine's log.
        threads: Processor threads for generating; 0 takes one for each physical core.
        limits: How many requests at once, and how much memory.
        prefix_cache: Who gains by prompts that were computed before.

    Raises:
        ModelFolderBroken: A folder cannot be served.
    """
    return EmbeddedEngine(
        models, WAYS, cache=cache, threads=threads, limits=limits, prefix_cache=prefix_cache
    )
