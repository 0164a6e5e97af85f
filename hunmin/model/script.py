"""What a piece of text is written in, by its characters: Korean, English, code or something else.

For reports only. The corpus has its own, slower way to tell languages.
"""

import re
from typing import Literal

Script = Literal["korean", "english", "code", "other"]

_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_LATIN = re.compile(r"[A-Za-z]")
_MARKS = re.compile(r"[{}\[\]()<>;=_/\\#*\"'`$&|@^~+]")
_PARAGRAPH_END = re.compile(r"(?<=\n)\s*\n")

_KOREAN_SHARE = 0.3
_CODE_SHARE = 0.07


def script_of(text: str) -> Script:
    """Return what most of a paragraph is written in."""
    letters = sum(map(str.isalpha, text))
    hangul = len(_HANGUL.findall(text))
    if letters and hangul / letters >= _KOREAN_SHARE:
        return "korean"
    visible = len(text) - sum(map(str.isspace, text))
    if visible and len(_MARKS.findall(text)) / visible >= _CODE_SHARE:
        return "code"
    return "english" if letters and len(_LATIN.findall(text)) * 2 > letters else "other"


def is_hangul(text: str) -> bool:
    """Return whether a text is Hangul and nothing else."""
    return bool(text) and len(_HANGUL.findall(text)) == len(text)


def paragraphs(text: str) -> list[str]:
    """Cut a text after each blank line; the pieces joined are the text."""
    ends = [match.end() for match in _PARAGRAPH_END.finditer(text)]
    return [
        text[start:end]
        for start, end in zip([0, *ends], [*ends, len(text)], strict=True)
        if end > start
    ]
