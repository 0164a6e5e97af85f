"""Sizes and costs told from a shape alone are those of the model, as PyTorch counts them."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from hunmin.model import (
    ModelConfig,
    Transformer,
    flops_per_token,
    matmul_parameters,
    total_parameters,
)

SHAPE = ModelConfig(
    vocab_size=512,
    context_tokens=64,
    layers=3,
    width=48,
    heads=6,
    key_value_heads=2,
    head_width=16,
    feed_forward_width=80,
)
MIXTURE = dataclasses.replace(
    SHAPE, feed_forward_width=0, experts=3, experts_per_token=2, expert_width=24
)


@given(
    layers=st.integers(1, 3),
    key_value_heads=st.sampled_from([1, 2, 6]),
    tied=st.booleans(),
    mixture=st.booleans(),
)
@settings(max_examples=12)
def test_parameters_told_from_the_shape_are_those_of_the_model(
    layers, key_value_heads, tied, mixture
):
    shape = dataclasses.replace(
        MIXTURE if mixture else SHAPE,
        layers=layers,
        key_value_heads=key_value_heads,
        tied_embeddings=tied,
    )
    with torch.device("meta"):
        model = Transformer(shape)

    assert total_parameters(shape) == sum(weight.numel() for weight in model.parameters())


@pytest.mark.parametrize("tied", [True, False])
def test_the_flops_of_a_step_are_those_pytorch_counts(tied):
    shape = dataclasses.replace(SHAPE, tied_embeddings=tied)
    model = Transformer(shape)
    model.initialize(1)
    ids_BT = torch.randint(0, 512, (2, 32), generator=torch.manual_seed(1))

    # Only attention written out as products is counted, and in whole, seen or not.
    with FlopCounterMode(display=False) as counted, sdpa_kernel(SDPBackend.MATH):
        model(ids_BT).sum().backward()

    assert counted.get_total_flops() == 2 * 32 * flops_per_token(shape, 32)


def test_only_what_computes_a_token_counts_as_work():
    whole = dataclasses.replace(MIXTURE, experts_per_token=3)
    with torch.device("meta"):
        model = Transformer(whole)
    matrices = sum(weight.numel() for weight in model.parameters() if weight.ndim > 1)

    assert matmul_parameters(whole) == matrices
    more = dataclasses.replace(whole, experts=30)
    assert matmul_parameters(more) - matmul_parameters(whole) == 3 * 48 * 27
    assert flops_per_token(more, 64) == 6 * matmul_parameters(more) + 12 * 3 * 6 * 16 * 64
