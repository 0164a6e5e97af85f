"""Sequences shared by several processes: the same losses, whatever the layout."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hunmin import train
from hunmin.errors import ContextUnfit
from hunmin.model import attention_kernels
from hunmin.train.context_parallel import Parts, find_documents
from tests.support.learned import assert_learned_alike
from tests.support.worlds import Faults, run_program, train_all, with_all_that_is_parted

STEPS = 4

GRADIENTS = """
import os, sys, torch
from contextlib import nullcontext
from dataclasses import replace
import torch.multiprocessing as mp
from hunmin.model import ModelConfig
from hunmin.train.context_parallel import own_parts
from hunmin.train.device import Device
from hunmin.train.learner import Penalties, build_learner, initialize, whole_on_cpu
from hunmin.train.world import World, join_world

SHAPE = ModelConfig(vocab_size=64, context_tokens=16, layers=2, width=16, heads=4,
    key_value_heads=2, head_width=8, feed_forward_width=32)
IDS = torch.arange(48).reshape(3, 16)
TARGETS = IDS.roll(-1, 1).masked_fill(IDS % 7 == 0, -100)
# Documents of 5 and of 6 tokens, and one as long as the sequence.
DOCUMENTS = torch.arange(16) // torch.tensor([[5], [6], [16]])
exchanges = []

def went_through(world, parts, documents, recomputes, compiled):
    device = Device(torch.device("cpu"), bfloat16=False, compiled=False, recomputes=recomputes)
    learner = build_learner(SHAPE, device, world)
    for block in learner.transformer.model.layers if compiled else ():
        block.compile(backend="aot_eager")
    initialize(learner, 1)
    ids, targets = (one if parts is None else parts.of(one) for one in (IDS, TARGETS))
    loss, penalty = learner(ids, targets, documents, penalties=Penalties(z_loss=0.1))
    (loss + penalty).backward()
    # Gradients are the means of those of all processes.
    gradients = {name: whole_on_cpu(weight.grad) * world.size
                 for name, weight in learner.named_parameters()}
    return world.sum([loss.item(), penalty.item()]), gradients

def part(rank, size, port, apart, recomputes, compiled):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": str(rank),
                   "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    torch.set_num_threads(1)
    documents = DOCUMENTS if apart else None
    with join_world(context=size) as world:
        world = replace(world, waiting=lambda: exchanges.append(1) or nullcontext())
        found = went_through(world, own_parts(world), documents, recomputes, compiled)
        # In each layer keys and values are gathered, once more on the way back, and gradients
        # exchanged; then sums are added up. Whoever looks for stragglers is told of each.
        assert len(exchanges) == SHAPE.layers * (3 if recomputes else 2) + 1
    whole = went_through(World(), None, documents, False, False)
    torch.testing.assert_close(found, whole, atol=1e-5, rtol=1e-5)

if __name__ == "__main__":
    for size, *what in ((4, True, True, False), (2, False, False, True)):
        mp.start_processes(part, (size, sys.argv[2], *what), nprocs=size, start_method="fork")
