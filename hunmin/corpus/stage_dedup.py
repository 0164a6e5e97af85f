"""Third stage: which documents repeat another's id, words or most of its words.

Daft groups by one key at a time, and holds that key and a number for each document. This process
then holds numbers of documents that share a key with another, and the MinHash of those that share a
band. Of several the first is kept, in the order of the sources file.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hunmin.corpus.config import NearDuplicates
from hunmin.corpus.partfile import whole_file
from hunmin.corpus.stage_clean import band_columns

NEAR = "near_duplicate"
EXACT = "exact_duplicate"
SAME_ID = "duplicate_id"
_PAIRS_AT_ONCE = 65_536
_GLOB_SIGN = re.compile(r"[\[\]{}*?\\]")
"""What Daft takes for more than a character, though a folder may be called so."""


@dataclass(frozen=True)
class Repeats:
    """Documents that repeat another, sorted by number."""

    n: NDArray[np.int64]
    first: NDArray[np.int64]
    """What each repeats; it is kept, unless it was dropped for another reason."""
    reason: NDArray[np.str_]

    def save(self, path: Path) -> None:
        """Write to a file, whole or not at all."""
        with whole_file(path) as partial, partial.open("wb") as stream:
            np.savez(stream, n=self.n, first=self.first, reason=self.reason)

    @classmethod
    def none(cls) -> "Repeats":
        """Return that nothing repeats anything."""
        numbers = np.empty(0, np.int64)
        return cls(numbers, numbers, np.empty(0, np.str_))

    @classmethod
    def load(cls, path: Path) -> "Repeats":
        """Return what `save` wrote."""
        with np.load(path) as saved:
            return cls(saved["n"], saved["first"], saved["reason"])


def find_repeats(
    daft: ModuleType,
    parts: Sequence[Path],
    near: NearDuplicates,
    *,
    advance: Callable[[], None],
) -> Repeats:
    """Find repeated ids, exact duplicates and near-duplicates among cleaned documents.

    Args:
        daft: The module, set up.
        parts: Cleaned parts.
        near: How near-duplicates are found.
        advance: Called after each of `near.bands` + 2 turns.
    """
    frame = daft.read_parquet([_GLOB_SIGN.sub(r"\\\g<0>", str(part)) for part in parts])
    frame = frame.where(daft.col("reason").is_null())
    found: dict[int, tuple[int, str]] = {}
    # The place in the order is a hash of the id, and smaller than it.
    gone = np.empty(0, np.int64)
    for column, reason in (("order", SAME_ID), ("key", EXACT)):
        later, first = _groups(daft, frame, column, gone)
        found.update((n, (f, reason)) for n, f in zip(later.tolist(), first.tolist(), strict=True))
        gone = np.array(sorted(found), np.int64)
        advance()
    edges = [np.empty((0, 2), np.int64)]
    for column in band_columns(near):
        edges.append(_neighbors(daft, frame, column, gone))
        advance()
    pairs = _verified(np.unique(np.concatenate(edges), axis=0), parts, near)
    found.update((n, (first, NEAR)) for n, first in _clusters(pairs))
    numbers = sorted(found)
    return Repeats(
        np.array(numbers, np.int64),
        np.array([found[n][0] for n in numbers], np.int64),
        np.array([found[n][1] for n in numbers], np.str_),
    )


def _members(
    daft: ModuleType,
    frame: Any,  # noqa: ANN401 (a daft.DataFrame)
    column: str,
    gone: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the documents that share a value, and for each the number of its group.

    Those that are gone already are left out: what repeats only them is kept.
    """
    col = daft.col
    keyed = frame.select(col("n"), col(column)).where(~col(column).is_null())
    groups = keyed.groupby(column).agg(
        col("n").list_agg().alias("members"), col("n").count().alias("count")
    )
    table = groups.where(col("count") > 1).select("members").to_arrow()
    lists = table["members"].combine_chunks()
    members = lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    parents = lists.value_parent_indices().to_numpy(zero_copy_only=False).astype(np.int64)
    alive = ~np.isin(members, gone)
    members, parents = members[alive], parents[alive]
    order = np.lexsort((members, parents))
    return members[order], parents[order]


def _groups(
    daft: ModuleType,
    frame: Any,  # noqa: ANN401 (a daft.DataFrame)
    column: str,
    gone: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every document that shares a value with an earlier one, and the first with it."""
    members, parents = _members(daft, frame, column, gone)
    starts = np.flatnonzero(np.diff(parents, prepend=-1))
    firsts = np.repeat(members[starts], np.diff(np.append(starts, len(members))))
    later = members != firsts
    return members[later], firsts[later]


def _neighbors(
    daft: ModuleType,
    frame: Any,  # noqa: ANN401 (a daft.DataFrame)
    column: str,
    gone: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return pairs of documents that share a band: each with the first and with the one before.

    A group's size may be great, so not all its pairs are looked at; what two bands miss together
    another one finds.
    """
    members, parents = _members(daft, frame, column, gone)
    if not len(members):
        return np.empty((0, 2), np.int64)
    starts = np.flatnonzero(np.diff(parents, prepend=-1))
    firsts = np.repeat(members[starts], np.diff(np.append(starts, len(members))))
    with_first = np.stack((firsts, members), axis=1)[firsts != members]
    beside = np.flatnonzero(parents[1:] == parents[:-1])
    with_before = np.stack((members[beside], members[beside + 1]), axis=1)
    return np.unique(np.concatenate((with_first, with_before)), axis=0)


def _verified(
    pairs: NDArray[np.int64], parts: Sequence[Path], near: NearDuplicates
) -> NDArray[np.int64]:
    """Keep pairs whose estimated Jaccard similarity reaches the threshold."""
    if not len(pairs):
        return pairs
    wanted = np.unique(pairs)
    numbers: list[NDArray[np.int64]] = []
    hashes: list[NDArray[np.uint32]] = []
    for part in parts:
        table = pq.read_table(part, columns=["n", "minhash"])
        kept = table.filter(pa.array(np.isin(table["n"].to_numpy(), wanted)))
        if kept.num_rows:
            numbers.append(kept["n"].to_numpy())
            flat = kept["minhash"].combine_chunks().flatten().to_numpy().astype(np.uint32)
            hashes.append(flat.reshape(kept.num_rows, -1))
    all_numbers = np.concatenate(numbers)
    order = np.argsort(all_numbers)
    minhash_NH = np.concatenate(hashes)[order]
    places = np.searchsorted(all_numbers[order], pairs)
    similar = [
        (minhash_NH[few[:, 0]] == minhash_NH[few[:, 1]]).mean(axis=1) >= near.jaccard_min
        for few in np.array_split(places, -(-len(places) // _PAIRS_AT_ONCE))
    ]
    return pairs[np.concatenate(similar)]


def _clusters(pairs: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Join pairs to clusters, and return each later member with the first."""
    parent: dict[int, int] = {}

    def find(n: int) -> int:
        while (above := parent.setdefault(n, n)) != n:
            parent[n] = parent[above]
            n = above
        return n

    for left, right in pairs.tolist():
        a, b = find(left), find(right)
        parent[max(a, b)] = min(a, b)
    return [(n, find(n)) for n in sorted(parent) if find(n) != n]
