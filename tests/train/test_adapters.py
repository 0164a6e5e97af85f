"""Adapters learn beside weights that stay as they are, and leave in the form others load."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file

from hunmin import model, train
from hunmin.errors import CheckpointBroken
from hunmin.manifest import Manifest, file_sha256
from hunmin.model import load_checkpoint
from hunmin.model.checkpoint import save_model
from hunmin.model.sharded import StateReader
from hunmin.train import loop
from hunmin.train.losses import LossLog
from tests.support.worlds import planned, train_all

STEPS = 12
ADAPTED = ("q_proj", "v_proj", "down_proj")


@pytest.fixture(scope="module")
def shape(shape):
    return dataclasses.replace(shape, context_tokens=96)


@pytest.fixture(scope="module")
def base(shape, corpus, tokenizer, tmp_path_factory):
    config = train.TrainConfig(
        stage="pretrain", steps=12, batch_sequences=4, sequence_tokens=48, learning_rate=3e-3
    )
    out = tmp_path_factory.mktemp("base") / "pretrain"
    train.run(config, shape, corpus=corpus, tokenizer=tokenizer, out=out, compile_wanted=False)
    return out / "step-000012"


@pytest.fixture
def stage():
    return train.TrainConfig(
        stage="chat",
        steps=STEPS,
        batch_sequences=4,
        sequence_tokens=64,
        learning_rate=3e-2,
        lora_rank=4,
        lora_alpha=8.0,
        lora_layers=ADAPTED,
        checkpoint_every_steps=4,
        checkpoints_kept=9,
    )


@pytest.fixture
def adapt(shape, corpus, tokenizer, base, monkeypatch):
    monkeypatch.setattr("hunmin.train.device._cpu_has_bfloat16", lambda: False)
    monkeypatch.setattr(loop, "_LOG_EVERY_STEPS", 1)

    def run(stage, out):
        return train.run(
            stage, shape, corpus=corpus, tokenizer=tokenizer, out=out, base=base,
            compile_wanted=False,
        )  # fmt: skip

    return run


def losses(out):
    return [line["loss"] for line in LossLog(out).lines() if "loss" in line]


def test_only_adapters_learn_and_are_merged_at_the_end(adapt, stage, base, tmp_path):
    facts = adapt(stage, tmp_path / "run").facts

    before = load_file(base / "model.safetensors")
    after = load_file(tmp_path / "run/step-000012/model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if name.split(".")[-2] in ADAPTED}
    folder = tmp_path / "run/step-000012/adapter"
    told = json.loads((folder / "adapter_config.json").read_text())
    parts = load_file(folder / "adapter_model.safetensors")
    for name in changed:
        stem = f"base_model.model.{name.removesuffix('.weight')}"
        added = parts[f"{stem}.lora_B.weight"] @ parts[f"{stem}.lora_A.weight"]
        torch.testing.assert_close(
            after[name], before[name] + told["lora_alpha"] / told["r"] * added
        )
    assert facts["parameters"] == Manifest.read(base).facts["parameters"]
    assert facts["adapter_parameters"] == sum(part.numel() for part in parts.values())


def test_a_checkpoint_on_the_way_holds_the_adapters_alone(adapt, stage, tmp_path):
    adapt(stage, tmp_path / "run")

    way = tmp_path / "run/step-000004"
    held = StateReader(way / "state").read_metadata().state_dict_metadata
    assert len(held) > 12
    assert all(".lora_" in name for name in held)
    with pytest.raises(CheckpointBroken, match="adapters alone"):
        load_checkpoint(way)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # PEFT asks for it
def test_peft_loads_them_and_says_the_same_as_the_exported_model(adapt, stage, base, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    adapt(stage, tmp_path / "run")
    model.export(tmp_path / "run/step-000012", tmp_path / "model", name="adapted")
    (tmp_path / "base").mkdir()
    save_model(load_checkpoint(base), tmp_path / "base", eos_id=0, pad_id=3, dtype=torch.float32)
    ids = torch.arange(300, 340).reshape(1, -1)

    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    with torch.no_grad():
        without = plain(ids).logits
        adapted = PeftModel.from_pretrained(plain, tmp_path / "model/adapter")(ids).logits
        wanted = merged(ids).logits

    torch.testing.assert_close(adapted, wanted, atol=1e-4, rtol=1e-4)
    assert (without - wanted).abs().max() > 0.1


def test_on_several_processes_and_killed_adapters_end_in_the_same_bytes(
    stage, shape, corpus, tokenizer, base, tmp_path
):
    def plan(size, out, **more):
        return planned(
            size, stage, shape, corpus=corpus, tokenizer=tokenizer, out=out, base=base, **more
        )

    _, killed, _ = train_all(
        plan(2, tmp_path / "whole"),
        plan(2, tmp_path / "killed", kills=2, seed=5),
        plan(1, tmp_path / "one"),
    )

    assert (killed["ends"], killed["kills"]) == ([0, 0], 2)
    for name in ("model.safetensors", "adapter/adapter_model.safetensors"):
        last = f"step-{STEPS:06}/{name}"
        assert file_sha256(tmp_path / "killed" / last) == file_sha256(tmp_path / "whole" / last)
    assert losses(tmp_path / "one") == pytest.approx(losses(tmp_path / "whole"), rel=1e-4)


def test_preferences_are_learned_from_where_the_reference_model_is(adapt, stage, tmp_path):
    stage = dataclasses.replace(
        stage, stage="preference", steps=24, sequence_tokens=96, batch_sequences=8,
        learning_rate=5e-3, checkpoint_every_steps=24,
    )  # fmt: skip

    facts = adapt(stage, tmp_path / "run").facts

    assert losses(tmp_path / "run")[0] == pytest.approx(0.6931, abs=1e-4)
    assert facts["heldout_loss"] < 0.68


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimizer": "muon"},
        {"stage": "pretrain"},
        {"lora_layers": ("lm_head",)},
        {"lora_rank": -1},
    ],
)
def test_adapters_that_cannot_be_are_refused(stage, wrong):
    with pytest.raises(ValueError, match="adapters|lora"):
        dataclasses.replace(stage, **wrong)
