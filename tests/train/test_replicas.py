"""Replicas that are lost, and come back, alone: the others go on, and learn the same."""

import dataclasses
import math
from datetime import datetime
from itertools import pairwise

import pytest

from hunmin import train
from hunmin.errors import MeetingElsewhere, MeetingUnreachable, OutputBusy, ReplicaUnfit
from hunmin.ledger import Order, open_ledgers
from hunmin.manifest import Manifest
from hunmin.steps import lock_of, only_one
from hunmin.train.losses import LossLog
from hunmin.train.sharing import one_of_several
from tests.support.replicas import Fall, meeting, train_replicas
from tests.support.worlds import Faults, planned

STEPS = 40


@pytest.fixture(scope="module")
def out(tmp_path_factory, corpus, tokenizer, shape):
    """Train every run of this file, one replica of one process first, then the others at once."""
    out = tmp_path_factory.mktemp("replicas")
    stage = train.TrainConfig(
        stage="pretrain",
        steps=STEPS,
        batch_sequences=4,
        sequence_tokens=48,
        learning_rate=3e-3,
        optimizer="muon",
        checkpoint_every_steps=10,
        checkpoints_kept=9,
        heldout_sequences=4,
    )

    def plan(name, size=1, **more):
        return planned(size, stage, shape, **folders, out=out / name, **more)

    folders = {"corpus": corpus, "tokenizer": tokenizer}
    train_alone(stage, shape, **folders, out=out / "whole")
    ledger = last(out / "whole").ledger
    order = Order(ledger.seed, ledger.samples, ledger.samples_per_step)
    bad = {f"sample-{order.of_step(step)[0]}": math.nan for step in (12, 13, 14)}
    quick = {"patience_seconds": 4.0, "silent_seconds": 1.5}
    runs = {
        "killed": meeting(3, plan("killed"), Fall(1, 12)),
        "moments": meeting(
            3,
            plan("moments"),
            Fall(0, 13, at="exchange"),
            Fall(0, -1, at="handover", is_again=True),
            Fall(None, 20, at="checkpoint"),
            Fall(None, -1, at="end"),
            **quick,
        ),
        "hangs": meeting(2, plan("hangs", size=2), Fall(0, 12, signal="SIGSTOP"), **quick),
        "told": meeting(
            2,
            plan("told", faults=Faults(poisoned=bad, told={"25": 0, "30": 0})),
            meeting_gone=(5, 20),
            **quick,
        ),
    }
    told = train_replicas(*runs.values())
    return out, dict(zip(runs, told, strict=True))


