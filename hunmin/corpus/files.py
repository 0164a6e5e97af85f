"""Opening data files of any size and honesty: decompression with a guard, lines with a limit."""

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from hunmin.corpus.config import Limits
from hunmin.corpus.decode import UTF16_MARKS
from hunmin.errors import CompressionBomb, SourceUnreadable

_PIECE_BYTES = 1 << 20
_ZSTD_INPUT_BYTES = 1 << 12
_ZSTD_WINDOW_BYTES_MAX = 1 << 27
"""What `zstd --long=27` writes. A larger window is a way to make a reader use memory."""


def plain_name(path: Path) -> str:
    """Return a file's name, or a path, as text; bytes of it that are no UTF-8 escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class OpenFile:
    """One data file being read in pieces."""

    def __init__(self, path: Path, *, source: str, limits: Limits) -> None:
        self.path = path
        self.source = source
        self.limits = limits
        self.size_bytes = path.stat().st_size
        self.read_bytes = 0
        """Decompressed bytes handed out."""
        self._raw: BinaryIO | None = None

    def raw_position(self) -> int:
        """Return how far the file on disk has been read, in bytes."""
        return self._raw.tell() if self._raw is not None and not self._raw.closed else 0

    def pieces(self) -> Iterator[bytes]:
        """Yield the decompressed content.

        Raises:
            CompressionBomb: It grows beyond what text does.
            SourceUnreadable: It is damaged.
        """
        try:
            with self.path.open("rb") as raw:
                self._raw = raw
                for piece in _decompressed(raw, self.path.name):
                    self.read_bytes += len(piece)
                    self._check_expansion(raw.tell())
                    yield piece
        except (zstandard.ZstdError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise self.unreadable(f"damaged ({error})", f"손상되었습니다({error})") from error
        except PermissionError as error:
            raise self.unreadable("no permission to read it", "읽을 권한이 없습니다") from error

    def unreadable(self, en: str, ko: str) -> SourceUnreadable:
        """Return the error that says why this file cannot be read."""
        name = plain_name(Path(self.path.name))
        return SourceUnreadable(source=self.source, path=name, reason_en=en, reason_ko=ko)

    def _check_expansion(self, raw_bytes: int) -> None:
        if self.read_bytes < self.limits.expansion_bytes_min:
            return
        ratio = self.read_bytes // max(raw_bytes, 1)
        if ratio > self.limits.expansion_ratio_max:
            raise CompressionBomb(
                source=self.source,
                path=plain_name(Path(self.path.name)),
                megabytes=self.read_bytes // 2**20,
                ratio=ratio,
            )


def _decompressed(raw: BinaryIO, name: str) -> Iterator[bytes]:
    if name.lower().endswith(".zst"):
        yield from _zstd(raw)
        return
    stream = gzip.GzipFile(fileobj=raw) if name.lower().endswith(".gz") else raw
    while piece := stream.read(_PIECE_BYTES):
        yield piece


def _zstd(raw: BinaryIO) -> Iterator[bytes]:
    """Yield the content of one frame after another; a frame that is cut off is an error.

    The input goes in by little pieces because a piece comes out whole, however much it grows.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES_MAX)
    frame = decompressor.decompressobj()
    fresh = True
    while piece := raw.read(_ZSTD_INPUT_BYTES):
        while piece:
            if grown := frame.decompress(piece):
                yield grown
            fresh = False
            piece = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame = decompressor.decompressobj()
                fresh = True
    if not fresh:
        raise EOFError("the file ends inside a zstd frame")


def lines(file: OpenFile) -> Iterator[bytes | int]:
    """Yield the lines of a file; of a line beyond the limit only its length.

    UTF-16 with a byte order mark is turned into UTF-8 first. At most one line and one piece are
    in memory at a time.
    """
    held = io.BytesIO()
    skipped = 0
    for piece in _utf8(file.pieces()):
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            if skipped:
                yield skipped + end - start
                skipped = 0
            elif held.tell():
                held.write(piece[start:end])
                yield held.getvalue()
            else:
                yield piece[start:end]
            if held.tell():
                held = io.BytesIO()
            start = end + 1
        rest = len(piece) - start
        if skipped:
            skipped += rest
        elif held.tell() + rest > file.limits.line_bytes_max:
            skipped = held.tell() + rest
            held = io.BytesIO()
        else:
            held.write(piece[start:])
    if skipped:
        yield skipped
    elif held.tell():
        yield held.getvalue()


def _utf8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    if first[:2] not in UTF16_MARKS:
        yield first.removeprefix(b"\xef\xbb\xbf")
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    yield decoder.decode(first).encode("utf-8", "surrogatepass")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
