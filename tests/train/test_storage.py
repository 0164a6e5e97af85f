"""Checkpoints on storage that fails: torn, slow or read-only, no run is lost or changed by it."""

import dataclasses
import statistics
import time

import pytest

from hunmin import train
from hunmin.manifest import file_sha256
from hunmin.train.losses import LossLog
from hunmin.train.stepping import Stepper
from hunmin.train.writing import CheckpointWriter
from tests.support.storage import Storage
from tests.support.worlds import Faults, planned, train_all

STEPS = 24

PART_BYTES = 480_000
"""What a process writes of one checkpoint, about."""


@pytest.fixture(scope="module")
def told(shape, corpus, tokenizer, tmp_path_factory):
    """Train the runs of this file, so that PyTorch is loaded once; return what happened to each."""
    folder = tmp_path_factory.mktemp("storage")

    def plan(name, every, **more):
        stage = train.TrainConfig(
            stage="pretrain",
            steps=STEPS,
            batch_sequences=4,
            sequence_tokens=48,
            learning_rate=3e-3,
            checkpoint_every_steps=every,
            checkpoints_kept=3,
            heldout_sequences=0,
        )
        folders = {"corpus": corpus, "tokenizer": tokenizer, "out": folder / name}
        return planned(2, stage, shape, **folders, **more)

    usual = {"bytes_per_second": 10_000_000}
    storages = [
        Storage(process=0, first=0, last=15, **usual),
        Storage(process=1, first=8, last=8, until_left_out=True, **usual),
        Storage(process=0, first=16, last=16, read_only=True),
    ]
    first = train_all(
        plan("steady", every=STEPS),
        plan("torn", every=1, kills=20, torn_bytes=PART_BYTES, seed=1446),
        plan("failing", every=4, faults=Faults(storages=storages, storage_seconds_max=3.0)),
        plan("damaged", every=4, faults=Faults(told={"13": 0})),
    )
    assert checkpoints(folder / "damaged") == ["step-000008", "step-000012", "step-000014"]
    for step, rank in ((14, 0), (12, 1)):
        flip_a_byte(next((folder / "damaged").glob(f"step-{step:06}/state/__{rank}_*")))
    again = train_all(plan("damaged", every=4))[0]
    told = dict(zip(("steady", "torn", "failing"), first, strict=False)) | {"damaged": again}
    return {name: {**one, "run": folder / name} for name, one in told.items()}


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def checkpoints(run, begin="step-"):
    return sorted(path.name for path in run.glob(f"{begin}*"))


@pytest.mark.parametrize("name", ["torn", "failing", "damaged"])
def test_whatever_the_storage_does_a_run_ends_in_the_same_bytes(told, name):
    assert told[name]["ends"] == [0, 0], told[name]["said"]
    weights = [
        told[each]["run"] / f"step-{STEPS:06}/model.safetensors" for each in ("steady", name)
    ]

    assert file_sha256(weights[0]) == file_sha256(weights[1])


def test_killed_at_twenty_bytes_of_its_checkpoints_a_run_never_meets_a_torn_one(told):
    assert told["torn"]["kills"] == 20
    assert checkpoints(told["torn"]["run"], "broken-") == []
    assert checkpoints(told["torn"]["run"], ".step-") == []


def test_on_slow_or_read_only_storage_training_goes_on_and_the_next_is_tried(told):
    lines = LossLog(told["failing"]["run"]).lines()

    assert [line["event"] for line in lines if "event" in line] == [
        "started",
        "checkpoint_left_out",
        "checkpoint_failed",
        "finished",
    ]
    assert "the disk is too slow: a checkpoint was left out" in told["failing"]["said"]
    assert "a checkpoint could not be written" in told["failing"]["said"]
    assert checkpoints(told["failing"]["run"]) == ["step-000008", "step-000020", "step-000024"]


def test_a_damaged_part_is_seen_by_whoever_reads_it_and_all_take_the_one_before(told):
    assert checkpoints(told["damaged"]["run"], "broken-") == [
        "broken-step-000012",
        "broken-step-000014",
    ]


def test_training_stands_still_for_far_less_than_a_step_while_a_checkpoint_begins(
    stage, shape, corpus, tokenizer, tmp_path, monkeypatch
):
    # Loosely; `benchmarks/checkpoint_stall.py` measures it.
    def timed(kind, name):
        seconds, method = [], getattr(kind, name)

        def call(*data, **more):
            began = time.monotonic()
            result = method(*data, **more)
            seconds.append(time.monotonic() - began)
            return result

        monkeypatch.setattr(kind, name, call)
        return seconds

    steps, stalls = timed(Stepper, "step"), timed(CheckpointWriter, "begin")
    stage = dataclasses.replace(
        stage, steps=24, batch_sequences=16, checkpoint_every_steps=3, heldout_sequences=0
    )

    train.run(
        stage, shape, corpus=corpus, tokenizer=tokenizer, out=tmp_path / "run", compile_wanted=False
    )

    assert statistics.median(stalls) < statistics.median(steps) / 2
