"""The corpus room: licensed sources in, clean deduplicated shards out, with every drop explained.

`build` makes a corpus folder from a sources file. What the text is used for, tokenizers and
models, is other rooms' business.
"""

from hunmin.corpus.building import build
from hunmin.corpus.config import CorpusConfig, Limits, NearDuplicates, Runner
from hunmin.corpus.licenses import LICENSES, License, find_license, is_allowed
from hunmin.corpus.quality import QualityConfig

__all__ = [
    "LICENSES",
    "CorpusConfig",
    "License",
    "Limits",
    "NearDuplicates",
    "QualityConfig",
    "Runner",
    "build",
    "find_license",
    "is_allowed",
]
