"""Reading the text of a finished corpus folder, and choosing a fair sample of it.

The sample is a pure function of the documents: it does not depend on the order or number of
shards. Training has its own reader, which cares about order; this one does not.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hunmin.errors import CorpusEmpty, ShardBroken

Part = Literal["text", "heldout"]

_BATCH_ROWS = 256
_LOTS = 2**64


class Document(NamedTuple):
    """One document of a corpus."""

    id: str
    text: str
    source: str


class Sample(NamedTuple):
    """Which documents to take: all of a source, or those whose rank is not above a threshold."""

    thresholds: dict[str, int]
    """By source, only for sources too large to be taken whole."""
    text_bytes: dict[str, int]
    """UTF-8 bytes taken, by source."""
    documents: dict[str, int]

    def takes(self, document: Document) -> bool:
        """Return whether the document belongs to the sample."""
        threshold = self.thresholds.get(document.source)
        return threshold is None or rank(document.id) <= threshold


class Readings(NamedTuple):
    """How often the documents of each source are read, so that small sources count for more."""

    times: dict[str, float]
    """By source. Of a fraction, that share of the documents is read once more, drawn by lot."""

    def of(self, document: Document) -> int:
        """Return how often the document is read."""
        times = self.times.get(document.source, 1.0)
        whole = int(times)
        return whole + (rank(f"again {document.id}") < (times - whole) * _LOTS)

    def text_bytes(self, once: Mapping[str, int]) -> float:
        """Return how much text is read in all, about, given how much there is of each source."""
        return sum(size * self.times.get(source, 1.0) for source, size in once.items())


def balanced_readings(text_bytes: Mapping[str, int], *, balance: float) -> Readings:
    """Return readings that bring sources of different sizes nearer to one weight.

    Args:
        text_bytes: The size of each source.
        balance: 0 reads all text once; 1 gives every source the weight of the largest; between,
            a source weighs as its size to the power of `1 - balance`.
    """
    largest = max(text_bytes.values(), default=0)
    return Readings(
        {  # rounded, so that no processor's last digit decides about a document
            source: round((largest / size) ** balance, 3)
            for source, size in text_bytes.items()
            if size
        }
    )


def shard_paths(corpus: Path, part: Part) -> list[Path]:
    """Return the shards of one part of a corpus, in order."""
    return sorted((corpus / "shards").glob(f"{part}-*.parquet"))


def documents(shards: list[Path]) -> Iterator[Document]:
    """Yield every document of some shards.

    Raises:
        ShardBroken: A shard cannot be read; it is named.
    """
    for path in shards:
        for batch in _batches(path, ["id", "text", "source"]):
            columns = (batch.column(name).to_pylist() for name in ("id", "text", "source"))
            yield from map(Document._make, zip(*columns, strict=True))


def rank(document_id: str) -> int:
    """Return the place of a document in the drawing of lots, 0 to 2^64 - 1."""
    return int.from_bytes(blake2b(document_id.encode(), digest_size=8).digest())


def choose_sample(corpus: Path, *, bytes_per_source_max: int) -> Sample:
    """Choose training text of at most so many bytes of each source, by lot.

    Raises:
        CorpusEmpty: There is no training text.
        ShardBroken: A shard cannot be read.
    """
    shards = shard_paths(corpus, "text")
    text_bytes, counts = _totals(shards)
    if not sum(text_bytes.values()):
        raise CorpusEmpty(corpus=corpus)
    large = [source for source, total in text_bytes.items() if total > bytes_per_source_max]
    thresholds: dict[str, int] = {}
    for source, (ranks, sizes) in _lots(shards, large).items():
        order = np.argsort(ranks, kind="stable")
        fitting = int(np.searchsorted(np.cumsum(sizes[order]), bytes_per_source_max, "right"))
        taken = order[: max(fitting, 1)]  # one document even where the first alone is too large
        thresholds[source] = int(ranks[taken[-1]])
        text_bytes[source] = int(sizes[taken].sum())
        counts[source] = len(taken)
    return Sample(thresholds, dict(sorted(text_bytes.items())), dict(sorted(counts.items())))


def _totals(shards: list[Path]) -> tuple[dict[str, int], dict[str, int]]:
    text_bytes: dict[str, int] = defaultdict(int)
    counts: dict[str, int] = defaultdict(int)
    for path in shards:
        for batch in _batches(path, ["source", "text"]):
            sizes = pc.call_function("binary_length", [batch.column("text")])
            table = pa.table({"source": batch.column("source"), "size": sizes})
            grouped = table.group_by("source").aggregate([("size", "sum"), ("size", "count")])
            for row in grouped.to_pylist():
                text_bytes[row["source"]] += row["size_sum"]
                counts[row["source"]] += row["size_count"]
    return text_bytes, counts


def _lots(shards: list[Path], sources: list[str]) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Return ranks and sizes of every document of some sources."""
    lots: dict[str, tuple[list[int], list[int]]] = {source: ([], []) for source in sources}
    for path in shards if lots else []:
        for batch in _batches(path, ["id", "source", "text"]):
            sizes = pc.call_function("binary_length", [batch.column("text")]).to_pylist()
            ids = batch.column("id").to_pylist()
            for name, source, size in zip(
                ids, batch.column("source").to_pylist(), sizes, strict=True
            ):
                if source in lots:
                    lots[source][0].append(rank(name))
                    lots[source][1].append(size)
    return {
        source: (np.array(ranks, dtype=np.uint64), np.array(sizes, dtype=np.int64))
        for source, (ranks, sizes) in lots.items()
    }


def _batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as shard:
            missing = sorted(set(columns) - set(shard.schema_arrow.names))
            if missing:
                raise ShardBroken(path=path, reason=f"column {missing[0]} is missing")
            yield from shard.iter_batches(_BATCH_ROWS, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise ShardBroken(path=path, reason=f"{type(error).__name__}") from error
