"""What each token of a batch attends to, and what it gathers from there.

A token attends to itself and to those before it; where several documents share a sequence, only to
those of its own.

Letters in tensor names: B sequences, T positions, R some of them in a row, H query heads, K key and
value heads, E head width.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


class Documents(ABC):
    """What the tokens of a batch attend to, made once for all layers."""

    @abstractmethod
    def attend(self, q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> Tensor:
        """Return what each token gathers, `(B, H, T, E)`.

        Args:
            q_BHTE: Queries, turned by their positions.
            k_BKTE: Keys, likewise; K divides H.
            v_BKTE: Values.
        """


@dataclass(frozen=True, slots=True)
class Masked(Documents):
    """Whole sequences, with a mask of all pairs, or none where each is one document."""

    mask_B1TT: Tensor | None

    def attend(self, q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> Tensor:
        """Return what each token gathers, by the kernel PyTorch chooses."""
        k_BHTE, v_BHTE = for_each_head(q_BHTE, k_BKTE, v_BKTE)
        return functional.scaled_dot_product_attention(
            q_BHTE, k_BHTE, v_BHTE, attn_mask=self.mask_B1TT, is_causal=self.mask_B1TT is None
        )


def find_documents(ids_BT: Tensor, segments_BT: Tensor | None) -> tuple[Tensor, Documents]:
    """Return where each token stands, and what it attends to.

    Args:
        ids_BT: Token ids.
        segments_BT: The number of the document each token belongs to; None where each row is one.

    Returns:
        Positions in documents, from 0: `(B, T)`, or `(1, T)` where they are the same in each row;
        and what is attended to.
    """
    length = ids_BT.shape[1]
    if segments_BT is None:
        return torch.arange(length, device=ids_BT.device).unsqueeze(0), Masked(None)
    mask_BTT = document_mask(segments_BT, first=0, end=length)
    return mask_BTT.sum(dim=-1) - 1, Masked(mask_BTT.unsqueeze(1))


def document_mask(segments_BT: Tensor, *, first: int, end: int) -> Tensor:
    """Return what some positions attend to, `(B, R, end)`, bool.

    Args:
        segments_BT: The number of the document each token belongs to.
        first: The first of the positions.
        end: The position behind the last of them.
    """
    rows_BR1, columns_B1T = segments_BT[:, first:end, None], segments_BT[:, None, :end]
    return (rows_BR1 == columns_B1T).tril(diagonal=first)


def for_each_head(q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> tuple[Tensor, Tensor]:
    """Return keys and values once for each query head, `(B, H, T, E)`."""
    group = q_BHTE.shape[1] // k_BKTE.shape[1]
    if group == 1:
        return k_BKTE, v_BKTE
    return k_BKTE.repeat_interleave(group, dim=1), v_BKTE.repeat_interleave(group, dim=1)
