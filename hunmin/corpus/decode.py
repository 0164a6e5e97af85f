"""Bytes to text: UTF-8, and what Korean files are found in when they are not. Pure.

A text that is not UTF-8 is tried as CP949 (the superset of EUC-KR that Windows writes). What is
neither keeps its readable parts, and the broken bytes become U+FFFD, which the quality rules count.
"""

import re
import unicodedata
from typing import Literal

Repair = Literal["none", "bom", "utf-16", "cp949", "mojibake", "replaced"]

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def decode(raw: bytes) -> tuple[str, Repair]:
    """Return the text of some bytes and what was done to read them."""
    if raw[:2] in UTF16_MARKS:
        try:
            return raw.decode("utf-16"), "utf-16"
        except UnicodeDecodeError:
            pass
    try:
        if raw.startswith(b"\xef\xbb\xbf"):
            return raw[3:].decode(), "bom"
        return raw.decode(), "none"
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp949"), "cp949"
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace"), "replaced"


_WINDOWS = {
    bytes([byte]).decode("cp1252"): chr(byte)
    for byte in range(0x80, 0xA0)
    if byte not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
"""Characters that Windows has where Latin-1 has control characters; five bytes have neither."""
_BACK_TO_LATIN = str.maketrans(_WINDOWS)
_SAMPLE_CHARS = 2000


def unscramble(text: str) -> str | None:
    """Return Korean text that was decoded with a Western code page, or None where it was not.

    Such mojibake (`ì•ˆë…•` for `안녕`, `¾È³ç` where it was CP949) is encoded back with the wrong
    code page and read again with the right one; it counts only when Hangul comes out throughout.
    """
    sample = text[:_SAMPLE_CHARS]
    if sample.isascii() or len(_WESTERN.findall(sample)) * 4 < len(sample):
        return None
    try:
        raw = text.translate(_BACK_TO_LATIN).encode("latin-1")
    except UnicodeEncodeError:
        return None
    for right in ("utf-8", "cp949"):
        try:
            mended = raw.decode(right)
        except UnicodeDecodeError:
            continue
        if _is_mostly_hangul(mended):
            return mended
    return None


_WESTERN = re.compile("[\x80-\xff" + "".join(_WINDOWS) + "]")


def _is_mostly_hangul(text: str) -> bool:
    letters = [char for char in text[:_SAMPLE_CHARS] if unicodedata.category(char).startswith("L")]
    return sum("가" <= char <= "힣" for char in letters) * 2 > len(letters)
