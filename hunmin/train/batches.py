"""From sequences on the disk to what goes through the model, and who takes which."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hunmin.model import END_OF_TEXT_ID
from hunmin.train.context_parallel import Parts
from hunmin.train.device import Device
from hunmin.train.tokens import Sequences

IGNORED = -100
"""The target where nothing is to be learned."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences that go through the model at once. B sequences, T positions.

    Where several processes share each sequence, ids and targets are at the positions of one.
    """

    ids_BT: Tensor
    targets_BT: Tensor
    """-100 where nothing is to be learned."""
    segments_BT: Tensor | None
    """At all positions always: a token attends to those of other processes too."""
    learned: int
    """How many tokens are to be learned."""


def shares(
    rows_N: NDArray[np.int64], *, rank: int, size: int, micro: int
) -> list[NDArray[np.int64]]:
    """Return what one of several processes takes of the sequences of a step.

    Every process gets the same number of parts, for they go through the model together; where
    there are too few sequences, a part is empty.

    Args:
        rows_N: The sequences of the step.
        rank: The number of the process, from 0.
        size: How many processes there are.
        micro: Sequences that go through the model at once; 0 for no limit.
    """
    most = max(1, -(-len(rows_N) // size))
    own_N = np.array_split(rows_N, size)[rank]
    length = min(micro or most, most)
    return [own_N[first : first + length] for first in range(0, most, length)]


def make_batch(
    sequences: Sequences,
    rows_B: NDArray[np.int64],
    device: Device,
    *,
    documents_apart: bool,
    parts: Parts | None = None,
) -> Batch:
    """Return a batch of sequences; of none, one sequence from which nothing is learned.

    Args:
        sequences: Where they are.
        rows_B: Which of them, `(B,)`.
        device: Where the batch goes.
        documents_apart: Whether each document of running text is a segment of its own; packed
            chats always are.
        parts: What this process has of each sequence; None for all of it.
    """
    is_idle = len(rows_B) == 0
    if is_idle:
        rows_B = np.zeros(1, np.int64)
    ids = torch.from_numpy(sequences.ids_ST[rows_B].astype(np.int64))
    inputs_BT, targets_BT = ids[:, :-1], ids[:, 1:].clone()
    segments_BT = None
    if sequences.learned_ST is not None and sequences.segments_ST is not None:
        learned = torch.from_numpy(np.ascontiguousarray(sequences.learned_ST[rows_B]))
        targets_BT[~learned[:, 1:]] = IGNORED
        segments = sequences.segments_ST[rows_B].astype(np.int32)
        segments_BT = torch.from_numpy(segments)[:, :-1].contiguous()
    elif documents_apart:
        ends_BT = inputs_BT == END_OF_TEXT_ID
        segments_BT = ends_BT.cumsum(1, dtype=torch.int32) - ends_BT.int()
    if is_idle:
        targets_BT.fill_(IGNORED)
    if parts is not None:
        inputs_BT, targets_BT = parts.of(inputs_BT), parts.of(targets_BT)
    return Batch(
        inputs_BT.contiguous().to(device.device),
        targets_BT.contiguous().to(device.device),
        None if segments_BT is None else segments_BT.to(device.device),
        learned=int((targets_BT != IGNORED).sum()),
    )
