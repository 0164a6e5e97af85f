"""Shapes by name and by one dial: S, M, L, and every depth between a toy and a large model.

The dial turns one number, the layers, and all else follows, so that models of different sizes are
alike in everything but size and a law found on small ones may speak of larger ones. S is the dial
at 12. M and L are deeper for their width, and stand beside it.
"""

import dataclasses

from hunmin.model.transformer import ModelConfig

_WIDTH_PER_LAYER = 64

_HEAD_WIDTH = 128
_SMALL_HEAD_WIDTH = 64
_SMALL_WIDTH_MAX = 448
"""Up to this width heads are 64 wide: of 128 there would be but one to three."""

_FULL_HEADS_MAX = 8
"""Beyond so many heads, two share their keys and values: half the memory of a conversation."""

_FEED_FORWARD_STEP = 64


def shape_of_depth(depth: int, *, vocab_size: int, context_tokens: int = 2048) -> ModelConfig:
    """Return the dense model the dial gives for so many layers.

    The width is 64 for each layer, rounded up to whole heads (to pairs of heads where they share);
    heads are 128 wide, in small models 64; the feed-forward width is 8/3 of the width, for the
    three matrices of SwiGLU to have as many weights as two of four times the width; embedding and
    head are apart, as in S, M and L.

    Args:
        depth: Layers, at least 1.
        vocab_size: That of the tokenizer.
        context_tokens: The longest sequence.

    Raises:
        ValueError: `depth` is less than 1.

    Source:
        The aspect of 64 and the dial itself: Karpathy, nanochat, 2025, `scripts/base_train.py`.
        8/3: Shazeer, "GLU Variants Improve Transformer", 2020.
    """
    if depth < 1:
        raise ValueError("depth must be at least 1")
    wanted = _WIDTH_PER_LAYER * depth
    head_width = _HEAD_WIDTH if wanted > _SMALL_WIDTH_MAX else _SMALL_HEAD_WIDTH
    heads = -(-wanted // head_width)
    shares = heads > _FULL_HEADS_MAX
    if shares:
        heads += heads % 2
    width = heads * head_width
    return ModelConfig(
        vocab_size=vocab_size,
        context_tokens=context_tokens,
        layers=depth,
        width=width,
        heads=heads,
        key_value_heads=heads // 2 if shares else heads,
        head_width=head_width,
        feed_forward_width=-(-8 * width // (3 * _FEED_FORWARD_STEP)) * _FEED_FORWARD_STEP,
        tied_embeddings=False,
    )


SIZES: dict[str, ModelConfig] = {
    "S": shape_of_depth(12, vocab_size=32_768),
    "M": ModelConfig(
        vocab_size=65_536,
        context_tokens=2048,
        layers=24,
        width=1024,
        heads=8,
        key_value_heads=8,
        head_width=128,
        feed_forward_width=3072,
        tied_embeddings=False,
    ),
    "L": ModelConfig(
        vocab_size=65_536,
        context_tokens=4096,
        layers=28,
        width=2048,
        heads=16,
        key_value_heads=8,
        head_width=128,
        feed_forward_width=6144,
        tied_embeddings=False,
    ),
}
"""135 M, 461 M and 1.68 B parameters."""


def shape_of(
    name: str, *, vocab_size: int | None = None, context_tokens: int | None = None
) -> ModelConfig:
    """Return the shape called `S`, `M` or `L`, or that of a depth written as a number.

    Args:
        name: `S`, `M`, `L`, in either case, or digits.
        vocab_size: Another vocabulary than the size's own (a depth's own is that of S).
        context_tokens: Another context than the size's own.

    Raises:
        ValueError: There is no such size.
    """
    if name.upper() in SIZES:
        shape = SIZES[name.upper()]
    elif name.isdecimal() and int(name) > 0:
        shape = shape_of_depth(int(name), vocab_size=SIZES["S"].vocab_size)
    else:
        raise ValueError(f"{name} is no size: S, M, L or a depth such as 12")
    return dataclasses.replace(
        shape,
        vocab_size=vocab_size or shape.vocab_size,
        context_tokens=context_tokens or shape.context_tokens,
    )
