"""One model trained by several processes: as by one, and exact whatever happens to them."""

import dataclasses
import shutil

import pytest

from hunmin.ledger import Order, open_ledgers
from hunmin.manifest import Manifest, file_sha256
from hunmin.train.losses import LossLog
from tests.support.worlds import Faults, run_program, train_all, with_all_that_is_parted

STEPS = 30


@pytest.fixture
def stage(stage):
    return with_all_that_is_parted(stage, steps=STEPS, checkpoint_every_steps=5, checkpoints_kept=9)


def losses(out):
    return {line["step"]: line["loss"] for line in LossLog(out).lines() if "loss" in line}


def events(out):
    return [line for line in LossLog(out).lines() if "event" in line]


def last(out):
    return Manifest.read(out / f"step-{STEPS:06}")


def weights_sha256(out, step=STEPS):
    return file_sha256(out / f"step-{step:06}" / "model.safetensors")


PARTED = """
import itertools, os, sys, torch
import torch.distributed as dist
import torch.multiprocessing as mp
from hunmin.train.muon import Blocks, Muon, orthogonalize

SHAPES = ((32, 32, 5), (33, 17, 3), (16, 64, 4), (7, 9, 2), (2, 8, 1), (10, 6, 5))

def part(rank, size, port):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
                   "RANK": str(rank), "WORLD_SIZE": str(size)}
    dist.init_process_group("gloo")
    muon = Muon([torch.zeros(2, 2)], lr=1.0, dtype=torch.float32, processes=dist.group.WORLD)
    generator = torch.Generator().manual_seed(1)
    ways = [Blocks()] + ([Blocks(2, by_rows=True), Blocks(2, by_rows=False)] if size == 4 else [])
    for (rows, columns, count), blocks in itertools.product(SHAPES, ways):
        if rows % blocks.count or columns % blocks.count:
            continue
        matrices = torch.randn(count, rows, columns, generator=generator)
        def of_this_process(whole):
            place, block = divmod(rank, blocks.count)
            whole = whole.chunk(blocks.count, dim=1 if blocks.by_rows else 2)[block]
            parts = whole.chunk(size // blocks.count, dim=1)
            return parts[place] if place < len(parts) else whole[:, :0]
        found = muon._orthogonal(of_this_process(matrices), rows, blocks, dist.group.WORLD)
        torch.testing.assert_close(
            found, of_this_process(orthogonalize(matrices)), atol=1e-5, rtol=0)
    dist.destroy_process_group()

if __name__ == "__main__":
    size = int(sys.argv[1])
    mp.start_processes(part, (size, sys.argv[2]), nprocs=size, start_method="fork")
"""


PRECISION = """
import os, sys, torch
from pathlib import Path
import torch.multiprocessing as mp
from hunmin.model import ModelConfig
from hunmin.train.device import Device
from hunmin.train.learner import build_learner, initialize
from hunmin.train.world import join_world

SHAPE = ModelConfig(vocab_size=64, context_tokens=16, layers=2, width=16, heads=2,
    key_value_heads=1, head_width=8, feed_forward_width=32)

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # whole, beside the other process

def part(rank, size, port):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": str(rank),
                   "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    device = Device(torch.device("cpu"), bfloat16=True, compiled=False)
    with join_world() as world:
        learner = build_learner(SHAPE, device, world)
        initialize(learner, 1)
        block = learner.transformer.model.layers[1]
        block.register_forward_hook(lambda _, inputs, out: say("stream", out[0].dtype))
        block.mlp.up_proj.register_forward_hook(lambda _, inputs, out: say("product", out.dtype))
        ids = torch.arange(16).reshape(1, 16)
        with device.precision():
            loss, _ = learner(ids, ids, None)
        loss.backward()
        say("loss", loss.dtype, round(loss.item(), 3))
        say("gradient", block.mlp.up_proj.weight.grad.dtype)

if __name__ == "__main__":
    size = int(sys.argv[1])
    mp.start_processes(part, (size, sys.argv[2]), nprocs=size, start_method="fork")
"""


@pytest.mark.parametrize("size", [3, 4])
def test_matrices_parted_among_processes_become_orthogonal_as_whole_ones(size, tmp_path):
    (tmp_path / "parted.py").write_text(PARTED)

    run_program(tmp_path / "parted.py", size)


