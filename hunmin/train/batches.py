"""From sequences on the disk to what goes through the model."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hunmin.model import END_OF_TEXT_ID
from hunmin.train.device import Device
from hunmin.train.tokens import Sequences

_IGNORED = -100


def make_batch(
    sequences: Sequences, rows: NDArray[np.int64], device: Device, *, documents_apart: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return inputs, targets (-100 where nothing is to be learned) and segments, `(B, T)`.

    Args:
        sequences: Where they are.
        rows: Which of them, `(B,)`.
        device: Where the batch goes.
        documents_apart: Whether each document of running text is a segment of its own; packed
            chats always are.
    """
    ids = torch.from_numpy(sequences.ids_ST[rows].astype(np.int64))
    inputs_BT, targets_BT = ids[:, :-1], ids[:, 1:].clone()
    segments_BT = None
    if sequences.learned_ST is not None and sequences.segments_ST is not None:
        learned = torch.from_numpy(np.ascontiguousarray(sequences.learned_ST[rows]))
        targets_BT[~learned[:, 1:]] = _IGNORED
        segments = sequences.segments_ST[rows].astype(np.int32)
        segments_BT = torch.from_numpy(segments)[:, :-1].contiguous().to(device.device)
    elif documents_apart:
        ends_BT = inputs_BT == END_OF_TEXT_ID
        segments_BT = (ends_BT.cumsum(1, dtype=torch.int32) - ends_BT.int()).to(device.device)
    return (
        inputs_BT.contiguous().to(device.device),
        targets_BT.contiguous().to(device.device),
        segments_BT,
    )
