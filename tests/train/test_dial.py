"""A plan follows from a size alone, and says what the run really takes."""

import dataclasses
import inspect
import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hunmin.__main__ import load_command
from hunmin.model import SIZES, Transformer, matmul_parameters, shape_of_depth
from hunmin.train.budget import MFU, Budget
from hunmin.train.dial import TOKENS_PER_PARAMETER, plan
from hunmin.train.optimizers import build_optimizers
from hunmin.train.planning_commands import ladder_command, plan_command


def tokens_of(stage):
    return stage.steps * stage.batch_sequences * stage.sequence_tokens


@given(
    depth=st.integers(1, 48),
    ratio=st.floats(1, 200),
    context=st.sampled_from([96, 256, 2048, 4096]),
)
def test_a_plan_learns_from_the_tokens_asked_for_in_batches_that_divide(depth, ratio, context):
    shape = shape_of_depth(depth, vocab_size=4096, context_tokens=context)

    stage = plan(shape, tokens_per_parameter=ratio)

    wanted = ratio * matmul_parameters(shape)
    assert abs(tokens_of(stage) - wanted) <= stage.batch_sequences * context / 2
    assert math.log2(stage.batch_sequences).is_integer()
    assert stage.batch_sequences % stage.micro_batch_sequences == 0
    assert 0 < stage.weight_decay < 2


@given(depth=st.integers(1, 48))
def test_a_deeper_model_learns_longer_from_larger_batches_at_a_lower_rate(depth):
    stage, deeper = (plan(shape_of_depth(one, vocab_size=4096)) for one in (depth, depth + 1))

    assert tokens_of(deeper) > tokens_of(stage)
    assert deeper.batch_sequences >= stage.batch_sequences
    assert deeper.learning_rate < stage.learning_rate


def test_at_the_named_sizes_the_laws_give_what_is_customary():
    """Found apart from each other, they meet at the weight decay everybody uses."""
    for shape in SIZES.values():
        stage = plan(shape)

        assert 0.05 < stage.weight_decay < 0.2
        assert 5e-4 < stage.learning_rate < 4e-3


@pytest.mark.parametrize("ratio", [0, -1, math.nan])
def test_no_text_at_all_is_refused(ratio):
    with pytest.raises(ValueError, match="more than 0"):
        plan(SIZES["S"], tokens_per_parameter=ratio)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("mixture", [False, True])
def test_memory_is_that_of_the_weights_gradients_and_optimizers(optimizer, mixture):
    shape = shape_of_depth(2, vocab_size=512, context_tokens=32)
    if mixture:
        shape = dataclasses.replace(
            shape, feed_forward_width=0, experts=3, experts_per_token=2, expert_width=24
        )
    stage = dataclasses.replace(plan(shape), optimizer=optimizer)
    model = Transformer(shape)
    model.initialize(1)
    optimizers = build_optimizers(model, stage, bfloat16=False)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    for each in optimizers:
        each.step()
    held = sum(
        tensor.nbytes
        for each in optimizers
        for state in each.state.values()
        for name, tensor in state.items()
        if name != "step"
    )
    weights = sum(weight.nbytes for weight in model.parameters())

    budget = Budget.of(shape, stage)

    assert budget.model_bytes == weights
    assert budget.checkpoint_bytes == weights + held
    assert budget.state_bytes == 2 * weights + held
    unused = 2 * 3 * 128 * 24 if mixture else 0
    assert budget.active_parameters == budget.parameters - unused


def test_gpu_hours_are_the_arithmetic_over_what_the_gpus_do():
    budget = Budget.of(SIZES["L"], plan(SIZES["L"]))

    assert budget.flops == pytest.approx(1.21e10 * 20 * 1.54e9, rel=0.01)
    assert budget.gpu_hours("H100", mfu=0.5) == pytest.approx(budget.flops / (989e12 * 0.5) / 3600)


def test_the_command_prints_a_column_for_each_size(capsys):
    load_command("train").main(["plan", "S", "20", "--gpus", "16"], standalone_mode=False)

    table = capsys.readouterr().out
    assert table.splitlines()[0].split() == ["size", "S", "20"]
    assert "110 M" in table
    assert "time on 16 H200" in table


def test_the_command_prints_every_number_for_programs(capsys):
    load_command("train").main(
        ["plan", "4", "--vocabulary", "4096", "--json"], standalone_mode=False
    )

    (told,) = json.loads(capsys.readouterr().out)
    assert told["model"]["vocab_size"] == 4096
    assert told["gpu_hours"]["H100"] > told["gpu_hours"]["B200"]


def test_what_the_commands_take_by_default_is_what_the_functions_take():
    by_default = {
        name: parameter.default
        for command in (ladder_command, plan_command)
        for name, parameter in inspect.signature(command).parameters.items()
    }

    assert by_default["tokens_per_parameter"] == TOKENS_PER_PARAMETER
    assert by_default["mfu"] == MFU
