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
from hunmin.steps import write_whole

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
    found = _open(folder, origin)
    if found is not None:
        return found
    shards = sorted((corpus / "shards").glob(f"{kind}-*.parquet"))
    folder.mkdir(parents=True, exist_ok=True)
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
    done = _open(folder, origin)
    assert done is not None
    return done


def _open(folder: Path, origin: dict[str, Any]) -> Sequences | None:
    try:
        info = json.loads((folder / _INFO_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    if {key: info.get(key) for key in origin} != origin:
        return None
    is_chat = (folder / "learned.npy").is_file()
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
    stream_path = folder / "stream.bin"
    encode = bulk_encoder(tokenizer)
    tokens = text_bytes = 0
    with stream_path.open("wb") as stream:
        for texts in _batches(shards, "text"):
            for document_ids in encode(texts):
                ids = np.array([*document_ids, END_OF_TEXT_ID], dtype=np.uint32)
                stream.write(ids.tobytes())
                tokens += len(ids)
            text_bytes += sum(len(text.encode()) for text in texts)
            shown.advance(len(texts), note=f"{tokens:,} tokens")
    sequences = max(0, (tokens - 1) // sequence_tokens)
    if sequences:
        flat = np.memmap(stream_path, dtype=np.uint32, mode="r")
        rows = np.lib.format.open_memmap(
            folder / "ids.npy", "w+", np.uint32, (sequences, sequence_tokens + 1)
        )
        for row in range(sequences):
            rows[row] = flat[row * sequence_tokens : (row + 1) * sequence_tokens + 1]
        rows.flush()
    stream_path.unlink()
    return {"sequences": sequences, "tokens": tokens, "text_bytes": text_bytes}


def _write_chats(
    shards: list[Path], tokenizer: Tokenizer, folder: Path, packer: "_Packer", shown: Bar
) -> dict[str, Any]:
    """Pack chats; one that is longer than a sequence is cut at its end, and counted."""
    for conversations in _batches(shards, "messages"):
        for messages in conversations:
            ids, learned = encode_chat_with_mask(tokenizer, messages)
            packer.add(ids, learned, opens=messages[0]["role"] == "system")
        shown.advance(len(conversations))
    rows = packer.rows()
    if rows:
        for name, dtype, column in (
            ("ids", np.uint32, 0),
            ("learned", np.bool_, 1),
            ("segments", np.uint16, 2),
        ):
            np.save(folder / f"{name}.npy", np.array([row[column] for row in rows], dtype=dtype))
    return {
        "sequences": len(rows),
        "chats": packer.chats,
        "chats_cut": packer.cut,
        "conversations": packer.conversations,
        "tokens": packer.tokens,
        "learned_tokens": packer.learned_tokens,
    }


class _Packer:
    """Joins chats into conversations; puts each into the first open sequence with room for it."""

    _OPEN_MAX = 64

    def __init__(self, width: int, joined_max: int) -> None:
        self._width = width
        self._joined_max = joined_max
        self._joined_wanted = random.Random(joined_max)  # noqa: S311 (not for secrets)
        self._ids: list[int] = []
        self._learned: list[bool] = []
        self._room = 0
        """How many chats the conversation under way still takes."""
        self._open: list[tuple[list[int], list[bool], list[int]]] = []
        self._full: list[tuple[list[int], list[bool], list[int]]] = []
        self.chats = self.cut = self.conversations = 0
        self.tokens = 0
        self.learned_tokens = 0

    def add(self, ids: list[int], learned: list[bool], *, opens: bool = False) -> None:
        """Add a chat; one that `opens` stands at the beginning of its conversation."""
        self.chats += 1
        self.cut += len(ids) > self._width
        if opens or self._room == 0 or len(self._ids) + len(ids) > self._width:
            self._end_conversation()
            self._room = self._joined_wanted.randint(1, self._joined_max)
        self._ids += ids[: self._width]
        self._learned += learned[: self._width]
        self._room -= 1

    def _end_conversation(self) -> None:
        ids, learned = self._ids, self._learned
        self._ids, self._learned = [], []
        if not ids:
            return
        self.conversations += 1
        self.tokens += len(ids)
        self.learned_tokens += sum(learned)
        for row in self._open:
            if len(row[0]) + len(ids) <= self._width:
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

    def rows(self) -> list[tuple[list[int], list[bool], list[int]]]:
        """Return every sequence, padded to one width."""
        self._end_conversation()
        padded = []
        for ids, learned, segments in [*self._full, *self._open]:
            missing = self._width - len(ids)
            last = segments[-1] + 1
            padded.append(
                (
                    ids + [PAD_ID] * missing,
                    learned + [False] * missing,
                    segments + [last] * missing,
                )
            )
        return padded


def _batches(shards: list[Path], column: str) -> Iterator[list[Any]]:
    for shard in shards:
        for batch in pq.ParquetFile(shard).iter_batches(_BATCH_DOCUMENTS, columns=[column]):
            yield batch.column(0).to_pylist()
