"""Token files: the corpus as training reads it, fixed-length sequences in a memory map.

Running text is joined, documents parted by `<|end_of_text|>`, and cut into sequences; nothing is
dropped but the last incomplete sequence. Chats, or conversations joined from several, are packed
whole, several to a sequence, each token labeled with the conversation it belongs to and whether it
is to be learned.

Files of one kind of data: `ids.npy`, `learned.npy` and `segments.npy` (chats only), each
`(sequences, sequence_tokens + 1)`, and `tokens.json`, written last.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tokenizers import Tokenizer

from hunmin.errors import NothingToTrainOn
from hunmin.manifest import manifest_sha256
from hunmin.model import (
    END_OF_TEXT_ID,
    PAD_ID,
    bulk_encoder,
    encode_chat_with_mask,
    load_tokenizer,
)
from hunmin.progress import Bar, bar
from hunmin.steps import sync, write_whole
from hunmin.train.rowfile import RowFile

Kind = Literal["text", "heldout", "chat"]

_BATCH_DOCUMENTS = 256
_INFO_NAME = "tokens.json"


@dataclass(frozen=True, slots=True)
class Sequences:
    """Training sequences on disk. S sequences, T tokens each; one more token for the target."""

    ids_ST: NDArray[np.uint32]
    learned_ST: NDArray[np.bool_] | None
    segments_ST: NDArray[np.uint16] | None
    info: dict[str, Any]

    def __len__(self) -> int:
        return len(self.ids_ST)


def prepare(
    corpus: Path,
    tokenizer: Path,
    folder: Path,
    *,
    kind: Kind,
    sequence_tokens: int,
    chats_joined_max: int = 1,
) -> Sequences:
    """Return the corpus as sequences, tokenizing it into `folder` unless that was done before.

    Args:
        corpus: A finished corpus.
        tokenizer: A finished tokenizer.
        folder: Where the token files lie.
        kind: Which of the corpus's data.
        sequence_tokens: T, the length of a sequence.
        chats_joined_max: One to this many chats in a row make one conversation.

    Raises:
        NothingToTrainOn: There is not one whole sequence.
    """
    origin = {
        "corpus": manifest_sha256(corpus),
        "tokenizer": manifest_sha256(tokenizer),
        "sequence_tokens": sequence_tokens,
        "chats_joined_max": chats_joined_max,
    }
    found = _open(folder, origin, kind)
    if found is not None:
        return found
    shards = sorted((corpus / "shards").glob(f"{kind}-*.parquet"))
    folder.mkdir(parents=True, exist_ok=True)
    # What says that another origin's files are whole must be gone before they are written over.
    (folder / _INFO_NAME).unlink(missing_ok=True)
    sync(folder)
    rows = sum(pq.ParquetFile(shard).metadata.num_rows for shard in shards)
    with bar(f"tokenize {kind}", total=rows, unit="documents") as shown:
        loaded = load_tokenizer(tokenizer)
        if kind == "chat":
            packer = _Packer(sequence_tokens + 1, chats_joined_max)
            info = _write_chats(shards, loaded, folder, packer, shown)
        else:
            info = _write_text(shards, loaded, folder, sequence_tokens, shown)
    if info["sequences"] == 0:
        raise NothingToTrainOn(corpus=corpus, needed=kind)
    write_whole(folder / _INFO_NAME, json.dumps({**origin, **info}).encode())
    done = _open(folder, origin, kind)
    assert done is not None
    return done


def _open(folder: Path, origin: dict[str, Any], kind: Kind) -> Sequences | None:
    try:
        info = json.loads((folder / _INFO_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    if {key: info.get(key) for key in origin} != origin:
        return None
    is_chat = kind == "chat"
    return Sequences(
        ids_ST=np.load(folder / "ids.npy", mmap_mode="r"),
        learned_ST=np.load(folder / "learned.npy", mmap_mode="r") if is_chat else None,
        segments_ST=np.load(folder / "segments.npy", mmap_mode="r") if is_chat else None,
        info=info,
    )


def _write_text(
    shards: list[Path], tokenizer: Tokenizer, folder: Path, sequence_tokens: int, shown: Bar
) -> dict[str, Any]:
    """Write running text as overlapping-by-one rows: row i covers tokens iT to (i+1)T inclusive."""
    encode = bulk_encoder(tokenizer)
    tokens = text_bytes = 0
    waiting = np.empty(0, np.uint32)
    with RowFile(folder / "ids.npy", np.uint32, sequence_tokens + 1) as rows:
        for texts in _batches(shards, "text"):
            new = [np.array([*ids, END_OF_TEXT_ID], np.uint32) for ids in encode(texts)]
            tokens += sum(map(len, new))
            waiting = np.concatenate([waiting, *new])
            whole = max(0, len(waiting) - 1) // sequence_tokens * sequence_tokens
            for start in range(0, whole, sequence_tokens):
                rows.add(waiting[start : start + sequence_tokens + 1])
            waiting = waiting[whole:]
            text_bytes += sum(len(text.encode()) for text in texts)
            shown.advance(len(texts), note=f"{tokens:,} tokens")
    return {"sequences": rows.rows, "tokens": tokens, "text_bytes": text_bytes}


def _write_chats(
    shards: list[Path], tokenizer: Tokenizer, folder: Path, packer: "_Packer", shown: Bar
) -> dict[str, Any]:
    """Pack chats; one that is longer than a sequence is cut at its end, and counted."""
    with (
        RowFile(folder / "ids.npy", np.uint32, packer.width) as all_ids,
        RowFile(folder / "learned.npy", np.bool_, packer.width) as all_learned,
        RowFile(folder / "segments.npy", np.uint16, packer.width) as all_segments,
    ):

        def write(rows: list[Packed]) -> None:
            for ids, learned, segments in rows:
                all_ids.add(np.array(ids))
                all_learned.add(np.array(learned))
                all_segments.add(np.array(segments))

        for conversations in _batches(shards, "messages"):
            for messages in conversations:
                ids, learned = encode_chat_with_mask(tokenizer, messages)
                packer.add(ids, learned, opens=messages[0]["role"] == "system")
            write(packer.full_rows())
            shown.advance(len(conversations))
        write(packer.rows())
    return {
        "sequences": all_ids.rows,
        "chats": packer.chats,
        "chats_cut": packer.cut,
        "conversations": packer.conversations,
        "tokens": packer.tokens,
        "learned_tokens": packer.learned_tokens,
    }


Packed = tuple[list[int], list[bool], list[int]]
"""One sequence: ids, which of them are learned, and the number of each one's conversation."""


