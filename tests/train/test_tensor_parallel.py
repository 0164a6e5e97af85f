"""Layers computed by several processes together: the same losses, whatever the layout."""

import dataclasses

import pytest

from hunmin import train
from hunmin.errors import TensorUnfit
from tests.support.learned import assert_learned_alike
from tests.support.worlds import Faults, run_program, train_all, with_all_that_is_parted

STEPS = 4


COMPILED = """
import functools, os, sys, torch
import torch.multiprocessing as mp
from hunmin.model import ModelConfig
from hunmin.train.device import Device
from hunmin.train.head_loss import HeadLoss
from hunmin.train.learner import Penalties, build_learner, initialize, whole_on_cpu
from hunmin.train.world import World, join_world

SHAPE = ModelConfig(vocab_size=64, context_tokens=16, layers=1, width=16, heads=4,
    key_value_heads=2, head_width=8, feed_forward_width=32)

def part(rank, size, port):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": str(rank),
                   "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    device = Device(torch.device("cpu"), bfloat16=False, compiled=False, recomputes=True)
    ids = torch.arange(48).reshape(3, 16)
    targets = ids.roll(-1, 1).masked_fill(ids % 7 == 0, -100)
    segments = (torch.arange(16) // 6).expand(3, -1)
    with join_world(tensor=size) as world:
        parted, whole = (build_learner(SHAPE, device, one) for one in (world, World()))
        for block in parted.transformer.model.layers:
            block.compile(backend="aot_eager")
        compiler = functools.partial(torch.compile, backend="aot_eager")
        parted.head_loss = HeadLoss(compiler, tokens_max=20)
        found = []
        for learner in (parted, whole):
            initialize(learner, 1)
            loss, penalty = learner(ids, targets, segments, penalties=Penalties(z_loss=0.1))
            (loss + penalty).backward()
            gradients = {name: whole_on_cpu(one.grad) for name, one in learner.named_parameters()}
            found.append((loss.detach(), penalty.detach(), gradients))
        torch.testing.assert_close(*found)

if __name__ == "__main__":
    size = int(sys.argv[1])
    mp.start_processes(part, (size, sys.argv[2]), nprocs=size, start_method="fork")
"""


@pytest.fixture
def stage(stage):
    return with_all_that_is_parted(stage, steps=STEPS, checkpoint_every_steps=2)


def test_layers_parted_among_processes_learn_what_whole_ones_do(stage, plan, tmp_path):
    small = dataclasses.replace(stage, micro_batch_sequences=1)
    plans = {
        "one": plan(1, stage, tmp_path / "one"),
        "replicas": plan(
            4, small, tmp_path / "replicas", tensor=2, replicas=2, recompute_activations=True
        ),
        # Each block of rows is parted once more, among three processes that do not divide it.
        "shards": plan(6, stage, tmp_path / "shards", tensor=2),
    }

    told = train_all(*plans.values())

    for (name, planned_run), one in zip(plans.items(), told, strict=True):
        assert one["ends"] == [0] * planned_run["size"], one["said"]
        assert_learned_alike(tmp_path / name, tmp_path / "one", steps=STEPS)


def test_stopped_on_one_layout_a_run_goes_on_on_another_with_the_same_losses(
    stage, plan, shape, tmp_path
):
    stage = dataclasses.replace(stage, optimizer="adamw")
    heads = dataclasses.replace(shape, heads=8, key_value_heads=4, head_width=8)
    layouts = [(4, 2), (4, 1), (4, 4), (1, 1)]

    _, *told = train_all(
        plan(1, stage, tmp_path / "whole", heads),
        *(
            plan(
                size, stage, tmp_path / "run", heads,
                # Each but the last is stopped after one step.
                tensor=tensor, faults=Faults(told={str(step): 0} if step + 1 < STEPS else {}),
            )
            for step, (size, tensor) in enumerate(layouts)
        ),
    )  # fmt: skip

    assert [one["ends"] for one in told] == [[130] * 4] * 3 + [[0]], told[-1]["said"]
    assert_learned_alike(tmp_path / "run", tmp_path / "whole", steps=STEPS)


def test_compiled_layers_parted_among_processes_have_the_gradients_of_whole_ones(tmp_path):
    (tmp_path / "compiled.py").write_text(COMPILED)

    run_program(tmp_path / "compiled.py", 2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"key_value_heads": 1}, "key_value_heads = 1"),
        ({"feed_forward_width": 63}, "feed_forward_width = 63"),
        ({"vocab_size": 641}, "vocab_size = 641"),
        (
            {"feed_forward_width": 0, "experts": 4, "experts_per_token": 2, "expert_width": 8},
            "experts = 4",
        ),
    ],
)
def test_a_shape_that_cannot_be_parted_is_refused_by_name(
    stage, shape, corpus, tokenizer, tmp_path, change, told
):
    shape = dataclasses.replace(shape, **change)

    with pytest.raises(TensorUnfit, match=told):
        train.run(stage, shape, corpus=corpus, tokenizer=tokenizer, out=tmp_path / "run", tensor=2)

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sequence_tokens": 47}, "sequence_tokens = 47"),
        ({"stage": "preference"}, "stage = preference"),
        ({"stage": "chat", "optimizer": "adamw", "lora_rank": 2}, "lora_rank = 2"),
    ],
)
def test_a_stage_that_cannot_be_parted_is_refused_too(
    stage, shape, corpus, tokenizer, tmp_path, change, told
):
    stage = dataclasses.replace(stage, **change)

    with pytest.raises(TensorUnfit, match=told):
        train.run(stage, shape, corpus=corpus, tokenizer=tokenizer, out=tmp_path / "run", tensor=2)
