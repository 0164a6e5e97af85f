"""What a store of blobs does, and what every kind of store shares."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Protocol

from hunmin.errors import BlobBroken, BlobMissing

CHUNK_BYTES = 1 << 20
"""Content is read and written in pieces of this size, so memory does not grow with it."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Blob:
    """A file that is kept."""

    sha256: str
    size_bytes: int


class Blobs(Protocol):
    """A store of blobs. Safe to use from many threads and processes."""

    def put(self, content: IO[bytes], *, sha256: str | None = None) -> Blob:
        """Keep `content`, read to its end; when this returns it survives a crash.

        Args:
            content: An open file or stream.
            sha256: What its hash must be, where that is known.

        Raises:
            BlobBroken: The hash is another; nothing was kept.
            DiskFull: There is no room; nothing was kept.
        """
        ...

    def read(self, sha256: str, *, verify: bool = False) -> Iterator[bytes]:
        """Yield the content in pieces.

        Args:
            sha256: Which.
            verify: Compare the hash while reading, and raise at the end where it differs.

        Raises:
            BlobMissing: It is not kept here.
            BlobBroken: It is not what was put.
        """
        ...

    def size_bytes(self, sha256: str) -> int:
        """Return the size, or raise `BlobMissing`."""
        ...

    def has(self, sha256: str) -> bool:
        """Return whether it is kept here."""
        ...

    def delete(self, sha256: str) -> bool:
        """Forget it; return whether it was there."""
        ...

    def hashes(self) -> Iterator[str]:
        """Yield the hash of everything kept, in order."""
        ...


def place(sha256: str) -> tuple[str, str]:
    """Return the folder and file name of a blob; an impossible hash is a blob nobody has."""
    if not _SHA256.fullmatch(sha256):
        raise BlobMissing(sha256=sha256)
    return sha256[:2], sha256[2:]


def chunks(content: IO[bytes]) -> Iterator[bytes]:
    """Yield a stream in pieces to its end."""
    while piece := content.read(CHUNK_BYTES):
        yield piece


def verified(pieces: Iterator[bytes], sha256: str) -> Iterator[bytes]:
    """Yield the pieces, and raise `BlobBroken` at the end unless they have that hash."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    if digest.hexdigest() != sha256:
        raise BlobBroken(sha256=sha256)