class _Packer:
    """Joins chats into conversations; puts each into the first open sequence with room for it."""

    _OPEN_MAX = 64

    def __init__(self, width: int, joined_max: int) -> None:
        self.width = width
        self._joined_max = joined_max
        self._joined_wanted = random.Random(joined_max)  # noqa: S311 (not for secrets)
        self._ids: list[int] = []
        self._learned: list[bool] = []
        self._room = 0
        """How many chats the conversation under way still takes."""
        self._open: list[Packed] = []
        self._full: list[Packed] = []
        self.chats = self.cut = self.conversations = 0
        self.tokens = 0
        self.learned_tokens = 0

    def add(self, ids: list[int], learned: list[bool], *, opens: bool = False) -> None:
        """Add a chat; one that `opens` stands at the beginning of its conversation."""
        self.chats += 1
        self.cut += len(ids) > self.width
        if opens or self._room == 0 or len(self._ids) + len(ids) > self.width:
            self._end_conversation()
            self._room = self._joined_wanted.randint(1, self._joined_max)
        self._ids += ids[: self.width]
        self._learned += learned[: self.width]
        self._room -= 1

    def _end_conversation(self) -> None:
        ids, learned = list(self._ids), list(self._learned)
        self._ids.clear()
        self._learned.clear()
        if not ids:
            return
        self.conversations += 1
        self.tokens += len(ids)
        self.learned_tokens += sum(learned)
        for row in self._open:
            if len(row[0]) + len(ids) <= self.width:
                break
        else:
            row = ([], [], [])
            self._open.append(row)
            if len(self._open) > self._OPEN_MAX:
                self._full.append(self._open.pop(0))
        segment = row[2][-1] + 1 if row[2] else 0
        row[0].extend(ids)
        # Its first token is predicted from another conversation's last: never learned.
        row[1].extend([False, *learned[1:]])
        row[2].extend([segment] * len(ids))

    def rows(self) -> list[Packed]:
        """Return every sequence that is left, padded to one width."""
        self._end_conversation()
        self._full += self._open
        self._open.clear()
        return self.full_rows()

    def full_rows(self) -> list[Packed]:
        """Return the sequences that nothing more goes into, each once, padded to one width."""
        padded = []
        for ids, learned, segments in self._full:
            missing = self.width - len(ids)
            last = segments[-1] + 1
            padded.append(
                (
                    ids + [PAD_ID] * missing,
                    learned + [False] * missing,
                    segments + [last] * missing,
                )
            )
        self._full.clear()
        return padded


def _batches(shards: list[Path], column: str) -> Iterator[list[Any]]:
    for shard in shards:
        for batch in pq.ParquetFile(shard).iter_batches(_BATCH_DOCUMENTS, columns=[column]):
            yield batch.column(0).to_pylist()
