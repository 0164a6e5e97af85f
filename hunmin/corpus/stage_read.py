"""First stage: every file becomes Parquet parts of numbered documents. Resumes file by file."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hunmin.corpus.config import Limits
from hunmin.corpus.licenses import is_allowed
from hunmin.corpus.readers import Document, Drop, Reading
from hunmin.corpus.sources import Source

DOCUMENTS = pa.schema(
    [("n", pa.int64()), ("id", pa.string()), ("text", pa.string()), ("license", pa.string())]
)
DROPS = pa.schema(
    [("n", pa.int64()), ("id", pa.string()), ("source", pa.string()), ("reason", pa.string()),
     ("detail", pa.string())]
)  # fmt: skip

_PART_TEXT_BYTES = 32 * 2**20
_GROUP_TEXT_BYTES = 4 * 2**20

COUNTS_NAME = "counts.json"


@dataclass(frozen=True)
class Unit:
    """One file, or one data set, of one source."""

    index: int
    """Place among all units; the high bits of its documents' numbers."""
    source: Source
    path: Path | None
    base: Path | None
    size_bytes: int

    @property
    def folder_name(self) -> str:
        """The name of this unit's folder in the scratch space."""
        return f"{self.index:06}"


def number(unit_index: int, place: int) -> int:
    """Return a document's number: unique, and in the order of sources, files and lines."""
    return unit_index << 36 | place


def read_unit(
    unit: Unit,
    folder: Path,
    *,
    limits: Limits,
    also_allowed: frozenset[str],
    withdrawn: frozenset[str],
    advance: Callable[[int], None],
) -> dict[str, Any]:
    """Read one unit into `folder` unless that was done before, and return its counts.

    Args:
        unit: What to read.
        folder: Where its parts go; it appears when it is whole.
        limits: What a hostile file may not exceed.
        also_allowed: Licenses allowed on top of the list.
        withdrawn: Ids that may not be used.
        advance: Called with bytes read since the last call.
    """
    if (folder / COUNTS_NAME).is_file():
        advance(unit.size_bytes)
        return json.loads((folder / COUNTS_NAME).read_bytes())
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    reading = Reading(unit.source, limits, unit.path, unit.base)
    repaired: Counter[str] = Counter()
    rows = read = position = 0
    refused: dict[str, bool] = {}
    with _Parts(partial, "part", DOCUMENTS) as parts, _Parts(partial, "drops", DROPS) as drops:
        for row in reading:
            n = number(unit.index, rows)
            rows += 1
            drop = row if isinstance(row, Drop) else None
            if isinstance(row, Document):
                if row.license not in refused:
                    refused[row.license] = not is_allowed(row.license, also=also_allowed)
                if refused[row.license]:
                    drop = Drop(row.id, "license", f"{row.license} is not allowed")
                elif row.id in withdrawn or f"{unit.source.name}:{row.id}" in withdrawn:
                    drop = Drop(row.id, "withdrawn", "its use was withdrawn")
                else:
                    read += 1
                    if row.repair != "none":
                        repaired[row.repair] += 1
                    parts.add((n, _full_id(unit, row.id), row.text, row.license), len(row.text))
            if drop is not None:
                row_id = _full_id(unit, drop.id)
                drops.add((n, row_id, unit.source.name, drop.reason, drop.detail), 200)
            if rows % 256 == 0:
                advance(reading.position() - position)
                position = reading.position()
    counts = {"rows": rows, "documents": read, "repaired": dict(repaired), "parts": parts.written}
    (partial / COUNTS_NAME).write_text(json.dumps(counts))
    sync_folder(partial)
    partial.rename(folder)
    advance(unit.size_bytes - position)
    return counts


def _full_id(unit: Unit, doc_id: str) -> str:
    doc_id = doc_id.encode("utf-8", "replace").decode()
    prefix = unit.source.name
    return doc_id if doc_id.startswith((f"{prefix}/", f"{prefix}:")) else f"{prefix}:{doc_id}"


class _Parts:
    """Rows into numbered Parquet files, a bounded number of bytes in memory."""

    def __init__(self, folder: Path, stem: str, schema: pa.Schema) -> None:
        self.folder = folder
        self.stem = stem
        self.schema = schema
        self.rows: list[tuple[Any, ...]] = []
        self.group_bytes = 0
        self.part_bytes = 0
        self.writer: pq.ParquetWriter | None = None
        self.written: list[int] = []
        """Characters of text in each part."""

    def __enter__(self) -> "_Parts":
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._close()

    def add(self, row: tuple[Any, ...], size: int) -> None:
        self.rows.append(row)
        self.group_bytes += size
        if self.group_bytes >= _GROUP_TEXT_BYTES:
            self._flush()
            if self.part_bytes >= _PART_TEXT_BYTES:
                self._close()

    def _flush(self) -> None:
        if not self.rows:
            return
        if self.writer is None:
            path = self.folder / f"{self.stem}-{len(self.written):05}.parquet"
            self.writer = pq.ParquetWriter(path, self.schema, compression="zstd")
        columns = zip(*self.rows, strict=True)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, self.schema, strict=True)]
        self.writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
        self.part_bytes += self.group_bytes
        self.rows = []
        self.group_bytes = 0

    def _close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.written.append(self.part_bytes)
        self.writer = None
        self.part_bytes = 0


def sync_folder(folder: Path) -> None:
    """Force a folder's files to the disk, so that its name appearing means it is whole."""
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
