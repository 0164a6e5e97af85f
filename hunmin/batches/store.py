"""Where the bytes of files are, and that nothing of them is left after.

A blob begins with the id of its file, so no two files share one: what is deleted is gone, and
nobody learns from how fast a file is kept that somebody else brought the same. A file is noted
before its bytes are put there, so whatever no file names was left by a deletion or a crash.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import IO

from hunmin.batches.holding import Brought
from hunmin.blobs import CHUNK_BYTES, Blobs, open_folder
from hunmin.settings import Settings

FOLDER = "batches"


class Bytes:
    """The bytes of a file on their way to the store, as they will lie there."""

    def __init__(self, file_id: str) -> None:
        """Begin; whoever does closes it."""
        self.file_id = file_id
        self.size_bytes = 0
        self._kept: IO[bytes] = TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._hash = hashlib.sha256()
        self._take(file_id.encode())

    def write(self, piece: bytes) -> None:
        """Add a piece."""
        self.size_bytes += len(piece)
        self._take(piece)

    def brought(self, name: str) -> Brought:
        """Return what is to be noted of the file."""
        return Brought(self.file_id, name, self.size_bytes, self._hash.hexdigest())

    def put(self, store: Blobs) -> None:
        """Put it into the store; when this returns it survives a crash."""
        self._kept.seek(0)
        store.put(self._kept, sha256=self._hash.hexdigest())

    def close(self) -> None:
        """Forget what is on this machine."""
        self._kept.close()

    def _take(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._kept.write(piece)


def open_store(settings: Settings) -> Blobs:
    """Return the store of files."""
    return open_folder(settings, FOLDER)


def read(store: Blobs, *, file_id: str, sha256: str) -> Iterator[bytes]:
    """Give the bytes of a file in pieces, or raise `BlobMissing` or `BlobBroken`."""
    left = len(file_id)
    for piece in store.read(sha256, verify=True):
        yield piece[left:]
        left = max(0, left - len(piece))


def lines(pieces: Iterable[bytes], *, bytes_max: int) -> Iterator[bytes]:
    """Give the lines of a file that say something, with their ends cut off.

    Raises:
        ValueError: A line is longer than any request.
    """
    held = io.BytesIO()
    for piece in pieces:
        for start in range(0, len(piece), CHUNK_BYTES):
            *whole, rest = piece[start : start + CHUNK_BYTES].split(b"\n")
            for part in whole:
                yield held.getvalue() + part
                held = io.BytesIO()
            held.write(rest)
            if held.tell() > bytes_max:
                raise ValueError("a line without an end")
    yield held.getvalue()
