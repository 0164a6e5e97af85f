"""Documents that stand together in one sequence: where each begins, and who sees whom.

Letters in tensor names: B sequences, T positions, R some positions in a row, S those up to their
end.
"""

import torch
from torch import Tensor


def positions_of(segments_BT: Tensor) -> Tensor:
    """Return the position of each token in its own document, from 0, `(B, T)`."""
    index_BT = torch.arange(segments_BT.shape[1], device=segments_BT.device).expand_as(segments_BT)
    return index_BT - index_BT.where(begins(segments_BT), 0).cummax(dim=1).values


def begins(segments_BT: Tensor) -> Tensor:
    """Return whether a token is the first of its document, or of its row, `(B, T)`."""
    begins_BT = torch.ones_like(segments_BT, dtype=torch.bool)
    begins_BT[:, 1:] = segments_BT[:, 1:] != segments_BT[:, :-1]
    return begins_BT


def document_mask(segments_BT: Tensor, *, first: int, end: int) -> Tensor:
    """Return what some positions see, `(B, R, S)`, bool.

    Args:
        segments_BT: The number of the document each token belongs to.
        first: The first of the R positions.
        end: The position behind the last of them.
    """
    rows_BR1, columns_B1S = segments_BT[:, first:end, None], segments_BT[:, None, :end]
    return (rows_BR1 == columns_B1S).tril(diagonal=first)
