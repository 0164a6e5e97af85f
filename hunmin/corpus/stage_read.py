"""First stage: every file becomes Parquet parts of numbered documents. Resumes file by file."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from hunmin.corpus.config import Limits
from hunmin.corpus.licenses import is_allowed
from hunmin.corpus.partfile import DROPS, RowFiles, number, whole_folder
from hunmin.corpus.readers import Document, Drop, Reading
from hunmin.corpus.sources import Source

DOCUMENTS = pa.schema(
    [
        ("n", pa.int64()),
        ("id", pa.string()),
        ("text", pa.string()),
        ("license", pa.string()),
        ("consent", pa.string()),
    ]
)
COUNTS_NAME = "counts.json"

_PART_CHARS = 8 * 2**20
"""One part is one unit of the next stage: small enough for every core to get some."""
_GROUP_CHARS = 2 * 2**20
_DROP_CHARS = 200
_ROWS_BETWEEN_ADVANCES = 256


@dataclass(frozen=True)
class ReadUnit:
    """One file, or one data set, of one source."""

    index: int
    """Place among all units; the high bits of its documents' numbers."""
    source: Source
    path: Path | None
    base: Path | None
    """The folder that ids of text files, and data sets on this disk, count from."""
    size_bytes: int
    folder: Path
    """Where its parts go; it appears when it is whole."""


@dataclass(frozen=True)
class ReadOptions:
    """What is the same for every unit."""

    limits: Limits
    also_allowed: frozenset[str]
    withdrawn: frozenset[str]


@dataclass(frozen=True)
class ReadCounts:
    """What came out of one unit."""

    rows: int
    documents: int
    repaired: dict[str, int]
    part_chars: list[int]
    sha256: str
    """Of the texts of a data set; files are hashed as they are, before."""


def read_counts(folder: Path) -> ReadCounts | None:
    """Return the counts of a unit that was read before, or None."""
    path = folder / COUNTS_NAME
    return ReadCounts(**json.loads(path.read_bytes())) if path.is_file() else None


def read_unit(
    unit: ReadUnit, *, options: ReadOptions, advance: Callable[[int], None] | None = None
) -> ReadCounts:
    """Read one unit into its folder unless that was done before.

    Args:
        unit: What to read.
        options: Limits and rights.
        advance: Called with the bytes read since the last call.

    Raises:
        SourceUnreadable, CompressionBomb, SourceMissing: What is there cannot be used.
    """
    if (counts := read_counts(unit.folder)) is not None:
        return counts
    with whole_folder(unit.folder) as partial:
        counts = _read_into(partial, unit, options, advance)
        (partial / COUNTS_NAME).write_text(json.dumps(vars(counts)))
    return counts


def _read_into(
    partial: Path, unit: ReadUnit, options: ReadOptions, advance: Callable[[int], None] | None
) -> ReadCounts:
    reading = Reading(unit.source, options.limits, unit.path, unit.base)
    verdicts: dict[str, bool] = {}
    repaired: Counter[str] = Counter()
    rows = documents = position = 0
    hashed = hashlib.sha256()
    sizes = {"file_size": _PART_CHARS, "group_size": _GROUP_CHARS}
    with (
        RowFiles(partial, "part", DOCUMENTS, **sizes) as parts,
        RowFiles(partial, "drops", DROPS, **sizes) as drops,
    ):
        for row in reading:
            n = number(unit.index, rows)
            rows += 1
            drop = (
                row if isinstance(row, Drop) else refusal(row, unit.source.name, options, verdicts)
            )
            doc_id = full_id(unit.source.name, row.id)
            if drop is not None:
                drops.add((n, doc_id, unit.source.name, drop.reason, drop.detail), _DROP_CHARS)
            elif isinstance(row, Document):
                documents += 1
                if unit.path is None:
                    hashed.update(row.text.encode())
                if row.repair != "none":
                    repaired[row.repair] += 1
                parts.add((n, doc_id, row.text, row.license, row.consent), len(row.text))
            if advance is not None and rows % _ROWS_BETWEEN_ADVANCES == 0:
                advance(reading.position() - position)
                position = reading.position()
    sha256 = hashed.hexdigest() if unit.path is None else ""
    return ReadCounts(rows, documents, dict(sorted(repaired.items())), parts.sizes, sha256)


def refusal(
    row: Document, source: str, options: ReadOptions, verdicts: dict[str, bool]
) -> Drop | None:
    """Return why a document may not be used, or None.

    Args:
        row: The document.
        source: The name of its source.
        options: Which licenses are allowed besides, and what was withdrawn.
        verdicts: Licenses judged before; the document's own is put in.
    """
    if row.license not in verdicts:
        verdicts[row.license] = is_allowed(row.license, also=options.also_allowed)
    if not verdicts[row.license]:
        return Drop(row.id, "license", f"{row.license[:80]} is not allowed")
    called = (row.id, full_id(source, row.id), f"{source}:{row.id}")
    if not options.withdrawn.isdisjoint(called) or row.consent in options.withdrawn - {""}:
        return Drop(row.id, "withdrawn", "its use was withdrawn")
    return None


def full_id(source: str, doc_id: str) -> str:
    """Return a document's id in the corpus: its own, after its source's name."""
    if doc_id.startswith((f"{source}/", f"{source}:")):
        return doc_id
    return f"{source}:{doc_id}"
