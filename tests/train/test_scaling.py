"""Laws are found again from points that follow them, and intervals hold what comes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin.train.scaling import fit, predict

FLOPS = [1e15 * 5**rung for rung in range(6)]


def losses_of(floor, rest, alpha, flops, noise=0.0, seed=0):
    draw = np.random.default_rng(seed)
    return [
        (floor + rest * (each / 1e15) ** -alpha) * math.exp(noise * draw.standard_normal())
        for each in flops
    ]


@given(
    floor=st.floats(0, 3),
    rest=st.floats(0.5, 8),
    alpha=st.floats(0.03, 0.5),
    runs=st.integers(3, 6),
)
@settings(max_examples=60)
def test_a_law_is_found_again_from_runs_that_follow_it(floor, rest, alpha, runs):
    law = fit(FLOPS[:runs], losses_of(floor, rest, alpha, FLOPS[:runs]))

    assert law.alpha == pytest.approx(alpha, rel=1e-2)
    assert law.floor == pytest.approx(floor, abs=0.02 * (floor + rest))
    for flops in FLOPS:
        assert law.loss(flops) == pytest.approx(losses_of(floor, rest, alpha, [flops])[0], rel=2e-4)


@pytest.mark.parametrize(("runs", "noise"), [(4, 0.005), (6, 0.01)])
def test_an_interval_holds_the_next_run_about_as_often_as_it_says(runs, noise):
    held = []
    for seed in range(40):
        losses = losses_of(1.7, 4.0, 0.12, [*FLOPS[: runs - 1], FLOPS[runs - 1] * 2], noise, seed)
        said = predict(FLOPS[: runs - 1], losses[:-1], target_flops=FLOPS[runs - 1] * 2)
        held.append(said.low <= losses[-1] <= said.high)

    assert np.mean(held) > 0.78, "of 90 %, with 40 tries"


def test_noisier_runs_and_farther_targets_make_wider_intervals():
    def width(noise, target_flops):
        losses = losses_of(1.7, 4.0, 0.12, FLOPS, noise, seed=3)
        said = predict(FLOPS, losses, target_flops=target_flops)
        assert said.low < said.loss < said.high
        return said.high - said.low

    assert width(0.002, FLOPS[-1] * 4) < width(0.02, FLOPS[-1] * 4)
    assert width(0.002, FLOPS[-1] * 4) < width(0.002, FLOPS[-1] * 400)


def test_one_run_that_went_wrong_moves_the_law_little():
    losses = losses_of(1.7, 4.0, 0.12, FLOPS, noise=0.002, seed=1)
    target = FLOPS[-1] * 4
    before = fit(FLOPS, losses).loss(target)
    spoiled = [*losses[:2], losses[2] * 1.3, *losses[3:]]

    assert fit(FLOPS, spoiled).loss(target) == pytest.approx(before, rel=0.03)


@given(losses=st.lists(st.floats(0.1, 20), min_size=3, max_size=6))
@settings(max_examples=15)
def test_whatever_the_losses_there_is_a_law_and_an_interval(losses):
    said = predict(FLOPS[: len(losses)], losses, target_flops=FLOPS[-1] * 10)

    assert 0 < said.low < said.loss < said.high < math.inf


def test_a_loss_that_rises_with_compute_gives_a_flat_law_and_still_an_interval():
    said = predict(FLOPS[:4], [4.0, 4.1, 4.2, 4.3], target_flops=FLOPS[4])

    assert 0 < said.low < said.loss < said.high


@given(shift=st.floats(1e-9, 1e9))
@settings(max_examples=4)
def test_the_unit_of_compute_does_not_matter(shift):
    losses = losses_of(1.7, 4.0, 0.12, FLOPS, noise=0.003)

    said = predict([each * shift for each in FLOPS], losses, target_flops=FLOPS[-1] * 4 * shift)

    assert said.loss == pytest.approx(
        predict(FLOPS, losses, target_flops=FLOPS[-1] * 4).loss, rel=1e-6
    )


@pytest.mark.parametrize("flops", [[], [1e15, 2e15], [1e15, 2e15, 2e15]])
def test_too_few_runs_give_no_law(flops):
    with pytest.raises(ValueError, match="3 unknowns"):
        fit(flops, [4.0] * len(flops))
