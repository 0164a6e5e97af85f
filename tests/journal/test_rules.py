"""State, time left, and the points that a small plot keeps, for whatever numbers there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.journal import keep_extremes
from hunmin.journal.rules import (
    Signs,
    mfu,
    seconds_left,
    seconds_per_step,
    silent_seconds_max,
    state_of,
)

values = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=500).map(np.array)


@given(values=values, buckets=st.integers(1, 40))
def test_a_small_plot_keeps_ends_and_extremes(values, buckets):
    kept = keep_extremes(values, buckets)

    assert len(kept) <= max(len(values), 0)
    assert len(kept) <= 4 * buckets
    assert (np.diff(kept) > 0).all()
    known = values[~np.isnan(values)] if len(values) else values
    if len(values):
        assert (kept[0], kept[-1]) == (0, len(values) - 1)
    if len(known):
        assert known.min() in values[kept]
        assert known.max() in values[kept]


@given(
    pace=st.floats(0.01, 1000),
    points=st.integers(2, 80),
    pause=st.floats(0, 1e5),
    left=st.integers(0, 10_000),
)
def test_the_time_left_is_that_of_the_pace_since_the_last_break(pace, points, pause, left):
    steps = 10.0 * np.arange(1, points + 1)
    at = 1e9 + pause + pace * steps
    step = int(steps[-1])

    found = seconds_per_step(steps, at)
    told = seconds_left(step=step, steps=step + left, seconds_a_step=found, since_point=0)

    assert found == pytest.approx(pace, rel=1e-3)
    assert told == pytest.approx(left * pace, rel=1e-3)


@given(since=st.floats(-10, 1e6), left=st.integers(0, 1000))
def test_the_time_left_is_never_below_nothing(since, left):
    told = seconds_left(step=0, steps=left, seconds_a_step=2.0, since_point=since)

    assert told is not None
    assert 0 <= told <= 2.0 * left


def test_without_two_moments_there_is_no_pace_and_no_time_left():
    nan = float("nan")
    assert seconds_per_step(np.array([10.0]), np.array([1e9])) is None
    assert seconds_per_step(np.array([10.0, 20.0]), np.array([nan, nan])) is None
    assert seconds_per_step(np.array([10.0, 20.0]), np.array([1e9, 1e9])) is None
    assert seconds_left(step=1, steps=2, seconds_a_step=None, since_point=0) is None


def test_mfu_is_left_out_where_the_peak_is_not_known():
    known = {"flops_per_token": 1e9, "processes": 2}

    assert mfu(494_500, **known, peak_flops_per_second=989e12) == pytest.approx(0.25)
    assert mfu(494_500, **known, peak_flops_per_second=None) is None


def signs(**more):
    usual = {
        "finished": False,
        "life_event": "started",
        "life_at": 1000.0,
        "locked_at": 990.0,
        "stalled_at": None,
        "point_times": [1100.0, 1110.0, 1120.0],
    }
    return Signs(**{**usual, **more})


@pytest.mark.parametrize(
    ("more", "now", "state"),
    [
        ({}, 1125, "running"),
        ({}, 1239, "running"),
        ({}, 1241, "stalled"),
        ({"stalled_at": 1130.0}, 1131, "stalled"),
        ({"stalled_at": 900.0}, 1125, "running"),  # of an earlier start
        ({"locked_at": None}, 1125, "stopped"),
        ({"life_event": "stopped", "life_at": 1121.0}, 1125, "stopped"),
        ({"life_event": "failed", "life_at": 1121.0}, 9999, "failed"),
        # Started again, and still reading its data.
        ({"life_event": "stopped", "life_at": 1121.0, "locked_at": 1200.0}, 2900, "running"),
        ({"life_event": "finished"}, 9999, "finished"),
        ({"finished": True, "life_event": None, "locked_at": None}, 9999, "finished"),
        ({"life_event": None, "locked_at": None, "point_times": []}, 1125, "stopped"),
        ({"point_times": []}, 2799, "running"),  # it compiles
        ({"point_times": []}, 2801, "stalled"),
    ],
)
def test_the_state_of_a_run(more, now, state):
    assert state_of(signs(**more), now=now) == state


@given(gap=st.floats(0.1, 1e5), points=st.integers(2, 30))
def test_a_slow_run_may_be_silent_for_longer(gap, points):
    assert silent_seconds_max(gap * np.arange(points)) == pytest.approx(max(120, 6 * gap))
