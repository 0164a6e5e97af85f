"""Messages between the engine and its child process: JSON, each with its length before it.

Only token ids, counts and settings cross; text stays with the engine.
"""

import json
from collections.abc import Mapping
from typing import IO, Any

Message = dict[str, Any]

_LENGTH_BYTES = 4
_BYTES_MAX = 1 << 28


def write_frame(stream: IO[bytes], message: Mapping[str, Any]) -> None:
    """Write one message and flush."""
    body = json.dumps(message, separators=(",", ":")).encode()
    stream.write(len(body).to_bytes(_LENGTH_BYTES, "big") + body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Message | None:
    """Read one message; return None at the end of the stream, also in the middle of a message.

    Raises:
        ValueError: What comes is not a message of ours.
    """
    head = stream.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    size = int.from_bytes(head, "big")
    if size > _BYTES_MAX:
        raise ValueError("a message is too long")
    body = stream.read(size)
    if len(body) < size:
        return None
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a message is not an object")  # noqa: TRY004 (the stream is at fault)
    return message
