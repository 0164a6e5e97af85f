r"""From a regular expression to what it comes down to; what is no regular language is refused.

The whole answer matches, so `^` may only stand at the beginning and `$` at the end. Classes are
those of ASCII, as JavaScript, xgrammar and `re.ASCII` have them: `\d` is `[0-9]`.
"""

import re

from hunmin.grammars.characters import Characters, of_ranges, of_text, without
from hunmin.grammars.expressions import Expression, OneOf, Text
from hunmin.grammars.reader import Reader, row_of

_DIGITS = of_text("0123456789")
_WORD = of_ranges([(ord("0"), ord("9")), (ord("A"), ord("Z")), (ord("a"), ord("z")), (0x5F, 0x5F)])
_SPACES = of_text(" \t\n\r\f\v")
_CLASSES = {
    "d": _DIGITS, "D": without(_DIGITS), "w": _WORD, "W": without(_WORD),
    "s": _SPACES, "S": without(_SPACES), "n": of_text("\n"), "r": of_text("\r"),
    "t": of_text("\t"), "f": of_text("\f"), "v": of_text("\v"),
}  # fmt: skip
_ANY = without(of_text("\n"))
_GROUP = re.compile(r"\?(:|P?<[A-Za-z_][A-Za-z0-9_]*>)")
_CODES = {"x": 2, "u": 4}


def read(pattern: str) -> Expression:
    """Return what a regular expression allows.

    Raises:
        GrammarUnsupported: It cannot be read, or has something that is not supported:
            what looks around, refers back, or sets an option.
    """
    reader = _Regex(pattern)
    reader.taken("^")
    found = reader.choices(0)
    reader.taken("$")
    if reader.next():
        reader.refuse("unreadable")
    return found


class _Regex(Reader):
    def row(self, depth: int) -> Expression:
        parts: list[Expression] = []
        while (one := self.next()) not in {"", "|", ")"}:
            if one == "$" and self.place == len(self.text) - 1 and depth == 0:
                break
            item = self.repeated(self._item(depth))
            if self.next() in {"*", "+"}:
                self.refuse("unsupported")  # possessive, or one repeated twice
            self.taken("?")  # as few as possible allows the same
            parts.append(item)
        return row_of(parts) if parts else Text("")

    def _item(self, depth: int) -> Expression:
        place = self.place
        one = self.take()
        if one == "(":
            if self.next() == "?" and not self.matched(_GROUP):
                self.refuse("unsupported")
            found = self.choices(depth + 1)
            if not self.taken(")"):
                self.refuse("unreadable", place=place)
            return found
        if one == "[":
            return self.one_of()
        if one == ".":
            return OneOf(_ANY)
        if one == "\\":
            return self.known(self.escaped())
        if one in "*+?":
            self.refuse("unreadable", place=place)
        if one in "^${":
            self.refuse("unsupported", place=place)
        return self.known(of_text(one))

    def escaped(self) -> Characters:
        one = self.take()
        if (found := _CLASSES.get(one)) is not None:
            return found
        if one in _CODES:
            return self.by_number(_CODES[one])
        if one.isalnum():  # what it means, if anything, is not a set of characters
            self.refuse("unsupported", place=self.place - 1)
        return of_text(one)
