"""Server-sent events out of a stream of bytes, however it is cut into pieces. Pure."""

EVENT_BYTES_MAX = 4 * 1024 * 1024
"""The longest line that is kept: the scores of a long prompt fit, an attack on memory does not."""


class EventTooLong(ValueError):
    """A line that does not end."""


class EventReader:
    """Takes bytes and gives the data of each event that is complete.

    Comments, and fields other than `data`, are left out; an event here is one line, as OpenAI's
    API has it.
    """

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """Take more bytes and return the data of the events that are complete now.

        Raises:
            EventTooLong: A line has more bytes than any event.
        """
        self._held += piece
        if len(self._held) > EVENT_BYTES_MAX:
            raise EventTooLong
        if b"\n" not in piece:
            return []
        *lines, rest = self._held.split(b"\n")
        self._held = bytearray(rest)
        return [
            bytes(line[5:].strip())
            for line in lines
            if line.startswith(b"data:") and line[5:].strip()
        ]
