"""The preference stage: the loss of the paper, a reference one can trust, exact as the others."""

import dataclasses
import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import transformers

from hunmin import model, train
from hunmin.errors import BaseNeeded, ManifestBroken
from hunmin.ledger import Order, open_ledgers
from hunmin.manifest import Manifest, ancestors, file_sha256, manifest_sha256
from hunmin.model import load_checkpoint, load_tokenizer
from hunmin.model.checkpoint import save_model
from hunmin.train import loop
from hunmin.train.losses import LossLog
from hunmin.train.preference import PreferenceStepper
from tests.support.worlds import Faults, planned, train_all

STEPS = 12


@pytest.fixture(autouse=True)
def precise(monkeypatch):
    """Compute in float32 and log every step, so that losses can be compared."""
    monkeypatch.setattr("hunmin.train.device._cpu_has_bfloat16", lambda: False)
    monkeypatch.setattr(loop, "_LOG_EVERY_STEPS", 1)


@pytest.fixture(scope="module")
def wide(shape):
    return dataclasses.replace(shape, context_tokens=128)


@pytest.fixture(scope="module")
def base(wide, corpus, tokenizer, tmp_path_factory):
    """Give a checkpoint that knows a little."""
    config = train.TrainConfig(
        stage="chat", steps=20, batch_sequences=4, sequence_tokens=128, learning_rate=3e-3
    )
    out = tmp_path_factory.mktemp("base") / "chat"
    train.run(config, wide, corpus=corpus, tokenizer=tokenizer, out=out, compile_wanted=False)
    return out / "step-000020"


@pytest.fixture
def stage():
    return train.TrainConfig(
        stage="preference",
        steps=STEPS,
        batch_sequences=8,
        sequence_tokens=96,
        learning_rate=1e-3,
        preference_beta=0.2,
        checkpoint_every_steps=4,
        checkpoints_kept=9,
    )


@pytest.fixture
def align(wide, corpus, tokenizer, base):
    def run(stage, out, **more):
        given = {"base": base, **more}
        return train.run(
            stage, wide, corpus=corpus, tokenizer=tokenizer, out=out, compile_wanted=False, **given
        )

    return run


def lines(out, name="loss"):
    return {line["step"]: line[name] for line in LossLog(out).lines() if name in line}


def by_transformers(folder, tmp_path):
    """Return a checkpoint as transformers has it."""
    there = tmp_path / f"hub-{folder.parent.name}-{folder.name}"
    there.mkdir()
    save_model(load_checkpoint(folder), there, eos_id=0, pad_id=3, dtype=torch.float32)
    return transformers.AutoModelForCausalLM.from_pretrained(there, dtype=torch.float32).eval()


