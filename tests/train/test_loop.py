"""A run learns, resumes exactly, and never trusts a broken checkpoint."""

import dataclasses
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from hunmin import train
from hunmin.errors import (
    NothingToTrainOn,
    OutputBusy,
    OutputExists,
    WrongInput,
)
from hunmin.manifest import Manifest, ancestors, file_sha256
from hunmin.steps import only_one
from hunmin.train import checkpoints, runs, starting
from hunmin.train.losses import LossLog
from hunmin.train.stepping import Stepper
from tests.support import forked


def run(stage, shape, corpus, tokenizer, out, **more):
    return train.run(
        stage, shape, corpus=corpus, tokenizer=tokenizer, out=out, compile_wanted=False, **more
    )


class PowerCut(Exception):
    """What no part of a run knows of."""


def fails_at(fatal):
    """Return a step that fails at a number."""
    learn = Stepper.step

    def step(self, number, *data, **flags):
        if number == fatal:
            raise PowerCut
        return learn(self, number, *data, **flags)

    return step


def weights_sha256(out: Path, step: int) -> str:
    return file_sha256(out / f"step-{step:06}" / "model.safetensors")


def test_a_run_learns_and_records_what_it_was_made_from(stage, shape, corpus, tokenizer, tmp_path):
    stage = dataclasses.replace(stage, steps=30, checkpoint_every_steps=30)

    manifest = run(stage, shape, corpus, tokenizer, tmp_path / "run")

    losses = [line["loss"] for line in LossLog(tmp_path / "run").lines() if "loss" in line]
    assert losses[-1] < losses[0] - 0.5
    assert manifest.facts["tokens_seen"] == 30 * 4 * 48
    assert manifest.facts["heldout_loss"] < losses[0]
    made_from = {record.role: found for record, found in ancestors(tmp_path / "run/step-000030")}
    assert made_from["corpus"].sources[0].license == "CC0-1.0"
    assert made_from["tokenizer"].kind == "tokenizer"
    assert (tmp_path / "run" / "loss.svg").read_text("utf-8").startswith("<?xml")


def test_two_runs_with_one_plan_end_in_the_same_bytes(stage, shape, corpus, tokenizer, tmp_path):
    run(stage, shape, corpus, tokenizer, tmp_path / "a")
    run(stage, shape, corpus, tokenizer, tmp_path / "b")

    assert weights_sha256(tmp_path / "a", 12) == weights_sha256(tmp_path / "b", 12)


def test_another_micro_batch_gives_the_same_losses_but_for_rounding(
    stage, shape, corpus, tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr("hunmin.train.device._cpu_has_bfloat16", lambda: False)
    run(stage, shape, corpus, tokenizer, tmp_path / "whole")
    halves = dataclasses.replace(stage, micro_batch_sequences=2)
    run(halves, shape, corpus, tokenizer, tmp_path / "halves")

    whole, other = (
        [line["loss"] for line in LossLog(tmp_path / name).lines() if "loss" in line]
        for name in ("whole", "halves")
    )
    assert other == pytest.approx(whole, rel=1e-5)


def run_told_to_stop_at_6(*given):
    """Run in a process of its own, which is sent SIGTERM while it does a step."""
    learn = Stepper.step

    def stop_at_6(self, step, *data, **flags):
        if step == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        return learn(self, step, *data, **flags)

    Stepper.step = stop_at_6
    with pytest.raises(KeyboardInterrupt):
        run(*given)


def test_a_run_stopped_by_a_signal_saves_and_goes_on_exactly(
    stage, shape, corpus, tokenizer, tmp_path
):
    run(stage, shape, corpus, tokenizer, tmp_path / "whole")
    forked.call(run_told_to_stop_at_6, stage, shape, corpus, tokenizer, tmp_path / "stopped")
    assert Manifest.read(tmp_path / "stopped" / "step-000007").facts["step"] == 7

    run(stage, shape, corpus, tokenizer, tmp_path / "stopped")

    assert weights_sha256(tmp_path / "stopped", 12) == weights_sha256(tmp_path / "whole", 12)
    steps = [line["step"] for line in LossLog(tmp_path / "stopped").lines() if "loss" in line]
    assert steps == sorted(set(steps))


def test_killed_at_random_moments_a_run_ends_in_the_same_bytes(
    stage, shape, corpus, tokenizer, tmp_path
):
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    plan = dataclasses.replace(stage, steps=100, checkpoint_every_steps=5), shape
    given = {"corpus": corpus, "tokenizer": tokenizer, "compile_wanted": False}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    forked.call(train.run, *plan, **given, out=whole)

    kills = 0
    for _ in range(4):
        with forked.started(train.run, *plan, **given, out=killed) as program:
            while program.is_alive() and not list(killed.glob("step-*")):
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.6))
            program.kill()
            program.join()
            kills += program.exitcode == -signal.SIGKILL
    forked.call(train.run, *plan, **given, out=killed)

    assert kills > 0, f"no run was killed half-way, seed {seed}"
    assert weights_sha256(killed, 100) == weights_sha256(whole, 100), seed


