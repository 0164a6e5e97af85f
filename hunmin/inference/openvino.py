"""The default engine: OpenVINO GenAI over our own GGUF, 8-bit, with continuous batching.

Its fastest way uses what the processor advertises. Some virtual machines advertise what they do
not run, and the process dies; then 32-bit arithmetic is tried, and where OpenVINO does not run at
all, Transformers.

What it remembers of prompts it finds by a hash of their tokens, to which nothing can be added. So
it remembers where all share, and nothing where tenants are to be kept apart.
"""

import functools

from hunmin.inference.engine import EmbeddedEngine
from hunmin.inference.transformers import WAYS as TRANSFORMERS_WAYS
from hunmin.inference.ways import Way
from hunmin.plugins import Capability

_PROGRAM = "hunmin.inference.openvino_backend:open_backend"

_CAPABILITIES: frozenset[Capability] = frozenset({"logprobs", "grammar"})

WAYS = (
    Way("openvino", _PROGRAM, capabilities=_CAPABILITIES),
    Way("openvino-f32", _PROGRAM, {"INFERENCE_PRECISION_HINT": "f32"}, _CAPABILITIES),
    *TRANSFORMERS_WAYS,
)

open_engine = functools.partial(EmbeddedEngine, ways=WAYS)
"""Return an engine, not yet started, serving model folders by name. See `EmbeddedEngine`."""
