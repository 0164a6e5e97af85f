"""What servers send, taken apart without trust. Errors quote nothing of it. Pure."""

from typing import Any

from hunmin.inference.folder import whole_text

COUNT_MAX = (1 << 31) - 1
"""The largest count of tokens a record can hold."""


class Garbled(ValueError):
    """An event that is not what a server of this kind sends. It says what, and quotes nothing."""


def object_of(value: object, name: str) -> dict[str, Any]:
    """Return a value that must be an object.

    Raises:
        Garbled: It is none.
    """
    if not isinstance(value, dict):
        raise Garbled(f"{name} that is no object")
    return value


def objects(value: object, name: str) -> list[dict[str, Any]]:
    """Return a value that must be a list of objects.

    Raises:
        Garbled: It is none.
    """
    if not isinstance(value, list):
        raise Garbled(f"{name} that are no list")
    return [object_of(one, name) for one in value]


def count_of(value: object, otherwise: int) -> int:
    """Return a count of tokens, or `otherwise` where it is none that could be."""
    return value if type(value) is int and 0 <= value <= COUNT_MAX else otherwise


class WholeCharacters:
    """Joins characters that JSON wrote as two halves, and that came in two pieces."""

    def __init__(self) -> None:
        self._half = ""

    def push(self, piece: str) -> str:
        """Take more text and return what is whole; a half that stays alone becomes U+FFFD."""
        piece, self._half = self._half + piece, ""
        if piece and "\ud800" <= piece[-1] <= "\udbff":
            piece, self._half = piece[:-1], piece[-1]
        return whole_text(piece)

    def rest(self) -> str:
        """Return what is left at the end: nothing, or U+FFFD."""
        half, self._half = self._half, ""
        return whole_text(half)
