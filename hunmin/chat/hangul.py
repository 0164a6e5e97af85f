"""Searching by initial consonants: ㅎㅁㅈㅇ finds 훈민정음, and so does 훈ㅁ정. Pure.

A text is read letter by letter: a syllable with its initial consonant, anything else as itself,
in lower case and without accents. Blanks are passed over, for whoever types initials types them
without: ㅎㄱㄱㅇ finds 학교 가요.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

_FIRST_SYLLABLE = ord("가")
_SYLLABLES_OF_AN_INITIAL = 21 * 28
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"

_CONSONANTS = frozenset(chr(number) for number in (*range(0x3131, 0x314F), *range(0x3165, 0x3187)))
"""Consonants that stand alone, as keyboards type them; old ones with them."""

_AS_TYPED = {unicodedata.normalize("NFKC", consonant): consonant for consonant in _CONSONANTS}
"""Initials of old Hangul, which begin a syllable of several characters, as keyboards type them."""

_JOINED = {
    "ㄳ": "ㄱㅅ",
    "ㄵ": "ㄴㅈ",
    "ㄶ": "ㄴㅎ",
    "ㄺ": "ㄹㄱ",
    "ㄻ": "ㄹㅁ",
    "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅅ",
    "ㄾ": "ㄹㅌ",
    "ㄿ": "ㄹㅍ",
    "ㅀ": "ㄹㅎ",
    "ㅄ": "ㅂㅅ",
}
"""What an input method makes of two consonants typed one after the other."""

_LETTER = re.compile(
    "[\u1100-\u115e\ua960-\ua97c]+[\u1160-\u11a7\ud7b0-\ud7c6]*[\u11a8-\u11ff\ud7cb-\ud7fb]*"
    "|[가-힣][\u11a8-\u11ff\ud7cb-\ud7fb]*"
    "|[^\\s\u115f-\u11ff\ud7b0-\ud7fb]"
)
"""A syllable of old Hangul in its parts, a syllable, or any other character but a blank."""


class _Letter(NamedTuple):
    """One letter of a text."""

    text: str
    initial: str
    start: int
    """Where in the text it begins."""
    end: int

    @property
    def is_initial(self) -> bool:
        """Say whether it is a consonant that stands for any syllable it begins."""
        return self.text in _CONSONANTS


def initials(text: str, *, letters_max: int | None = None) -> str:
    """Return the initial consonants of a text: `ㅎㅁㅈㅇ` of 훈민정음.

    Args:
        text: In any normal form; whatever is no Hangul stands as itself.
        letters_max: How many letters of it to read; all by default.
    """
    letters = islice(_letters(unicodedata.normalize("NFC", text)), letters_max)
    return "".join(letter.initial for letter in letters)


def asks_for_initials(words: str) -> bool:
    """Say whether words to be searched have a consonant that stands for a syllable."""
    return any(letter.is_initial for letter in _letters(unicodedata.normalize("NFC", words)))


def find(text: str, words: str) -> tuple[int, int] | None:
    """Return from where to where in a text the words stand first, or None.

    A consonant in the words matches every syllable that begins with it, a syllable only itself.

    Args:
        text: Where to look, in NFC.
        words: What to look for, in NFC.
    """
    there, wanted = list(_letters(text)), list(_letters(words))
    if not wanted:
        return None
    for at in range(len(there) - len(wanted) + 1):
        found = there[at : at + len(wanted)]
        if all(map(_matches, wanted, found)):
            return found[0].start, found[-1].end
    return None


def _matches(wanted: _Letter, there: _Letter) -> bool:
    if wanted.is_initial:
        return wanted.initial == there.initial
    return wanted.text == there.text


def _letters(text: str) -> Iterator[_Letter]:
    for found in _LETTER.finditer(text):
        for letter in _plain(found.group()):
            yield _Letter(letter, _initial(letter), found.start(), found.end())


def _plain(letter: str) -> Iterator[str]:
    """Take apart what is several letters, and leave out case and accents."""
    if _is_hangul(letter[0]):
        yield letter
    elif letter in _JOINED:
        yield from _JOINED[letter]
    else:
        folded = unicodedata.normalize("NFD", letter).casefold()
        for one in unicodedata.normalize("NFD", folded):
            if not unicodedata.combining(one):
                yield one


def _initial(letter: str) -> str:
    first = letter[0]
    if "가" <= first <= "힣":
        return _INITIALS[(ord(first) - _FIRST_SYLLABLE) // _SYLLABLES_OF_AN_INITIAL]
    return _AS_TYPED.get(first, first) if _is_hangul(first) else letter


def _is_hangul(character: str) -> bool:
    return "가" <= character <= "힣" or bool(re.match("[\u1100-\u115e\ua960-\ua97c]", character))
