"""Bytes to text: UTF-8, and what Korean files are found in when they are not. Pure.

A text that is not UTF-8 is tried as CP949 (the superset of EUC-KR that Windows writes). What is
neither keeps its readable parts, and the broken bytes become U+FFFD, which the quality rules count.
"""

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


def unscramble(text: str) -> str | None:
    """Return Korean text that was decoded with a Western code page, or None where it was not.

    Such mojibake (`ì•ˆë…•` for `안녕`, `¾È³ç` for the CP949 form) is encoded back with the wrong
    code page and read again with the right one; it counts only when Hangul comes out throughout.
    """
    sample = text[:2000]
    western = sum("\x80" <= char <= "ÿ" or char in _CP1252_EXTRAS for char in sample)
    if western * 4 < len(sample):
        return None
    for wrong in ("cp1252", "latin-1"):
        try:
            raw = text.encode(wrong)
        except UnicodeEncodeError:
            continue
        for right in ("utf-8", "cp949"):
            try:
                mended = raw.decode(right)
            except UnicodeDecodeError:
                continue
            if _is_mostly_hangul(mended):
                return mended
    return None


_CP1252_EXTRAS = frozenset("€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ")


def _is_mostly_hangul(text: str) -> bool:
    letters = [char for char in text[:2000] if unicodedata.category(char).startswith("L")]
    return sum("가" <= char <= "힣" for char in letters) * 2 > len(letters)
