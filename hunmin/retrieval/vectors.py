"""Vectors of passages beside their words: which lie nearest to a question, and both orders as one.

A collection may have `vectors.f16`: for each passage, in the order of their numbers, a vector of
length 1 in 16-bit floats, all made by the model its manifest names. A question is compared only as
a vector of that model; nothing here makes any.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray

VECTORS_NAME = "vectors.f16"

DEPTH = 50
"""Passages that are taken from each order before the two become one."""

_RANK_CONSTANT = 60
_ROWS_AT_ONCE = 16_384
"""As many rows are widened to 32 bits together: 64 MiB for vectors of 1,024 numbers."""


def nearest(path: Path, question: Sequence[float], *, count: int) -> list[int]:
    """Return the numbers of the passages whose vectors lie nearest to a question's, nearest first.

    Args:
        path: The file of vectors.
        question: The vector of the question, as long as those of the passages.
        count: At most so many are returned.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no whole number of vectors of this length.
    """
    import numpy as np  # noqa: PLC0415 (most collections have no vectors)

    asked_D: NDArray[np.float32] = np.asarray(question, np.float32)
    vectors_PD = np.memmap(path, np.float16, "r").reshape(-1, len(asked_D))
    nearness_P = np.concatenate(
        [
            vectors_PD[at : at + _ROWS_AT_ONCE].astype(np.float32) @ asked_D
            for at in range(0, len(vectors_PD), _ROWS_AT_ONCE)
        ]
    )
    order = np.argsort(-nearness_P, kind="stable")[:count]
    return [int(row) + 1 for row in order]


def fused(orders: Iterable[Sequence[int]]) -> list[int]:
    """Return several orders as one: by the sum of the reciprocals of the ranks.

    Source:
        Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual
        rank learning methods", SIGIR 2009.
    """
    scores: dict[int, float] = {}
    for order in orders:
        for rank, number in enumerate(order, start=1):
            scores[number] = scores.get(number, 0.0) + 1 / (_RANK_CONSTANT + rank)
    return sorted(scores, key=lambda number: (-scores[number], number))
