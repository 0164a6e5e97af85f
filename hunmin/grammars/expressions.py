"""What regular expressions and grammars come down to: texts, sets of characters, rows, choices."""

from collections.abc import Iterator
from dataclasses import dataclass

from hunmin.grammars.characters import Characters


@dataclass(frozen=True, slots=True)
class Text:
    """These characters; perhaps none."""

    text: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """One character of a set."""

    characters: Characters


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule allows."""

    name: str
    place: int
    """Where it stands in what was read, in characters from 0."""


@dataclass(frozen=True, slots=True)
class Row:
    """One after the other."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of them."""

    choices: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same several times over."""

    item: "Expression"
    least: int
    most: int | None
    """None is any number."""


Expression = Text | OneOf | Rule | Row | Either | Repeat


def rules_in(expression: Expression) -> Iterator[Rule]:
    """Give every rule an expression speaks of."""
    match expression:
        case Rule():
            yield expression
        case Row(parts) | Either(parts):
            for part in parts:
                yield from rules_in(part)
        case Repeat(item):
            yield from rules_in(item)
        case _:
            pass
