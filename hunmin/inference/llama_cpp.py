"""The engine for a single reader: llama.cpp over our own GGUF, from the wheel `xllamacpp`.

With one answer at a time it is the fastest of all; with eight, OpenVINO is. It keeps what it
computed of prompts apart by tenant, and does all that Transformers does. Where it is not installed
or does not run, the ways of OpenVINO follow.
"""

from collections.abc import Mapping
from pathlib import Path

from hunmin.inference.engine import EmbeddedEngine
from hunmin.inference.openvino import WAYS as OPENVINO_WAYS
from hunmin.inference.ways import Limits, Way
from hunmin.plugins import PrefixCache

WAYS = (
    Way(
        "llama.cpp",
        "hunmin.inference.llama_cpp_backend:open_backend",
        capabilities=frozenset(
            {"logprobs", "top_logprobs", "prompt_logprobs", "logit_bias", "grammar"}
        ),
    ),
    *OPENVINO_WAYS,
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