def test_killed_at_twenty_random_moments_a_run_ends_in_the_same_bytes(stage, plan, tmp_path):
    _, told = train_all(
        plan(4, stage, tmp_path / "whole"),
        plan(4, stage, tmp_path / "killed", kills=20, seed=1446),
    )

    assert told["kills"] == 20
    assert told["ends"] == [0, 0, 0, 0]
    assert weights_sha256(tmp_path / "killed") == weights_sha256(tmp_path / "whole")


def test_saved_on_four_a_run_goes_on_on_any_number_with_the_same_losses(stage, plan, tmp_path):
    first = train_all(plan(4, stage, tmp_path / "four", faults=Faults(told={"19": 2})))[0]
    assert first["ends"] == [130] * 4
    assert Manifest.read(tmp_path / "four/step-000020").facts["processes"] == 4
    outs = {size: tmp_path / f"on-{size}" / "four" for size in (4, 1, 2, 3, 8)}
    for out in outs.values():
        shutil.copytree(tmp_path / "four", out)

    train_all(*(plan(size, stage, out) for size, out in outs.items()))

    expected = losses(outs[4])
    assert len(expected) == STEPS
    for size, out in outs.items():
        assert losses(out) == pytest.approx(expected, rel=1e-5), f"on {size}"
        assert last(out).ledger == last(outs[4]).ledger


def test_replicas_and_micro_batches_change_nothing_but_rounding(stage, plan, tmp_path):
    small = dataclasses.replace(stage, micro_batch_sequences=1)
    train_all(
        plan(1, stage, tmp_path / "one"),
        plan(4, stage, tmp_path / "replicas", replicas=2),
        plan(2, small, tmp_path / "micro"),
    )

    assert losses(tmp_path / "replicas") == pytest.approx(losses(tmp_path / "one"), rel=1e-5)
    assert losses(tmp_path / "micro") == pytest.approx(losses(tmp_path / "one"), rel=1e-5)


def test_sizes_that_do_not_divide_the_processes_are_refused(stage, plan, tmp_path):
    tell = train_all(
        plan(3, stage, tmp_path / "run", replicas=2),
        plan(3, stage, tmp_path / "run", tensor=2),
        plan(4, stage, tmp_path / "run", tensor=2, replicas=4),
        plan(4, stage, tmp_path / "run", context=4, replicas=2),
    )

    for told in tell:
        assert not any(code == 0 for code in told["ends"])
        assert "LayoutUnfit" in told["said"]


def test_bad_steps_are_skipped_by_all_and_a_restart_judges_alike(stage, plan, tmp_path):
    stage = dataclasses.replace(stage, steps=60)
    spoiled = {"poisoned": {"45": 1000.0}, "nan_gradient": {"20": 1}}
    _, told = train_all(
        plan(2, stage, tmp_path / "whole", faults=Faults(**spoiled)),
        # Stopped when the guard has seen enough to judge, it must remember it at the bad step.
        plan(2, stage, tmp_path / "again", faults=Faults(**spoiled, told={"41": 1}), starts_max=2),
    )

    assert (told["starts"], told["ends"]) == (2, [0, 0])
    skipped = [line for line in events(tmp_path / "whole") if line["event"] == "skipped"]
    assert [line["step"] for line in skipped] == [21, 46]
    assert all(len(line["samples"]) == stage.batch_sequences for line in skipped)
    assert sorted(losses(tmp_path / "whole")) == [n for n in range(1, 61) if n not in {21, 46}]
    assert weights_sha256(tmp_path / "again", 60) == weights_sha256(tmp_path / "whole", 60)
    facts = Manifest.read(tmp_path / "whole/step-000060").facts
    assert facts["tokens_seen"] == 58 * stage.batch_sequences * stage.sequence_tokens
    ledger = open_ledgers(tmp_path / "whole/step-000060")[0]
    assert ledger.of_step(21).num_rows == 0
    assert ledger.of_step(22).num_rows > 0


