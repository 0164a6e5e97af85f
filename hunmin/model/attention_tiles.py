"""Attention in tiles of queries, for a compiler to make one program of.

Each tile sees only the keys up to its end, so nearly half of all pairs are never computed, and its
scores are forgotten and made again on the way back. PyTorch's own kernel for CPUs multiplies short
sequences of bfloat16 at a fraction of what the processor can do; this leaves the products to the
library that multiplies matrices.

Letters in tensor names: B sequences, T positions, H heads, E head width, R the queries of a tile, S
the keys it sees.
"""

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from hunmin.model.segments import document_mask

TILE_TOKENS = 128
"""R. Half and twice as many were as fast or slower on an AMD EPYC with AVX-512."""


def attend_in_tiles(
    q_BHTE: Tensor, k_BHTE: Tensor, v_BHTE: Tensor, segments_BT: Tensor | None
) -> Tensor:
    """Return what each position gathers from those before it in its document, `(B, H, T, E)`.

    Args:
        q_BHTE: Queries.
        k_BHTE: Keys, one for each head of queries.
        v_BHTE: Values, likewise.
        segments_BT: The number of the document each token belongs to; None where each row is one.
    """
    length = q_BHTE.shape[2]
    tiles = []
    for first in range(0, length, TILE_TOKENS):
        end = min(length, first + TILE_TOKENS)
        q_BHRE = q_BHTE[:, :, first:end]
        seen = _seen(segments_BT, first=first, end=end, device=q_BHTE.device)
        tiles.append(
            checkpoint(
                _tile, q_BHRE, k_BHTE[:, :, :end], v_BHTE[:, :, :end], seen,
                use_reentrant=False, preserve_rng_state=False,
            )
        )  # fmt: skip
    return torch.cat(tiles, dim=2)


def _tile(q_BHRE: Tensor, k_BHSE: Tensor, v_BHSE: Tensor, seen: Tensor) -> Tensor:
    """Return what the queries of a tile gather; the softmax is worked out in float32."""
    scores_BHRS = (q_BHRE @ k_BHSE.transpose(-1, -2)).float() * q_BHRE.shape[-1] ** -0.5
    shares_BHRS = scores_BHRS.masked_fill(~seen, float("-inf")).softmax(dim=-1)
    return shares_BHRS.to(v_BHSE.dtype) @ v_BHSE


def _seen(segments_BT: Tensor | None, *, first: int, end: int, device: torch.device) -> Tensor:
    """Return what the positions from `first` to `end` see, `(R, S)` or `(B, 1, R, S)`, bool."""
    if segments_BT is None:
        return torch.ones(end - first, end, dtype=torch.bool, device=device).tril(first)
    return document_mask(segments_BT, first=first, end=end).unsqueeze(1)
