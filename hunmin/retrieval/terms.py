"""What words of a text are compared by: eojeols, and pairs of syllables inside them. Pure.

Korean writes particles and endings behind a word without a space (주민센터에서, 신청할), so whole
eojeols seldom meet. Pairs of their syllables do, without a dictionary that could be wrong.

Source:
    Lee and Ahn, "Using n-grams for Korean text retrieval", SIGIR 1996.
"""

import re
import unicodedata

TERMS_VERSION = 1
"""Goes up where a text gives other terms: a collection is searched by its own terms alone."""

ARTICLE = re.compile(r"제\d+조(?:의\d+)?")
"""An article of a law as it is cited: one term, whose digits and syllables say nothing apart."""

_WORD = re.compile(rf"{ARTICLE.pattern}|[가-힣]+|[a-z0-9]+|[\u3400-\u9fff]+")

_PAIR = 2


def terms(text: str) -> list[str]:
    """Return the terms of a text, in their order and as often as they stand in it.

    None of them holds a space or a sign. Jamo that stand alone, and other scripts, give none.
    """
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).lower()):
        found.append(word)
        if "가" <= word[0] <= "힣" and len(word) > _PAIR and not ARTICLE.fullmatch(word):
            found += [word[at : at + _PAIR] for at in range(len(word) - 1)]
    return found
