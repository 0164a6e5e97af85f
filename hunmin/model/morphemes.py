"""Where morphemes of Korean text meet, as Kiwi finds them, for merges to be learned inside them.

Asked while merges are learned, and never again: encoding knows nothing of morphemes. Kiwi is an
extra, `hunmin[morphemes]`, for its model is larger than all else a tokenizer needs.

Source:
    Park et al., "An Empirical Study of Tokenization Strategies for Various Korean NLP Tasks", 2020.
"""

import importlib.metadata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise, tee
from typing import Protocol, cast

from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from hunmin.errors import ExtraMissing
from hunmin.model.tokenizer import SPLIT_EXPRESSION

_SPLIT = Split(Regex(SPLIT_EXPRESSION), "isolated")


class Morpheme(Protocol):
    """What is asked of a token of Kiwi; places are counted in characters."""

    start: int
    end: int


def kiwi_version() -> str:
    """Return which Kiwi is installed; another one may cut otherwise.

    Raises:
        ExtraMissing: It is not.
    """
    try:
        return importlib.metadata.version("kiwipiepy")
    except importlib.metadata.PackageNotFoundError as error:
        raise ExtraMissing(extra="morphemes") from error


def cut_at_morphemes(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield each text as the pieces merges are learned in, none of them in two morphemes.

    Kiwi reads several texts at a time, and a text that comes again at once only once.
    """
    from kiwipiepy import Kiwi  # noqa: PLC0415 (an extra, and slow to load)

    counted = ((text, sum(1 for _ in same)) for text, same in groupby(texts))
    asked, kept = tee(counted)
    # Of many texts it makes many analyses, but its types do not say so.
    analyses = cast("Iterator[list[Morpheme]]", Kiwi().tokenize(text for text, _ in asked))
    for (text, times), morphemes in zip(kept, analyses, strict=True):
        pieces = list(pieces_between(text, borders_of(text, morphemes)))
        for _ in range(times):
            yield pieces


def borders_of(text: str, morphemes: Iterable[Morpheme]) -> list[int]:
    """Return where one morpheme ends and the next begins between two letters of a text.

    A syllable may belong to two morphemes, as 했 to 하 and 었: there is no border inside it.

    Args:
        text: What was analyzed.
        morphemes: Its morphemes, by where they begin.
    """
    borders: list[int] = []
    end = 0
    for morpheme in morphemes:
        begin = morpheme.start
        meets = begin == end > 0 and text[begin - 1].isalpha() and text[begin : begin + 1].isalpha()
        if meets and begin not in borders[-1:]:  # a morpheme may have no letter of its own
            borders.append(begin)
        end = max(end, morpheme.end)
    return borders


def pieces_between(text: str, borders: list[int]) -> Iterator[str]:
    """Yield the pieces of the split expression, cut at the borders besides."""
    for _, (begin, end) in _SPLIT.pre_tokenize_str(text):
        inside = borders[bisect_right(borders, begin) : bisect_left(borders, end)]
        for left, right in pairwise([begin, *inside, end]):
            yield text[left:right]
