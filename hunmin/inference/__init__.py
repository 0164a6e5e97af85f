"""Engines: from a model folder to a stream of text, in a process of their own.

    a request          engine: tokens of the prompt, checks       host: one child process a model
    Generation  ->  ------------------------------------  ->  ---------------------------------
    Delta       <-  whole characters, stop strings, counts <-  token ids, step by step

`openvino`, `llama_cpp` and `transformers` are the engines; each names the ways in which it can be
run on this machine, from the fastest to the surest, and `host` takes the first that passes its
self-test. None of these libraries is ever loaded into the process that serves people. How an engine
is chosen, and who may use it, is the office's business.

Names are loaded when first used, so that the child process loads only what it runs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.inference.engine import EmbeddedEngine
    from hunmin.inference.ways import Limits, Way

_HOME = {"EmbeddedEngine": "engine", "Limits": "ways", "Way": "ways"}
"""The file of the room each public name lives in."""

__all__ = ["EmbeddedEngine", "Limits", "Way"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"hunmin.inference.{_HOME[name]}"), name)
