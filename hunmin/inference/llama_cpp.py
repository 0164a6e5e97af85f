"""The engine for a single reader: llama.cpp over our own GGUF, from the wheel `xllamacpp`.

With one answer at a time it is the fastest of all; with eight, OpenVINO is. It keeps what it
computed of prompts apart by tenant, and does all that Transformers does. Where it is not installed
or does not run, the ways of OpenVINO follow.
"""

import functools

from hunmin.inference.engine import EmbeddedEngine
from hunmin.inference.openvino import WAYS as OPENVINO_WAYS
from hunmin.inference.ways import Way

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

open_engine = functools.partial(EmbeddedEngine, ways=WAYS)
"""Return an engine, not yet started, serving model folders by name. See `EmbeddedEngine`."""
