"""The corpus room: licensed sources in, clean deduplicated shards out, with every drop explained.

`build` makes a corpus folder from a sources file. What the text is used for, tokenizers and
models, is other rooms' business. Names are loaded when they are first asked for, since Arrow takes
a while.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.corpus.building import build
    from hunmin.corpus.canaries import Canary, CanaryConfig, make_canaries, read_canaries
    from hunmin.corpus.config import CorpusConfig, Limits, NearDuplicates, Runner
    from hunmin.corpus.licenses import LICENSES, License, find_license, is_allowed
    from hunmin.corpus.quality import QualityConfig

__all__ = [
    "LICENSES",
    "Canary",
    "CanaryConfig",
    "CorpusConfig",
    "License",
    "Limits",
    "NearDuplicates",
    "QualityConfig",
    "Runner",
    "build",
    "find_license",
    "is_allowed",
    "make_canaries",
    "read_canaries",
]

_HOME = {
    "LICENSES": "licenses",
    "Canary": "canaries",
    "CanaryConfig": "canaries",
    "CorpusConfig": "config",
    "License": "licenses",
    "Limits": "config",
    "NearDuplicates": "config",
    "QualityConfig": "quality",
    "Runner": "config",
    "build": "building",
    "find_license": "licenses",
    "is_allowed": "licenses",
    "make_canaries": "canaries",
    "read_canaries": "canaries",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"hunmin.corpus.{_HOME[name]}"), name)