def test_a_flipped_byte_is_noticed_and_the_checkpoint_before_is_used(
    stage, shape, corpus, tokenizer, tmp_path, monkeypatch
):
    run(stage, shape, corpus, tokenizer, tmp_path / "whole")
    out = tmp_path / "flipped"
    with monkeypatch.context() as patch:
        patch.setattr(Stepper, "step", fails_at(9))
        with pytest.raises(PowerCut):
            run(stage, shape, corpus, tokenizer, out)
    newest = max(out.glob("step-*"))
    damaged = newest / "state" / "__0_0.distcp"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)

    run(stage, shape, corpus, tokenizer, out)

    assert (out / f"broken-{newest.name}").is_dir()
    assert weights_sha256(out, 12) == weights_sha256(tmp_path / "whole", 12)


def test_a_finished_run_is_not_done_again(stage, shape, corpus, tokenizer, tmp_path, monkeypatch):
    first = run(stage, shape, corpus, tokenizer, tmp_path / "run")
    monkeypatch.delattr(runs, "Loop")  # there is nothing left that could train

    assert run(stage, shape, corpus, tokenizer, tmp_path / "run") == first


def test_a_run_folder_is_not_reused_for_another_plan(stage, shape, corpus, tokenizer, tmp_path):
    run(stage, shape, corpus, tokenizer, tmp_path / "run")

    with pytest.raises(OutputExists):
        run(
            dataclasses.replace(stage, learning_rate=1e-3),
            shape,
            corpus,
            tokenizer,
            tmp_path / "run",
        )


def test_before_its_learning_rate_falls_a_run_can_be_made_longer_or_shorter(
    stage, shape, corpus, tokenizer, tmp_path, monkeypatch
):
    longer = dataclasses.replace(stage, warmup_share=0.1, steps=20, decay_share=0.25)
    stage = dataclasses.replace(longer, warmup_share=2 / 12, steps=12)
    learn = Stepper.step
    monkeypatch.setattr(Stepper, "step", fails_at(9))
    for name in ("made-shorter", "made-longer"):
        begun = longer if name == "made-shorter" else stage
        with pytest.raises(PowerCut):
            run(begun, shape, corpus, tokenizer, tmp_path / name)
    monkeypatch.setattr(Stepper, "step", learn)

    for ended, name in ((stage, "made-shorter"), (longer, "made-longer")):
        run(ended, shape, corpus, tokenizer, tmp_path / name)
        run(ended, shape, corpus, tokenizer, tmp_path / f"whole-{name}")
        assert weights_sha256(tmp_path / name, ended.steps) == weights_sha256(
            tmp_path / f"whole-{name}", ended.steps
        )
    with pytest.raises(OutputExists):  # its learning rate has fallen
        run(longer, shape, corpus, tokenizer, tmp_path / "made-shorter")


