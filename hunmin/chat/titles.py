"""Titles made from messages. Pure."""

import re
import unicodedata

from hunmin.chat.rules import tidy

TITLE_COLUMNS = 44
"""Width of a title made from a message; a Hangul syllable takes two columns."""

_ZERO_WIDTH_JOINER = "\u200d"
_MARKDOWN = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+|\d+[.)]\s+|```\w*\s*)+|[*_`~]{1,3}")


def make_title(message: str) -> str:
    """Return a title made from the first line of a message that says something.

    Marks of Markdown are left out. A long line is cut between two words where that keeps most of
    it, else between two characters, never inside one: a syllable with its combining marks stays
    whole. Width counts as on a terminal, so a Korean and an English title look equally long.
    """
    for line in tidy(message).split("\n"):
        words = " ".join(_MARKDOWN.sub("", line).split())
        if any(character.isalnum() for character in words):
            return _clip(words, TITLE_COLUMNS)
    return _clip(" ".join(tidy(message).split()), TITLE_COLUMNS)


def _clip(text: str, columns: int) -> str:
    if _width(text) <= columns:
        return text
    used = cut = 0
    for index, character in enumerate(text):
        used += _width(character)
        if used > columns - 1:
            break
        cut = index + 1
    while cut > 1 and (_joins(text[cut]) or text[cut - 1] == _ZERO_WIDTH_JOINER):
        cut -= 1
    kept = text[:cut]
    space = kept.rfind(" ")
    cuts_a_word = not text[cut].isspace() and space > 0
    if cuts_a_word and _width(kept[:space]) >= columns // 2:
        kept = kept[:space]
    return kept.rstrip(" ,.;:·") + "…"


def _joins(character: str) -> bool:
    """Say whether a character belongs to the one before it: an accent, a vowel of old Hangul."""
    medial_or_final = "\u1160" <= character <= "\u11ff"
    return medial_or_final or unicodedata.category(character) in {"Mn", "Me", "Mc", "Cf"}


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(_joins(character) for character in text)
