"""Second stage: every part is cleaned, judged, masked, hashed and given its place."""

from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hunmin.corpus.cleaning import Cleaned, clean
from hunmin.corpus.config import CorpusConfig, NearDuplicates
from hunmin.corpus.contamination import Passages
from hunmin.corpus.engine import import_daft
from hunmin.corpus.ngrams import rows_hashes
from hunmin.corpus.partfile import whole_file
from hunmin.corpus.placing import place
from hunmin.corpus.sources import Source

_BATCH_ROWS = 256

BASE = pa.schema(
    [
        ("n", pa.int64()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("license", pa.string()),
        ("consent", pa.string()),
        ("text", pa.string()),
        ("text_bytes", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("masked", pa.string()),
        ("key", pa.binary(16)),
        ("split", pa.string()),
        ("copies", pa.int32()),
        ("order", pa.int64()),
    ]
)


@dataclass(frozen=True)
class CleanUnit:
    """One part to clean."""

    part: Path
    out: Path
    """The file to make; it appears when it is whole."""
    chars: int
    source: Source


@dataclass(frozen=True)
class CleanOptions:
    """What is the same for every part."""

    config: CorpusConfig
    passages: Path | None
    """Evaluation passages, saved by `Passages.save`."""


def band_columns(near: NearDuplicates) -> list[str]:
    """Return the names of the columns that hold one band's key each."""
    return [f"band_{band:02}" for band in range(near.bands)] if near.enabled else []


def clean_part(unit: CleanUnit, *, options: CleanOptions) -> None:
    """Clean one part, a bounded number of documents at a time, unless that was done before."""
    if unit.out.is_file():
        return
    config = options.config
    columns = [(name, pa.uint64()) for name in band_columns(config.near_duplicates)]
    if columns:
        columns.append(("minhash", pa.list_(pa.uint32())))
    schema = pa.schema([*BASE, *columns])
    work = partial(clean, source=unit.source, config=config, passages=_passages(options.passages))
    with (
        whole_file(unit.out) as unfinished,
        pq.ParquetFile(unit.part) as file,
        pq.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            results = [work(text) for text in batch["text"].to_pylist()]
            writer.write_table(_table(batch, results, unit.source, config, schema))


@lru_cache(maxsize=1)
def _passages(path: Path | None) -> Passages:
    return Passages.load(path) if path is not None else Passages.none()


def _table(
    batch: pa.RecordBatch,
    results: list[Cleaned],
    source: Source,
    config: CorpusConfig,
    schema: pa.Schema,
) -> pa.Table:
    ids = batch["id"].to_pylist()
    places = [
        place(doc_id, source=source, config=config, family=result.family)
        for doc_id, result in zip(ids, results, strict=True)
    ]
    columns: dict[str, object] = {
        "n": batch["n"],
        "id": batch["id"],
        "source": [source.name] * len(ids),
        "license": batch["license"],
        "consent": batch["consent"],
        **{
            name: [getattr(result, name) for result in results]
            for name in ("text", "text_bytes", "reason", "detail", "masked", "key")
        },
        "split": [split for split, _, _ in places],
        "copies": [copies for _, copies, _ in places],
        "order": [order for _, _, order in places],
    }
    near = config.near_duplicates
    if near.enabled:
        columns.update(_minhash_columns([result.shingled for result in results], near))
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, schema.field(name).type)
        for name, column in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _minhash_columns(shingled: list[str | None], near: NearDuplicates) -> dict[str, pa.Array]:
    """Return Daft's MinHash of every text, and a key for each of its bands."""
    daft = import_daft()
    series = daft.Series.from_arrow(pa.array(shingled, pa.large_string()))
    hashes = series.minhash(near.bands * near.rows, near.shingle_eojeols, 1, "xxhash").to_arrow()
    missing = np.array([text is None for text in shingled])
    minhash_NH = np.zeros((len(shingled), near.bands * near.rows), np.uint32)
    minhash_NH[~missing] = hashes.flatten().to_numpy().reshape(-1, minhash_NH.shape[1])
    keys_NB = band_keys(minhash_NH, near)
    columns: dict[str, pa.Array] = {
        name: pa.array(keys_NB[:, band], pa.uint64(), mask=missing)
        for band, name in enumerate(band_columns(near))
    }
    lists = [None if gone else row for row, gone in zip(minhash_NH, missing, strict=True)]
    columns["minhash"] = pa.array(lists, pa.list_(pa.uint32()))
    return columns


def band_keys(minhash_NH: NDArray[np.uint32], near: NearDuplicates) -> NDArray[np.uint64]:
    """Return the key of each band of each MinHash; texts that share one may be near-duplicates.

    Args:
        minhash_NH: One MinHash a row, shape `(N, bands * rows)`.
        near: How many bands of how many rows.

    Returns:
        Shape `(N, bands)`.
    """
    bands = minhash_NH.astype(np.uint64).reshape(-1, near.rows)
    return rows_hashes(bands).reshape(len(minhash_NH), near.bands)
