"""Upstreams: engines on other machines, over HTTP, as one engine of this house.

    a request           engine: which upstream, tokens of the prompt     client: one server a client
    Generation  ->  ------------------------------------------------  ->  -----------------------
    Delta       <-  whole characters, stop strings, counts (`answer`) <-  server-sent events

vLLM, SGLang, llama.cpp and whatever else speaks OpenAI's completions differ in names alone
(`dialects`). What is sent is an allow-list (`wire`); where it goes is decided by who asked what
(`routing`) and by who can take it (`breaker`, `watching`). Who may ask is the office's business.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.settings import UpstreamSettings
    from hunmin.upstreams.engine import UpstreamEngine

__all__ = ["open_engine"]


def open_engine(upstreams: Mapping[str, "UpstreamSettings"], *, data: Path) -> "UpstreamEngine":
    """Return the engine of all upstreams, not yet started.

    Args:
        upstreams: Their settings, by name.
        data: The data folder: the secret of cache salts is kept there, and who is drained.

    Raises:
        UpstreamWrong: The settings of one make no sense, or not beside those of another.
        ModelFolderBroken: A tokenizer cannot be used.
    """
    from hunmin.upstreams.engine import UpstreamEngine  # noqa: PLC0415 (slow to import)

    return UpstreamEngine(upstreams, data=data)
