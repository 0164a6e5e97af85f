"""From token ids to text that can be shown: whole characters, and nothing past a stop string.

A byte-level tokenizer cuts anywhere, also inside a Hangul syllable, which is three bytes. What is
not yet a whole character is held back, and so is the beginning of what may become a stop string.
Pure: no clock, no engine, no tokenizer.
"""

import codecs
from collections.abc import Iterable, Mapping, Sequence


def byte_of_character() -> dict[str, int]:
    """Return the byte each character of a byte-level vocabulary stands for.

    Source:
        OpenAI, GPT-2 (`bytes_to_unicode`): printable characters stand for themselves, the
        other bytes for the code points from 256 on.
    """
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in set(kept)]
    return {chr(byte): byte for byte in kept} | {
        chr(256 + place): byte for place, byte in enumerate(rest)
    }


def vocabulary_bytes(vocabulary: Mapping[str, int], special_ids: Iterable[int]) -> list[bytes]:
    """Return the bytes of every token by id; special tokens, and ids without a token, have none.

    Raises:
        ValueError: A token is not written in byte-level characters.
    """
    byte_of = byte_of_character()
    special = set(special_ids)
    table = [b""] * (max(vocabulary.values(), default=-1) + 1)
    for token, token_id in vocabulary.items():
        if token_id in special:
            continue
        try:
            table[token_id] = bytes(byte_of[character] for character in token)
        except KeyError:
            raise ValueError(f"token {token_id} is not byte-level") from None
    return table


class StopBuffer:
    """Cuts a text at the first stop string, however the text is cut into pieces.

    The first stop string is the one that is complete first; where two end together, the longer.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(dict.fromkeys(stop for stop in stops if stop))
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """Take more text and return what can be shown now."""
        if self.stopped:
            return ""
        if not self._stops:
            return text
        self._held += text
        found = [
            (start + len(stop), start)
            for stop in self._stops
            if (start := self._held.find(stop)) >= 0
        ]
        if found:
            self.stopped = True
            _, start = min(found)
            shown, self._held = self._held[:start], ""
            return shown
        keep = max(self._overlap(stop) for stop in self._stops)
        cut = len(self._held) - keep
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown

    def finish(self) -> str:
        """Return what was held back and did not become a stop string."""
        shown, self._held = self._held, ""
        return shown

    def _overlap(self, stop: str) -> int:
        """Return how many characters at the end of what is held begin `stop`."""
        for size in range(min(len(stop) - 1, len(self._held)), 0, -1):
            if self._held.endswith(stop[:size]):
                return size
        return 0


class AnswerText:
    """The text of one answer, token by token."""

    def __init__(self, token_bytes: Sequence[bytes], stops: Sequence[str] = ()) -> None:
        self._token_bytes = token_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stops = StopBuffer(stops)

    @property
    def stopped(self) -> bool:
        """Whether a stop string has come; nothing after it is shown."""
        return self._stops.stopped

    def push(self, token_id: int) -> str:
        """Take one token and return the characters that can be shown now.

        Bytes that can no longer become a character show as U+FFFD; bytes that still can are
        held back.
        """
        piece = self._token_bytes[token_id] if 0 <= token_id < len(self._token_bytes) else b""
        return self._stops.push(self._decoder.decode(piece))

    def finish(self) -> str:
        """Return what is left at the end; a character that stayed incomplete is one U+FFFD."""
        if self.stopped:
            return ""
        return self._stops.push(self._decoder.decode(b"", final=True)) + self._stops.finish()
