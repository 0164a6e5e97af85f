"""Blobs in a folder: `ab/cdef…`, written beside and moved into place when they are on the disk."""

import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from hunmin.blobs.store import Blob, chunks, place, verified
from hunmin.errors import BlobBroken, BlobMissing, BlobsNotWritable, DiskFull
from hunmin.steps import sync

_PARTIAL = ".partial"

_STALE_SECONDS = 86_400
"""A half-written file this old was left by a process that was killed."""


class DiskBlobs:
    """A store in one folder, made when first written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        for partial in (self.folder / _PARTIAL).glob("*"):
            with suppress(OSError):
                if time.time() - partial.stat().st_mtime > _STALE_SECONDS:
                    partial.unlink()

    def put(self, content: IO[bytes], *, sha256: str | None = None) -> Blob:
        """Keep `content`; see `Blobs.put`."""
        with self._partial() as partial:
            digest = hashlib.sha256()
            size_bytes = 0
            with partial.open("wb") as stream:
                for piece in chunks(content):
                    digest.update(piece)
                    size_bytes += len(piece)
                    stream.write(piece)
                stream.flush()
                os.fsync(stream.fileno())
            found = digest.hexdigest()
            if sha256 is not None and found != sha256:
                raise BlobBroken(sha256=sha256)
            self._move_in(partial, self._path(found), size_bytes)
        return Blob(sha256=found, size_bytes=size_bytes)

    def read(self, sha256: str, *, verify: bool = False) -> Iterator[bytes]:
        """Yield the content in pieces; see `Blobs.read`."""
        try:
            stream = self._path(sha256).open("rb")
        except FileNotFoundError as error:
            raise BlobMissing(sha256=sha256) from error
        pieces = _closing(stream)
        return verified(pieces, sha256) if verify else pieces

    def size_bytes(self, sha256: str) -> int:
        """Return the size, or raise `BlobMissing`."""
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError as error:
            raise BlobMissing(sha256=sha256) from error

    def has(self, sha256: str) -> bool:
        """Return whether it is kept here."""
        try:
            return self._path(sha256).is_file()
        except BlobMissing:
            return False

    def delete(self, sha256: str) -> bool:
        """Forget it; return whether it was there."""
        try:
            self._path(sha256).unlink()
        except (FileNotFoundError, BlobMissing):
            return False
        return True

    def hashes(self) -> Iterator[str]:
        """Yield the hash of everything kept, in order."""
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            yield path.parent.name + path.name

    def path(self, sha256: str) -> Path:
        """Return the file itself, for programs that need one, or raise `BlobMissing`."""
        self.size_bytes(sha256)
        return self._path(sha256)

    def _path(self, sha256: str) -> Path:
        return self.folder.joinpath(*place(sha256))

    @contextmanager
    def _partial(self) -> Iterator[Path]:
        """Give a path to write at; whatever is still there in the end is removed."""
        try:
            (self.folder / _PARTIAL).mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder / _PARTIAL)
            os.close(handle)
            partial = Path(name)
            try:
                yield partial
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise DiskFull(path=self.folder) from error
            if error.errno in {errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR}:
                raise BlobsNotWritable(where=str(self.folder)) from error
            raise

    def _move_in(self, partial: Path, path: Path, size_bytes: int) -> None:
        if path.is_file() and path.stat().st_size == size_bytes:
            return
        path.parent.mkdir(exist_ok=True)
        partial.chmod(0o444)
        partial.replace(path)
        sync(path.parent)
        sync(self.folder)


def _closing(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        yield from chunks(stream)
