"""The reinforce stage: the formulas of the papers, rewards that rise, and what it refuses."""

import dataclasses
import math
import re
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hunmin import model, train
from hunmin.audit.trace import trace_model
from hunmin.build import rounds
from hunmin.errors import BaseNeeded, RecipeBroken, RolloutsUnfit, TensorUnfit, WrongInput
from hunmin.ledger import Order, open_ledgers
from hunmin.manifest import Manifest, file_sha256
from hunmin.model import load_checkpoint
from hunmin.rollouts import RolloutsConfig, VerifierConfig, generate, score
from hunmin.rollouts.files import rows_of
from hunmin.train import loop
from hunmin.train.commands import training
from hunmin.train.losses import LossLog
from hunmin.train.reinforce import advantages, clipped_losses, divergences
from tests.support.prompts import SHAPE, write_model, write_prompts, write_tokenizer
from tests.support.worlds import planned, train_all

ASKED = RolloutsConfig(
    rounds=2,
    prompts=16,
    answers=4,
    answer_tokens_max=8,
    verifiers=(VerifierConfig(name="hangul"),),
    heldout_prompts=6,
)


@pytest.fixture(autouse=True)
def precise(monkeypatch):
    """Compute in float32 and log every step, so that losses can be compared."""
    monkeypatch.setattr("hunmin.train.device._cpu_has_bfloat16", lambda: False)
    monkeypatch.setattr(loop, "_LOG_EVERY_STEPS", 1)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Give a folder with prompts, a tokenizer, a base, answers of the base and their rewards."""
    folder = tmp_path_factory.mktemp("lab")
    prompts = write_prompts(folder / "prompts", prompts=32)
    tokenizer = write_tokenizer(prompts, folder / "tokenizer")
    base = write_model(tokenizer, folder / "base")
    other = write_model(tokenizer, folder / "other", seed=2)
    generate(prompts, base, folder / "rollouts", draw=ASKED.draw(1), reference=other)
    score(folder / "rollouts", folder / "rewards", verifiers=ASKED.verifiers)
    return folder


@pytest.fixture
def stage():
    return train.TrainConfig(
        stage="reinforce",
        steps=6,
        batch_sequences=16,
        sequence_tokens=48,
        group_answers=4,
        learning_rate=1e-3,
        warmup_share=0.0,
        decay_share=0.0,
        weight_decay=0.0,
        checkpoint_every_steps=2,
        checkpoints_kept=9,
    )


@pytest.fixture
def learn(lab):
    def run(stage, out, **more):
        given = {"corpus": lab / "rewards", "base": lab / "base", **more}
        return train.run(
            stage, SHAPE, tokenizer=lab / "tokenizer", out=out, compile_wanted=False, **given
        )

    return run


def lines(out, name="loss"):
    return {line["step"]: line[name] for line in LossLog(out).lines() if name in line}


REWARDS = st.integers(2, 6).flatmap(
    lambda size: st.lists(
        st.lists(st.sampled_from(np.linspace(0, 4, 65).tolist()), min_size=size, max_size=size),
        min_size=1,
        max_size=5,
    )
)


@given(REWARDS, st.floats(-3, 3), st.booleans())
def test_advantages_compare_answers_of_a_group_and_nothing_else(rewards, more, scaled):
    exact = np.array(rewards, np.float32)
    found = advantages(exact, scaled=scaled)

    assert np.abs(found.sum(axis=1)).max() < 1e-3 * (1 + np.abs(found).max())
    assert (np.argmax(found, axis=1) == np.argmax(exact, axis=1)).all() or np.ptp(exact) < 1e-3
    moved = advantages(exact + np.float32(more), scaled=scaled)
    assert moved == pytest.approx(found, abs=2e-2 if scaled else 1e-5)
    alike = np.full_like(exact, more)
    assert (advantages(alike, scaled=scaled) == 0).all()


def test_scaled_advantages_are_worked_out_by_hand():
    rewards = np.array([[1, 0, 0, 1], [1, 0, 0, 0]], np.float32)

    assert advantages(rewards, scaled=False).tolist() == [
        [0.5, -0.5, -0.5, 0.5],
        [0.75, -0.25, -0.25, -0.25],
    ]
    # The deviations of samples: the square roots of 4 * 0.25 / 3 and of (0.5625 + 3 * 0.0625) / 3.
    expected = [0.5 / (math.sqrt(1 / 3) + 1e-4), 0.75 / (0.5 + 1e-4)]
    assert advantages(rewards, scaled=True)[:, 0] == pytest.approx(expected)


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_clipping_takes_the_gradient_where_a_token_has_gone_far_enough(log_ratio, gain, low, high):
    ratio = math.exp(log_ratio)
    assume(abs(gain) > 1e-3)
    assume(min(abs(ratio - 1 + low), abs(ratio - 1 - high)) > 1e-3)
    given_log = torch.tensor([[log_ratio]], requires_grad=True)

    losses, clipped = clipped_losses(given_log, torch.tensor([gain]), low=low, high=high)
    losses.sum().backward()

    goes_on = ratio < 1 + high if gain > 0 else ratio > 1 - low
    assert bool(clipped.item()) is not goes_on
    assert given_log.grad.item() == pytest.approx(-ratio * gain if goes_on else 0, rel=1e-4)
    if goes_on:
        assert losses.item() == pytest.approx(-ratio * gain, rel=1e-4)


@given(st.floats(-5, 5))
def test_the_divergence_is_that_of_the_paper_and_never_negative(log_ratio):
    found = divergences(torch.tensor([[log_ratio]])).item()

    assert found >= -1e-6
    assert found == pytest.approx(math.exp(log_ratio) - log_ratio - 1, abs=1e-4)


def by_hand(lab, stage, policy_folder, fed):
    """Return the loss of a step, answer by answer and token by token, as the papers have it."""
    policy = load_checkpoint(policy_folder)
    sums = tokens = count = 0.0
    for row in rows_of(lab / "rewards", "rewards"):
        if row["id"] not in fed:
            continue
        rewards = row["rewards"]
        mean = sum(rewards) / len(rewards)
        spread = math.sqrt(sum((one - mean) ** 2 for one in rewards) / (len(rewards) - 1))
        for one, reward in zip(row["rollouts"], rewards, strict=True):
            gain = (reward - mean) / (spread + 1e-4) if stage.reinforce_scaled else reward - mean
            ids, asked = one["ids"], row["prompt_ids"]
            with torch.no_grad():
                logs = policy(torch.tensor([asked + ids]))[0].log_softmax(dim=-1)
            total = 0.0
            for place, token in enumerate(ids):
                log = logs[len(asked) + place - 1, token].item()
                ratio = math.exp(log - one["log_probabilities"][place])
                bound = min(max(ratio, 1 - stage.reinforce_clip_low), 1 + stage.reinforce_clip_high)
                away = one["reference_log_probabilities"][place] - log
                total += -min(ratio * gain, bound * gain)
                total += stage.reinforce_kl * (math.exp(away) - away - 1)
            sums += total / len(ids) if stage.reinforce_mean == "answers" else total
            tokens += len(ids)
            count += 1
    return sums / (count if stage.reinforce_mean == "answers" else tokens)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"reinforce_scaled": True, "reinforce_mean": "answers", "reinforce_kl": 0.3},
    ],
)
def test_the_loss_is_that_of_the_papers(learn, lab, stage, change, tmp_path):
    stage = dataclasses.replace(stage, steps=4, checkpoint_every_steps=3, **change)
    learn(stage, tmp_path / "run")

    (ledger, *_) = open_ledgers(tmp_path / "run/step-000004")
    fed = set(ledger.of_step(4)["id"].to_pylist())
    expected = by_hand(lab, stage, tmp_path / "run/step-000003", fed)
    assert len(fed) == 4
    assert lines(tmp_path / "run")[4] == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert lines(tmp_path / "run", "sampling_kl")[1] == pytest.approx(0, abs=1e-5)
    assert lines(tmp_path / "run", "sampling_kl")[4] > 1e-4
    assert lines(tmp_path / "run", "clip_share")[1] == 0
    assert 0 < lines(tmp_path / "run", "entropy")[1] < math.log(SHAPE.vocab_size)
    rows = [row for row in rows_of(lab / "rewards", "rewards") if row["id"] in fed]
    rewards = np.mean([row["rewards"] for row in rows])
    assert lines(tmp_path / "run", "reward")[4] == pytest.approx(rewards, rel=1e-5)
    assert (lines(tmp_path / "run", "reference_kl")[1] > 0) == (stage.reinforce_kl > 0)


def test_groups_of_which_nothing_can_be_learned_are_left_out_and_counted(
    learn, lab, stage, tmp_path
):
    words = VerifierConfig(name="pattern", options={"pattern": "[가-힣]{3}"})
    score(lab / "rollouts", tmp_path / "rewards", verifiers=[words])
    score(lab / "rollouts", tmp_path / "flat", verifiers=[VerifierConfig(name="length")])
    rows = list(rows_of(tmp_path / "rewards", "rewards"))
    alike = {row["id"] for row in rows if len(set(row["rewards"])) == 1}
    assert 0 < len(alike) < len(rows)
    longest = {
        row["id"]: len(row["prompt_ids"]) + max(len(one["ids"]) for one in row["rollouts"])
        for row in rows
        if row["id"] not in alike
    }
    room = max(longest.values()) - 2
    short = dataclasses.replace(stage, steps=2, batch_sequences=8, sequence_tokens=room)

    facts = learn(short, tmp_path / "run", corpus=tmp_path / "rewards").facts

    assert facts["data"]["groups_alike"] == len(alike)
    assert facts["data"]["groups_too_long"] == sum(one > room + 1 for one in longest.values())
    fit = sum(one <= room + 1 for one in longest.values())
    assert facts["data"]["groups"] == fit
    assert train.learnable_groups(tmp_path / "rewards", room) == fit
    lengths = {
        row["id"]: sum(len(row["prompt_ids"]) + len(one["ids"]) for one in row["rollouts"])
        for row in rows
    }
    kept = sum(lengths[name] for name, one in longest.items() if one <= room + 1)
    assert facts["data"]["drop_share"] == pytest.approx(1 - kept / sum(lengths.values()))
    assert facts["data"]["pad_share"] == pytest.approx(1 - kept / (fit * 4 * (room + 1)))
    places = pq.read_table(tmp_path / "run/tokens/rewards/documents.parquet").to_pylist()
    learned = {row["id"] for row in places if row["samples"]}
    assert learned == {name for name, one in longest.items() if one <= room + 1}
    with pytest.raises(RolloutsUnfit, match="worth the same"):
        learn(stage, tmp_path / "none", corpus=tmp_path / "flat")
    with pytest.raises(RolloutsUnfit, match="longer than sequence_tokens"):
        learn(dataclasses.replace(stage, sequence_tokens=9), tmp_path / "none")


def test_on_more_processes_and_killed_the_same_groups_teach_the_same(learn, lab, stage, tmp_path):
    stage = dataclasses.replace(stage, steps=4, reinforce_kl=0.1)
    learn(stage, tmp_path / "one")

    (ended,) = train_all(
        planned(
            2,
            dataclasses.replace(stage, micro_batch_sequences=4),
            SHAPE,
            corpus=lab / "rewards",
            tokenizer=lab / "tokenizer",
            base=lab / "base",
            out=tmp_path / "two",
            kills=1,
        )
    )

    assert (ended["ends"], ended["kills"]) == ([0, 0], 1)
    for name in ("loss", "reward", "clip_share", "sampling_kl", "reference_kl", "entropy"):
        expected = lines(tmp_path / "one", name)
        assert sorted(expected) == [1, 2, 3, 4]
        assert lines(tmp_path / "two", name) == pytest.approx(expected, rel=1e-3, abs=1e-5), name


def test_a_run_that_goes_on_ends_in_the_same_bytes(learn, stage, tmp_path):
    learn(stage, tmp_path / "run")
    last = tmp_path / "run/step-000006"
    whole = file_sha256(last / "model.safetensors")
    for step in (4, 6):
        shutil.rmtree(tmp_path / f"run/step-{step:06}")

    learn(stage, tmp_path / "run")

    assert file_sha256(last / "model.safetensors") == whole


def test_adapters_learn_from_rewards_too(learn, stage, tmp_path):
    stage = dataclasses.replace(stage, steps=2, lora_rank=4)

    facts = learn(stage, tmp_path / "run").facts

    assert facts["adapter_parameters"] > 0
    assert (tmp_path / "run/step-000002/adapter").is_dir()


def test_rewards_of_another_model_or_of_held_out_prompts_are_refused(learn, lab, stage, tmp_path):
    def judged(name, policy="base", **change):
        draw = dataclasses.replace(ASKED.draw(1), prompts=4, **change)
        generate(lab / "prompts", lab / policy, tmp_path / f"{name}-rollouts", draw=draw)
        score(tmp_path / f"{name}-rollouts", tmp_path / name, verifiers=ASKED.verifiers)
        return {"corpus": tmp_path / name}

    for said, change, more in (
        ("held out", {}, judged("heldout", split="prompt_heldout")),
        ("greedy", {}, judged("greedy", greedy=True, answers=1)),
        ("group_answers", {}, judged("few", answers=2)),
        ("reference", {"reinforce_kl": 0.1}, judged("alone")),
        ("base", {}, judged("other", policy="other")),
    ):
        with pytest.raises(RolloutsUnfit, match=said):
            learn(dataclasses.replace(stage, **change), tmp_path / "run", **more)
    with pytest.raises(BaseNeeded):
        learn(stage, tmp_path / "run", base=None)
    with pytest.raises(WrongInput):
        learn(stage, tmp_path / "run", corpus=lab / "prompts")
    with pytest.raises(TensorUnfit):
        learn(stage, tmp_path / "run", tensor=2)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"group_answers": 1},
        {"batch_sequences": 18},
        {"micro_batch_sequences": 2},
        {"reinforce_clip_low": 1.0},
        {"reinforce_mean": "words"},
        {"reinforce_kl": -1.0},
    ],
)
def test_a_stage_that_cannot_be_is_refused(stage, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        dataclasses.replace(stage, **wrong)


@pytest.fixture
def recipe(stage):
    return train.Recipe(
        name="tiny",
        sources=None,
        vocab_size=SHAPE.vocab_size,
        model=SHAPE,
        pretrain=train.TrainConfig(
            stage="pretrain", steps=1, batch_sequences=1, sequence_tokens=8, learning_rate=1e-3
        ),
        reinforce=dataclasses.replace(
            stage,
            steps=99,
            batch_sequences=32,
            group_answers=8,
            learning_rate=3e-2,
            reinforce_scaled=True,
            reinforce_kl=1e-3,
            checkpoint_every_steps=99,
        ),
        rollouts=dataclasses.replace(
            ASKED, prompts=32, answers=8, answer_tokens_max=6, passes_max=3.0
        ),
    )


def test_round_after_round_rewards_rise_and_everything_is_traced(
    lab, recipe, monkeypatch, tmp_path
):
    def reinforce(out):
        return rounds.reinforce(
            recipe,
            prompts=lab / "prompts",
            tokenizer=lab / "tokenizer",
            base=lab / "base",
            out=tmp_path / out,
        )

    learn = train.run
    monkeypatch.setattr(train, "run", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        reinforce("out")
    answered = file_sha256(tmp_path / "out/rollouts-01/manifest.json")
    monkeypatch.setattr(
        train, "run", lambda *given, **more: learn(*given, **more, compile_wanted=False)
    )

    last = reinforce("out")

    assert file_sha256(tmp_path / "out/rollouts-01/manifest.json") == answered
    drawn = [Manifest.read(tmp_path / f"out/rewards-0{n}").facts["reward"] for n in (1, 2)]
    greedy = [
        Manifest.read(tmp_path / f"out/heldout-rewards-0{n}").facts["reward"] for n in (0, 1, 2)
    ]
    assert drawn[1] > drawn[0] + 0.1
    # What a model of two layers says when it takes the likeliest token hangs on the last digit.
    assert all(0 <= one <= 1 for one in greedy)
    assert last.parent == tmp_path / "out/round-02"
    model.export(last, tmp_path / "model", name="tiny-reinforce")
    traced = trace_model(tmp_path / "model", verify=True)
    assert traced.whole()
    assert {source.license for source in traced.all_sources()} == {"CC-BY-4.0", "CC0-1.0"}
    kinds, node = [], traced
    while node.inputs:
        kinds.append(f"{node.role} {node.kind}")
        node = next((one for one in node.inputs if one.role in PATH), node.inputs[0])
    assert kinds[:4] == [
        "model model",
        "checkpoint checkpoint",
        "rewards rewards",
        "rollouts rollouts",
    ]
    second, first = open_ledgers(last)[:2]
    assert (second.checkpoint, first.checkpoint[:9]) == (f"round-02/{last.name}", "round-01/")
    record = Manifest.read(last).ledger
    fed = Order(record.seed, record.samples, record.samples_per_step).of_step(0)
    (one, *_) = second.of_step(1).to_pylist()
    assert len(fed) == 4
    assert (one["license"], one["consent"]) == (
        "CC-BY-4.0",
        one["id"].replace("asked:", "consent-"),
    )
    assert "verifiable rewards" in (tmp_path / "model/README.md").read_text("utf-8")


PATH = {"checkpoint", "rewards", "rollouts", "policy"}


@pytest.mark.parametrize("why", ["all answers are worth the same", "all groups are too long"])
def test_a_round_that_teaches_nothing_is_the_last_and_says_why(lab, recipe, why, capsys, tmp_path):
    if why == "all groups are too long":
        change = {"reinforce": dataclasses.replace(recipe.reinforce, sequence_tokens=9)}
        said = r"rewards differ in [1-9]\d* groups, and none fits"
    else:
        flat = (VerifierConfig(name="length"),)
        change = {"rollouts": dataclasses.replace(recipe.rollouts, verifiers=flat)}
        said = "rewards differ in 0 groups"

    last = rounds.reinforce(
        dataclasses.replace(recipe, **change),
        prompts=lab / "prompts",
        tokenizer=lab / "tokenizer",
        base=lab / "base",
        out=tmp_path / "out",
    )

    assert last == lab / "base"
    assert not (tmp_path / "out/round-01").exists()
    assert re.search(said, capsys.readouterr().err)


RECIPE = """
import dataclasses
from hunmin.train import Recipe, TrainConfig
from hunmin.rollouts import RolloutsConfig, VerifierConfig
from tests.support.prompts import SHAPE

