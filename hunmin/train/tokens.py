"""Token files: the corpus as training reads it, fixed-length sequences in a memory map.

Running text is joined, documents parted by `<|end_of_text|>`, and cut into sequences; nothing is
dropped but the last incomplete sequence. Canaries, where there are some, are put between its
documents (`planting`). Chats, or conversations joined from several, are packed whole, several to a
sequence, each token labeled with the conversation it belongs to and whether it is to be learned.
Preference pairs stand one in a row, its two sequences side by side (`pairs`), and so do groups of
judged answers (`groups`).

Files of one kind of data: `ids.npy`, `learned.npy` (all but running text) and `segments.npy` (chats
only), each `(sequences, sequence_tokens + 1)`; `documents.parquet`, which says where each document
lies; and `tokens.json`, written last.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tokenizers import Tokenizer

from hunmin.corpus import read_canaries
from hunmin.errors import HunminError, NothingToTrainOn, OutputUnwritable, RolloutsUnfit
from hunmin.ledger import RIGHTS_COLUMNS, TABLE_NAME, DocumentsTable, places_of_text
from hunmin.manifest import manifest_sha256
from hunmin.model import (
    END_OF_TEXT_ID,
    bulk_encoder,
    encode_chat_with_mask,
    load_tokenizer,
)
from hunmin.progress import Bar, bar
from hunmin.steps import sync, write_whole
from hunmin.train import groups
from hunmin.train.filling import filling
from hunmin.train.packing import Packed, Packer
from hunmin.train.pairs import ANSWERS, write_pairs
from hunmin.train.planting import Encoded, EncodeEnded, copies_of, planted
from hunmin.train.rowfile import RowFile

Kind = Literal["text", "heldout", "chat", "preference", "preference_heldout", "rewards"]

_PAIRS: frozenset[Kind] = frozenset({"preference", "preference_heldout"})
_MASKED = _PAIRS | {"chat", "rewards"}
"""Kinds of which not every token is learned."""

_SEEN_SECONDS_MAX = 60.0
_BATCH_DOCUMENTS = 256
INFO_NAME = "tokens.json"
_LAYOUT = 2
"""Which files there are and what is in them; those of another layout are made again."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """Training sequences on disk. S sequences, T tokens each; one more token for the target."""

    ids_ST: NDArray[np.uint32]
    learned_ST: NDArray[np.bool_] | None
    segments_ST: NDArray[np.uint16] | None
    documents: Path
    """The table of the documents in them."""
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
    canaries: Path | None = None,
    group_answers: int = 1,
    make: bool = True,
) -> Sequences:
    """Return the corpus as sequences, tokenizing it into `folder` unless that was done before.

    Args:
        corpus: A finished corpus, or rewards.
        tokenizer: A finished tokenizer.
        folder: Where the token files lie.
        kind: Which of the corpus's data.
        sequence_tokens: T, the length of a sequence.
        chats_joined_max: One to this many chats in a row make one conversation.
        canaries: Finished canaries to be put between documents of running text.
        group_answers: How many answers each group of rewards has.
        make: Whether to make what is not there; of several processes one alone does.

    Raises:
        NothingToTrainOn: There is not one whole sequence.
        RolloutsUnfit: Of rewards there is none.
        CanariesUnfit: The canaries find no place in the text.
        OutputUnwritable: What another process has made is not seen here.
    """
    origin = {
        "corpus": manifest_sha256(corpus),
        "tokenizer": manifest_sha256(tokenizer),
        "sequence_tokens": sequence_tokens,
        "chats_joined_max": chats_joined_max,
        "layout": _LAYOUT,
        "canaries": manifest_sha256(canaries) if canaries else None,
    }
    if kind == "rewards":
        origin["group_answers"] = group_answers
    found = _open(folder, origin, kind)
    deadline = time.monotonic() + _SEEN_SECONDS_MAX
    while found is None and not make:  # a shared disk may show it a little later
        if time.monotonic() > deadline:
            reason = "another process wrote it, and it is not seen here"
            raise OutputUnwritable(out=folder, reason=reason)
        time.sleep(0.2)
        found = _open(folder, origin, kind)
    if found is not None:
        return found
    shards = sorted((corpus / "shards").glob(f"{kind}-*.parquet"))
    folder.mkdir(parents=True, exist_ok=True)
    # What says that another origin's files are whole must be gone before they are written over.
    (folder / INFO_NAME).unlink(missing_ok=True)
    sync(folder)
    rows = sum(pq.ParquetFile(shard).metadata.num_rows for shard in shards)
    with bar(f"tokenize {kind}", total=rows, unit="documents") as shown:
        loaded = load_tokenizer(tokenizer)
        if kind == "chat":
            packer = Packer(sequence_tokens + 1, chats_joined_max)
            info = _write_chats(shards, loaded, folder, packer, shown)
        elif kind in _PAIRS:
            pairs = _batches(shards, "prompt", *ANSWERS)
            info = write_pairs(pairs, loaded, folder, sequence_tokens, shown)
        elif kind == "rewards":
            judged = _batches(shards, *groups.COLUMNS)
            info = groups.write_groups(judged, folder, sequence_tokens, group_answers, shown)
        else:
            encode = _encoder(loaded)
            encoded = _encoded(shards, encode, shown)
            if canaries is not None:
                copies = copies_of(read_canaries(canaries), encode, documents=rows)
                encoded = planted(encoded, copies, sequence_tokens=sequence_tokens)
            info = _write_text(encoded, folder, sequence_tokens)
    if info["sequences"] == 0:
        raise _nothing_there(corpus, kind)
    write_whole(folder / INFO_NAME, json.dumps({**origin, **info}).encode())
    done = _open(folder, origin, kind)
    assert done is not None
    return done


def _nothing_there(corpus: Path, kind: Kind) -> HunminError:
    """Return the error that says that there is not one sequence."""
    if kind != "rewards":
        return NothingToTrainOn(corpus=corpus, needed=kind)
    return RolloutsUnfit(
        folder=corpus,
        reason_en="all groups whose rewards differ are longer than sequence_tokens",
        reason_ko="보상이 서로 다른 그룹이 모두 sequence_tokens보다 깁니다",
    )


def _open(folder: Path, origin: dict[str, Any], kind: Kind) -> Sequences | None:
    try:
        info = json.loads((folder / INFO_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    if {key: info.get(key) for key in origin} != origin:
        return None
    is_chat = kind == "chat"
    return Sequences(
        ids_ST=np.load(folder / "ids.npy", mmap_mode="r"),
        learned_ST=np.load(folder / "learned.npy", mmap_mode="r") if kind in _MASKED else None,
        segments_ST=np.load(folder / "segments.npy", mmap_mode="r") if is_chat else None,
        documents=folder / TABLE_NAME,
        info=info,
    )


def _encoder(tokenizer: Tokenizer) -> EncodeEnded:
    """Return a function from texts to their ids, each ended by the end of text."""
    encode = bulk_encoder(tokenizer)

    def encode_ended(texts: Sequence[str]) -> list[NDArray[np.uint32]]:
        return [np.array([*ids, END_OF_TEXT_ID], np.uint32) for ids in encode(texts)]

    return encode_ended


def _encoded(shards: list[Path], encode: EncodeEnded, shown: Bar) -> Iterator[Encoded]:
    """Yield documents of running text with their ids."""
    tokens = 0
    for batch in _batches(shards, "text"):
        new = encode(batch["text"].to_pylist())
        yield batch, new
        tokens += sum(map(len, new))
        shown.advance(len(batch), note=f"{tokens:,} tokens")


def _write_text(encoded: Iterator[Encoded], folder: Path, sequence_tokens: int) -> dict[str, Any]:
    """Write running text as overlapping-by-one rows: row i covers tokens iT to (i+1)T inclusive."""
    text_bytes = 0
    lengths: list[int] = []
    documents = DocumentsTable()
    waiting = np.empty(0, np.uint32)
    with RowFile(folder / "ids.npy", np.uint32, sequence_tokens + 1) as rows:
        for batch, new in encoded:
            documents.add(batch)
            lengths += map(len, new)
            text_bytes += _bytes_of(batch["text"])
            waiting = np.concatenate([waiting, *new])
            whole = max(0, len(waiting) - 1) // sequence_tokens * sequence_tokens
            for start in range(0, whole, sequence_tokens):
                rows.add(waiting[start : start + sequence_tokens + 1])
            waiting = waiting[whole:]
    first_D, samples_D = places_of_text(
        np.array(lengths, np.int64), sample_tokens=sequence_tokens, samples=rows.rows
    )
    sha256 = documents.write(folder / TABLE_NAME, first_samples_D=first_D, samples_D=samples_D)
    # The last token of the last sequence is only predicted; what comes after it fills no sequence.
    left_over = max(0, len(waiting) - 1)
    in_rows = sum(lengths) - left_over
    return {
        "sequences": rows.rows,
        "tokens": sum(lengths),
        **filling(tokens=in_rows, dropped=left_over, room=in_rows),
        "text_bytes": text_bytes,
        "documents": len(lengths),
        "documents_sha256": sha256,
    }


def _bytes_of(texts: pa.Array) -> int:
    sizes = pc.call_function("binary_length", [texts])
    return pc.call_function("sum", [sizes]).as_py() or 0  # of no texts it is null


def _write_chats(
    shards: list[Path], tokenizer: Tokenizer, folder: Path, packer: Packer, shown: Bar
) -> dict[str, Any]:
    """Pack chats; one that is longer than a sequence is cut at its end, and counted."""
    documents = DocumentsTable()
    places: dict[int, int] = {}
    with (
        RowFile(folder / "ids.npy", np.uint32, packer.width) as all_ids,
        RowFile(folder / "learned.npy", np.bool_, packer.width) as all_learned,
        RowFile(folder / "segments.npy", np.uint16, packer.width) as all_segments,
    ):

        def write(rows: list[Packed]) -> None:
            for row in rows:
                places.update(dict.fromkeys(row.chats, all_ids.rows))
                all_ids.add(np.array(row.ids))
                all_learned.add(np.array(row.learned))
                all_segments.add(np.array(row.segments))

        for batch in _batches(shards, "messages"):
            documents.add(batch)
            for messages in batch["messages"].to_pylist():
                ids, learned = encode_chat_with_mask(tokenizer, messages)
                packer.add(ids, learned, opens=messages[0]["role"] == "system")
            write(packer.full_rows())
            shown.advance(len(batch))
        write(packer.rows())
    first_D = np.array([places[number] for number in range(packer.chats)], np.int64)
    sha256 = documents.write(
        folder / TABLE_NAME, first_samples_D=first_D, samples_D=np.ones_like(first_D)
    )
    return {
        "sequences": all_ids.rows,
        "chats": packer.chats,
        "chats_cut": packer.cut,
        "conversations": packer.conversations,
        "tokens": packer.tokens,
        **filling(
            tokens=packer.tokens, dropped=packer.cut_tokens, room=all_ids.rows * packer.width
        ),
        "learned_tokens": packer.learned_tokens,
        "documents": packer.chats,
        "documents_sha256": sha256,
    }


def _batches(shards: list[Path], *columns: str) -> Iterator[pa.RecordBatch]:
    """Yield columns of every document, with what the shard says of its rights."""
    for shard in shards:
        file = pq.ParquetFile(shard)
        names = [name for name in (*columns, *RIGHTS_COLUMNS) if name in file.schema_arrow.names]
        yield from file.iter_batches(_BATCH_DOCUMENTS, columns=names)
