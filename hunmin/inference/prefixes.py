"""What is remembered of prompts that were computed: the keys and values of whole blocks of tokens.

A block is found by all tokens before it and its own, compared one by one, and by the group of
requests it belongs to: what one group asked can neither be used nor noticed by another. What was
used longest ago is forgotten first. Left out: how keys and values are computed.

Shapes: L layers, H key heads, D size of a head; a block is `(L, 2, H, BLOCK_TOKENS, D)`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

BLOCK_TOKENS = 32

_Key = tuple[str | int, tuple[int, ...]]
"""What a block follows (a group where it is the first one, else the number of the block before
it) and its tokens."""


@dataclass(frozen=True, slots=True)
class _Block:
    number: int
    """Never given twice, so that a block cannot follow another one than it was computed after."""
    content: torch.Tensor


class Prefixes:
    """Remembers up to `blocks_max` blocks."""

    def __init__(self, *, blocks_max: int) -> None:
        self._blocks_max = blocks_max
        self._blocks: OrderedDict[_Key, _Block] = OrderedDict()
        self._next_number = 0

    def __len__(self) -> int:
        return len(self._blocks)

    def find(self, group: str, tokens: Sequence[int]) -> list[torch.Tensor]:
        """Return the blocks that `tokens` begin with, as many as are remembered without a gap."""
        found: list[_Key] = []
        follows: str | int = group
        for own in _blocks_of(tokens):
            block = self._blocks.get((follows, own))
            if block is None:
                break
            found.append((follows, own))
            follows = block.number
        self._touch(found)
        return [self._blocks[key].content for key in found]

    def keep(
        self, group: str, tokens: Sequence[int], read: Callable[[int, int], torch.Tensor]
    ) -> None:
        """Remember every whole block of `tokens`; what lies at two positions, `read` copies."""
        kept: list[_Key] = []
        follows: str | int = group
        for place, own in zip(range(self._blocks_max), _blocks_of(tokens), strict=False):
            key = (follows, own)
            if key not in self._blocks:
                start = place * BLOCK_TOKENS
                self._blocks[key] = _Block(self._next_number, read(start, start + BLOCK_TOKENS))
                self._next_number += 1
            kept.append(key)
            follows = self._blocks[key].number
        self._touch(kept)
        while len(self._blocks) > self._blocks_max:
            self._blocks.popitem(last=False)

    def _touch(self, keys: Sequence[_Key]) -> None:
        """Note a use. What comes before is noted later, so that it is never forgotten earlier."""
        for key in reversed(keys):
            self._blocks.move_to_end(key)


def _blocks_of(tokens: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        yield tuple(tokens[start : start + BLOCK_TOKENS])