"""


@pytest.fixture
def stage(stage):
    return with_all_that_is_parted(stage, steps=STEPS, checkpoint_every_steps=2)


@st.composite
def shared(draw):
    """Give how many share sequences of a length, and documents in them."""
    size, part, rows = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    length = 2 * size * part
    begins = draw(
        st.lists(
            st.lists(st.booleans(), min_size=length, max_size=length), min_size=rows, max_size=rows
        )
    )
    return size, torch.tensor(begins).cumsum(dim=1)


@given(shared())
def test_parts_put_together_are_the_sequences_and_cost_each_the_same(one):
    size, whole_BT = one
    parts = [Parts(rank, size) for rank in range(size)]

    of_all = torch.stack([part.of(whole_BT) for part in parts])

    assert torch.equal(parts[0].joined(of_all.unsqueeze(-1)).squeeze(-1), whole_BT)
    places_1T = torch.arange(whole_BT.shape[1]).unsqueeze(0)
    attended = {int((part.of(places_1T) + 1).sum()) for part in parts}
    assert len(attended) == 1, "all have the same work"


@given(shared(), st.booleans())
def test_positions_and_masks_of_parts_are_those_of_the_sequences(one, apart):
    size, segments_BT = one
    ids_BT, segments = segments_BT, segments_BT if apart else None
    positions_BT, whole = attention_kernels.find_documents("sdpa", ids_BT, segments)
    everything_TT = torch.ones(2 * [ids_BT.shape[1]], dtype=torch.bool).tril()
    mask_BTT = everything_TT.unsqueeze(0) if whole.mask_B1TT is None else whole.mask_B1TT[:, 0]

    for parts in (Parts(rank, size) for rank in range(size)):
        found_BP, documents = find_documents(parts.of(ids_BT), segments, parts=parts, exchange=None)

        assert torch.equal(found_BP, parts.of(positions_BT))
        for rows_BRT, mask in zip(parts.of(mask_BTT).chunk(2, dim=1), documents.masks, strict=True):
            own_BRT = mask[:, 0] if apart else mask._materialize().unsqueeze(0)
            end = own_BRT.shape[-1]
            assert torch.equal(rows_BRT[:, :, :end], own_BRT)
            assert not rows_BRT[:, :, end:].any()


def test_processes_that_share_sequences_have_the_losses_and_gradients_of_one(tmp_path):
    (tmp_path / "gradients.py").write_text(GRADIENTS)

    run_program(tmp_path / "gradients.py", 4)


def test_stopped_on_one_layout_a_run_goes_on_on_another_with_the_same_losses(stage, plan, tmp_path):
    layouts = [
        {"context": 4},
        {"context": 2, "replicas": 2, "recompute_activations": True},
        {"context": 2, "tensor": 2},
        {},
    ]

    _, *told = train_all(
        plan(1, stage, tmp_path / "whole"),
        *(
            plan(
                4 if layout else 1, stage, tmp_path / "run",
                # Each but the last is stopped after one step.
                faults=Faults(told={str(step): 0} if layout else {}), **layout,
            )
            for step, layout in enumerate(layouts)
        ),
    )  # fmt: skip

    assert [one["ends"] for one in told] == [[130] * 4] * 3 + [[0]], told[-1]["said"]
    assert_learned_alike(tmp_path / "run", tmp_path / "whole", steps=STEPS)


def test_chats_and_mixtures_of_experts_are_shared_too(stage, shape, plan, tmp_path):
    chats = dataclasses.replace(stage, stage="chat", micro_batch_sequences=1)
    # Without a mask: no document is apart from another.
    text = dataclasses.replace(
        stage, documents_apart=False, balance_loss=0.1, router_z_loss=0.01, optimizer="adamw"
    )
    mixture = dataclasses.replace(
        shape, feed_forward_width=0, experts=4, experts_per_token=2, expert_width=16
    )
    what = {"chats": (chats, shape), "mixture": (text, mixture)}

    told = train_all(
        *(
            plan(size, of_stage, tmp_path / f"{name}-{size}", of_shape, context=size)
            for name, (of_stage, of_shape) in what.items()
            for size in (1, 2)
        )
    )

    assert [one["ends"] for one in told] == [[0], [0, 0]] * 2, told[-1]["said"]
    for name in what:
        assert_learned_alike(tmp_path / f"{name}-2", tmp_path / f"{name}-1", steps=STEPS)


@pytest.mark.parametrize(
    ("change", "layout", "told"),
    [
        ({"sequence_tokens": 42}, {"context": 2}, "sequence_tokens = 42"),
        ({"sequence_tokens": 44}, {"context": 2, "tensor": 4}, "tensor = 4"),
        ({"sequence_tokens": 44}, {"context": 2, "attention": "math"}, "attention = math"),
        ({"stage": "preference"}, {"context": 2}, "stage = preference"),
    ],
)
def test_a_stage_whose_sequences_cannot_be_shared_is_refused_by_name(
    stage, shape, corpus, tokenizer, tmp_path, change, layout, told
):
    stage = dataclasses.replace(stage, **change)
    out = tmp_path / "run"

    with pytest.raises(ContextUnfit, match=told):
        train.run(stage, shape, corpus=corpus, tokenizer=tokenizer, out=out, **layout)

    assert not out.exists()
