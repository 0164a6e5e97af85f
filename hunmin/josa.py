"""Korean particles (조사) after words that are filled in: `{path}을(를)` becomes 을 or 를.

A particle goes by the last sound before it. Where that cannot be told from the letters (Hanja, an
emoji), both forms stay, as is usual in print. Pure.
"""

import re
import unicodedata

_PAIRS = {
    "을(를)": ("을", "를"),
    "를(을)": ("을", "를"),
    "은(는)": ("은", "는"),
    "는(은)": ("은", "는"),
    "이(가)": ("이", "가"),
    "가(이)": ("이", "가"),
    "과(와)": ("과", "와"),
    "와(과)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(이)라": ("이라", "라"),
    "(이)나": ("이나", "나"),
    "(이)며": ("이며", "며"),
    "(이)란": ("이란", "란"),
}
"""Both forms as they are written where nobody knows yet: after a final consonant, after a vowel."""

_PARTICLE = re.compile("|".join(map(re.escape, _PAIRS)))

_BEFORE = 64
"""Characters that are looked at; a longer remark in brackets is none that can be skipped."""

_REMARK = re.compile(r"(?<=\S)\s?\([^()]*\)$")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?$")

_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_FINALS = 28
_RIEUL = 8
"""The number of ㄹ among the finals, after which it is 로 as after a vowel: 서울로."""

# The last sounds of names and numerals, by the syllable Koreans end them in.
_DIGITS = "영일이삼사오육칠팔구"
_LETTERS = {
    **dict(zip("abcdefghijklm", "이비시디이프지치이이이엘엠", strict=True)),
    **dict(zip("nopqrstuvwxyz", "엔오피큐르스티유이유스이트", strict=True)),
}
_ROUND = ["십", "백", "천", *["만"] * 4, *["억"] * 4, *["조"] * 4]
"""What a number with that many zeros at its end, less one, ends in."""
_SIGNS = {"%": "트", "&": "드", "+": "스", "#": "샵", "@": "이"}


def with_particles(text: str) -> str:
    """Return a Korean sentence with each `을(를)`, `이(가)`, `(으)로` settled that can be."""

    def settled(found: re.Match[str]) -> str:
        written = found[0]
        final = _final_sound(text[max(0, found.start() - _BEFORE) : found.start()])
        if final is None:
            return written
        has_final = final > 0 and not (written == "(으)로" and final == _RIEUL)
        return _PAIRS[written][0 if has_final else 1]

    return _PARTICLE.sub(settled, text)


def _final_sound(before: str) -> int | None:
    """Return the final consonant of what is said last: 0 for none; nothing where nobody knows."""
    said = _REMARK.sub("", unicodedata.normalize("NFKC", before).rstrip()).rstrip()
    while said and not (said[-1].isalnum() or said[-1] in _SIGNS):
        said = _REMARK.sub("", said[:-1]).rstrip()
    if not said:
        return None
    syllable = _number_end(said) or _name_end(said[-1])
    if not _FIRST_SYLLABLE <= ord(syllable) <= _LAST_SYLLABLE:
        return None
    return (ord(syllable) - _FIRST_SYLLABLE) % _FINALS


def _number_end(said: str) -> str:
    """Return the last syllable of a number as it is read, or nothing where none stands there."""
    number = _NUMBER.search(said)
    if number is None:
        return ""
    digits = number[0].replace(",", "")
    zeros = len(digits) - len(digits.rstrip("0"))
    if "." in digits or not zeros or zeros == len(digits) or zeros > len(_ROUND):
        return _DIGITS[int(digits[-1])]
    return _ROUND[zeros - 1]


def _name_end(character: str) -> str:
    """Return the last syllable of a letter's or a sign's Korean name; else the character."""
    known = {**_LETTERS, **_SIGNS}
    return known.get(character.lower(), character)
