"""Errors and baselines: what they mean, checked against what they should mean."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin.evaluation.metrics import chrf, difference, macro_f1, spearman
from hunmin.evaluation.uncertainty import (
    assess,
    bootstrap,
    dealt_at_random,
    judge,
    mean_with_interval,
    most_common_answer,
    normal_p,
    sign_test,
    uniform_guess,
)


def mean(parts):
    return float(np.mean(parts))


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=400))
def test_an_interval_of_an_accuracy_holds_it_and_stays_between_0_and_1(values):
    score, stderr, low, high = mean_with_interval(values)

    assert 0 <= low <= score + 1e-12
    assert score - 1e-12 <= high <= 1
    assert stderr >= 0


def test_all_right_on_few_items_is_not_certainty():
    _, stderr, low, high = mean_with_interval([1.0] * 10)

    assert stderr == 0
    assert low < 0.75
    assert high == pytest.approx(1.0)


def test_the_standard_error_is_that_of_the_harness():
    values = [1.0, 0.0, 0.0, 1.0, 1.0]

    _, stderr, _, _ = mean_with_interval(values)

    assert stderr == pytest.approx(np.std(values, ddof=1) / math.sqrt(5))


def test_nineteen_of_twenty_intervals_hold_the_truth():
    draw = np.random.default_rng(3)
    hits = 0
    for _ in range(1000):
        _, _, low, high = mean_with_interval((draw.random(150) < 0.3).astype(float).tolist())
        hits += low <= 0.3 <= high

    assert 930 <= hits <= 970


def test_the_bootstrap_of_a_mean_has_the_error_of_a_mean():
    values = np.random.default_rng(0).normal(size=200).tolist()

    score, stderr, low, high = bootstrap(values, mean, seed=1)

    assert score == pytest.approx(np.mean(values))
    assert stderr == pytest.approx(np.std(values, ddof=1) / math.sqrt(200), rel=0.1)
    assert low < score < high


def test_the_same_seed_gives_the_same_error():
    pairs = [(n % 2, n % 3 == 0) for n in range(60)]

    assert bootstrap(pairs, macro_f1, seed=4) == bootstrap(pairs, macro_f1, seed=4)


def test_answers_that_never_vary_are_no_better_than_chance():
    pairs = [(n % 5 == 0, 1) for n in range(100)]

    result = assess(pairs, macro_f1, higher_is_better=True, seed=0)

    assert result.score == pytest.approx(result.chance)
    assert result.verdict == "same"


def test_right_answers_are_above_chance():
    pairs = [(n % 2, n % 2 if n % 5 else 1 - n % 2) for n in range(100)]

    result = assess(pairs, macro_f1, higher_is_better=True, seed=0)

    assert result.score == pytest.approx(0.8, abs=0.01)
    assert result.chance == pytest.approx(0.5, abs=0.05)
    assert result.verdict == "above"


def test_dealt_answers_lose_what_they_knew():
    pairs = [(n, n * 2.0) for n in range(50)]

    assert spearman(pairs) == pytest.approx(1.0)
    assert abs(dealt_at_random(pairs, spearman, seed=0)) < 0.05


def test_the_baseline_is_the_better_of_guessing_and_the_most_common_answer():
    parts = [1.0] * 56 + [0.0] * 44

    result = assess(parts, mean, higher_is_better=True, seed=0, chance=0.33, constant=0.55)

    assert result.chance == 0.33
    assert result.baseline == 0.55
    assert result.verdict == "same"


def test_a_metric_of_numbers_that_is_no_mean_is_resampled():
    result = assess([0.1, 0.2, 0.9], max, higher_is_better=True, seed=0)

    assert result.score == 0.9
    assert result.high == pytest.approx(0.9)
    assert result.low < 0.9


def test_a_metric_without_a_baseline_is_not_judged():
    assert assess([0.3, 0.9], mean, higher_is_better=True, seed=0).verdict == "unknown"


def test_a_guess_among_choices_of_different_number_is_averaged():
    assert uniform_guess([2, 4]) == pytest.approx(0.375)


def test_the_most_common_answer_is_counted_by_what_it_says():
    assert most_common_answer(["예", "아니오", "예", "예"]) == 0.75
    assert most_common_answer(["가", "나", "다"]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("low", "high", "baseline", "verdict"),
    [
        (0.5, 0.6, 0.4, "above"),
        (0.5, 0.6, 0.55, "same"),
        (0.5, 0.6, 0.7, "below"),
        (0.5, 0.6, None, "unknown"),
        (math.nan, math.nan, 0.5, "unknown"),
    ],
)
def test_a_verdict_is_where_the_interval_lies(low, high, baseline, verdict):
    assert judge(low, high, baseline) == verdict


def test_p_values_are_those_of_the_books():
    assert sign_test(0, 0) == 1
    assert sign_test(8, 2) == pytest.approx(0.109375)
    assert sign_test(2, 8) == pytest.approx(0.109375)
    assert normal_p(1.959964) == pytest.approx(0.05, abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60))
def test_macro_f1_is_that_of_scikit_learn(pairs):
    sklearn = pytest.importorskip("sklearn.metrics")
    truths, answers = zip(*pairs, strict=True)

    assert macro_f1(pairs) == pytest.approx(sklearn.f1_score(truths, answers, average="macro"))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(-3, 3)), min_size=3, max_size=40).filter(
        lambda pairs: len({a for a, _ in pairs}) > 1 and len({b for _, b in pairs}) > 1
    )
)
def test_spearman_is_that_of_scipy(pairs):
    stats = pytest.importorskip("scipy.stats")

    expected = stats.spearmanr(*zip(*pairs, strict=True)).statistic

    assert spearman(pairs) == pytest.approx(expected, abs=1e-9)


def test_correlation_with_what_never_varies_is_none():
    assert spearman([(1, 0.5), (2, 0.5), (3, 0.5)]) == 0


def test_a_difference_needs_both_groups():
    assert difference([(1, 1.0), (1, 0.0)]) == 0
    assert difference([(1, 1.0), (1, 0.0), (0, 0.0)]) == 0.5


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.text("가나다 ab.", max_size=12), st.text("가나다 ab.", max_size=12)),
        min_size=1,
        max_size=8,
    )
)
def test_chrf_is_that_of_sacrebleu(pairs):
    sacrebleu = pytest.importorskip("sacrebleu")
    references, translations = zip(*pairs, strict=True)

    expected = sacrebleu.corpus_chrf(list(translations), [list(references)]).score

    assert chrf(pairs) == pytest.approx(expected)


def test_a_perfect_translation_has_a_chrf_of_100():
    assert chrf([("안녕하세요", "안녕하세요"), ("반갑습니다", "반갑습니다")]) == pytest.approx(100)
    assert chrf([("안녕하세요", "xyz")]) < 1
