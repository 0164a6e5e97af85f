"""Vectors for the passages of a collection, asked of a server that speaks OpenAI's API."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hunmin.errors import ServerUnreachable
from hunmin.progress import bar

TOGETHER = 32
"""Texts in one question."""

_SECONDS_MAX = 600
_REPLY_BYTES_MAX = 64 * 1024 * 1024
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""No proxy: the texts go to the server that was named and to nobody else."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """A model at a server's `/v1/embeddings`."""

    url: str
    """The address of the server, with or without `/v1`."""
    model: str
    """What the server calls the model."""
    key: str | None = field(default=None, repr=False)
    """Its API key."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts, shape `(texts, D)`, each of length 1.

        Raises:
            ServerUnreachable: There is no answer, or it is none.
        """
        request = urllib.request.Request(  # noqa: S310 (whoever runs the command names the server)
            f"{self.url.rstrip('/').removesuffix('/v1')}/v1/embeddings",
            data=json.dumps({"model": self.model, "input": list(texts)}).encode(),
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {self.key}"} if self.key else {}),
        )
        try:
            with _OPENER.open(request, timeout=_SECONDS_MAX) as reply:
                return _read(reply.read(_REPLY_BYTES_MAX), len(texts))
        except urllib.error.HTTPError as error:
            raise ServerUnreachable(url=self.url, reason=_said(error)) from error
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ServerUnreachable(url=self.url, reason=str(error)) from error


def write_vectors(
    path: Path, texts: Callable[[int, int], Sequence[str]], *, total: int, embedder: Embedder
) -> int:
    """Append to a file the vectors it lacks, and return how many numbers each has.

    What was written before is kept, so whoever was stopped goes on.

    Args:
        path: The file: rows of 16-bit floats.
        texts: Gives texts from a place on, counted from 0, and at most so many.
        total: How many texts there are; at least one.
        embedder: Who is asked.

    Raises:
        ServerUnreachable: There is no answer, or vectors are of several lengths.
    """
    size = embedder.embed(texts(0, 1)).shape[1]
    row_bytes = size * np.dtype(np.float16).itemsize
    with bar("vectors", total=total, unit="passages") as shown, path.open("ab") as file:
        done = file.tell() // row_bytes
        file.truncate(done * row_bytes)  # a row that was torn
        shown.advance(done)
        while done < total:
            vectors = embedder.embed(texts(done, TOGETHER))
            if vectors.shape[1] != size:
                raise ServerUnreachable(url=embedder.url, reason="vectors of several lengths")
            file.write(vectors.astype(np.float16).tobytes())
            file.flush()
            done += len(vectors)
            shown.advance(len(vectors))
    return size


def _read(reply: bytes, count: int) -> NDArray[np.float32]:
    rows = sorted(json.loads(reply)["data"], key=lambda one: one["index"])
    vectors = np.asarray([one["embedding"] for one in rows], np.float32)
    if [one["index"] for one in rows] != list(range(count)) or vectors.ndim != 2:  # noqa: PLR2004
        raise ValueError("vectors of other texts")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise ValueError("a vector without a direction")
    return vectors / lengths


def _said(error: urllib.error.HTTPError) -> str:
    """Return what a server said of a refusal."""
    try:
        return str(json.loads(error.read(_REPLY_BYTES_MAX))["error"]["message"])
    except (OSError, ValueError, LookupError, TypeError):
        return f"HTTP {error.code}"
