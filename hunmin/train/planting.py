"""Canaries between the documents of running text, at places drawn from their own words.

The copies of one canary are spread, one in each of as many equal parts of the text, and no
two canaries stand next to each other. Each copy lies whole inside one sequence, so that how often
the sequence was learned from is how often the canary was.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hunmin.corpus import Canary
from hunmin.corpus.canaries import LICENSE, SOURCE
from hunmin.errors import CanariesUnfit

Encoded = tuple[pa.RecordBatch, list[NDArray[np.uint32]]]
"""Documents with text and rights, and the ids of each, the end of text included."""

EncodeEnded = Callable[[Sequence[str]], list[NDArray[np.uint32]]]
"""From texts to their ids, the end of text included."""

_SHARE = 0.9
"""The part of the text that has canaries: behind it one that waits still finds a place, and none
falls off with the last incomplete sequence."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One time that a canary is put in."""

    document: int
    """Before which document of the text, at the soonest."""
    canary: Canary
    ids: NDArray[np.uint32]


def copies_of(canaries: Sequence[Canary], encode: EncodeEnded, *, documents: int) -> list[Copy]:
    """Return every copy of some canaries, in the order they are put into a text.

    Args:
        canaries: The canaries; controls are never put in.
        encode: The tokenizer.
        documents: How many documents the text has.
    """
    every_ids = encode([canary.text for canary in canaries])
    copies = [
        Copy(int((copy + _luck(canary, copy)) / canary.repeats * _SHARE * documents), canary, ids)
        for canary, ids in zip(canaries, every_ids, strict=True)
        for copy in range(canary.repeats)
    ]
    return sorted(copies, key=lambda copy: (copy.document, copy.canary.id))


def _luck(canary: Canary, copy: int) -> float:
    """Return a number from 0 up to 1, another for each copy."""
    lot = blake2b(f"{copy} {canary.text}".encode(), digest_size=6).digest()
    return int.from_bytes(lot) / 2**48


def planted(
    batches: Iterator[Encoded], copies: Sequence[Copy], *, sequence_tokens: int
) -> Iterator[Encoded]:
    """Yield the documents of a text in their order, with the copies of canaries between them.

    A copy that would be cut by the end of a sequence waits for the next document.

    Raises:
        CanariesUnfit: A canary is longer than a sequence, or documents are too few for all copies.
    """
    longest = max((len(copy.ids) for copy in copies), default=0)
    if longest >= sequence_tokens:
        reason = f"one has {longest} tokens, and a sequence {sequence_tokens}"
        raise CanariesUnfit(reason=reason)
    waiting = list(reversed(copies))
    documents = offset = 0
    for batch, ids in batches:
        begin = 0
        for place, document_ids in enumerate(ids):
            is_due = bool(waiting) and waiting[-1].document <= documents
            if is_due and _lies_whole(offset, len(waiting[-1].ids), sequence_tokens):
                yield batch.slice(begin, place - begin), ids[begin:place]
                begin = place
                copy = waiting.pop()
                yield _as_document(copy.canary), [copy.ids]
                offset += len(copy.ids)
            offset += len(document_ids)
            documents += 1
        yield batch.slice(begin), ids[begin:]
    if waiting:
        reason = f"{len(waiting)} of {len(copies)} found no place between {documents} documents"
        raise CanariesUnfit(reason=reason)


def _lies_whole(offset: int, length: int, sequence_tokens: int) -> bool:
    """Whether tokens from `offset` on lie in one sequence and no other.

    Sequence i holds tokens `i * sequence_tokens` to `(i + 1) * sequence_tokens`, both included, so
    a token at a multiple lies in two, unless it is the very first.
    """
    first = offset % sequence_tokens
    return (first > 0 or offset == 0) and first + length <= sequence_tokens


def _as_document(canary: Canary) -> pa.RecordBatch:
    row = {"text": canary.text, "id": canary.id, "source": SOURCE, "license": LICENSE}
    return pa.RecordBatch.from_pylist([row])
