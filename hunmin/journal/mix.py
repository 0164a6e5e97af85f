"""What the data of a run is made of, by source and license, from its table of documents."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hunmin.journal.columns import numbers
from hunmin.journal.values import Part
from hunmin.ledger import TABLE_NAME

_NOT_LEARNED = "heldout"
"""How kinds of data end that a loss is measured on."""
_JOINED = "text"
"""Documents of this kind are joined and cut; those of any other are packed whole."""


def mix_of(run: Path) -> list[Part]:
    """Return what the data of a run is made of, the largest part first.

    Shares are of samples, told from where documents begin: the more documents a source has, the
    nearer they come to shares of tokens.
    """
    for table in sorted((run / "tokens").glob(f"*/{TABLE_NAME}")):
        if not table.parent.name.endswith(_NOT_LEARNED):
            stat = table.stat()
            return list(_mix(table, stat.st_mtime_ns, stat.st_size))
    return []


@lru_cache(maxsize=64)
def _mix(path: Path, changed: int, size: int) -> tuple[Part, ...]:  # noqa: ARG001 (its key)
    try:
        table = pq.ParquetFile(path).read(["source", "license", "first_sample", "samples"])
    except (OSError, pa.ArrowInvalid):  # being written now
        return ()
    first_D, samples_D = (
        numbers(table[name]).astype(np.int64) for name in ("first_sample", "samples")
    )
    weigh = joined_weights if path.parent.name == _JOINED else packed_weights
    weights_D = weigh(first_D, samples_D)
    sources, source_D = _codes(table["source"])
    licenses, license_D = _codes(table["license"])
    pair_D = source_D * len(licenses) + license_D
    weights = np.bincount(pair_D, weights_D)
    whole = max(1e-9, float(weights.sum()))
    parts = [
        Part(
            source=sources[pair // len(licenses)],
            license=licenses[pair % len(licenses)],
            documents=int(count),
            share=float(weights[pair]) / whole,
        )
        for pair, count in enumerate(np.bincount(pair_D))
        if count
    ]
    return tuple(sorted(parts, key=lambda part: (-part.share, part.source, part.license)))


def _codes(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """Return the words of a column, and which one each row has."""
    array = column.unify_dictionaries().combine_chunks()
    indices = pa.chunked_array([array.indices.cast(pa.int64())])
    return array.dictionary.to_pylist(), numbers(indices).astype(np.int64)


def joined_weights(first_D: NDArray[np.int64], samples_D: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how many samples are each document's, where documents were joined and cut, `(D,)`.

    A document has the samples from where it begins to where the next one begins. Of those that
    begin in the same sample the longest is the last.
    """
    weights_D = np.zeros(len(first_D))
    order = np.lexsort((samples_D, first_D))
    order = order[samples_D[order] > 0]
    if len(order):
        end = (first_D[order] + samples_D[order]).max()
        weights_D[order] = np.diff(np.append(first_D[order], end))
    return weights_D


def packed_weights(first_D: NDArray[np.int64], samples_D: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of a sample that is each document's, where several were packed, `(D,)`."""
    lies_in_one = samples_D > 0
    in_sample = np.bincount(first_D[lies_in_one], minlength=int(first_D.max(initial=0)) + 1)
    return np.where(lies_in_one, 1.0 / np.maximum(1, in_sample[first_D]), 0.0)
