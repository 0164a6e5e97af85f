"""Sets of characters, and how a grammar writes characters down. Pure.

A set is ranges of code points, first and last, in order and apart from one another. Neither NUL nor
halves of characters (surrogates) are in any: no answer has them.
"""

from collections.abc import Iterable, Iterator

Characters = tuple[tuple[int, int], ...]

LAST = 0x10FFFF
ALL: Characters = ((1, 0xD7FF), (0xE000, LAST))

_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_SPACE = 0x20
_DELETE = 0x7F
_BASIC_LAST = 0xFFFF
_SIZES = (0x80, 0x800, 0x10000)
"""Characters from which on UTF-8 has one byte more."""


def of_ranges(ranges: Iterable[tuple[int, int]]) -> Characters:
    """Return the set of all characters in some ranges, which may overlap."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(
        (max(first, least), min(last, most))
        for first, last in merged
        for least, most in ALL
        if max(first, least) <= min(last, most)
    )


def of_text(text: str) -> Characters:
    """Return the set of the characters of a text."""
    return of_ranges((ord(one), ord(one)) for one in text)


def without(characters: Characters) -> Characters:
    """Return all other characters."""
    gaps: list[tuple[int, int]] = []
    begin = 0
    for first, last in characters:
        gaps.append((begin, first - 1))
        begin = last + 1
    return of_ranges((first, last) for first, last in [*gaps, (begin, LAST)] if first <= last)


def overlap(one: Characters, other: Characters) -> bool:
    """Return whether two sets have a character in common."""
    return any(first <= most and least <= last for first, last in one for least, most in other)


def single(characters: Characters) -> str | None:
    """Return the one character of a set, or None where it has more."""
    [(first, last), *more] = characters
    return chr(first) if first == last and not more else None


def as_class(characters: Characters) -> str:
    """Return a set as a grammar writes it, in square brackets."""
    ranges = (
        _in_class(first) if first == last else f"{_in_class(first)}-{_in_class(last)}"
        for whole in characters
        for first, last in _parts(*whole)
    )
    return f"[{''.join(ranges)}]"


def _parts(first: int, last: int) -> Iterator[tuple[int, int]]:
    r"""Part a range so that the bytes of its characters have ranges that depend on no other byte.

    xgrammar reads other ranges wrongly where characters of two begin with the same byte: after
    `[b-\uabff각-힣]{3}` came five syllables, after others a part of one.
    """
    middle = next((size for size in _SIZES if first < size <= last), None)
    for bits in (6, 12, 18):
        if middle is not None or last < _SIZES[0]:
            break
        rest = (1 << bits) - 1
        if first | rest < last and first & rest:
            middle = (first | rest) + 1
        elif first | rest < last and last & rest < rest:
            middle = last & ~rest
    if middle is None:
        yield first, last
    else:
        yield from _parts(first, middle - 1)
        yield from _parts(middle, last)


def literal(text: str) -> str:
    """Return a text as a grammar quotes it, with the escapes that all readers know."""
    return '"' + "".join(_ESCAPES.get(one) or _plain(ord(one)) for one in text) + '"'


def _in_class(code: int) -> str:
    if chr(code).isprintable() and chr(code) not in r"\]^-[":
        return chr(code)
    return f"\\u{code:04x}" if code <= _BASIC_LAST else f"\\U{code:08x}"


def _plain(code: int) -> str:
    return f"\\u{code:04x}" if code < _SPACE or code == _DELETE else chr(code)
