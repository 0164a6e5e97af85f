"""Last stage: what is kept is drawn, set aside, shuffled and written, the same bytes every time.

A document's place depends on the seed and its id alone, never on threads, runners or files. The
documents of one shard are in memory together, and no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hunmin.corpus.config import CorpusConfig
from hunmin.corpus.ngrams import stable_hash
from hunmin.corpus.sources import Source

TEXT = pa.schema(
    [("id", pa.string()), ("text", pa.string()), ("source", pa.string()), ("license", pa.string())]
)
CHAT = pa.schema(
    [
        ("id", pa.string()),
        (
            "messages",
            pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
        ),
        ("source", pa.string()),
        ("license", pa.string()),
    ]
)

_SPOOLED = pa.schema([("order", pa.int64()), ("n", pa.int64()), ("copy", pa.int32()), *TEXT])
_HASH_BITS = 63
_ROW_GROUP_ROWS = 1024
_BATCH_ROWS = 256


@dataclass
class Group:
    """One cleaned group and the source it is of."""

    folder: Path
    source: Source


@dataclass
class Written:
    """What went where."""

    documents: dict[str, int] = field(default_factory=dict)
    text_bytes: dict[str, int] = field(default_factory=dict)
    licenses: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=lambda: {"text": 0, "heldout": 0, "chat": 0})
    bytes: dict[str, int] = field(default_factory=lambda: {"text": 0, "heldout": 0, "chat": 0})
    not_drawn: list[int] = field(default_factory=list)


def place(doc_id: str, *, kind: str, weight: float, config: CorpusConfig) -> tuple[str, int]:
    """Return which split a document goes to and how many copies of it; 0 where it is not drawn."""
    seed = str(config.seed)
    if kind == "text" and _share(seed, "heldout", doc_id) < config.heldout_share:
        return "heldout", 1
    copies = int(weight) + (_share(seed, "draw", doc_id) < weight % 1)
    return ("chat" if kind == "chat" else "text"), copies


def _share(*parts: str) -> float:
    return stable_hash(*parts) / 2**_HASH_BITS


def write_shards(
    groups: list[Group],
    gone: NDArray[np.int64],
    out: Path,
    spool: Path,
    *,
    config: CorpusConfig,
) -> Written:
    """Write the shards of all kept documents to `out`.

    Args:
        groups: Cleaned groups.
        gone: Sorted numbers of documents that are dropped as duplicates.
        out: Folder for `text-00000.parquet`, `heldout-00000.parquet`, `chat-00000.parquet` and on.
        spool: Folder for documents on their way.
        config: Seed, held-out share, size of a shard.
    """
    out.mkdir(exist_ok=True)
    spool.mkdir(parents=True)
    written = Written()
    sizes = _sizes(groups, gone, config)
    shards = {
        split: max(1, -(-size // config.shard_text_bytes)) for split, size in sizes.items() if size
    }
    writers: dict[tuple[str, int], pq.ParquetWriter] = {}
    for group in groups:
        for columns in _kept(group, gone):
            buckets: dict[tuple[str, int], list[tuple[object, ...]]] = {}
            for n, doc_id, text, license_id, text_bytes in columns:
                source = group.source
                split, copies = place(
                    doc_id, kind=source.kind, weight=source.weight, config=config
                )
                if not copies:
                    written.not_drawn.append(n)
                    continue
                _count(written, split, copies, source.name, license_id, text_bytes)
                for copy in range(copies):
                    order = stable_hash(str(config.seed), "order", doc_id, str(copy))
                    shard = order * shards[split] >> _HASH_BITS
                    row = (order, n, copy, doc_id, text, source.name, license_id)
                    buckets.setdefault((split, shard), []).append(row)
            for key, rows in buckets.items():
                if key not in writers:
                    path = spool / f"{key[0]}-{key[1]:05}.parquet"
                    writers[key] = pq.ParquetWriter(path, _SPOOLED, compression="zstd")
                arrays = [
                    pa.array(column, f.type)
                    for column, f in zip(zip(*rows, strict=True), _SPOOLED, strict=True)
                ]
                writers[key].write_table(pa.Table.from_arrays(arrays, schema=_SPOOLED))
    for writer in writers.values():
        writer.close()
    for split, shard in sorted(writers):
        name = f"{split}-{shard:05}.parquet"
        _write_sorted(spool / name, out / name, chat=split == "chat")
        (spool / name).unlink()
    return written


def _kept(
    group: Group, gone: NDArray[np.int64]
) -> Iterator[Iterator[tuple[int, str, str, str, int]]]:
    names = ["n", "id", "text", "license", "text_bytes", "reason"]
    data = ds.dataset(group.folder)
    for batch in data.to_batches(columns=names, batch_size=_BATCH_ROWS, use_threads=False):
        numbers = batch["n"].to_numpy()
        keep = ~np.isin(numbers, gone) & batch["reason"].is_null().to_numpy(zero_copy_only=False)
        kept = batch.filter(pa.array(keep))
        if kept.num_rows:
            yield zip(*(kept[name].to_pylist() for name in names[:5]), strict=True)


def _sizes(groups: list[Group], gone: NDArray[np.int64], config: CorpusConfig) -> dict[str, int]:
    """Return bytes of text of each split, copies counted."""
    sizes = {"text": 0, "heldout": 0, "chat": 0}
    for group in groups:
        data = ds.dataset(group.folder)
        for batch in data.to_batches(columns=["n", "id", "text_bytes", "reason"]):
            keep = ~np.isin(batch["n"].to_numpy(), gone)
            keep &= batch["reason"].is_null().to_numpy(zero_copy_only=False)
            kept = batch.filter(pa.array(keep))
            for doc_id, size in zip(
                kept["id"].to_pylist(), kept["text_bytes"].to_pylist(), strict=True
            ):
                split, copies = place(
                    doc_id, kind=group.source.kind, weight=group.source.weight, config=config
                )
                sizes[split] += size * copies
    return sizes


def _count(
    written: Written, split: str, copies: int, source: str, license_id: str, text_bytes: int
) -> None:
    written.rows[split] += copies
    written.bytes[split] += copies * text_bytes
    written.documents[source] = written.documents.get(source, 0) + 1
    written.text_bytes[source] = written.text_bytes.get(source, 0) + text_bytes
    licenses = written.licenses.setdefault(source, {})
    licenses[license_id] = licenses.get(license_id, 0) + 1


def _write_sorted(spooled: Path, path: Path, *, chat: bool) -> None:
    import json  # noqa: PLC0415 (for chats only)

    table = pq.read_table(spooled)
    table = table.sort_by([("order", "ascending"), ("n", "ascending"), ("copy", "ascending")])
    if chat:
        messages = [json.loads(text) for text in table["text"].to_pylist()]
        columns = [
            table["id"],
            pa.array(messages, CHAT.field("messages").type),
            table["source"],
            table["license"],
        ]
        table = pa.Table.from_arrays(columns, schema=CHAT)
    else:
        table = table.select(TEXT.names).cast(TEXT)
    pq.write_table(
        table.combine_chunks(), path, compression="zstd", row_group_size=_ROW_GROUP_ROWS
    )
