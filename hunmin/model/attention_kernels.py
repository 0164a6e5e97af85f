"""How attention is computed: kernels that all give the same, each the fastest somewhere.

A kernel is chosen by name, once for a model. From each batch it makes `Documents`, once for all
layers: they know which tokens see each other, in the form the kernel wants, and compute. Which
kernel is the fastest on a machine `hunmin.train.attention_choice` finds out.

Letters in tensor names: B sequences, T positions, N = B * T tokens, H query heads, K key and value
heads, E head width.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from hunmin.model.attention_names import KernelName
from hunmin.model.attention_tiles import attend_in_tiles
from hunmin.model.segments import begins, document_mask, positions_of

if TYPE_CHECKING:
    from torch.nn.attention.flex_attention import BlockMask


class Documents(ABC):
    """Which tokens of a batch see each other: those before them in their own document."""

    @abstractmethod
    def attend(self, q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> Tensor:
        """Return what each position gathers from those it sees, `(B, H, T, E)`.

        Args:
            q_BHTE: Queries, turned by their positions.
            k_BKTE: Keys, likewise; K divides H.
            v_BKTE: Values.
        """


@dataclass(frozen=True, slots=True)
class Masked(Documents):
    """For `scaled_dot_product_attention`: a mask of all pairs, or none for one document a row."""

    mask_B1TT: Tensor | None

    def attend(self, q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> Tensor:
        """Return what each position gathers, by the kernel PyTorch chooses."""
        k_BHTE, v_BHTE = for_each_head(q_BHTE, k_BKTE, v_BKTE)
        return functional.scaled_dot_product_attention(
            q_BHTE, k_BHTE, v_BHTE, attn_mask=self.mask_B1TT, is_causal=self.mask_B1TT is None
        )


@dataclass(frozen=True, slots=True)
class MaskedBy(Documents):
    """The same by one of its kernels."""

    masked: Masked
    backend: SDPBackend

    def attend(self, q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> Tensor:
        """Return what each position gathers, or fail where the kernel cannot be used."""
        with sdpa_kernel(self.backend):
            return self.masked.attend(q_BHTE, k_BKTE, v_BKTE)


@dataclass(frozen=True, slots=True)
class Joined(Documents):
    """For `varlen_attn`: all rows joined to one, and the token each document begins with."""

    starts: Tensor
    """Int32, one more than there are documents: the last is N."""

    def attend(self, q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> Tensor:
        """Return what each position gathers; needs an NVIDIA GPU and 16-bit numbers."""
        batch, _, length, _ = q_BHTE.shape
        # It has taken fewer heads of keys and values itself only since PyTorch 2.12.
        k_BHTE, v_BHTE = for_each_head(q_BHTE, k_BKTE, v_BKTE)
        joined = [one.transpose(1, 2).flatten(0, 1) for one in (q_BHTE, k_BHTE, v_BHTE)]
        # No document is longer than its row. How long the longest is would have to be fetched from
        # the GPU, which only saves blocks that end as soon as they begin.
        mixed_NHE = _varlen_attn()(
            *joined, self.starts, self.starts, length, length, window_size=(-1, 0)
        )
        return mixed_NHE.view(batch, length, *mixed_NHE.shape[1:]).transpose(1, 2)


@dataclass(frozen=True, slots=True)
class Blocks(Documents):
    """For FlexAttention: which blocks of queries see which blocks of keys."""

    block_mask: "BlockMask"

    def attend(self, q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> Tensor:
        """Return what each position gathers; on a CPU there is no way back."""
        mixed_BHTE = _flex_attention()(
            q_BHTE, k_BKTE, v_BKTE, block_mask=self.block_mask, enable_gqa=True
        )
        assert isinstance(mixed_BHTE, Tensor), "nothing else was asked for"
        return mixed_BHTE


@dataclass(frozen=True, slots=True)
class Tiled(Documents):
    """For tiles of queries: the document each token belongs to, or none for one a row."""

    segments_BT: Tensor | None

    def attend(self, q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> Tensor:
        """Return what each position gathers."""
        k_BHTE, v_BHTE = for_each_head(q_BHTE, k_BKTE, v_BKTE)
        attend = attend_in_tiles if torch.compiler.is_compiling() else _compiled(attend_in_tiles)
        mixed_BHTE = attend(q_BHTE, k_BHTE, v_BHTE, self.segments_BT)
        assert isinstance(mixed_BHTE, Tensor), "as it was before it was compiled"
        return mixed_BHTE


def documents_of(kernel: KernelName, ids_BT: Tensor, segments_BT: Tensor | None) -> Documents:
    """Return which tokens of a batch see each other, in the form a kernel wants.

    Args:
        kernel: Computes the attention.
        ids_BT: The batch; only its shape and device are looked at.
        segments_BT: The number of the document each token belongs to, whose tokens stand together;
            None where each row is one document.
    """
    return _MAKERS[kernel](ids_BT, segments_BT)


def find_documents(
    kernel: KernelName, ids_BT: Tensor, segments_BT: Tensor | None
) -> tuple[Tensor, Documents]:
    """Return where each token stands in its document, and what `documents_of` does.

    Positions count from 0: `(B, T)`, or `(1, T)` where they are the same in each row.
    """
    documents = documents_of(kernel, ids_BT, segments_BT)
    if segments_BT is None:
        return torch.arange(ids_BT.shape[1], device=ids_BT.device).unsqueeze(0), documents
    return positions_of(segments_BT), documents


def _masked(_: Tensor, segments_BT: Tensor | None) -> Masked:
    if segments_BT is None:
        return Masked(None)
    mask_BTT = document_mask(segments_BT, first=0, end=segments_BT.shape[1])
    return Masked(mask_BTT.unsqueeze(1))


def _masked_by(backend: SDPBackend, ids_BT: Tensor, segments_BT: Tensor | None) -> MaskedBy:
    return MaskedBy(_masked(ids_BT, segments_BT), backend)


def _joined(ids_BT: Tensor, segments_BT: Tensor | None) -> Joined:
    batch, length = ids_BT.shape
    if segments_BT is None:
        starts = torch.arange(0, (batch + 1) * length, length, device=ids_BT.device)
    else:
        end = torch.tensor([batch * length], device=ids_BT.device)
        starts = torch.cat((begins(segments_BT).flatten().nonzero().squeeze(1), end))
    return Joined(starts.int())


def _blocks(ids_BT: Tensor, segments_BT: Tensor | None) -> Blocks:
    batch, length = ids_BT.shape

    def is_before(_b: Tensor, _h: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return query >= key

    def is_seen(b: Tensor, _h: Tensor, query: Tensor, key: Tensor) -> Tensor:
        assert segments_BT is not None, "or `is_before` is asked"
        return (query >= key) & (segments_BT[b, query] == segments_BT[b, key])

    mask, rows = (is_before, None) if segments_BT is None else (is_seen, batch)
    make = _create_block_mask(ids_BT.device)
    return Blocks(make(mask, rows, None, length, length, device=ids_BT.device))


_MAKERS: dict[KernelName, Callable[[Tensor, Tensor | None], Documents]] = {
    "sdpa": _masked,
    "math": partial(_masked_by, SDPBackend.MATH),
    "flash": partial(_masked_by, SDPBackend.FLASH_ATTENTION),
    "efficient": partial(_masked_by, SDPBackend.EFFICIENT_ATTENTION),
    "cudnn": partial(_masked_by, SDPBackend.CUDNN_ATTENTION),
    "varlen": _joined,
    "flex": _blocks,
    "tiles": lambda _, segments_BT: Tiled(segments_BT),
}


def for_each_head(q_BHTE: Tensor, k_BKTE: Tensor, v_BKTE: Tensor) -> tuple[Tensor, Tensor]:
    """Return keys and values once for each query head, `(B, H, T, E)`."""
    group = q_BHTE.shape[1] // k_BKTE.shape[1]
    if group == 1:
        return k_BKTE, v_BKTE
    return k_BKTE.repeat_interleave(group, dim=1), v_BKTE.repeat_interleave(group, dim=1)


# These three modules bring PyTorch's compiler along, which takes seconds to load: only who needs it
# waits for it.


def _varlen_attn() -> Callable[..., Any]:
    from torch.nn.attention.varlen import varlen_attn  # noqa: PLC0415

    return varlen_attn


def _flex_attention() -> Callable[..., Any]:
    """Return FlexAttention: compiled, or in a layer that is being compiled, to be so with it."""
    from torch.nn.attention.flex_attention import flex_attention  # noqa: PLC0415

    return flex_attention if torch.compiler.is_compiling() else _compiled(flex_attention)


def _create_block_mask(device: torch.device) -> Callable[..., Any]:
    """Return what makes a mask of blocks: compiled on a GPU, where a mask of all pairs is large."""
    from torch.nn.attention.flex_attention import create_block_mask  # noqa: PLC0415

    return create_block_mask if device.type == "cpu" else _compiled(create_block_mask)


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(function, dynamic=False)
