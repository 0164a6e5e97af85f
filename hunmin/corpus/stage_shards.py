"""Last stage: what is kept is sorted into its order and cut into shards, whole and the same bytes.

An external merge sort. Runs of a few parts each are sorted by order in memory, in Parquet row
groups whose range of orders is known; a shard is a range of orders, read from all runs and sorted
once more. No more than one run or one shard is in memory in each process.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hunmin.corpus.config import CorpusConfig
from hunmin.corpus.partfile import DROPS, whole_file, write_table_whole
from hunmin.corpus.placing import copy_order, shard_range
from hunmin.corpus.stage_dedup import Repeats

_RIGHTS = [("source", pa.string()), ("license", pa.string()), ("consent", pa.string())]
TEXT = pa.schema([("id", pa.string()), ("text", pa.string()), *_RIGHTS])
CHAT = pa.schema(
    [
        ("id", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        *_RIGHTS,
    ]
)
PREFERENCE = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", CHAT.field("messages").type),
        ("chosen", pa.string()),
        ("rejected", pa.string()),
        *_RIGHTS,
    ]
)
PROMPT = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", CHAT.field("messages").type),
        ("answer", pa.string()),
        *_RIGHTS,
    ]
)
_RUN_COLUMNS = ["order", "n", "copy", "id", "text", "source", "license", "consent"]
_RUN_ROW_GROUP_ROWS = 256
_ROW_GROUP_ROWS = 1024
_CLEANED_COLUMNS = [
    "n", "id", "source", "license", "consent", "text", "text_bytes", "reason", "detail", "split",
    "copies", "order",
]  # fmt: skip


@dataclass(frozen=True)
class RunUnit:
    """A few cleaned parts, to become one sorted run of each split and one file of drops."""

    index: int
    parts: tuple[Path, ...]
    folder: Path

    def run(self, split: str) -> Path:
        """Return the path of the sorted run of one split."""
        return self.folder / f"{split}-{self.index:06}.parquet"

    @property
    def drops(self) -> Path:
        """The path of the drops."""
        return self.folder / f"drops-{self.index:06}.parquet"

    @property
    def counts(self) -> Path:
        """The path of the counts; it appears when everything is whole."""
        return self.folder / f"counts-{self.index:06}.json"


@dataclass(frozen=True)
class RunCounts:
    """What one run holds."""

    rows: dict[str, int]
    """By split, copies counted."""
    text_bytes: dict[str, int]
    """By split, copies counted."""
    sources: dict[str, list[tuple[str, int, int]]]
    """By source: license, documents, bytes of text; copies not counted."""


@dataclass(frozen=True)
class ShardUnit:
    """One shard to be: a range of orders of one split."""

    split: str
    index: int
    shards: int
    runs: tuple[Path, ...]
    out: Path


def sort_run(unit: RunUnit, *, repeats: Path, config: CorpusConfig) -> RunCounts:
    """Sort the kept documents of a few parts, and write down the dropped ones.

    Args:
        unit: What to sort.
        repeats: What repeats what, saved by `Repeats.save`.
        config: Its seed places the copies.
    """
    if unit.counts.is_file():
        return RunCounts(**json.loads(unit.counts.read_bytes()))
    table = pa.concat_tables(pq.read_table(part, columns=_CLEANED_COLUMNS) for part in unit.parts)
    table, drops = _divide(table, Repeats.load(repeats))
    write_table_whole(unit.drops, drops)
    rows: dict[str, int] = {}
    sizes: dict[str, int] = {}
    splits = table["split"].to_numpy()
    for split in np.unique(splits).tolist():
        kept = table.filter(pa.array(splits == split))
        copies = kept["copies"].to_numpy()
        rows[split] = int(copies.sum())
        sizes[split] = int((copies * kept["text_bytes"].to_numpy()).sum())
        copied = _copied(kept, config)
        write_table_whole(unit.run(split), copied, row_group_size=_RUN_ROW_GROUP_ROWS)
    grouped = table.group_by(["source", "license"]).aggregate(
        [([], "count_all"), ("text_bytes", "sum")]
    )
    sources: dict[str, list[tuple[str, int, int]]] = {}
    for row in grouped.sort_by([("source", "ascending"), ("license", "ascending")]).to_pylist():
        counted = (row["license"], row["count_all"], row["text_bytes_sum"])
        sources.setdefault(row["source"], []).append(counted)
    counts = RunCounts(rows, sizes, sources)
    with whole_file(unit.counts) as partial:
        partial.write_text(json.dumps(vars(counts), ensure_ascii=False))
    return counts


def _divide(table: pa.Table, repeats: Repeats) -> tuple[pa.Table, pa.Table]:
    """Return the documents kept, and why the others are not; both in order of their numbers."""
    table = table.sort_by("n")
    numbers = table["n"].to_numpy()
    places = np.searchsorted(repeats.n, numbers)
    places[places == len(repeats.n)] = 0
    repeated = repeats.n[places] == numbers if len(repeats.n) else np.zeros(len(numbers), bool)
    judged = table["reason"].is_valid().to_numpy()
    unwanted = table["copies"].to_numpy() == 0
    reason = np.full(len(numbers), "not_drawn", object)
    detail = np.full(len(numbers), "its source's weight is below 1", object)
    reason[repeated] = repeats.reason[places[repeated]]
    # The name of what it repeats is known only once all parts are seen; the number stands for it.
    detail[repeated] = repeats.first[places[repeated]].astype(str)
    reason[judged] = table["reason"].to_numpy()[judged]
    detail[judged] = table["detail"].to_numpy()[judged]
    dropped = judged | repeated | unwanted
    rows = table.filter(pa.array(dropped))
    drops = pa.table(
        [
            rows["n"],
            rows["id"],
            rows["source"],
            pa.array(reason[dropped], pa.string()),
            pa.array(detail[dropped], pa.string()),
        ],
        schema=DROPS,
    )
    return table.filter(pa.array(~dropped)), drops


def _copied(kept: pa.Table, config: CorpusConfig) -> pa.Table:
    """Return each document as often as it is wanted, in the order of the shuffle."""
    copies = kept["copies"].to_numpy()
    rows = np.repeat(np.arange(len(copies)), copies)
    copy = np.arange(len(rows)) - np.repeat(copies.cumsum() - copies, copies)
    order = kept["order"].to_numpy()[rows]
    if copy.any():
        ids = kept["id"].to_pylist()
        for again in np.flatnonzero(copy):
            order[again] = copy_order(ids[rows[again]], int(copy[again]), config=config)
    n = kept["n"].to_numpy()[rows]
    sequence = np.lexsort((copy, n, order))
    taken = kept.select(["id", "text", "source", "license", "consent"]).take(
        pa.array(rows[sequence])
    )
    columns = [
        pa.array(order[sequence]),
        pa.array(n[sequence]),
        pa.array(copy[sequence]),
        *taken.columns,
    ]
    return pa.table(columns, names=_RUN_COLUMNS)


def merge_shard(unit: ShardUnit) -> None:
    """Write one shard from all runs, unless that was done before."""
    if unit.out.is_file():
        return
    first, last = shard_range(unit.index, unit.shards)
    inside = [("order", ">=", first), ("order", "<=", last)] if unit.shards > 1 else None
    tables = [pq.read_table(run, filters=inside) for run in unit.runs]
    table = pa.concat_tables(tables)
    keys = [table[name].to_numpy() for name in ("copy", "n", "order")]
    table = table.take(pa.array(np.lexsort(keys)))
    schema = _SCHEMAS.get(unit.split, TEXT)
    if schema is not TEXT:
        table = _with_messages(table, schema)
    table = table.select(schema.names).cast(schema)
    write_table_whole(unit.out, table.combine_chunks(), row_group_size=_ROW_GROUP_ROWS)


_SCHEMAS = {
    "chat": CHAT,
    "preference": PREFERENCE,
    "preference_heldout": PREFERENCE,
    "prompt": PROMPT,
    "prompt_heldout": PROMPT,
}
"""What a shard of each split looks like, where it is not of text."""


def _with_messages(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns of messages that its JSON holds."""
    listed = [json.loads(text) for text in table["text"].to_pylist()]
    if schema is CHAT:
        return table.append_column(schema.field("messages"), [listed])
    names = ("answer",) if schema is PROMPT else ("chosen", "rejected")
    prompts = [turns[: -len(names)] for turns in listed]
    table = table.append_column(schema.field("prompt"), [prompts])
    for place, name in enumerate(names, start=-len(names)):
        answers = [turns[place]["content"] for turns in listed]
        table = table.append_column(schema.field(name), [answers])
    return table


def total(counts: list[RunCounts]) -> tuple[Counter[str], Counter[str]]:
    """Return rows and bytes of text by split, of all runs."""
    rows: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for count in counts:
        rows.update(count.rows)
        sizes.update(count.text_bytes)
    return rows, sizes
