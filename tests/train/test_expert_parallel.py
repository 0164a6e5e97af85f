"""Whole experts on processes of their own: the same losses and gradients, whatever the layout."""

import dataclasses

import pytest

from hunmin import model, train
from hunmin.errors import ExpertParallelUnfit, LayoutUnfit
from tests.support.learned import assert_learned_alike
from tests.support.worlds import Faults, run_program, train_all

STEPS = 4

GRADIENTS = """
import os, sys, torch
import torch.multiprocessing as mp
from hunmin.model import ModelConfig
from hunmin.model.adapters import ATTENTION_LAYERS, AdapterConfig, is_adapter
from hunmin.train.device import Device
from hunmin.train.learner import Penalties, build_learner, initialize, whole_on_cpu
from hunmin.train.world import World, join_world

SHAPE = ModelConfig(vocab_size=64, context_tokens=16, layers=2, width=16, heads=4,
    key_value_heads=2, head_width=8, experts=8, experts_per_token=3, expert_width=8)
# Processes to the experts, replicas, whether layers are computed again, whether all tokens crowd.
LAYOUTS = [(4, 1, True, False), (2, 2, False, False), (2, 1, True, True)]

def one_sequence(learner, rank, ids, penalties):
    loss, penalty = learner(ids[rank:rank + 1], ids.roll(-1, 1)[rank:rank + 1], None,
                            penalties=penalties)
    (loss + penalty).backward()
    return loss.detach()

def part(rank, size, port, apart, replicas, recomputes, crowd):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": str(rank),
                   "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    ids = torch.randint(0, 64, (size, 16), generator=torch.Generator().manual_seed(2))
    device = Device(torch.device("cpu"), bfloat16=False, compiled=False, recomputes=recomputes)
    penalties = Penalties(router_z_loss=0.1)
    with join_world(expert_parallel=apart, replicas=replicas) as world:
        parted, whole = (build_learner(SHAPE, device, one) for one in (world, World()))
        for learner in (parted, whole):
            initialize(learner, 1)
            for block in learner.transformer.model.layers if crowd else ():
                block.mlp.gate.weight.detach().zero_()  # the first three experts get all
        own = one_sequence(parted, rank, ids, penalties)
        losses = [one_sequence(whole, one, ids, penalties) for one in range(size)]
        torch.testing.assert_close(own, losses[rank])
        expected = dict(whole.named_parameters())
        for name, weight in parted.named_parameters():
            found = whole_on_cpu(weight.grad) * size  # a mean over the processes
            torch.testing.assert_close(found, expected[name].grad, atol=1e-5, rtol=1e-5,
                                       msg=lambda said: f"{apart} {replicas} {name}: {said}")
        adapters = AdapterConfig(rank=2, alpha=1.0, layers=ATTENTION_LAYERS)
        adapted = build_learner(SHAPE, device, world, adapters).transformer
        for name, weight in adapted.named_parameters():
            assert weight.requires_grad == is_adapter(name), name

if __name__ == "__main__":
    size, port = map(int, sys.argv[1:])
    for number, layout in enumerate(LAYOUTS):
        mp.start_processes(part, (size, str(port + number), *layout), nprocs=size,
                           start_method="fork")
"""


@pytest.fixture
def stage(stage):
    """Give a stage in which everything that is added to the loss takes part."""
    return dataclasses.replace(
        stage, steps=STEPS, balance_loss=0.1, router_z_loss=0.01, checkpoint_every_steps=2
    )


@pytest.fixture
def mixture(shape):
    """Give a function that returns the shape of a small mixture of so many experts."""

    def of(experts, expert_width=32):
        return dataclasses.replace(
            shape,
            feed_forward_width=0,
            experts=experts,
            experts_per_token=2,
            expert_width=expert_width,
        )

    return of


def test_gradients_are_those_of_one_process_that_has_all_experts(tmp_path):
    (tmp_path / "gradients.py").write_text(GRADIENTS)

    run_program(tmp_path / "gradients.py", 4)


def test_experts_apart_learn_what_they_do_on_one_process(stage, mixture, plan, tmp_path):
    # Of six experts three lie on two processes each: two on one and one on the other; of matrices
    # whose rows are even in number each has half the rows instead.
    stage = dataclasses.replace(stage, optimizer="muon", documents_apart=True)
    shape = mixture(6, expert_width=33)

    told = train_all(
        plan(1, stage, tmp_path / "one", shape),
        plan(4, stage, tmp_path / "apart", shape, expert_parallel=2, recompute_activations=True),
    )

    assert [one["ends"] for one in told] == [[0], [0] * 4], told[0]["said"]
    assert_learned_alike(tmp_path / "apart", tmp_path / "one", steps=STEPS)


def test_stopped_on_one_layout_a_run_goes_on_on_another_with_the_same_losses(
    stage, mixture, plan, tmp_path
):
    shape = mixture(4)
    layouts = [(4, 2, 1), (4, 4, 2), (1, 1, 1)]

    _, *told = train_all(
        plan(1, stage, tmp_path / "whole", shape),
        *(
            plan(
                size, stage, tmp_path / "run", shape,
                # Each but the last is stopped after one step.
                expert_parallel=apart,
                context=context,
                faults=Faults(told={str(step): 0} if size > 1 else {}),
            )
            for step, (size, apart, context) in enumerate(layouts)
        ),
    )  # fmt: skip

    ends = [[130] * size for size, *_ in layouts[:-1]] + [[0]]
    assert [one["ends"] for one in told] == ends, told[-1]["said"]
    assert_learned_alike(tmp_path / "run", tmp_path / "whole", steps=STEPS)
    assert model.load_checkpoint(tmp_path / "run/step-000002").config == shape  # still in parts


@pytest.mark.parametrize(
    ("experts", "asked", "told"),
    [
        (0, {}, "experts = 0"),
        (6, {"expert_parallel": 4}, "experts = 6"),
        (6, {"tensor": 2}, "tensor = 2"),
    ],
)
def test_what_cannot_be_laid_out_is_refused_by_name(
    stage, shape, mixture, corpus, tokenizer, tmp_path, experts, asked, told
):
    shape = mixture(experts) if experts else shape

    with pytest.raises(ExpertParallelUnfit, match=told):
        train.run(
            stage, shape,
            corpus=corpus, tokenizer=tokenizer, out=tmp_path / "run",
            **{"expert_parallel": 2, **asked},
        )  # fmt: skip

    assert not (tmp_path / "run").exists()


def test_more_processes_for_experts_than_there_are_is_refused_by_number(
    stage, mixture, corpus, tokenizer, tmp_path
):
    out = tmp_path / "run"

    with pytest.raises(LayoutUnfit, match="1 processes .* 2 to the experts"):
        train.run(stage, mixture(6), corpus=corpus, tokenizer=tokenizer, out=out, expert_parallel=2)

    assert not out.exists()