def test_a_run_of_a_version_that_knew_fewer_settings_goes_on(
    stage, shape, corpus, tokenizer, tmp_path, monkeypatch
):
    learn = Stepper.step
    monkeypatch.setattr(Stepper, "step", fails_at(9))
    with pytest.raises(PowerCut):
        run(stage, shape, corpus, tokenizer, tmp_path / "run")
    monkeypatch.setattr(Stepper, "step", learn)
    for manifest in (tmp_path / "run").glob("step-*/manifest.json"):
        made_with = json.loads(manifest.read_bytes())
        del made_with["recipe"]["train"]["preference_likelihood"]
        manifest.write_text(json.dumps(made_with))

    run(stage, shape, corpus, tokenizer, tmp_path / "run")
    run(stage, shape, corpus, tokenizer, tmp_path / "whole")

    last = stage.steps
    assert weights_sha256(tmp_path / "run", last) == weights_sha256(tmp_path / "whole", last)


def test_only_the_newest_checkpoints_are_kept(stage, shape, corpus, tokenizer, tmp_path):
    stage = dataclasses.replace(stage, steps=20)
    run(stage, shape, corpus, tokenizer, tmp_path / "run")

    names = sorted(path.name for path in (tmp_path / "run").glob("step-*"))
    assert len(names) == 2
    assert names[-1] == "step-000020"


def test_the_chat_stage_goes_on_from_a_base_and_learns_answers(
    stage, shape, corpus, tokenizer, tmp_path
):
    run(stage, shape, corpus, tokenizer, tmp_path / "base")
    chat = dataclasses.replace(stage, stage="chat", steps=40, checkpoint_every_steps=40)
    base = tmp_path / "base" / "step-000012"

    manifest = run(chat, shape, corpus, tokenizer, tmp_path / "chat", base=base)

    losses = [line["loss"] for line in LossLog(tmp_path / "chat").lines() if "loss" in line]
    assert losses[-1] < losses[0]
    assert [record.role for record in manifest.inputs] == ["corpus", "tokenizer", "base"]
    assert manifest.facts["data"]["chats"] == 120


def test_a_base_of_another_shape_is_refused(stage, shape, corpus, tokenizer, tmp_path):
    run(stage, shape, corpus, tokenizer, tmp_path / "base")
    wider = dataclasses.replace(shape, feed_forward_width=96)

    with pytest.raises(WrongInput):
        run(
            dataclasses.replace(stage, stage="chat"),
            wider,
            corpus,
            tokenizer,
            tmp_path / "chat",
            base=tmp_path / "base" / "step-000012",
        )


def test_a_corpus_without_chats_is_refused_by_the_chat_stage(
    stage, shape, corpus, tokenizer, tmp_path
):
    stage = dataclasses.replace(stage, stage="chat", sequence_tokens=48)
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "manifest.json").write_bytes((corpus / "manifest.json").read_bytes())

    with pytest.raises(NothingToTrainOn):
        run(stage, shape, bare, tokenizer, tmp_path / "chat")


def test_two_processes_never_train_into_one_folder(stage, shape, corpus, tokenizer, tmp_path):
    with only_one(tmp_path / "run"), pytest.raises(OutputBusy):
        run(stage, shape, corpus, tokenizer, tmp_path / "run")


def test_a_run_folder_that_is_a_file_is_refused(stage, shape, corpus, tokenizer, tmp_path):
    (tmp_path / "run").write_text("mine")

    with pytest.raises(OutputExists):
        run(stage, shape, corpus, tokenizer, tmp_path / "run")


def test_held_out_text_too_short_for_a_sequence_is_done_without(
    stage, shape, corpus, tokenizer, tmp_path, monkeypatch
):
    prepare = starting.prepare

    def short(*folders, kind, **more):
        if kind == "heldout":
            raise NothingToTrainOn(corpus=corpus, needed=kind)
        return prepare(*folders, kind=kind, **more)

    monkeypatch.setattr(starting, "prepare", short)

    assert "heldout_loss" not in run(stage, shape, corpus, tokenizer, tmp_path / "run").facts


def test_checkpoints_come_by_number_and_nothing_else_is_one(tmp_path):
    names = ["step-1000000", "step-000100", "step-999999"]
    for name in [*names, "step-000200-copy", "broken-step-000300"]:
        (tmp_path / name).mkdir()

    found = [path.name for path in checkpoints._by_step(tmp_path)]

    assert found == ["step-000100", "step-999999", "step-1000000"]
