"""The order of the data is a permutation one can compute anywhere, both ways, in no memory."""

import tracemalloc
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hunmin.ledger import Order

SEEDS = st.integers(0, 2**63)


def order_of(epoch: int, *, seed: int, samples: int) -> list[int]:
    order = Order(seed=seed, samples=samples, samples_per_step=1)
    return order.at(np.arange(epoch * samples, (epoch + 1) * samples)).tolist()


@given(seed=SEEDS, epoch=st.integers(0, 1000), samples=st.integers(1, 400))
def test_every_sample_comes_exactly_once_an_epoch(seed, epoch, samples):
    assert sorted(order_of(epoch, seed=seed, samples=samples)) == list(range(samples))


@given(
    seed=SEEDS,
    samples=st.integers(1, 200),
    a_step=st.integers(1, 32),
    micro=st.integers(1, 32),
    steps=st.integers(1, 12),
)
def test_steps_cut_otherwise_show_the_same_samples_in_the_same_order(
    seed, samples, a_step, micro, steps
):
    def first(count, size):
        order = Order(seed=seed, samples=samples, samples_per_step=size)
        return np.concatenate([order.of_step(step) for step in range(count)]).tolist()

    wide = first(steps, a_step)
    assert first(-(-steps * a_step // micro), micro)[: len(wide)] == wide


@given(
    seed=SEEDS,
    samples=st.integers(1, 120),
    a_step=st.integers(1, 24),
    steps=st.integers(0, 40),
    asked=st.sets(st.integers(0, 119), max_size=5),
)
def test_the_way_back_finds_every_step_that_saw_a_sample_and_no_other(
    seed, samples, a_step, steps, asked
):
    order = Order(seed=seed, samples=samples, samples_per_step=a_step)
    wanted = {sample for sample in asked if sample < samples}

    found = order.steps_of(np.array(sorted(wanted), np.int64), steps=steps).tolist()

    assert found == [s for s in range(steps) if wanted & set(order.of_step(s).tolist())]


@given(seed=SEEDS, samples=st.integers(1, 90), a_step=st.integers(1, 24), steps=st.integers(0, 40))
def test_how_often_each_sample_was_seen_is_the_sum_of_the_steps(seed, samples, a_step, steps):
    order = Order(seed=seed, samples=samples, samples_per_step=a_step)
    counted = np.zeros(samples, int)
    for step in range(steps):
        np.add.at(counted, order.of_step(step), 1)

    assert order.times_seen(steps=steps).tolist() == counted.tolist()


def test_epochs_and_seeds_differ_in_order():
    assert order_of(0, seed=1, samples=100) != order_of(1, seed=1, samples=100)
    assert order_of(1, seed=1, samples=100) != order_of(1, seed=2, samples=100)
    assert order_of(0, seed=1, samples=100) != list(range(100))


def test_the_order_of_a_seed_never_changes():
    """A run that was started years ago must be continued, and audited, in its own order."""
    assert order_of(3, seed=1446, samples=10) == [8, 9, 5, 0, 4, 6, 3, 1, 7, 2]
    order = Order(seed=1446, samples=123_456_789, samples_per_step=4)
    assert order.of_step(98_765_432).tolist() == [18608127, 93186975, 61884480, 24028456]


def test_a_million_steps_on_any_number_of_processes_see_every_sample_once_an_epoch():
    """Each process takes its share of a step; together they take it all, in one order."""
    steps, a_step = 1_000_000, 8
    samples = steps * a_step // 4  # four whole epochs
    order = Order(seed=1446, samples=samples, samples_per_step=a_step)
    seen = np.zeros(samples, np.int8)
    for first, last in pairwise(range(0, steps + 1, 10_000)):
        indexes = np.arange(first * a_step, last * a_step).reshape(-1, a_step)
        for process in range(3):
            np.add.at(seen, order.at(indexes[:, process::3].ravel()), 1)

    assert (seen == 4).all()


def test_finding_samples_takes_no_memory_that_grows_with_the_run():
    order = Order(seed=7, samples=10**15, samples_per_step=1024)
    order.of_step(0)
    tracemalloc.start()
    try:
        step = order.of_step(10**14)
        assert order.indexes_of(step, epoch=102).tolist() == list(
            range(10**14 * 1024, 10**14 * 1024 + 1024)
        )
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
