"""Third stage: which documents repeat another's id, words or most of its words.

Daft groups, one key at a time, so memory holds two numbers for each document and, of documents
that share a band, their MinHash. Of several the first is kept, in the order of the sources file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

from hunmin.corpus.config import NearDuplicates

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Documents by number, and beside each the one it repeats."""


@dataclass
class Duplicates:
    """What repeats what."""

    same_id: Pairs
    same_words: Pairs
    near: Pairs


def _none() -> Pairs:
    return np.empty(0, np.int64), np.empty(0, np.int64)


def find_duplicates(
    daft: ModuleType,
    folders: list[Path],
    near_folders: list[Path],
    near: NearDuplicates,
    *,
    advance: Callable[[], None],
) -> Duplicates:
    """Find repeated ids, exact duplicates and near-duplicates among cleaned documents.

    Args:
        daft: The module, set up.
        folders: Cleaned groups.
        near_folders: Those of them that have MinHashes.
        near: How near-duplicates are found.
        advance: Called after each of `near.bands` + 2 turns.
    """
    frame = daft.read_parquet([f"{folder}/*.parquet" for folder in folders])
    frame = frame.where(daft.col("reason").is_null())
    same_id = _repeats(daft, frame.select("n", "id"), "id")
    advance()
    same_words = _without(_repeats(daft, frame.select("n", "key"), "key"), same_id[0])
    advance()
    found = Duplicates(same_id=same_id, same_words=same_words, near=_none())
    if not near.enabled or not near_folders:
        return found
    gone = np.union1d(same_id[0], same_words[0])
    hashed = daft.read_parquet([f"{folder}/*.parquet" for folder in near_folders])
    hashed = hashed.where(daft.col("reason").is_null())
    edges: list[NDArray[np.int64]] = []
    for band in range(near.bands):
        keyed = hashed.select(
            daft.col("n"), daft.functions.get(daft.col("bands"), band).alias("band")
        )
        edges.append(_candidate_edges(daft, keyed, gone))
        advance()
    pairs = np.unique(np.concatenate(edges), axis=0)
    pairs = _verified(pairs, near_folders, near)
    found.near = _clusters(pairs)
    return found


def _repeats(daft: ModuleType, frame: Any, column: str) -> Pairs:  # noqa: ANN401 (a DataFrame)
    col = daft.col
    groups = frame.groupby(column).agg(
        col("n").min().alias("first"), col("n").list_agg().alias("all"),
        col("n").count().alias("count"),
    )  # fmt: skip
    table = groups.where(col("count") > 1).select("first", "all").to_arrow()
    if not table.num_rows:
        return _none()
    lists = table["all"].combine_chunks()
    parents = pc.list_parent_indices(lists).to_numpy()
    members = lists.flatten().to_numpy()
    firsts = table["first"].to_numpy()[parents]
    later = members != firsts
    order = np.argsort(members[later])
    return members[later][order], firsts[later][order]


def _without(pairs: Pairs, gone: NDArray[np.int64]) -> Pairs:
    keep = ~np.isin(pairs[0], gone)
    return pairs[0][keep], pairs[1][keep]


def _candidate_edges(
    daft: ModuleType,
    keyed: Any,  # noqa: ANN401 (a DataFrame)
    gone: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return pairs of documents that share one band: each with the first and with its neighbor."""
    col = daft.col
    groups = keyed.where(~col("band").is_null()).groupby("band")
    groups = groups.agg(col("n").list_agg().alias("all"), col("n").count().alias("count"))
    table = groups.where(col("count") > 1).select("all").to_arrow()
    edges: list[tuple[int, int]] = []
    for row in table["all"].to_pylist():
        members = [n for n in sorted(row) if not _contains(gone, n)]
        edges.extend((members[0], later) for later in members[1:])
        edges.extend(zip(members[1:], members[2:], strict=False))
    return np.array(edges, np.int64).reshape(-1, 2)


def _contains(sorted_values: NDArray[np.int64], value: int) -> bool:
    place = int(np.searchsorted(sorted_values, value))
    return place < len(sorted_values) and int(sorted_values[place]) == value


def _verified(
    pairs: NDArray[np.int64], folders: list[Path], near: NearDuplicates
) -> NDArray[np.int64]:
    """Keep pairs whose estimated Jaccard similarity reaches the threshold."""
    if not len(pairs):
        return pairs
    wanted = np.unique(pairs)
    numbers: list[NDArray[np.int64]] = []
    hashes: list[NDArray[np.uint32]] = []
    for folder in folders:
        for batch in ds.dataset(folder).to_batches(columns=["n", "minhash"]):
            found = np.isin(batch["n"].to_numpy(), wanted)
            if not found.any():
                continue
            kept = batch.filter(pa.array(found))
            numbers.append(kept["n"].to_numpy())
            flat = kept["minhash"].flatten().to_numpy(zero_copy_only=False)
            hashes.append(flat.astype(np.uint32).reshape(kept.num_rows, -1))
    all_numbers = np.concatenate(numbers)
    order = np.argsort(all_numbers)
    matrix = np.concatenate(hashes)[order]
    places = np.searchsorted(all_numbers[order], pairs)
    same = [
        (matrix[a] == matrix[b]).mean(axis=1)
        for a, b in (
            (places[i : i + 65_536, 0], places[i : i + 65_536, 1])
            for i in range(0, len(pairs), 65_536)
        )
    ]
    return pairs[np.concatenate(same) >= near.jaccard_min]


def _clusters(pairs: NDArray[np.int64]) -> Pairs:
    """Join pairs to clusters, and return each later member with the first."""
    root: dict[int, int] = {}

    def find(n: int) -> int:
        while (parent := root.setdefault(n, n)) != n:
            root[n] = root[parent]
            n = parent
        return n

    for left, right in pairs.tolist():
        a, b = find(left), find(right)
        root[max(a, b)] = min(a, b)
    members = sorted(n for n in root if find(n) != n)
    return np.array(members, np.int64), np.array([find(n) for n in members], np.int64)
