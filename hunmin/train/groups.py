"""Groups of judged answers as training reads them: the answers to one prompt side by side.

A group is one sample, so all its answers stand in the same step and on the same process.

Letters in names: P groups on disk, G answers in each, W positions of a sequence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import DTypeLike, NDArray

from hunmin.ledger import TABLE_NAME, DocumentsTable
from hunmin.manifest import file_sha256
from hunmin.model import PAD_ID
from hunmin.progress import Bar
from hunmin.train.filling import filling
from hunmin.train.rowfile import RowFile

LeftOut = Literal["alike", "too_long"]

COLUMNS = ("prompt_ids", "rollouts", "rewards")
"""The columns of rewards that training reads, beside those of rights."""


def write_groups(
    batches: Iterable[pa.RecordBatch],
    folder: Path,
    sequence_tokens: int,
    group_answers: int,
    shown: Bar,
) -> dict[str, Any]:
    """Write a row for each group of which something can be learned; count those left out.

    Args:
        batches: Of rewards, with `COLUMNS`.
        folder: Where `ids.npy`, `learned.npy`, `sampling.npy` and `reference.npy` go,
            `(P, G * (sequence_tokens + 1))` each, and `rewards.npy`, `(P, G)`.
        sequence_tokens: T, the length of each sequence.
        group_answers: G.
        shown: Told how many groups are done.
    """
    width = sequence_tokens + 1
    documents = DocumentsTable()
    places: list[int] = []
    left_out: Counter[LeftOut] = Counter()
    tokens = dropped = learned_tokens = 0

    def rows(name: str, dtype: DTypeLike, width: int = group_answers * width) -> RowFile:
        return RowFile(folder / f"{name}.npy", dtype, width)

    with (
        rows("ids", np.uint32) as all_ids,
        rows("learned", np.bool_) as all_learned,
        rows("sampling", np.float32) as all_sampling,
        rows("reference", np.float32) as all_reference,
        rows("rewards", np.float32, group_answers) as all_rewards,
    ):
        for batch in batches:
            documents.add(batch)
            for row in batch.select(list(COLUMNS)).to_pylist():
                prompt, answers = row["prompt_ids"], [one["ids"] for one in row["rollouts"]]
                sequences = [prompt + ids for ids in answers]
                if (reason := why_left_out(row, sequence_tokens)) is not None:
                    left_out[reason] += 1
                    places.append(-1)
                    dropped += sum(map(len, sequences))
                    continue
                places.append(all_ids.rows)
                all_ids.add(_beside(sequences, 0, width, PAD_ID))
                learned = [[True] * len(ids) for ids in answers]
                all_learned.add(_beside(learned, len(prompt), width, fill=False))
                for file, name in (
                    (all_sampling, "log_probabilities"),
                    (all_reference, "reference_log_probabilities"),
                ):
                    logs = [one[name] or [] for one in row["rollouts"]]
                    file.add(_beside(logs, len(prompt), width, 0.0))
                all_rewards.add(np.array(row["rewards"]))
                tokens += sum(map(len, sequences))
                learned_tokens += sum(map(len, answers))
            shown.advance(len(batch))
    first_D = np.array(places, np.int64)
    sha256 = documents.write(
        folder / TABLE_NAME,
        first_samples_D=np.maximum(first_D, 0),
        samples_D=(first_D >= 0).astype(np.int64),
    )
    return {
        "sequences": group_answers * all_ids.rows,
        "groups": all_ids.rows,
        "groups_alike": left_out["alike"],
        "groups_too_long": left_out["too_long"],
        "tokens": tokens,
        **filling(tokens=tokens, dropped=dropped, room=group_answers * width * all_ids.rows),
        "learned_tokens": learned_tokens,
        "documents": len(places),
        "documents_sha256": sha256,
        "ids_sha256": file_sha256(folder / "ids.npy"),
    }


def why_left_out(group: Mapping[str, Any], sequence_tokens: int) -> LeftOut | None:
    """Return why nothing can be learned from a group, or None where something can.

    Where its answers all have the same reward, none of them is better than another; where a
    sequence is too long, an answer that is cut would not be the one that was judged.
    """
    if len(set(group["rewards"])) == 1:
        return "alike"
    longest = len(group["prompt_ids"]) + max(len(one["ids"]) for one in group["rollouts"])
    return "too_long" if longest > sequence_tokens + 1 else None


def learnable_groups(rewards: Path, sequence_tokens: int) -> int:
    """Return of how many groups of finished rewards a stage can learn something."""
    return sum(
        why_left_out(group, sequence_tokens) is None
        for shard in sorted((rewards / "shards").glob("rewards-*.parquet"))
        for batch in pq.ParquetFile(shard).iter_batches(columns=list(COLUMNS))
        for group in batch.to_pylist()
    )


def _beside(parts: list[list[Any]], before: int, width: int, fill: object) -> NDArray[Any]:
    """Return lists behind one another, each `width` wide, with `before` fillings before it."""
    return np.array(
        [
            one
            for part in parts
            for one in [fill] * before + part + [fill] * (width - before - len(part))
        ]
    )
