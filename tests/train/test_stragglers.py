"""Who holds up the others is named, with the phase; who is slow once is not."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hunmin.train.losses import LossLog
from hunmin.train.phases import PHASES, PhaseClock, StepTimes
from hunmin.train.stragglers import (
    SECONDS_MIN,
    STEP_SHARE_MIN,
    WINDOW_STEPS,
    Stragglers,
    late,
    seconds_over,
)
from tests.support.slow import Slow
from tests.support.worlds import Faults, planned, train_all

OWN = np.array([0.01, 0.1, 0.2, 0.02])


class Told:
    """A world whose other processes are told what to say."""

    size = 4

    def __init__(self):
        self.others = [OWN] * 3

    def numbers_of_all(self, values):
        sequences, whole = values[:2]
        return [list(values), *([sequences, whole, *own] for own in self.others)]


@pytest.fixture
def watched():
    clock, world = PhaseClock(torch.device("cpu")), Told()
    stragglers = Stragglers(clock, world, ["a", "a", "b", "b"])

    def do_steps(count, own=OWN, others=()):
        world.others = [*others, *[OWN] * (3 - len(others))]
        changes = []
        for step in range(count):
            clock.last = StepTimes(tuple(own), whole=0.5, sequences=2)
            changes += [(step, change) for change in stragglers.after_step()]
        return changes

    return do_steps


def over(phase, seconds):
    return OWN + seconds * (np.array(PHASES) == phase)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("before", range(0, WINDOW_STEPS, 5))
def test_whoever_sleeps_each_step_is_named_within_fifty_steps(watched, phase, before):
    watched(before)
    changes = watched(50, others=[over(phase, 0.2)])

    assert len(changes) == 1
    assert changes[0][1].to_json() == {
        "event": "straggler",
        "process": 1,
        "host": "a",
        "phase": phase,
        "seconds_over": pytest.approx(0.2),
    }


def test_a_straggler_is_told_of_once_and_again_when_it_keeps_up(watched):
    watched(40, others=[over("forward", 0.2)])

    assert watched(100, others=[over("forward", 0.2)]) == []
    (change,) = [change for _, change in watched(100)]
    assert change.to_json()["event"] == "straggler_keeps_up"
    assert watched(100) == []


def test_another_phase_is_told_of_too(watched):
    watched(40, others=[over("data", 0.2)])

    changes = [change.phase for _, change in watched(100, others=[over("optimizer", 0.3)])]

    assert changes[-1] == "optimizer"


def test_a_single_slow_moment_names_nobody(watched):
    assert watched(WINDOW_STEPS, own=over("data", 3.0)) == []
    assert watched(100) == []


@given(
    seconds=st.lists(st.floats(0, 10), min_size=1, max_size=12), step_seconds=st.floats(0.01, 10)
)
def test_at_most_half_of_the_processes_are_late_in_a_phase(seconds, step_seconds):
    own_PF = np.array(seconds)[:, None]

    late_P = late(seconds_over(own_PF, [1] * len(seconds)), step_seconds)

    assert late_P.sum() <= len(seconds) / 2


@given(share=st.floats(0, STEP_SHARE_MIN * 0.9), sequences=st.lists(st.integers(1, 3), min_size=2))
def test_whoever_has_more_to_do_is_compared_with_its_like(share, sequences):
    own_PF = np.array([[0.0, 0.1 * count, 0.2 * count, 0.0] for count in sequences])
    own_PF[0, 1] += min(share, SECONDS_MIN * 0.9)

    assert not late(seconds_over(own_PF, sequences), 1.0).any()


def test_in_every_phase_the_slow_process_is_named_and_no_other(
    stage, shape, corpus, tokenizer, tmp_path
):
    # Every kind of exchange takes part: between shards and replicas, in Muon, for the balance loss.
    stage = dataclasses.replace(stage, steps=49, optimizer="muon", checkpoint_every_steps=100)
    shape = dataclasses.replace(
        shape, feed_forward_width=0, experts=4, experts_per_token=2, expert_width=32
    )
    slow = [
        Slow((2 * number + 1) % 4, phase, first=12 * number, last=12 * number + 11, seconds=0.1)
        for number, phase in enumerate(PHASES)
    ]
    told = train_all(
        planned(
            4,
            stage,
            shape,
            corpus=corpus,
            tokenizer=tokenizer,
            out=tmp_path / "run",
            faults=Faults(slow=slow),
            replicas=2,
        )
    )[0]

    assert told["ends"] == [0] * 4, told["said"]
    lines = [line for line in LossLog(tmp_path / "run").lines() if "event" in line]
    named = [(one["process"], one["phase"]) for one in lines if one["event"] == "straggler"]
    assert named == [(one.process, one.phase) for one in slow]
    assert all(0.07 < one.get("seconds_over", 0.1) < 0.3 for one in lines)
    assert re.search(
        r"process 1 on .* holds up the others by 0\.\d+ s a step \(data\)", told["said"]
    )
