"""What the readers of regular expressions and of grammars have in common: a place in a text."""

import re
from abc import ABC, abstractmethod
from typing import NoReturn

from hunmin.errors import GrammarFault, GrammarUnsupported
from hunmin.grammars.characters import LAST, Characters, of_ranges, single, without
from hunmin.grammars.expressions import Either, Expression, OneOf, Repeat, Row

DEPTH_MAX = 32
"""Brackets within one another."""
LENGTH_MAX = 10_000
"""Characters of what a client writes."""

_BOUNDS = re.compile(r"\{([0-9]{1,6})(,([0-9]{1,6})?)?\}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
_SURROGATES = range(0xD800, 0xE000)


class Reader(ABC):
    """Reads a text from its beginning to its end, and says where it could not go on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        if len(text) > LENGTH_MAX:
            self.refuse("too_large", place=LENGTH_MAX)

    @abstractmethod
    def escaped(self) -> Characters:
        """Read what follows a backslash, which was read."""

    @abstractmethod
    def row(self, depth: int) -> Expression:
        """Read one of the choices."""

    def choices(self, depth: int) -> Expression:
        """Read what stands between vertical bars, up to a closing bracket or the end."""
        if depth > DEPTH_MAX:
            self.refuse("too_large")
        found = [self.row(depth)]
        while self.taken("|"):
            found.append(self.row(depth))
        return found[0] if len(found) == 1 else Either(tuple(found))

    def next(self) -> str:
        """Return the next character without reading it; empty at the end."""
        return self.text[self.place : self.place + 1]

    def take(self) -> str:
        """Read a character.

        Raises:
            GrammarUnsupported: There is none.
        """
        one = self.next()
        if not one:
            self.refuse("unreadable")
        self.place += 1
        return one

    def taken(self, expected: str) -> bool:
        """Read a text if it stands here."""
        if not self.text.startswith(expected, self.place):
            return False
        self.place += len(expected)
        return True

    def matched(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what a pattern finds here."""
        found = pattern.match(self.text, self.place)
        if found:
            self.place = found.end()
        return found

    def refuse(self, fault: GrammarFault, *, place: int | None = None) -> NoReturn:
        """Say what is wrong, by default here."""
        raise GrammarUnsupported(fault=fault, place=self.place if place is None else place)

    def repeated(self, item: Expression) -> Expression:
        """Return an item as often as the sign after it says; without one, once."""
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self.taken(sign):
                return Repeat(item, least, most)
        found = self.matched(_BOUNDS)
        if found is None:
            return item
        least = int(found[1])
        most = least if found[2] is None else int(found[3]) if found[3] else None
        if most is not None and most < least:
            self.refuse("unreadable")
        return Repeat(item, least, most)

    def one_of(self) -> OneOf:
        """Read a set of characters, after its opening bracket."""
        others = self.taken("^")
        found: list[tuple[int, int]] = []
        while not self.taken("]"):
            first = self.member()
            if self.next() == "-" and self.text[self.place + 1 : self.place + 2] != "]":
                self.take()
                last = self.member()
                ends = single(first), single(last)
                if ends[0] is None or ends[1] is None or ends[0] > ends[1]:
                    self.refuse("unreadable")
                found.append((ord(ends[0]), ord(ends[1])))
            else:
                found += first
        return self.known(without(of_ranges(found)) if others and found else tuple(found))

    def member(self) -> Characters:
        """Read one character of a set, or what an escape stands for."""
        if self.taken("\\"):
            return self.escaped()
        code = ord(self.take())
        return ((code, code),)

    def known(self, characters: Characters) -> OneOf:
        """Return a set that stands alone, or refuse it where no answer has any of it."""
        return OneOf(of_ranges(characters) or self.refuse("unreadable"))

    def by_number(self, digits: int) -> Characters:
        """Read a character by its number, which has so many hexadecimal digits."""
        written = self.text[self.place : self.place + digits]
        if not _HEXADECIMAL.fullmatch(written) or len(written) < digits:
            self.refuse("unreadable")
        code = int(written, 16)
        if code > LAST or code in _SURROGATES:
            self.refuse("unreadable")
        self.place += digits
        return ((code, code),)


def row_of(parts: list[Expression]) -> Expression:
    """Return parts as a row; one alone is itself."""
    return parts[0] if len(parts) == 1 else Row(tuple(parts))
