"""Blobs in a bucket of an S3 service, through obstore."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import IO, ParamSpec, TypeVar

from hunmin.blobs.store import CHUNK_BYTES, Blob, chunks, place, verified
from hunmin.errors import BlobBroken, BlobMissing, BlobsUnreachable, ExtraMissing

try:
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import ObjectStore, S3Store
except ImportError as error:
    raise ExtraMissing(extra="s3") from error

_P = ParamSpec("_P")
_R = TypeVar("_R")

_SPOOL_BYTES = 8 * CHUNK_BYTES
"""Content larger than this waits on the local disk until its hash is known."""


def open_s3(
    url: str, *, endpoint: str, region: str, access_key_id: str, secret_access_key: str
) -> "S3Blobs":
    """Return the store in the bucket `s3://bucket/prefix`."""
    given = {
        "endpoint": endpoint,
        "access_key_id": access_key_id,
        "secret_access_key": secret_access_key,
    }
    store = S3Store.from_url(
        url,
        region=region,
        **{name: value for name, value in given.items() if value},
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": "10m"},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
    )
    return S3Blobs(store)


class S3Blobs:
    """A store behind any obstore `ObjectStore`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, content: IO[bytes], *, sha256: str | None = None) -> Blob:
        """Keep `content`; see `Blobs.put`."""
        digest = hashlib.sha256()
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            for piece in chunks(content):
                digest.update(piece)
                spool.write(piece)
            found = digest.hexdigest()
            if sha256 is not None and found != sha256:
                raise BlobBroken(sha256=sha256)
            size_bytes = spool.tell()
            if not self._same(found, size_bytes):
                spool.seek(0)
                self._call(
                    obstore.put, self._store, _key(found), spool, chunk_size=8 * CHUNK_BYTES,
                    max_concurrency=2,
                )  # fmt: skip
        return Blob(sha256=found, size_bytes=size_bytes)

    def read(self, sha256: str, *, verify: bool = False) -> Iterator[bytes]:
        """Yield the content in pieces; see `Blobs.read`."""
        key = _key(sha256)
        try:
            found = self._call(obstore.get, self._store, key)
        except FileNotFoundError as error:
            raise BlobMissing(sha256=sha256) from error
        pieces = self._pieces(iter(found.stream(min_chunk_size=CHUNK_BYTES)))
        return verified(pieces, sha256) if verify else pieces

    def size_bytes(self, sha256: str) -> int:
        """Return the size, or raise `BlobMissing`."""
        try:
            return self._call(obstore.head, self._store, _key(sha256))["size"]
        except FileNotFoundError as error:
            raise BlobMissing(sha256=sha256) from error

    def has(self, sha256: str) -> bool:
        """Return whether it is kept here."""
        try:
            self.size_bytes(sha256)
        except BlobMissing:
            return False
        return True

    def delete(self, sha256: str) -> bool:
        """Forget it; return whether it was there."""
        if not self.has(sha256):
            return False
        self._call(obstore.delete, self._store, _key(sha256))
        return True

    def hashes(self) -> Iterator[str]:
        """Yield the hash of everything kept, in order."""
        found = [
            entry["path"].replace("/", "")
            for page in self._pages(iter(obstore.list(self._store)))
            for entry in page
        ]
        yield from sorted(found)

    def _same(self, sha256: str, size_bytes: int) -> bool:
        try:
            return self.size_bytes(sha256) == size_bytes
        except BlobMissing:
            return False

    def _call(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            raise BlobsUnreachable from error

    def _pieces(self, stream: Iterator[bytes]) -> Iterator[bytes]:
        while (piece := self._call(next, stream, None)) is not None:
            yield bytes(piece)

    def _pages(self, stream: Iterator[_R]) -> Iterator[_R]:
        while (page := self._call(next, stream, None)) is not None:
            yield page


def _key(sha256: str) -> str:
    return "/".join(place(sha256))
