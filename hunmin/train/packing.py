"""Chats into sequences: joined into conversations, packed whole, several to a sequence. Pure."""

import random
from dataclasses import dataclass, field

from hunmin.model import PAD_ID


@dataclass(slots=True)
class Packed:
    """One sequence."""

    ids: list[int] = field(default_factory=list)
    learned: list[bool] = field(default_factory=list)
    """Which of the ids are learned."""
    segments: list[int] = field(default_factory=list)
    """The number of each id's conversation."""
    chats: list[int] = field(default_factory=list)
    """The numbers of the chats in it, counted as they were added."""


class Packer:
    """Joins chats into conversations; puts each into the first open sequence with room for it."""

    _OPEN_MAX = 64

    def __init__(self, width: int, joined_max: int) -> None:
        self.width = width
        self._joined_max = joined_max
        self._joined_wanted = random.Random(joined_max)  # noqa: S311 (not for secrets)
        self._ids: list[int] = []
        self._learned: list[bool] = []
        self._numbers: list[int] = []
        self._room = 0
        """How many chats the conversation under way still takes."""
        self._open: list[Packed] = []
        self._full: list[Packed] = []
        self.chats = self.cut = self.conversations = 0
        self.tokens = 0
        self.cut_tokens = 0
        """What did not fit into a sequence of its own, and is dropped."""
        self.learned_tokens = 0

    def add(self, ids: list[int], learned: list[bool], *, opens: bool = False) -> None:
        """Add a chat; one that `opens` stands at the beginning of its conversation."""
        number = self.chats
        self.chats += 1
        self.cut += len(ids) > self.width
        self.cut_tokens += max(0, len(ids) - self.width)
        if opens or self._room == 0 or len(self._ids) + len(ids) > self.width:
            self._end_conversation()
            self._room = self._joined_wanted.randint(1, self._joined_max)
        self._ids += ids[: self.width]
        self._learned += learned[: self.width]
        self._numbers.append(number)
        self._room -= 1

    def _end_conversation(self) -> None:
        ids, learned, numbers = self._ids.copy(), self._learned.copy(), self._numbers.copy()
        for taken in (self._ids, self._learned, self._numbers):
            taken.clear()
        if not ids:
            return
        self.conversations += 1
        self.tokens += len(ids)
        self.learned_tokens += sum(learned)
        for row in self._open:
            if len(row.ids) + len(ids) <= self.width:
                break
        else:
            row = Packed()
            self._open.append(row)
            if len(self._open) > self._OPEN_MAX:
                self._full.append(self._open.pop(0))
        segment = row.segments[-1] + 1 if row.segments else 0
        row.ids += ids
        # Its first token is predicted from another conversation's last: never learned.
        row.learned += [False, *learned[1:]]
        row.segments += [segment] * len(ids)
        row.chats += numbers

    def rows(self) -> list[Packed]:
        """Return every sequence that is left, padded to one width."""
        self._end_conversation()
        self._full += self._open
        self._open.clear()
        return self.full_rows()

    def full_rows(self) -> list[Packed]:
        """Return the sequences that nothing more goes into, each once, padded to one width."""
        full = self._full.copy()
        self._full.clear()
        for row in full:
            missing = self.width - len(row.ids)
            row.segments += [row.segments[-1] + 1] * missing
            row.ids += [PAD_ID] * missing
            row.learned += [False] * missing
        return full
