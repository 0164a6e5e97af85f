"""Which place each request gets in a cache of a fixed number of places, and what free ones hold.

A place that was given back still holds keys and values of its tokens. A later request of the same
group that begins alike goes on from there; one of another group finds the place empty. Left out:
where keys and values lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass

KEPT_SHARE = 2
"""A place is taken for its beginning only where at least one part in so many of what it holds is of
use: the rest is lost."""


@dataclass(frozen=True, slots=True)
class _Held:
    group: str
    tokens: tuple[int, ...]


class Places:
    """Places 0 to `count - 1`, all free and empty at first."""

    def __init__(self, count: int) -> None:
        self._free: dict[int, _Held | None] = dict.fromkeys(range(count))
        """What each free place holds; the one given back first stands first."""

    @property
    def left(self) -> int:
        """How many are free."""
        return len(self._free)

    def take(self, group: str | None, prompt: Sequence[int]) -> tuple[int, int]:
        """Return a free place, and how many tokens of the prompt it holds; never all of them.

        Empty places come first, the lowest number before the others, so that what runs lies side
        by side; then the one that was given back first.
        """
        assert self._free
        found = [(self._of_use(held, group, prompt), place) for place, held in self._free.items()]
        use, place = max(found, key=lambda each: each[0])
        if not use:
            empty = [place for place, held in self._free.items() if held is None]
            place = min(empty) if empty else next(iter(self._free))
        del self._free[place]
        return place, use

    def give_back(self, place: int, group: str | None, tokens: Sequence[int]) -> None:
        """Make a place free; what it holds is of use to requests of its group alone."""
        self._free[place] = None if group is None else _Held(group, tuple(tokens))

    @staticmethod
    def _of_use(held: _Held | None, group: str | None, prompt: Sequence[int]) -> int:
        if held is None or held.group != group:
            return 0
        alike = 0
        # The last token of a prompt is always computed: what follows it is chosen from that.
        for own, asked in zip(held.tokens, prompt[:-1], strict=False):
            if own != asked:
                break
            alike += 1
        return alike if alike * KEPT_SHARE >= len(held.tokens) else 0
