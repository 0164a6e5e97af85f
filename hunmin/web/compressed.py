"""Text for browsers, compressed once and kept: the same files are asked for again and again."""

import gzip
from functools import cache
from pathlib import Path

_KINDS = frozenset({".css", ".js", ".svg", ".toml", ".txt", ""})
"""Pictures and fonts are compressed as they are."""

_BYTES_MIN = 512
_LEVEL = 9


@cache
def compressed(path: Path) -> bytes | None:
    """Return the file as gzip; nothing where it is too small, or is compressed by its nature.

    It is made at the first request for it, in the thread of that request.
    """
    if path.suffix not in _KINDS or path.stat().st_size < _BYTES_MIN:
        return None
    return gzip.compress(path.read_bytes(), _LEVEL, mtime=0)
