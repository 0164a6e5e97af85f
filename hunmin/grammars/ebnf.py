"""From a grammar that a client writes to its rules, in the notation of llama.cpp and xgrammar.

`name ::= "text" [a-z] (other | other)*  # a word to the reader`. A rule goes on until the next one
begins, over any number of lines.
"""

import re

from hunmin.grammars.characters import ALL, Characters, of_text
from hunmin.grammars.expressions import Expression, OneOf, Row, Rule, Text
from hunmin.grammars.reader import Reader, row_of

RULES_MAX = 200
"""Rules that a client writes."""

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_BEGINNING = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*[ \t]*::=")
_DEFINES = re.compile(r"[ \t]*::=")
_CODES = {"x": 2, "u": 4, "U": 8}
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}


def read(text: str) -> dict[str, tuple[Expression, int]]:
    """Return the rules of a grammar, each with the place where it begins.

    Raises:
        GrammarUnsupported: It cannot be read, or defines a rule twice.
    """
    reader = _Ebnf(text)
    reader.matched(_SPACE)
    rules: dict[str, tuple[Expression, int]] = {}
    while reader.next():
        place = reader.place
        name = reader.matched(_NAME)
        if name is None or not reader.matched(_DEFINES):
            reader.refuse("unreadable", place=place)
        if name[0] in rules:
            reader.refuse("rule_twice", place=place)
        if len(rules) == RULES_MAX:
            reader.refuse("too_large", place=place)
        reader.matched(_SPACE)
        rules[name[0]] = (reader.choices(0), place)
    return rules


class _Ebnf(Reader):
    def row(self, depth: int) -> Expression:
        self.matched(_SPACE)
        parts: list[Expression] = []
        while self.next() not in {"", "|", ")"} and not _BEGINNING.match(self.text, self.place):
            parts.append(self.repeated(self._item(depth)))
            if self.next() in {"*", "+", "?"}:
                self.refuse("unreadable")
            self.matched(_SPACE)
        if self.next() == ")" and depth == 0:
            self.refuse("unreadable")
        return row_of(parts) if parts else Text("")

    def _item(self, depth: int) -> Expression:
        place = self.place
        if name := self.matched(_NAME):
            return Rule(name[0], place)
        one = self.take()
        if one == '"':
            return self._text()
        if one == "[":
            return self.one_of()
        if one == "(":
            found = self.choices(depth + 1)
            if not self.taken(")"):
                self.refuse("unreadable", place=place)
            return found
        if one == ".":
            return OneOf(ALL)
        return self.refuse("unreadable", place=place)

    def _text(self) -> Expression:
        parts: list[Expression] = []
        while not self.taken('"'):
            parts.append(self.known(self.member()))
        return Row(tuple(parts)) if parts else Text("")

    def escaped(self) -> Characters:
        one = self.take()
        if one in _CODES:
            return self.by_number(_CODES[one])
        if one.isalnum() and one not in _LETTERS:
            self.refuse("unsupported", place=self.place - 1)
        return of_text(_LETTERS.get(one, one))
