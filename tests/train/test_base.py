"""A stage starts from the weights of its base, on any number of processes."""

import dataclasses

import pytest

from hunmin import train
from hunmin.errors import CheckpointBroken
from hunmin.train.losses import LossLog
from tests.support.worlds import planned, train_all


@pytest.fixture
def folders(corpus, tokenizer):
    return {"corpus": corpus, "tokenizer": tokenizer}


@pytest.fixture
def stage(stage):
    return dataclasses.replace(stage, steps=8, checkpoint_every_steps=4, heldout_sequences=0)


@pytest.fixture
def chat(stage):
    return dataclasses.replace(stage, stage="chat", steps=2)


def losses(run):
    return [line["loss"] for line in LossLog(run).lines() if "loss" in line]


def test_several_processes_start_from_a_base_as_one_does(stage, chat, shape, folders, tmp_path):
    base = tmp_path / "base"
    train.run(stage, shape, **folders, out=base, compile_wanted=False)
    bases = {"parts": base / "step-000004", "whole": base / "step-000008"}

    train_all(
        *(
            planned(size, chat, shape, **folders, out=tmp_path / f"{kind}-{size}", base=folder)
            for kind, folder in bases.items()
            for size in (1, 2)
        )
    )

    for kind in bases:
        one, two = (losses(tmp_path / f"{kind}-{size}") for size in (1, 2))
        assert two == pytest.approx(one, rel=1e-5)
    assert losses(tmp_path / "whole-1")[0] < losses(tmp_path / "parts-1")[0] < 6.4


def test_a_base_with_a_head_of_its_own_is_started_from(stage, chat, shape, folders, tmp_path):
    untied = dataclasses.replace(shape, tied_embeddings=False)
    base, out = tmp_path / "base", tmp_path / "run"
    run = {**folders, "compile_wanted": False}
    train.run(stage, untied, **run, out=base)

    manifest = train.run(chat, untied, **run, out=out, base=base / "step-000008")

    assert manifest.facts["loss"] < 6.4, "a new model's is 6.5"


def test_a_base_whose_weights_do_not_fit_its_config_is_refused(
    stage, chat, shape, folders, tmp_path
):
    run = {**folders, "compile_wanted": False}
    wide = dataclasses.replace(shape, feed_forward_width=96)
    for name, each in (("base", shape), ("wide", wide)):
        train.run(stage, each, **run, out=tmp_path / name)
    weights = tmp_path / "base/step-000008/model.safetensors"
    other = (tmp_path / "wide/step-000008/model.safetensors").read_bytes()

    for content, said in ((other, "another shape"), (other[:1000], "Error")):
        weights.write_bytes(content)
        with pytest.raises(CheckpointBroken, match=said):
            train.run(chat, shape, **run, out=tmp_path / "run", base=weights.parent)
