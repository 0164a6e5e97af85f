"""Files between the stages: Parquet written in bounded pieces, whole or absent."""

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from hunmin.steps import sync

UNIT_BITS = 36
"""A document's number is its unit's index and, in this many low bits, its place in the unit."""

PARTIAL = ".partial"
"""What names of files end in that are not whole."""

DROPS = pa.schema(
    [
        ("n", pa.int64()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


def number(unit_index: int, place: int) -> int:
    """Return a document's number: unique, and in the order of sources, files and lines."""
    return unit_index << UNIT_BITS | place


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; when the block ends well, the file appears as `path`.

    The path is like no other, for a process of a killed run may still be at the same file.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(6)}{PARTIAL}")
    yield partial
    sync(partial)
    partial.rename(path)


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Likewise give a new folder to fill, which becomes `folder`."""
    partial = folder.with_name(f"{folder.name}.{secrets.token_hex(6)}{PARTIAL}")
    partial.mkdir(parents=True)
    yield partial
    for path in (*partial.iterdir(), partial):
        sync(path)
    try:
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was first, with the same content
            raise
        shutil.rmtree(partial)


def write_table_whole(path: Path, table: pa.Table, **options: Any) -> None:  # noqa: ANN401
    """Write a Parquet file so that it appears under its name only when it is on the disk."""
    with whole_file(path) as partial:
        pq.write_table(table, partial, compression="zstd", **options)


class RowFiles:
    """Rows into numbered Parquet files of limited size, a bounded part of them in memory."""

    def __init__(
        self, folder: Path, stem: str, schema: pa.Schema, *, file_size: int, group_size: int
    ) -> None:
        self.folder = folder
        self.stem = stem
        self.schema = schema
        self.file_size = file_size
        self.group_size = group_size
        self.sizes: list[int] = []
        """Size of each finished file, in what `add` counts."""
        self._rows: list[tuple[object, ...]] = []
        self._group = 0
        self._file = 0
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._flush()
        self._close()

    def add(self, row: tuple[object, ...], size: int) -> None:
        """Add one row that counts as `size`."""
        self._rows.append(row)
        self._group += size
        if self._group >= self.group_size:
            self._flush()
            if self._file >= self.file_size:
                self._close()

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._writer is None:
            path = self.folder / f"{self.stem}-{len(self.sizes):05}.parquet"
            self._writer = pq.ParquetWriter(path, self.schema, compression="zstd")
        columns = zip(*self._rows, strict=True)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, self.schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
        self._file += self._group
        self._rows = []
        self._group = 0

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self.sizes.append(self._file)
        self._writer = None
        self._file = 0
