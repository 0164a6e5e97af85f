"""The characters of an HWP paragraph: UTF-16, whose control characters take eight places. Pure."""

import struct
from collections.abc import Iterator
from enum import Enum

_PLACES = 8
"""How many code units a control character takes that says more of itself."""

_SINGLE = {
    0: "",
    10: "\n",
    13: "",
    24: "-",
    25: "",
    26: "",
    27: "",
    28: "",
    29: "",
    30: " ",
    31: " ",
}
_TAB = 9
_NOTE = 17
_SPACE = 32


class Mark(Enum):
    """What stands in a text and is no character."""

    NOTE = "note"


def characters(payload: bytes) -> Iterator[str | Mark]:
    """Yield the text of a paragraph in pieces, and a mark where a note hangs.

    Args:
        payload: The content of its text record, UTF-16 little-endian.
    """
    count = len(payload) // 2
    units = struct.unpack_from(f"<{count}H", payload)
    at = start = 0
    while at < count:
        if (unit := units[at]) >= _SPACE:
            at += 1
            continue
        yield _decoded(payload, start, at)
        if unit in _SINGLE:
            yield _SINGLE[unit]
            at += 1
        else:
            if unit == _TAB:
                yield "\t"
            elif unit == _NOTE:
                yield Mark.NOTE
            at += _PLACES
        start = at
    yield _decoded(payload, start, count)


def _decoded(payload: bytes, start: int, end: int) -> str:
    return payload[2 * start : 2 * end].decode("utf-16-le", "replace")
