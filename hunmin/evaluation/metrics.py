"""Metrics that the task files name. Each takes one part an item and returns the score.

They are here, and not fetched by name as lm-evaluation-harness can, because nothing is fetched.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHRF_ORDER = 6
_CHRF_BETA = 2

Pair = tuple[int, int]
"""The right label, and the label chosen."""


def macro_f1(pairs: Sequence[Pair]) -> float:
    """Return the mean over labels of the harmonic mean of precision and recall.

    Every label counts that is right or chosen somewhere, as in scikit-learn.
    """
    truths, answers = np.array([tuple(map(int, pair)) for pair in pairs]).T
    scores = []
    for label in np.union1d(truths, answers):
        hits = np.sum((truths == label) & (answers == label))
        scores.append(2 * hits / (np.sum(truths == label) + np.sum(answers == label)))
    return float(np.mean(scores))


def spearman(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the rank correlation of truth and answer; 0 where one of them never varies."""
    truths, answers = (
        _ranks(np.array(side, dtype=np.float64)) for side in zip(*pairs, strict=True)
    )
    if truths.std() == 0 or answers.std() == 0:
        return 0.0
    return float(np.corrcoef(truths, answers)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks, equal values sharing the mean of theirs."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[where]


def difference(pairs: Sequence[tuple[int, float]]) -> float:
    """Return the mean of group 1 less the mean of group 0; 0 where a group is empty."""
    groups, values = np.array(pairs, dtype=np.float64).T
    if groups.all() or not groups.any():
        return 0.0
    return float(values[groups == 1].mean() - values[groups == 0].mean())


def chrf(pairs: Sequence[tuple[str, str]]) -> float:
    """Return chrF, 0 to 100, of translations against references, over the whole set.

    Source:
        Popović, "chrF: character n-gram F-score for automatic MT evaluation", 2015, with the
        settings of sacrebleu: n-grams up to 6, no spaces, recall counting twice.
    """
    totals = np.sum([_shared_ngrams(*pair) for pair in pairs], axis=0)
    written, expected, shared = totals[totals[:, :2].all(axis=1)].T
    if not len(shared):
        return 0.0
    precision, recall = (shared / written).mean(), (shared / expected).mean()
    weighed = _CHRF_BETA**2 * precision + recall
    return float(100 * (1 + _CHRF_BETA**2) * precision * recall / weighed) if weighed else 0.0


@lru_cache(maxsize=1 << 18)
def _shared_ngrams(reference: str, translation: str) -> NDArray[np.int64]:
    """Return, by length, how many n-grams of characters were written, expected and shared."""
    sides = ["".join(text.split()) for text in (translation, reference)]
    rows = []
    for size in range(1, _CHRF_ORDER + 1):
        ours, theirs = (Counter(t[i : i + size] for i in range(len(t) - size + 1)) for t in sides)
        written = ours.total() if theirs else 0  # so that a short reference is not held against it
        rows.append([written, theirs.total(), (ours & theirs).total()])
    return np.array(rows, dtype=np.int64)


def similarity(doc: Mapping[str, Any], results: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """Return a sentence pair's human score, and how much likelier the model finds yes than no."""
    (no, _), (yes, _) = results
    return {"spearman": (float(doc["score"]), yes - no)}


def translation_to_ko(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Return a Korean reference and the model's translation."""
    return {"chrf": (doc["ko"], results[0].strip())}


def translation_to_en(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """Return an English reference and the model's translation."""
    return {"chrf": (doc["en"], results[0].strip())}
