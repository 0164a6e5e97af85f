"""S, M and L are what they are said to be, and the dial gives a possible shape for every depth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.model import (
    SIZES,
    flops_per_token,
    matmul_parameters,
    shape_of,
    shape_of_depth,
    total_parameters,
)


@pytest.mark.parametrize(
    ("name", "matmul", "total", "flops"),
    [
        ("S", 110e6, 135e6, 8.87e8),
        ("M", 394e6, 461e6, 2.97e9),
        ("L", 1.54e9, 1.68e9, 1.21e10),
    ],
)
def test_named_sizes_have_their_parameters_and_cost(name, matmul, total, flops):
    shape = SIZES[name]

    assert matmul_parameters(shape) == pytest.approx(matmul, rel=0.01)
    assert total_parameters(shape) == pytest.approx(total, rel=0.01)
    assert flops_per_token(shape, shape.context_tokens) == pytest.approx(flops, rel=0.01)


def test_the_smallest_named_size_is_a_point_of_the_dial():
    assert shape_of("12") == SIZES["S"]
    assert (SIZES["S"].layers, SIZES["S"].width, SIZES["S"].feed_forward_width) == (12, 768, 2048)


@given(depth=st.integers(1, 128))
def test_a_deeper_model_is_larger_and_all_of_it_divides(depth):
    shape, deeper = (shape_of_depth(one, vocab_size=4096) for one in (depth, depth + 1))

    assert deeper.width >= shape.width
    assert total_parameters(deeper) > total_parameters(shape)
    assert flops_per_token(deeper, 256) > flops_per_token(shape, 256)
    assert shape.width == shape.heads * shape.head_width
    assert shape.feed_forward_width % 64 == 0
    assert 0 <= shape.feed_forward_width - 8 * shape.width / 3 < 64
    assert 0 <= shape.width - 64 * depth < 256


def test_a_size_takes_another_vocabulary_and_context():
    shape = shape_of("l", vocab_size=4096, context_tokens=256)

    assert (shape.layers, shape.vocab_size, shape.context_tokens) == (28, 4096, 256)


@pytest.mark.parametrize("name", ["XL", "0", "-3", "", "1.5"])
def test_there_is_no_other_size(name):
    with pytest.raises(ValueError, match="S, M, L or a depth"):
        shape_of(name)
