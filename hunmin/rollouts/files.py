"""What rollouts and rewards look like on the disk: Parquet, one row for each prompt and its group.

Whoever writes rollouts in this form, another engine for instance, can have them scored and learned
from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hunmin.steps import sync

SHARDS_NAME = "shards"

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

_ROLLOUT = pa.struct(
    [
        ("text", pa.string()),
        ("ids", pa.list_(pa.uint32())),
        ("log_probabilities", pa.list_(pa.float32())),
        ("reference_log_probabilities", pa.list_(pa.float32())),
        ("finished", pa.bool_()),
    ]
)

ROLLOUTS = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", _MESSAGES),
        ("answer", pa.string()),
        ("source", pa.string()),
        ("license", pa.string()),
        ("consent", pa.string()),
        ("prompt_ids", pa.list_(pa.uint32())),
        ("rollouts", pa.list_(_ROLLOUT)),
    ]
)
"""`answer` is the expected one. `ids` of a finished rollout end with the token that ended it; each
has its log-probability by the policy, in nats, and by the reference model where there was one."""

_VERDICT = pa.struct([("verifier", pa.string()), ("score", pa.float32()), ("reason", pa.string())])

REWARDS = pa.schema(
    [
        *ROLLOUTS,
        ("rewards", pa.list_(pa.float32())),
        ("verdicts", pa.list_(pa.list_(_VERDICT))),
    ]
)
"""A reward for each rollout, and what each verifier said of it."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt of a corpus."""

    number: int
    """Its place in the corpus."""
    row: dict[str, Any]
    """Its id, messages, expected answer and rights, as the corpus has them."""
    ids: list[int]
    """The tokens a model goes on from."""


def shards(folder: Path, kind: str) -> list[Path]:
    """Return the shards of one kind in a finished folder, in their order."""
    return sorted((folder / SHARDS_NAME).glob(f"{kind}-*.parquet"))


def rows_of(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Yield every row, a prompt with what stands beside it, shard after shard."""
    for shard in shards(folder, kind):
        with pq.ParquetFile(shard) as file:
            for batch in file.iter_batches(batch_size=64):
                yield from batch.to_pylist()


def write_shard(rows: list[dict[str, Any]], schema: pa.Schema, path: Path, scratch: Path) -> None:
    """Write a shard so that it is there whole or not at all.

    Args:
        rows: What stands in it.
        schema: `ROLLOUTS` or `REWARDS`.
        path: The file; its folder is made.
        scratch: A folder on the same disk for what is half written.
    """
    path.parent.mkdir(exist_ok=True)
    partial = scratch / path.name
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), partial, compression="zstd")
    sync(partial)
    partial.replace(path)
    sync(path.parent)
