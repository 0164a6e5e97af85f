"""Which language a text is in, by its script: Korean, English or another. Pure.

Hangul is written by Korean alone, so counting letters decides Korean better than any model does,
and needs no download. English is told from other Latin-script languages by its commonest words.
It does not tell the languages of other scripts apart: they are all `other`.
"""

import re
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Language = Literal["ko", "en", "other"]

_HANGUL, _LATIN, _OTHER = 1, 2, 3
_LETTERS = (
    (_HANGUL, "가힣 ㄱㆎ \u1100\u11ff"),
    (_LATIN, "AZ az \u00c0\u024f"),
    (_OTHER, "\u0370\u10ff \u1200\u1fff \u3040\u30ff \u3400\u9fff \uf900\ufaff"),
)
"""Ranges of letters, the first and the last of each; of these a table is made, to look up."""
_LATIN_WORD = re.compile("[A-Za-z\u00c0-\u024f]+")
_ENGLISH = re.compile(
    r"\b(?:the|of|and|to|in|is|that|for|it|with|as|was|on|are|be|this)\b", re.IGNORECASE
)

_SAMPLE_CHARS = 4_000
"""Taken from the beginning and from the middle, as beginnings are often headings or code."""
_KOREAN_SHARE = 0.15
"""Of all letters. Technical Korean is half English words and code."""


def _script_table() -> NDArray[np.uint8]:
    """Return the script of each UTF-16 unit, or 0; each of these letters is one unit."""
    table = np.zeros(1 << 16, np.uint8)
    for script, ranges in _LETTERS:
        for first, last in ranges.split():
            table[ord(first) : ord(last) + 1] = script
    return table


_SCRIPT_OF = _script_table()


def identify(text: str) -> Language:
    """Return the language of a text, judged by its letters at the beginning and in the middle."""
    sample = text[:_SAMPLE_CHARS]
    if len(text) > 2 * _SAMPLE_CHARS:
        sample += text[len(text) // 2 :][:_SAMPLE_CHARS]
    units = np.frombuffer(sample.encode("utf-16-le", "surrogatepass"), "<u2")
    _, hangul, latin, others = np.bincount(_SCRIPT_OF[units], minlength=_OTHER + 1).tolist()
    letters = hangul + latin + others
    if not letters:
        return "other"
    if hangul >= _KOREAN_SHARE * letters:
        return "ko"
    if latin * 2 < letters:
        return "other"
    latin_words = _LATIN_WORD.findall(sample)
    return "en" if len(_ENGLISH.findall(sample)) * 20 >= len(latin_words) else "other"
