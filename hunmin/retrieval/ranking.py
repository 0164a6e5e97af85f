"""The order of passages by a question: BM25, words of headings counted several times. Pure.

For a few passages in memory, as those of files somebody attached. A collection has its index do
the same sums; a test holds the two to each other.

Source:
    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, with
    the constants of SQLite's FTS5. Fields as in Robertson et al., "Simple BM25 extension to
    multiple weighted fields", 2004.
"""

import math
from collections import Counter
from collections.abc import Sequence

from hunmin.retrieval.passages import Passage
from hunmin.retrieval.terms import terms

HEADING_WEIGHT = 8.0
"""How often a word counts that stands in citation or heading. Law and article are named there."""

_SATURATION, _LENGTH_SHARE = 1.2, 0.75
_RARITY_MIN = 1e-6
"""What a word weighs that stands in half of the passages or more."""


def heading_terms(passage: Passage) -> list[str]:
    """Return the terms a passage is named by: its document, its headings and its place."""
    return terms(f"{passage.citation} {passage.heading}")


def rank(question: str, passages: Sequence[Passage], *, count: int) -> list[tuple[Passage, float]]:
    """Return the passages that share words with a question, the best first, with their scores.

    Args:
        question: What is asked.
        passages: All there are.
        count: At most so many are returned.
    """
    asked = dict.fromkeys(terms(question))
    fields = [(Counter(heading_terms(each)), Counter(terms(each.text))) for each in passages]
    lengths = [head.total() + text.total() for head, text in fields]
    mean = sum(lengths) / max(len(lengths), 1) or 1.0
    scores = [0.0] * len(passages)
    for term in asked:
        weights = [HEADING_WEIGHT * head[term] + text[term] for head, text in fields]
        holders = sum(weight > 0 for weight in weights)
        rarity = math.log((len(passages) - holders + 0.5) / (holders + 0.5))
        for at, weight in enumerate(weights):
            length = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * lengths[at] / mean)
            scores[at] += max(rarity, _RARITY_MIN) * weight * (_SATURATION + 1) / (weight + length)
    best = sorted(range(len(passages)), key=lambda at: (-scores[at], at))[:count]
    return [(passages[at], scores[at]) for at in best if scores[at] > 0]
