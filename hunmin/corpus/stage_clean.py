"""Second stage: Daft cleans groups of parts and computes MinHash. Resumes group by group."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from hunmin.corpus.cleaning import Cleaned, clean
from hunmin.corpus.config import CorpusConfig, NearDuplicates
from hunmin.corpus.contamination import Passages
from hunmin.corpus.ngrams import ngram_hashes
from hunmin.corpus.sources import Source
from hunmin.corpus.stage_read import sync_folder

_BATCH_DOCUMENTS = 128

_CLEANED = pa.struct(
    [
        ("text", pa.large_string()),
        ("reason", pa.large_string()),
        ("detail", pa.large_string()),
        ("key", pa.large_binary()),
        ("shingled", pa.large_string()),
        ("masked", pa.large_string()),
        ("text_bytes", pa.int64()),
    ]
)


def clean_group(
    daft: ModuleType,
    parts: Sequence[Path],
    folder: Path,
    *,
    source: Source,
    config: CorpusConfig,
    passages: Passages,
) -> None:
    """Clean some parts of one source into `folder`, unless that was done before."""
    if folder.is_dir():
        return
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)

    @daft.func.batch(
        return_dtype=daft.DataType.from_arrow_type(_CLEANED),
        batch_size=_BATCH_DOCUMENTS,
        unnest=True,
    )
    def cleaned(texts: Any) -> pa.Array:  # noqa: ANN401 (a daft.Series)
        results = [
            clean(text, source=source, config=config, passages=passages)
            for text in texts.to_pylist()
        ]
        return pa.array([_as_dict(result) for result in results], _CLEANED)

    col, functions = daft.col, daft.functions
    frame = daft.read_parquet([str(part) for part in parts])
    frame = frame.select(col("n"), col("id"), col("license"), cleaned(col("text")))
    near = config.near_duplicates
    if near.enabled and source.kind == "text":
        minhash = functions.minhash(
            col("shingled"),
            num_hashes=near.bands * near.rows,
            ngram_size=near.shingle_eojeols,
            hash_function="xxhash",
        )
        # Parquet readers stumble over nulls in lists of fixed size, hence plain lists.
        plain_list = daft.DataType.list(daft.DataType.uint32())
        frame = frame.with_column("minhash", minhash.cast(plain_list))
        frame = frame.with_column("bands", _bands_function(daft, near)(col("minhash")))
    frame = frame.exclude("shingled")
    frame.write_parquet(str(partial), compression="zstd")
    sync_folder(partial)
    partial.rename(folder)


def _as_dict(result: Cleaned) -> dict[str, Any]:
    return {name: getattr(result, name) for name in Cleaned.__slots__}


def _bands_function(daft: ModuleType, near: NearDuplicates) -> Any:  # noqa: ANN401 (a daft.Func)
    """Return the Daft function that turns a MinHash into one 64-bit key for each band."""
    list_type = daft.DataType.list(daft.DataType.uint64())

    @daft.func.batch(return_dtype=list_type)
    def bands(minhashes: Any) -> pa.Array:  # noqa: ANN401 (a daft.Series)
        return pa.array(
            [None if row is None else band_keys(row, near) for row in minhashes.to_pylist()],
            pa.large_list(pa.uint64()),
        )

    return bands


def band_keys(minhash: Sequence[int], near: NearDuplicates) -> list[int]:
    """Return the key of each band of a MinHash; texts that share one may be near-duplicates."""
    rows = np.asarray(minhash, np.uint64).reshape(near.bands, near.rows)
    return [int(ngram_hashes(row, near.rows)[0]) for row in rows]
