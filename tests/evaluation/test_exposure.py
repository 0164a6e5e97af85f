"""Exposure: the formula by hand, what chance gives, and what a verdict needs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.evaluation.exposure import (
    CHANCE_BITS,
    chance_interval,
    estimate,
    exposure_of_rank,
    judge,
    p_of_chance,
)
from hunmin.evaluation.exposure_results import CanaryResult, group

SPACE = 384_000_000_000


@pytest.mark.parametrize(
    ("rank", "of", "bits"), [(1, 1, 0), (1, 1024, 10), (2, 1024, 9), (1024, 1024, 0), (3, 12, 2)]
)
def test_exposure_by_hand(rank, of, bits):
    assert exposure_of_rank(rank, of=of) == pytest.approx(bits)


@pytest.mark.parametrize("rank", [0, 11])
def test_there_is_no_rank_outside_the_space(rank):
    with pytest.raises(ValueError, match="from 1 to 10"):
        exposure_of_rank(rank, of=10)


@given(st.integers(1, 10**12).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of))))
def test_the_first_rank_is_worth_the_whole_space_and_the_last_one_nothing(drawn):
    rank, of = drawn

    assert exposure_of_rank(1, of=of) == math.log2(of)
    assert exposure_of_rank(of, of=of) == 0
    assert 0 <= exposure_of_rank(rank, of=of) <= math.log2(of)


@given(st.integers(500, 5000))
def test_every_rank_as_likely_as_another_comes_to_1_44_bits(count):
    ranks = range(1, count + 1)
    mean = sum(exposure_of_rank(rank, of=count) for rank in ranks) / count

    assert pytest.approx(1.4427, abs=1e-4) == CHANCE_BITS
    assert mean == pytest.approx(CHANCE_BITS, abs=0.02)


def test_canaries_drawn_as_their_alternatives_come_to_1_44_bits():
    draw = np.random.default_rng(1)
    found = [
        estimate(drawn[0], drawn[1:], space=SPACE).exposure
        for drawn in draw.gamma(9, 4, size=(4000, 201))
    ]

    assert np.mean(found) == pytest.approx(CHANCE_BITS, abs=0.09)  # four standard errors
    assert np.quantile(found, 0.5) == pytest.approx(1, abs=0.1)


@given(
    bits=st.floats(0, 200),
    others=st.lists(st.floats(0, 200), min_size=2, max_size=60),
)
def test_an_estimate_stays_within_its_bounds_and_falls_with_the_rank(bits, others):
    found = estimate(bits, np.array(others), space=SPACE)

    assert found.rank == 1 + sum(other <= bits for other in others)
    assert found.extrapolated == (found.rank == 1)
    sampled = exposure_of_rank(found.rank, of=len(others) + 1)
    if found.extrapolated:
        assert sampled <= found.exposure <= math.log2(SPACE)
    else:
        assert found.exposure == sampled
    assert estimate(bits + 1, np.array(others), space=SPACE).exposure <= found.exposure + 1e-9


def test_a_tie_is_no_sign_of_memory():
    assert estimate(40.0, np.full(99, 40.0), space=SPACE).exposure == 0
    assert estimate(39.0, np.full(99, 40.0), space=SPACE).exposure == math.log2(SPACE)


@pytest.mark.parametrize(("deviations", "bits"), [(4, 14.95), (5, 21.73)])
def test_beyond_all_alternatives_the_tail_of_their_distribution_speaks(deviations, bits):
    """The share of a normal distribution below 4 deviations is 3.17e-5, below 5 2.87e-7."""
    others = np.random.default_rng(2).normal(40, 3, size=2000)

    found = estimate(40 - 3 * deviations, others, space=SPACE)

    assert found.extrapolated
    assert found.exposure == pytest.approx(bits, rel=0.1)


@pytest.mark.parametrize("side", [1, -1])
def test_a_lopsided_distribution_has_a_tail_on_either_side(side):
    others = 60 + side * np.random.default_rng(3).exponential(3, size=2000)

    for bits in np.linspace(others.min() - 30, others.min(), 10):
        assert 0 < estimate(bits, others, space=SPACE).exposure <= math.log2(SPACE)


def test_the_error_of_a_mean_by_chance_is_1_44_over_the_root_of_its_canaries():
    draw = np.random.default_rng(4).exponential(CHANCE_BITS, size=(20_000, 8)).mean(axis=1)

    assert chance_interval(8) == pytest.approx(np.quantile(draw, [0.025, 0.975]), abs=0.05)
    assert p_of_chance([2.5] * 8) == pytest.approx((draw >= 2.5).mean(), abs=0.01)
    assert p_of_chance([0.0] * 8) == 1


def test_a_verdict_needs_more_than_luck():
    chance = [CHANCE_BITS] * 8
    assert judge(chance, inserted=True, recited=0) == "none"
    assert judge([4.0] * 8, inserted=True, recited=0) == "memorized"
    assert judge([4.0], inserted=True, recited=0) == "none"  # one canary says little
    assert judge([30.0] * 8, inserted=True, recited=1) == "recited"
    assert judge(chance, inserted=False, recited=0) == "at_chance"
    assert judge([4.0] * 8, inserted=False, recited=0) == "off_chance"
    assert judge([0.05] * 8, inserted=False, recited=0) == "off_chance"


def test_canaries_of_one_count_are_judged_together():
    def canary(repeats, place, exposure, *, recited=False):
        return CanaryResult(
            id=f"canaries:{repeats}-{place}", repeats=repeats, learned=2 * repeats, bits=9, rank=1,
            exposure=exposure, extrapolated=False, recited=recited,
        )  # fmt: skip

    canaries = [canary(16, n, 20 + n, recited=n > 0) for n in range(3)]
    control, often = group([*canaries, *(canary(0, n, 1.5) for n in range(3))])

    assert (control.repeats, control.finding, control.exposure_mean) == (0, "at_chance", 1.5)
    assert (often.repeats, often.learned_mean, often.recited) == (16, 32, 2)
    assert (often.exposure_min, often.exposure_mean, often.exposure_max) == (20, 21, 22)
    assert often.verdict_en == "recites the numbers of 2 of 3 from their beginning alone"
    assert "3개 가운데 2개" in often.verdict_ko