def train_alone(stage, shape, **folders):
    """Train as anyone does, in this process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("hunmin.train.loop._LOG_EVERY_STEPS", 1)
        patched.setattr("hunmin.train.device._cpu_has_bfloat16", lambda: False)
        train.run(stage, shape, compile_wanted=False, **folders)


def losses(run):
    return {line["step"]: line["loss"] for line in LossLog(run).lines() if "loss" in line}


def events(run, name):
    return [line for line in LossLog(run).lines() if line.get("event") == name]


def last(run):
    return Manifest.read(run / f"step-{STEPS:06}")


def seconds_without_a_step(run):
    at = [datetime.fromisoformat(line["at"]) for line in LossLog(run).lines() if "loss" in line]
    return max((after - before).total_seconds() for before, after in pairwise(at))


def check_as_if_nothing_had_happened(run, whole):
    assert losses(run) == pytest.approx(losses(whole), rel=1e-5)
    assert last(run).ledger == last(whole).ledger
    (learned,), (expected,) = open_ledgers(run / last_name()), open_ledgers(whole / last_name())
    assert learned.seen() == expected.seen()


def last_name():
    return f"step-{STEPS:06}"


def test_one_replica_of_three_is_killed_and_the_others_go_on_within_ten_seconds(out):
    out, told = out

    assert told["killed"]["ends"] == [[0]] * 3
    assert told["killed"]["starts"] == [1, 2, 1]
    assert seconds_without_a_step(out / "killed") < 10.0
    (lost,) = events(out / "killed", "replica_lost")
    (joined,) = events(out / "killed", "replica_joined")
    assert lost["step"] == 12 < joined["step"]
    assert lost["replica"] != joined["replica"]
    assert (lost["processes"], joined["processes"]) == (2, 3)


def test_when_it_has_come_back_all_replicas_are_the_same_bytes(out):
    _, told = out

    assert [len(told[run]["states"]) for run in ("killed", "hangs")] == [3, 4]
    assert len(set(told["killed"]["states"])) == 1
    assert len(set(told["moments"]["states"])) == 1
    assert len(set(told["hangs"]["states"])) == 2, "each of its two processes holds a half"


def test_no_sample_is_lost_whenever_a_replica_is_killed(out):
    out, told = out

    assert told["moments"]["starts"] == [3, 2, 2]
    assert told["moments"]["ends"] == [[0]] * 3
    for run in ("killed", "moments"):
        check_as_if_nothing_had_happened(out / run, out / "whole")


def test_what_a_killed_replica_was_writing_is_never_taken_for_a_checkpoint(out):
    out, _ = out

    assert not list((out / "moments").glob("broken-*"))
    assert not list((out / "moments").glob(".step-*.partial"))
    assert not (out / "moments/step-000020").exists()


def test_one_that_hangs_is_left_out_and_joins_again_when_it_wakes(out):
    out, told = out

    assert told["hangs"]["starts"] == [1, 1]
    assert told["hangs"]["ends"] == [[0, 0]] * 2
    (lost,) = events(out / "hangs", "replica_lost")
    (joined,) = events(out / "hangs", "replica_joined")
    assert lost["replica"] == joined["replica"]
    check_as_if_nothing_had_happened(out / "hangs", out / "whole")


def test_after_bad_steps_all_replicas_go_back_together(out):
    out, told = out

    (rollback,) = events(out / "told", "rollback")
    assert (rollback["step"], rollback["from_step"]) == (10, 15)
    assert told["told"]["starts"] == [1, 1]


def test_while_the_meeting_is_gone_training_goes_on_and_finds_it_again(out):
    out, told = out

    assert sorted(losses(out / "told"))[:31] == list(range(1, 32))
    assert told["told"]["said"].count("roster 1:") == len(told) + 1
    assert told["told"]["starts"] == [1, 1]


def test_one_that_is_told_to_stop_leaves_and_the_others_go_on(out):
    out, _ = out

    (lost,) = events(out / "told", "replica_lost")
    assert lost["step"] == 26


def test_when_the_last_one_is_told_too_it_saves_and_any_run_goes_on(out, shape, corpus, tokenizer):
    out, told = out
    assert told["told"]["ends"] == [[130], [130]]
    recipe = Manifest.read(out / "told/step-000031").recipe["train"]
    stage = train.TrainConfig(**{**recipe, "betas": tuple(recipe["betas"])})

    train_alone(stage, shape, corpus=corpus, tokenizer=tokenizer, out=out / "told")

    assert [one.model_dump() for one in last(out / "told").ledger.learned()] == [
        {"step": 0, "data_step": 0, "steps": 10},
        {"step": 10, "data_step": 15, "steps": STEPS - 10},
    ]


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"stage": "preference"}, {}),
        ({}, {"replicas": 2}),
        ({}, {"context": 2}),
        ({}, {"deterministic": True}),
        ({}, {"meeting": "nowhere"}),
    ],
)
def test_what_replicas_cannot_do_is_refused_and_leaves_nothing(
    change, more, stage, shape, corpus, tokenizer, tmp_path
):
    with pytest.raises((ReplicaUnfit, MeetingUnreachable)):
        train.run(
            dataclasses.replace(stage, **change),
            shape,
            corpus=corpus,
            tokenizer=tokenizer,
            out=tmp_path / "run",
            **{"meeting": "127.0.0.1:1", **more},
        )

    assert not list(tmp_path.iterdir())


def test_an_ordinary_run_keeps_out_of_a_folder_replicas_train_into(tmp_path):
    out = tmp_path / "run"

    def joined(meeting="desk:1"):
        return one_of_several(out, meeting=meeting)

    with joined(), joined(), pytest.raises(OutputBusy), only_one(out):
        pass
    with only_one(out), pytest.raises(OutputBusy), joined():
        pass
    with joined():
        pass
    assert not list(tmp_path.iterdir())


def test_replicas_of_another_meeting_keep_out_of_a_folder_and_are_told_which_it_is(tmp_path):
    out = tmp_path / "run"

    def joined(meeting):
        return one_of_several(out, meeting=meeting)

    with joined("desk:1"):
        with pytest.raises(OutputBusy), only_one(out):
            pass
        with (
            pytest.raises(MeetingElsewhere, match="meet at desk:1, and .* at desk:2"),
            joined("desk:2"),
        ):
            pass
        with joined("desk:1"):
            pass
    lock_of(out).write_text("desk:1")  # left by one that was killed
    with joined("desk:2"), joined("desk:2"):
        pass
    assert not list(tmp_path.iterdir())
