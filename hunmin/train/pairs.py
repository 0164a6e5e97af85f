"""Preference pairs as training reads them: two sequences side by side, the chosen one first.

A pair is one sample, so both its answers stand in the same step and on the same process.

Letters in names: P pairs, D documents.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer

from hunmin.ledger import TABLE_NAME, DocumentsTable
from hunmin.manifest import file_sha256
from hunmin.model import PAD_ID, encode_chat, encode_chat_with_mask
from hunmin.progress import Bar
from hunmin.train.filling import filling
from hunmin.train.rowfile import RowFile

ANSWERS = ("chosen", "rejected")
"""The columns of a shard with the two answers, in the order they stand in a row."""


def write_pairs(
    batches: Iterable[pa.RecordBatch],
    tokenizer: Tokenizer,
    folder: Path,
    sequence_tokens: int,
    shown: Bar,
) -> dict[str, Any]:
    """Write a row for each pair: its prompt with the chosen, then with the rejected answer.

    Only the answers are learned from. A pair is left out, and counted, where either sequence is too
    long: an answer that is cut is not the one that was judged.

    Args:
        batches: Of shards, with `prompt`, `chosen` and `rejected`.
        tokenizer: What cuts text into tokens.
        folder: Where `ids.npy` and `learned.npy` go, `(P, 2 * (sequence_tokens + 1))` each.
        sequence_tokens: T, the length of each of the two sequences.
        shown: Told how many pairs are done.
    """
    width = sequence_tokens + 1
    documents = DocumentsTable()
    places: list[int] = []
    tokens = dropped = learned_tokens = 0
    with (
        RowFile(folder / "ids.npy", np.uint32, 2 * width) as all_ids,
        RowFile(folder / "learned.npy", np.bool_, 2 * width) as all_learned,
    ):
        for batch in batches:
            documents.add(batch)
            for row in batch.select(["prompt", *ANSWERS]).to_pylist():
                both = [_encode(tokenizer, row["prompt"], row[name]) for name in ANSWERS]
                if any(len(ids) > width for ids, _ in both):
                    places.append(-1)
                    dropped += sum(len(ids) for ids, _ in both)
                    continue
                places.append(all_ids.rows)
                missing = [width - len(ids) for ids, _ in both]
                all_ids.add(_joined([ids for ids, _ in both], missing, PAD_ID))
                all_learned.add(_joined([learned for _, learned in both], missing, fill=False))
                tokens += sum(len(ids) for ids, _ in both)
                learned_tokens += sum(sum(learned) for _, learned in both)
            shown.advance(len(batch))
    first_D = np.array(places, np.int64)
    sha256 = documents.write(
        folder / TABLE_NAME,
        first_samples_D=np.maximum(first_D, 0),
        samples_D=(first_D >= 0).astype(np.int64),
    )
    return {
        "sequences": 2 * all_ids.rows,
        "pairs": all_ids.rows,
        "pairs_too_long": len(places) - all_ids.rows,
        "tokens": tokens,
        **filling(tokens=tokens, dropped=dropped, room=2 * width * all_ids.rows),
        "learned_tokens": learned_tokens,
        "documents": len(places),
        "documents_sha256": sha256,
        "ids_sha256": file_sha256(folder / "ids.npy"),
    }


def _encode(
    tokenizer: Tokenizer, prompt: list[dict[str, str]], answer: str
) -> tuple[list[int], list[bool]]:
    """Return the ids of a conversation, and which of them are its last answer."""
    messages = [*prompt, {"role": "assistant", "content": answer}]
    ids, learned = encode_chat_with_mask(tokenizer, messages)
    asked = len(encode_chat(tokenizer, prompt))
    return ids, [False] * asked + learned[asked:]


def _joined(parts: list[list[Any]], missing: list[int], fill: object) -> NDArray[Any]:
    """Return lists behind one another, each filled up."""
    return np.array(
        [one for part, left in zip(parts, missing, strict=True) for one in part + [fill] * left]
    )