def log_probability(network, tokenizer, prompt, answer):
    """Return log pi(answer | prompt), token by token as the paper has it, and the tokens."""
    asked = model.encode_chat(tokenizer, prompt, add_generation_prompt=True)
    whole = model.encode_chat(tokenizer, [*prompt, {"role": "assistant", "content": answer}])
    end = len(whole) - whole[::-1].index(model.IM_END_ID)
    with torch.no_grad():
        logs = network(torch.tensor([whole])).logits[0].log_softmax(dim=-1)
    said = [logs[place - 1, whole[place]].item() for place in range(len(asked), end)]
    return sum(said), len(said)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_loss_is_that_of_the_papers(weight, align, stage, corpus, tokenizer, base, tmp_path):
    stage = dataclasses.replace(
        stage, steps=4, checkpoint_every_steps=3, preference_likelihood=weight
    )
    align(stage, tmp_path / "run")
    record = Manifest.read(tmp_path / "run/step-000004").ledger
    fed = set(Order(record.seed, record.samples, record.samples_per_step).of_step(3).tolist())
    places = pq.read_table(tmp_path / "run/tokens/preference/documents.parquet").to_pylist()
    ids = {row["id"] for row in places if row["samples"] and row["first_sample"] in fed}
    rows = pq.read_table(corpus / "shards/preference-00000.parquet").to_pylist()
    pairs = [row for row in rows if row["id"] in ids]
    assert len(pairs) == 4

    policy = by_transformers(tmp_path / "run/step-000003", tmp_path)
    reference = by_transformers(base, tmp_path)
    loaded = load_tokenizer(tokenizer)
    losses, margins, said = [], [], []
    for pair in pairs:
        (chosen, tokens), (rejected, _) = (
            log_probability(policy, loaded, pair["prompt"], pair[answer])
            for answer in ("chosen", "rejected")
        )
        was_chosen, was_rejected = (
            log_probability(reference, loaded, pair["prompt"], pair[answer])[0]
            for answer in ("chosen", "rejected")
        )
        margins.append(0.2 * ((chosen - was_chosen) - (rejected - was_rejected)))
        losses.append(-math.log(1 / (1 + math.exp(-margins[-1]))))
        said.append(-chosen / tokens)

    expected = np.mean(losses) + weight * np.mean(said)
    assert lines(tmp_path / "run")[4] == pytest.approx(expected, rel=1e-4)
    assert lines(tmp_path / "run", "reward_margin")[4] == pytest.approx(np.mean(margins), rel=1e-3)
    assert lines(tmp_path / "run", "chosen_loss")[4] == pytest.approx(np.mean(said), rel=1e-4)
    first = math.log(2) + weight * lines(tmp_path / "run", "chosen_loss")[1]
    assert lines(tmp_path / "run")[1] == pytest.approx(first, abs=1e-5)


def test_a_run_learns_to_tell_answers_apart_and_says_what_from(align, stage, base, tmp_path):
    stage = dataclasses.replace(stage, steps=30, checkpoint_every_steps=30)

    facts = align(stage, tmp_path / "run").facts

    assert facts["stage"] == "preference"
    assert facts["heldout_loss"] < 0.5 < lines(tmp_path / "run")[1]
    assert facts["heldout_reward_margin"] > 0.5
    assert facts["heldout_preference_accuracy"] > 0.8
    assert facts["heldout_samples"] == 10
    assert facts["heldout_ranking_accuracy"] > facts["heldout_ranking_accuracy_of_base"]
    assert facts["reference"]["base"] == manifest_sha256(base)
    assert facts["data"]["pairs"] == 59
    assert facts["data"]["pairs_too_long"] == 1
    ids_in_rows = np.load(tmp_path / "run/tokens/preference/ids.npy")
    assert 0 < facts["data"]["drop_share"] < 0.2, "one pair of sixty, whose rejected answer is long"
    assert facts["data"]["pad_share"] == pytest.approx((ids_in_rows == model.PAD_ID).mean())
    assert facts["tokens_seen"] == 30 * 8 * 96
    assert facts["epochs"] == pytest.approx(30 * 4 / 59)
    roles = {record.role: found.name for record, found in ancestors(tmp_path / "run/step-000030")}
    assert roles["base"] == "chat/step-000020"
    model.export(tmp_path / "run/step-000030", tmp_path / "model", name="aligned")
    assert "direct preference optimization" in (tmp_path / "model/README.md").read_text("utf-8")
    ledger = open_ledgers(tmp_path / "run/step-000030")[0]
    (seen,) = ledger.find(["p20"])
    assert (seen.source, len(seen.steps) > 0) == ("judged", True)
    assert ledger.find(["p33"])[0].steps == ()
    assert ledger.find(["p3"]) == []


def test_without_a_base_there_is_nothing_to_prefer_over(align, stage, tmp_path):
    with pytest.raises(BaseNeeded):
        align(stage, tmp_path / "run", base=None)

    assert not (tmp_path / "run").exists()


@pytest.fixture
def passes(monkeypatch):
    """Give the pairs that the reference model was asked about, pass by pass."""
    asked = []
    ask = PreferenceStepper.log_probabilities

    def watched(self, pairs, rows):
        asked.append(rows.tolist())
        return ask(self, pairs, rows)

    monkeypatch.setattr(PreferenceStepper, "log_probabilities", watched)
    return asked


