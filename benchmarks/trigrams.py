"""What counting three tokens at a time makes of a vocabulary: part of `morpheme_merges.py`.

A trigram model has no seed and nothing to be tuned: two vocabularies that learned from one text and
are asked for another can be told apart by less than what two runs of a small network differ by.

Source:
    Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", 1999:
    Kneser-Ney smoothing, interpolated, with one discount.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

_ORDER = 3
_DISCOUNT = 0.75

Gram = tuple[int, ...]


class Trigrams:
    """The counts of some documents, each a sequence of token ids."""

    def __init__(self, documents: Iterable[Sequence[int]], *, vocab_size: int) -> None:
        self._vocab_size = vocab_size
        self._levels: list[tuple[Counter[Gram], Counter[Gram], Counter[Gram]]] = []
        """By length: how often each gram stands, and of each context how often it stands and
        how many different tokens follow it. Shorter grams count what stands before them."""
        counts = Counter(gram for document in documents for gram in _grams(document))
        for _ in range(_ORDER):
            totals: Counter[Gram] = Counter()
            for gram, count in counts.items():
                totals[gram[:-1]] += count
            followers = Counter(gram[:-1] for gram in counts)
            self._levels.insert(0, (counts, totals, followers))
            counts = Counter(gram[1:] for gram in counts)

    def bits(self, document: Sequence[int]) -> float:
        """Return the bits needed to tell a document, its end left out."""
        return -sum(math.log2(self._probability(gram)) for gram in _grams(document))

    def _probability(self, gram: Gram) -> float:
        probability = 1 / self._vocab_size
        for length, (counts, totals, followers) in enumerate(self._levels, 1):
            part = gram[-length:]
            total = totals[part[:-1]]
            if total:
                kept = max(counts[part] - _DISCOUNT, 0) / total
                probability = kept + _DISCOUNT * followers[part[:-1]] / total * probability
        return probability


def _grams(document: Sequence[int]) -> Iterator[Gram]:
    """Yield each token with the two before it; 0, the end of text, stands before a document."""
    whole = (*[0] * (_ORDER - 1), *document)
    return zip(*(whole[start:] for start in range(_ORDER)), strict=False)
