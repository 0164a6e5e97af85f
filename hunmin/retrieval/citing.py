"""What a question cites: a law by its name, and articles of it by their numbers. Pure.

Whoever asks for 주민등록법 제16조 wants that article, however many others share its words.
"""

import unicodedata
from collections.abc import Iterable

from hunmin.retrieval.terms import ARTICLE

_NAME_CHARACTERS_MIN = 2


def folded(text: str) -> str:
    """Return a text as names are compared: in one spelling, without spaces, in small letters."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def articles_in(question: str) -> list[str]:
    """Return the numbers of articles in a question, each once: `제16조`, `제2조의2`."""
    return list(dict.fromkeys(ARTICLE.findall(folded(question))))


def longest_names(names: Iterable[str]) -> list[str]:
    """Return the names that are no part of a longer one: who says 민법 시행령 does not mean 민법.

    Args:
        names: Names that a question holds, folded.
    """
    long = sorted({name for name in names if len(name) >= _NAME_CHARACTERS_MIN}, key=len)
    return [
        name for at, name in enumerate(long) if not any(name in other for other in long[at + 1 :])
    ]
