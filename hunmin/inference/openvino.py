"""The default engine: OpenVINO GenAI over our own GGUF, 8-bit, with continuous batching.

Its fastest way uses what the processor advertises. Some virtual machines advertise what they do
not run, and the process dies; then 32-bit arithmetic is tried, and where OpenVINO does not run at
all, Transformers.

What it remembers of prompts it finds by a hash of their tokens, to which nothing can be added. So
it remembers where all share, and nothing where tenants are to be kept apart.
"""

from collections.abc import Mapping
from pathlib import Path

from hunmin.inference.engine import EmbeddedEngine
from hunmin.inference.transformers import WAYS as TRANSFORMERS_WAYS
from hunmin.inference.ways import Limits, Way
from hunmin.plugins import Capability, PrefixCache

_PROGRAM = "hunmin.inference.openvino_backend:open_backend"

_CAPABILITIES: frozenset[Capability] = frozenset({"logprobs", "grammar"})

WAYS = (
    Way("openvino", _PROGRAM, capabilities=_CAPABILITIES),
    Way("openvino-f32", _PROGRAM, {"INFERENCE_PRECISION_HINT": "f32"}, _CAPABILITIES),
    *TRANSFORMERS_WAYS,
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
        models: Model folders with `model.gguf`, as `hunmin export` makes them.
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
