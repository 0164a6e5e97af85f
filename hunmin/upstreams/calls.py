"""The tool calls of one answer, as a server tells them piece by piece. Pure.

Servers differ: some tell a call at once and some letter by letter, some give it an id and some an
empty one. What comes out begins each call with an id and a name.
"""

import re
import secrets
from typing import Any

from hunmin.plugins import CallPiece
from hunmin.upstreams.shapes import Garbled, WholeCharacters, object_of, objects

CALLS_MAX = 128

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


class CallReader:
    """Takes the calls of each event and gives what is new of them."""

    def __init__(self, *, parallel: bool) -> None:
        """Begin. Where calls are not to be parallel, all but the first are left out."""
        self._parallel = parallel
        self._places: dict[int, int] = {}
        """Our number of each call, by the server's."""
        self._arguments: list[WholeCharacters] = []

    @property
    def called(self) -> bool:
        """Whether any call has come."""
        return bool(self._places)

    def take(self, told: object) -> list[CallPiece]:
        """Take the `tool_calls` of an event and return the pieces of them.

        Raises:
            Garbled: They are not what a server of this kind sends.
        """
        pieces = (self._piece(one) for one in objects(told, "tool calls"))
        return [piece for piece in pieces if piece is not None]

    def _piece(self, told: dict[str, Any]) -> CallPiece | None:
        number = told.get("index", 0)
        function = object_of(told.get("function") or {}, "function")
        if type(number) is not int:
            raise Garbled("a tool call without its number")
        if number in self._places:
            place = self._places[number]
            arguments = self._arguments[place].push(_text(function.get("arguments")))
            return CallPiece(place, arguments=arguments) if arguments else None
        if self._places and not self._parallel:
            return None
        name = _text(function.get("name"))
        if not name or len(self._places) == CALLS_MAX:
            raise Garbled("a tool call without a name, or one too many")
        place = self._places[number] = len(self._places)
        self._arguments.append(WholeCharacters())
        given = told.get("id")
        known = isinstance(given, str) and _ID.fullmatch(given)
        return CallPiece(
            place,
            id=str(given) if known else f"call_{secrets.token_hex(12)}",
            name=WholeCharacters().push(name),
            arguments=self._arguments[place].push(_text(function.get("arguments"))),
        )


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Garbled("a tool call whose text is none")
    return value