def test_the_reference_is_worked_out_once_and_believed_by_its_hashes(
    align, stage, passes, tmp_path
):
    align(dataclasses.replace(stage, steps=1), tmp_path / "run")
    kept = tmp_path / "run/tokens/preference"
    first = (kept / "reference.f32").read_bytes()
    assert len(first) == 59 * 8
    (tmp_path / "run/step-000001").rename(tmp_path / "gone")
    passes.clear()
    align(dataclasses.replace(stage, steps=1), tmp_path / "run")
    assert passes == []
    (tmp_path / "run/step-000001/manifest.json").rename(tmp_path / "no-manifest")

    (kept / "reference.f32").write_bytes(first[:-1] + b"\1")
    align(dataclasses.replace(stage, steps=1), tmp_path / "run")
    assert [row for rows in passes for row in rows] == list(range(59))
    assert (kept / "reference.f32").read_bytes() == first

    record = json.loads((kept / "reference.json").read_bytes())
    (kept / "reference.json").write_text(json.dumps({**record, "base": "0" * 64}))
    (tmp_path / "run/step-000001/manifest.json").rename(tmp_path / "no-manifest")
    passes.clear()
    align(dataclasses.replace(stage, steps=1), tmp_path / "run")
    assert sum(map(len, passes)) == 59
    assert json.loads((kept / "reference.json").read_bytes()) == record


def test_a_reference_half_done_is_gone_on_with(align, stage, monkeypatch, tmp_path):
    align(dataclasses.replace(stage, steps=1), tmp_path / "whole")
    monkeypatch.setattr("hunmin.train.reference._KEPT_EVERY", 2)
    ask, asked = PreferenceStepper.log_probabilities, []

    def dies(self, pairs, rows):
        asked.append(int(rows[0]))
        if len(asked) == 6:
            raise KeyboardInterrupt
        return ask(self, pairs, rows)

    monkeypatch.setattr(PreferenceStepper, "log_probabilities", dies)
    with pytest.raises(KeyboardInterrupt):
        align(dataclasses.replace(stage, steps=1), tmp_path / "run")
    align(dataclasses.replace(stage, steps=1), tmp_path / "run")

    assert asked[:7] == [0, 4, 8, 12, 16, 20, 16]
    name = "tokens/preference/reference.f32"
    assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_base_that_was_changed_is_refused(align, stage, base, tmp_path):
    weights = base / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-4] + b"\0\0\0\0")
    try:
        with pytest.raises(ManifestBroken):
            align(stage, tmp_path / "run")
    finally:
        weights.write_bytes(content)


def test_on_any_number_of_processes_and_killed_the_same_pairs_teach_the_same(
    stage, wide, corpus, tokenizer, base, tmp_path
):
    def plan(size, out, stage=stage, **more):
        return planned(
            size, stage, wide, corpus=corpus, tokenizer=tokenizer, out=out, base=base, **more
        )

    few = dataclasses.replace(stage, micro_batch_sequences=2)
    bad = Faults(nan_gradient={"5": 1})
    whole, killed, three = train_all(
        plan(2, tmp_path / "whole", faults=bad),
        plan(2, tmp_path / "killed", faults=bad, kills=2, seed=3),
        plan(3, tmp_path / "three", faults=bad, stage=few, replicas=3),
    )

    assert (whole["ends"], killed["ends"], three["ends"]) == ([0, 0], [0, 0], [0, 0, 0])
    assert killed["kills"] == 2
    last = f"step-{STEPS:06}/model.safetensors"
    assert file_sha256(tmp_path / "killed" / last) == file_sha256(tmp_path / "whole" / last)
    assert sorted(lines(tmp_path / "whole")) == [n for n in range(1, STEPS + 1) if n != 6]
    for name in ("loss", "reward_margin", "preference_accuracy", "heldout_loss"):
        expected = lines(tmp_path / "whole", name)
        for out in ("three", "killed"):
            assert lines(tmp_path / out, name) == pytest.approx(expected, rel=1e-4, abs=1e-6), out