def test_after_three_bad_steps_a_run_goes_back_and_on_behind_the_bad_data(stage, plan, tmp_path):
    short = dataclasses.replace(stage, steps=5)
    train_all(plan(1, short, tmp_path / "short"))
    record = Manifest.read(tmp_path / "short/step-000005").ledger
    order = Order(record.seed, record.samples, record.samples_per_step)
    bad = {f"sample-{order.of_step(step)[0]}": 0 for step in (12, 13, 14)}

    told_to_stop = Faults(nan_gradient=bad, told={"14": 1})
    _, told = train_all(
        plan(2, stage, tmp_path / "run", faults=Faults(nan_gradient=bad)),
        plan(2, stage, tmp_path / "stopped", faults=told_to_stop, starts_max=2),
    )

    assert (told["starts"], told["ends"]) == (2, [0, 0])
    assert "AssertionError" not in told["said"], "it stops in order after it went back"
    assert weights_sha256(tmp_path / "stopped") == weights_sha256(tmp_path / "run")
    rollback = [line for line in events(tmp_path / "run") if line["event"] == "rollback"]
    assert len(rollback) == 1
    assert rollback[0]["data_steps_left_out"] == [10, 15]
    assert [line["step"] for line in rollback[0]["skipped"]] == [13, 14, 15]
    assert all(len(line["samples"]) == 4 for line in rollback[0]["skipped"])
    assert sorted(losses(tmp_path / "run")) == list(range(1, STEPS + 1))
    assert [one.model_dump() for one in last(tmp_path / "run").ledger.learned()] == [
        {"step": 0, "data_step": 0, "steps": 10},
        {"step": 10, "data_step": 15, "steps": STEPS - 10},
    ]


def test_a_run_that_only_gets_worse_ends_and_says_so(stage, plan, tmp_path):
    bad = {str(step): 0 for step in range(7, STEPS)}

    told = train_all(plan(2, stage, tmp_path / "run", faults=Faults(nan_gradient=bad)))[0]

    assert told["ends"] != [0, 0]
    assert "TrainingUnstable" in told["said"]
    assert "step-000005" in told["said"]


def test_a_process_that_hangs_ends_the_run_with_the_stacks_of_all(stage, plan, tmp_path):
    told = train_all(
        plan(
            3,
            stage,
            tmp_path / "run",
            faults=Faults(hangs={"8": 1}),
            stalled_after_seconds=12.0,
            starts_max=2,
        )
    )[0]

    assert told["starts"] == 2
    assert told["ends"] == [0, 0, 0]
    stacks = [(tmp_path / f"run/stalled/rank-{rank}.txt").read_text() for rank in range(3)]
    assert all("stepping.py" in one and "step 8" in one for one in stacks)
    assert any("process 1, pid" in one and "stopped (T)" in one for one in stacks)


def test_a_process_that_hangs_between_two_steps_ends_the_run_too(stage, plan, tmp_path):
    told = train_all(
        plan(
            2,
            stage,
            tmp_path / "run",
            faults=Faults(hangs_between={"10": 1}, storage_seconds_max=1.0),
            stalled_after_seconds=6.0,
            starts_max=2,
        ),
        timeout=120,
    )[0]

    assert (told["starts"], told["ends"]) == (2, [0, 0])
    assert "_begin_checkpoint" in (tmp_path / "run/stalled/rank-0.txt").read_text()


def test_bad_steps_before_the_first_checkpoint_teach_nothing_and_end_nothing(stage, plan, tmp_path):
    bad = {str(step): 1 for step in range(4)}

    told = train_all(plan(2, stage, tmp_path / "run", faults=Faults(nan_gradient=bad)))[0]

    assert told["ends"] == [0, 0]
    assert last(tmp_path / "run").ledger.learned()[0].step == 4
    assert sorted(losses(tmp_path / "run")) == list(range(5, STEPS + 1))


def test_on_several_processes_the_layers_compute_in_the_precision_of_one(tmp_path):
    (tmp_path / "precision.py").write_text(PRECISION)

    said = [run_program(tmp_path / "precision.py", size) for size in (1, 2)]

    assert set(said[0].splitlines()) == set(said[1].splitlines())
    assert "stream torch.float32" in said[0]
    assert "product torch.bfloat16" in said[0]


def test_a_full_disk_costs_one_checkpoint_and_no_step(stage, plan, tmp_path):
    _, told = train_all(
        plan(2, stage, tmp_path / "whole"),
        plan(2, stage, tmp_path / "run", faults=Faults(full_disk={"10": 1})),
    )

    assert told["ends"] == [0, 0]
    assert "a checkpoint could not be written" in told["said"]
    names = {path.name for path in (tmp_path / "run").glob("*step-*") if path.is_dir()}
    assert not [name for name in names if "000010" in name], "nothing half-written stays"
    assert "step-000015" in names
    assert weights_sha256(tmp_path / "run") == weights_sha256(tmp_path / "whole")
    assert [line["event"] for line in events(tmp_path / "run")][:2] == [
        "started",
        "checkpoint_failed",
    ]
