"""Files between the stages: Parquet written in bounded pieces, whole or absent."""

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from hunmin.steps import sync

UNIT_BITS = 36
"""A document's number is its unit's index and, in this many low bits, its place in the unit."""

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


def write_table_whole(path: Path, table: pa.Table, **options: Any) -> None:  # noqa: ANN401
    """Write a Parquet file so that it appears under its name only when it is on the disk."""
    partial = path.with_name(path.name + ".partial")
    pq.write_table(table, partial, compression="zstd", **options)
    sync(partial)
    partial.rename(path)


def sync_folder(folder: Path) -> None:
    """Force a folder and its files to the disk, so that its name appearing means it is whole."""
    for path in folder.iterdir():
        sync(path)
    sync(folder)


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


def fresh_folder(folder: Path) -> Path:
    """Return an empty folder to work in beside `folder`, clearing what a killed run left."""
    import shutil  # noqa: PLC0415 (one use)

    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    return partial


def settle(partial: Path, folder: Path) -> None:
    """Give a finished working folder its name."""
    sync_folder(partial)
    os.rename(partial, folder)  # noqa: PTH104 (atomic, and fails where the target exists)