def recipe():
    one = TrainConfig(stage="pretrain", steps=1, batch_sequences=8, sequence_tokens=48,
        learning_rate=1e-3)
    return Recipe(
        name="tiny", sources=None, vocab_size=SHAPE.vocab_size, model=SHAPE, pretrain=one,
        reinforce=dataclasses.replace(one, stage="reinforce", group_answers=2),
        rollouts=RolloutsConfig(rounds=1, prompts=8, answers=2, answer_tokens_max=4,
            verifiers=(VerifierConfig(name="hangul"),)),
    )
"""


def test_a_round_can_be_done_by_hand(lab, tmp_path):
    path = tmp_path / "recipe.py"
    path.write_text(RECIPE, "utf-8")

    def hunmin_train(*words):
        done = CliRunner().invoke(training, [*map(str, words)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done

    asked = ("--corpus", lab / "prompts", "--policy", lab / "base")
    with pytest.raises(RecipeBroken, match="heldout_prompts = 0"):
        hunmin_train("rollouts", path, *asked, "--heldout", "--out", tmp_path / "rollouts")
    said = hunmin_train("rollouts", path, *asked, "--out", tmp_path / "rollouts")
    assert "16 answers to 8 prompts" in said.stderr
    said = hunmin_train(
        "rewards", path, "--rollouts", tmp_path / "rollouts", "--out", tmp_path / "rewards"
    )
    assert "hangul: 0." in said.stderr
    assert said.stdout.strip() == str(tmp_path / "rewards")
    hunmin_train(
        *(path, "--stage", "reinforce", "--corpus", tmp_path / "rewards", "--no-compile"),
        *("--tokenizer", lab / "tokenizer", "--base", lab / "base", "--out", tmp_path / "run"),
    )
    assert Manifest.read(tmp_path / "run/step-000001").facts["stage"] == "reinforce"
