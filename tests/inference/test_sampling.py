"""How a token is chosen from logits."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin.inference.backend import Request
from hunmin.inference.sampling import Sampler

LOGITS = np.array([3.0, 2.0, 1.0, 0.0, -1.0], dtype=np.float32)


def sampler(prompt=(), **values):
    return Sampler(Request(1, list(prompt), 100, [], **({"seed": 0, "temperature": 1.0} | values)))


def softmax(logits_V):
    chances_V = np.exp(logits_V - logits_V.max())
    return (chances_V / chances_V.sum()).tolist()


def shares(draws=4000, **values):
    """How often each token is drawn first, over many seeds."""
    counts = Counter(sampler(**values | {"seed": seed}).choose(LOGITS) for seed in range(draws))
    return [counts[token] / draws for token in range(len(LOGITS))]


def test_draws_follow_the_probabilities():
    assert shares() == pytest.approx(softmax(LOGITS), abs=0.03)


def test_temperature_flattens_them():
    expected = softmax(LOGITS / 2)

    assert shares(temperature=2.0) == pytest.approx(expected, abs=0.03)


def test_top_k_keeps_the_most_probable():
    expected = [*softmax(LOGITS[:2]), 0, 0, 0]

    assert shares(top_k=2) == pytest.approx(expected, abs=0.03)


def test_top_p_keeps_the_smallest_set_that_is_more_probable_than_it():
    # 0.636 + 0.234 is past 0.7; the third is not needed
    expected = [*softmax(LOGITS[:2]), 0, 0, 0]

    assert shares(top_p=0.7) == pytest.approx(expected, abs=0.03)


@given(
    st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=20),
    st.integers(0, 2**32 - 1),
    st.floats(0.01, 5),
    st.floats(1e-6, 1),
    st.integers(0, 30),
)
@settings(max_examples=100, deadline=None)
def test_the_same_seed_draws_the_same_and_always_a_token(logits, seed, temperature, top_p, top_k):
    values = {"seed": seed, "temperature": temperature, "top_p": top_p, "top_k": top_k}
    logits_V = np.array(logits, dtype=np.float32)
    first, second = sampler(**values), sampler(**values)

    drawn = [first.choose(logits_V) for _ in range(5)]

    assert drawn == [second.choose(logits_V) for _ in range(5)]
    assert all(0 <= token < len(logits) for token in drawn)


def test_repetition_penalty_counts_the_prompt_and_what_was_said():
    chooser = sampler([0], temperature=0.0, repetition_penalty=2.0)

    assert chooser.choose(LOGITS) == 1  # 3 / 2 is less than 2
    assert chooser.choose(LOGITS) == 0  # and now 2 / 2 is less than 3 / 2


def test_frequency_penalty_grows_with_every_time_and_leaves_the_prompt_alone():
    chooser = sampler([0], temperature=0.0, frequency_penalty=0.6)

    assert [chooser.choose(LOGITS) for _ in range(4)] == [0, 0, 1, 0]


def test_presence_penalty_counts_once():
    chooser = sampler(temperature=0.0, presence_penalty=1.5)

    assert [chooser.choose(LOGITS) for _ in range(4)] == [0, 1, 0, 0]


def test_probabilities_that_are_no_numbers_end_the_self_test():
    broken = LOGITS.copy()
    broken[2] = float("nan")

    with pytest.raises(ArithmeticError):
        sampler(check=True).choose(broken)
