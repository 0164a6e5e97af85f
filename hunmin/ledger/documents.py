"""The table of a run's documents: which samples each one lies in, from which source, allowed how.

One Parquet file, `documents.parquet`, a row for each time a document stands in the data (a source
of weight 2 has every document twice), sorted by id. It is written once, when the data is cut into
samples, and named by its SHA-256 from then on.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hunmin.manifest import file_sha256
from hunmin.steps import sync

TABLE_NAME = "documents.parquet"

_WORD = pa.dictionary(pa.int32(), pa.string())

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("source", _WORD),
        ("license", _WORD),
        ("consent", pa.string()),
        ("first_sample", pa.int64()),
        ("samples", pa.int64()),
    ]
)
"""`samples` counts from `first_sample`; 0 says that the document fell off at the end."""

RIGHTS_COLUMNS = ("id", "source", "license", "consent")
"""What a shard of a corpus says about a document besides its text; `consent` may be absent."""

_ROW_GROUP_ROWS = 1 << 16


class DocumentsTable:
    """Collects documents in the order of the data, then writes the table whole.

    It holds every id in memory until then: about 100 bytes a document.
    """

    def __init__(self) -> None:
        self._batches: list[pa.Table] = []

    def add(self, rights: pa.RecordBatch) -> None:
        """Add a batch of a corpus shard, with `RIGHTS_COLUMNS` among its columns."""
        empty = pa.array([""] * len(rights), pa.string())
        named = {
            name: rights[name] if name in rights.schema.names else empty for name in RIGHTS_COLUMNS
        }
        fields = [DOCUMENTS.field(name) for name in RIGHTS_COLUMNS]
        self._batches.append(pa.table(named).cast(pa.schema(fields)))

    def write(
        self, path: Path, *, first_samples_D: NDArray[np.int64], samples_D: NDArray[np.int64]
    ) -> str:
        """Write the table, sorted by id and then by place; return its SHA-256.

        Args:
            path: The file to write.
            first_samples_D: The sample each document begins in, in the order they were added.
            samples_D: How many samples each one lies in.
        """
        fields = [DOCUMENTS.field(name) for name in RIGHTS_COLUMNS]
        table = pa.concat_tables([pa.schema(fields).empty_table(), *self._batches])
        table = table.append_column("first_sample", pa.array(first_samples_D))
        table = table.append_column("samples", pa.array(samples_D))
        table = table.unify_dictionaries().combine_chunks()
        table = table.sort_by([("id", "ascending"), ("first_sample", "ascending")])
        pq.write_table(
            table.cast(DOCUMENTS), path, compression="zstd", row_group_size=_ROW_GROUP_ROWS
        )
        sync(path)
        return file_sha256(path)


def places_of_text(
    lengths_D: NDArray[np.int64], *, sample_tokens: int, samples: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where documents lie that were joined and cut: first sample, and how many, each `(D,)`.

    Sample i holds tokens `i * sample_tokens` to `(i + 1) * sample_tokens`, both ends included: the
    last one is only predicted. What stands behind the last whole sample lies in none.

    Args:
        lengths_D: Tokens of each document, in order.
        sample_tokens: Tokens from one sample to the next.
        samples: How many whole samples there are.
    """
    ends_D = np.cumsum(lengths_D)
    first_tokens_D, last_tokens_D = ends_D - lengths_D, ends_D - 1
    first_D = np.maximum(0, -(-first_tokens_D // sample_tokens) - 1)
    last_D = np.minimum(samples - 1, last_tokens_D // sample_tokens)
    samples_D = np.maximum(0, last_D - first_D + 1)
    return np.where(samples_D > 0, first_D, 0), samples_D
