"""The fallback engine: Hugging Face Transformers in PyTorch, in a process of its own.

It reads `model.safetensors`, runs wherever PyTorch does, and is what the default engine is
checked against.
"""

import functools

from hunmin.inference.engine import EmbeddedEngine
from hunmin.inference.ways import Way

WAYS = (
    Way(
        "transformers",
        "hunmin.inference.transformers_backend:open_backend",
        capabilities=frozenset({"logprobs", "top_logprobs", "prompt_logprobs", "logit_bias"}),
    ),
)

open_engine = functools.partial(EmbeddedEngine, ways=WAYS)
"""Return an engine, not yet started, serving model folders by name. See `EmbeddedEngine`."""
