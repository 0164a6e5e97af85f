"""How sure a score is, and what guessing would give. Pure: numbers in, numbers out.

A score without its error and its baseline says little, above all for a small model: 52 of 100
right on yes-or-no questions is what a coin does.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hunmin.evaluation.results import MetricResult, Verdict

ROUNDS = 500
"""Bootstrap samples, or deals of the answers: enough for two digits of an error."""

Z = 1.959964
"""Two-sided 95% point of the normal distribution."""

Aggregate = Callable[[Sequence[Any]], float]
"""How a metric's parts, one an item, become its score."""


def assess(
    parts: Sequence[Any],
    aggregate: Aggregate,
    *,
    higher_is_better: bool,
    seed: int,
    chance: float | None = None,
    constant: float | None = None,
) -> MetricResult:
    """Return a score with its error, its baseline, and whether it differs from that.

    Args:
        parts: One part an item: a number to be averaged, or a pair of truth and answer.
        aggregate: The metric.
        higher_is_better: Whether more is better.
        seed: Of the random draws.
        chance: What a uniform guess gives, where it is known. Of pairs it is estimated.
        constant: What always giving the most common answer gives, where that means something.
    """
    numbers = isinstance(parts[0], (int, float, np.number))
    if numbers and math.isclose(aggregate(parts), sum(parts) / len(parts), abs_tol=1e-9):
        score, stderr, low, high = mean_with_interval([float(part) for part in parts])
    else:
        score, stderr, low, high = bootstrap(parts, aggregate, seed=seed)
        if chance is None and not numbers:
            chance = dealt_at_random(parts, aggregate, seed=seed)
    known = [value for value in (chance, constant) if value is not None]
    baseline = max(known) if known else None
    return MetricResult(
        score=score,
        stderr=stderr,
        low=low,
        high=high,
        higher_is_better=higher_is_better,
        chance=chance,
        baseline=baseline,
        verdict=judge(low, high, baseline),
    )


def mean_with_interval(values: Sequence[float]) -> tuple[float, float, float, float]:
    """Return mean, standard error, and a 95% interval: Wilson's where all values are 0 or 1.

    Wilson's interval keeps its meaning at 0% and 100% and for few items, where the normal one
    would claim certainty.
    """
    count = len(values)
    mean = sum(values) / count
    spread = sum((value - mean) ** 2 for value in values)
    stderr = math.sqrt(spread / max(count - 1, 1) / count)
    if any(value not in (0.0, 1.0) for value in values):
        return mean, stderr, mean - Z * stderr, mean + Z * stderr
    middle = (mean + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = math.sqrt(mean * (1 - mean) / count + (Z / (2 * count)) ** 2) * Z / (1 + Z * Z / count)
    return mean, stderr, max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(
    parts: Sequence[Any], aggregate: Aggregate, *, seed: int, rounds: int = ROUNDS
) -> tuple[float, float, float, float]:
    """Return the score, and its standard error and 95% interval over resampled items."""
    draw = np.random.default_rng(seed)
    picks = draw.integers(len(parts), size=(rounds, len(parts)))
    scores = np.array([aggregate([parts[i] for i in pick]) for pick in picks])
    low, high = np.quantile(scores, [0.025, 0.975])
    return float(aggregate(parts)), float(scores.std(ddof=1)), float(low), float(high)


def dealt_at_random(
    pairs: Sequence[Sequence[Any]], aggregate: Aggregate, *, seed: int, rounds: int = ROUNDS // 5
) -> float:
    """Return what the same answers score when each is given to a random item.

    So it is the score of answers that have nothing to do with their questions: of labels guessed
    at the model's own rates, of fluent translations of something else.
    """
    draw = np.random.default_rng(seed)
    truths, answers = zip(*pairs, strict=True)
    scores = [
        aggregate([(truth, answers[i]) for truth, i in zip(truths, deal, strict=True)])
        for deal in (draw.permutation(len(answers)) for _ in range(rounds))
    ]
    return float(np.mean(scores))


def uniform_guess(choice_counts: Sequence[int]) -> float:
    """Return the accuracy of guessing evenly among each item's choices."""
    return float(np.mean([1 / count for count in choice_counts]))


def most_common_answer(right_answers: Sequence[str]) -> float:
    """Return the accuracy of always giving the answer that is right most often."""
    return Counter(right_answers).most_common(1)[0][1] / len(right_answers)


def judge(low: float, high: float, baseline: float | None) -> Verdict:
    """Say where a 95% interval lies to a baseline."""
    if baseline is None or math.isnan(low) or math.isnan(high):
        return "unknown"
    if low > baseline:
        return "above"
    return "below" if high < baseline else "same"


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of `wins` against `losses` on a fair coin.

    Source:
        McNemar's test in its exact form: Dietterich, "Approximate Statistical Tests for Comparing
        Supervised Classification Learning Algorithms", 1998.
    """
    count = wins + losses
    tail = sum(math.comb(count, k) for k in range(min(wins, losses) + 1)) / 2**count
    return min(1.0, 2 * tail)


def normal_p(z: float) -> float:
    """Return the two-sided p-value of a normal deviate."""
    return math.erfc(abs(z) / math.sqrt(2))
