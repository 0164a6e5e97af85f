"""Which language a text is in, by its script: Korean, English or another. Pure.

Hangul is written by Korean alone, so counting letters decides Korean better than any model does,
and needs no download. English is told from other Latin-script languages by its commonest words.
It does not tell the languages of other scripts apart: they are all `other`.
"""

import re
from typing import Literal

Language = Literal["ko", "en", "other"]

_HANGUL = re.compile("[가-힣ㄱ-ㆎᄀ-ᇿ]+")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]+")
_OTHER_LETTERS = re.compile("[\u0370-\u10ff\u1200-\u1fff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_ENGLISH = re.compile(
    r"\b(?:the|of|and|to|in|is|that|for|it|with|as|was|on|are|be|this)\b", re.IGNORECASE
)

_SAMPLE_CHARS = 4_000
"""Taken from the beginning and from the middle, as beginnings are often headings or code."""
_KOREAN_SHARE = 0.15
"""Of all letters. Technical Korean is half English words and code."""


def identify(text: str) -> Language:
    """Return the language of a text, judged by its letters at the beginning and in the middle."""
    sample = text[:_SAMPLE_CHARS]
    if len(text) > 2 * _SAMPLE_CHARS:
        sample += text[len(text) // 2 :][:_SAMPLE_CHARS]
    hangul = sum(map(len, _HANGUL.findall(sample)))
    latin_words = _LATIN.findall(sample)
    latin = sum(map(len, latin_words))
    others = sum(map(len, _OTHER_LETTERS.findall(sample)))
    letters = hangul + latin + others
    if not letters:
        return "other"
    if hangul >= _KOREAN_SHARE * letters:
        return "ko"
    if latin * 2 < letters:
        return "other"
    return "en" if len(_ENGLISH.findall(sample)) * 20 >= len(latin_words) else "other"
