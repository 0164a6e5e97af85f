"""Groups of judged answers as training reads them: the answers to one prompt side by side.

A group is one sample, so all its answers stand in the same step and on the same process.

Letters in names: P groups on disk, G answers in each, W positions of a sequence.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray

from hunmin.ledger import TABLE_NAME, DocumentsTable
from hunmin.manifest import file_sha256
from hunmin.model import PAD_ID
from hunmin.progress import Bar
from hunmin.train.rowfile import RowFile

COLUMNS = ("prompt_ids", "rollouts", "rewards")
"""The columns of rewards that training reads, beside those of rights."""


def write_groups(
    batches: Iterable[pa.RecordBatch],
    folder: Path,
    sequence_tokens: int,
    group_answers: int,
    shown: Bar,
) -> dict[str, Any]:
    """Write a row for each group of which something can be learned.

    Left out, and counted, are groups whose answers all have the same reward, for none of them is
    better than another, and those with a sequence that is too long, for an answer that is cut is
    not the one that was judged.

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
    alike = too_long = tokens = learned_tokens = 0

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
                rewards, prompt = row["rewards"], row["prompt_ids"]
                longest = len(prompt) + max(len(one["ids"]) for one in row["rollouts"])
                is_alike = len(set(rewards)) == 1
                alike += is_alike
                too_long += not is_alike and longest > width
                if is_alike or longest > width:
                    places.append(-1)
                    continue
                places.append(all_ids.rows)
                answers = [one["ids"] for one in row["rollouts"]]
                sequences = [prompt + ids for ids in answers]
                all_ids.add(_beside(sequences, 0, width, PAD_ID))
                learned = [[True] * len(ids) for ids in answers]
                all_learned.add(_beside(learned, len(prompt), width, fill=False))
                for file, name in (
                    (all_sampling, "log_probabilities"),
                    (all_reference, "reference_log_probabilities"),
                ):
                    logs = [one[name] or [] for one in row["rollouts"]]
                    file.add(_beside(logs, len(prompt), width, 0.0))
                all_rewards.add(np.array(rewards))
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
        "groups_alike": alike,
        "groups_too_long": too_long,
        "tokens": tokens,
        "learned_tokens": learned_tokens,
        "documents": len(places),
        "documents_sha256": sha256,
        "ids_sha256": file_sha256(folder / "ids.npy"),
    }


def _beside(parts: list[list[Any]], before: int, width: int, fill: object) -> NDArray[Any]:
    """Return lists behind one another, each `width` wide, with `before` fillings before it."""
    return np.array(
        [
            one
            for part in parts
            for one in [fill] * before + part + [fill] * (width - before - len(part))
        ]
    )
