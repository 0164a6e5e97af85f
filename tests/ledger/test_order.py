"""The order of the data is a permutation one can compute anywhere, one number at a time."""

from hypothesis import given
from hypothesis import strategies as st

from hunmin.train.order import sample_at, samples_of_step

SEEDS = st.integers(0, 2**63)


@given(seed=SEEDS, epoch=st.integers(0, 1000), samples=st.integers(1, 400))
def test_every_sample_comes_exactly_once_an_epoch(seed, epoch, samples):
    seen = [sample_at(i, seed=seed, epoch=epoch, samples=samples) for i in range(samples)]

    assert sorted(seen) == list(range(samples))


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
    wide = [
        pair
        for step in range(steps)
        for pair in samples_of_step(step, seed=seed, samples=samples, samples_per_step=a_step)
    ]
    narrow = [
        pair
        for step in range(-(-steps * a_step // micro))
        for pair in samples_of_step(step, seed=seed, samples=samples, samples_per_step=micro)
    ]

    assert narrow[: len(wide)] == wide


def test_epochs_and_seeds_differ_in_order():
    def order(seed: int, epoch: int) -> list[int]:
        return [sample_at(i, seed=seed, epoch=epoch, samples=100) for i in range(100)]

    assert order(1, 0) != order(1, 1) != order(2, 1)
    assert order(1, 0) != list(range(100))


def test_the_order_of_a_seed_never_changes():
    """A run that was started years ago must be continued, and audited, in its own order."""
    order = [sample_at(i, seed=1446, epoch=3, samples=10) for i in range(10)]

    assert order == [8, 9, 5, 0, 4, 6, 3, 1, 7, 2]
