"""Protocol Buffers' wire format, as much as an export writes: fields of five kinds.

Source:
    "Encoding", Protocol Buffers documentation: https://protobuf.dev/programming-guides/encoding/.
"""

import struct

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def integer(field: int, value: int) -> bytes:
    """Return a field of kind `int32`, `int64`, `uint64` or `bool`; not negative."""
    return _varint(field << 3 | _VARINT) + _varint(value)


def double(field: int, value: float) -> bytes:
    """Return a field of kind `double`."""
    return _varint(field << 3 | _FIXED64) + struct.pack("<d", value)


def float_(field: int, value: float) -> bytes:
    """Return a field of kind `float`."""
    return _varint(field << 3 | _FIXED32) + struct.pack("<f", value)


def message(field: int, content: bytes) -> bytes:
    """Return a field that holds another message, or bytes."""
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def text(field: int, value: str) -> bytes:
    """Return a field of kind `string`."""
    return message(field, value.encode())


def _varint(value: int) -> bytes:
    assert value >= 0
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 (seven bits a byte)
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
