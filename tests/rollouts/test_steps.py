"""Answers and their rewards as steps: sure, resumable, traceable, and refused where they must."""

import dataclasses
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from hunmin import model
from hunmin.errors import (
    CheckpointBroken,
    PromptsMissing,
    VerifierUnknown,
    VerifierWrong,
    WrongInput,
)
from hunmin.manifest import Manifest, ancestors, manifest_sha256
from hunmin.model import load_checkpoint
from hunmin.rollouts import RolloutsConfig, VerifierConfig, generate, generating, score, scoring
from hunmin.rollouts.config import Draw
from hunmin.rollouts.files import Prompt, rows_of
from hunmin.rollouts.policy import Policy
from tests.support.prompts import prompt_row, write_model

DRAW = Draw(
    split="prompt", first=0, prompts=10, answers=4, answer_tokens_max=6, greedy=False,
    answers_at_once=12, seed=7,
)  # fmt: skip

HANGUL = VerifierConfig(name="hangul")
SHORT = VerifierConfig(name="length", weight=0.5, options={"chars_max": 8})


def log_probabilities(folder, prompt_ids, ids):
    """Return what our own transformer thinks of each token of an answer."""
    network = load_checkpoint(folder)
    with torch.no_grad():
        logs = network(torch.tensor([prompt_ids + ids]))[0].log_softmax(dim=-1)
    return [logs[len(prompt_ids) + n - 1, token].item() for n, token in enumerate(ids)]


def test_each_token_has_its_log_probability_under_the_model_that_drew_it(world, tmp_path):
    other = write_model(world.tokenizer, tmp_path / "other", seed=2)

    facts = generate(
        world.prompts, world.policy, tmp_path / "out", draw=DRAW, reference=other
    ).facts

    rows = list(rows_of(tmp_path / "out", "rollouts"))
    assert [row["id"] for row in rows] == [f"asked:{n}" for n in range(10)]
    assert (rows[3]["consent"], rows[3]["answer"]) == ("consent-3", prompt_row(3)["answer"])
    for row in (rows[0], rows[7]):
        assert len({tuple(one["ids"]) for one in row["rollouts"]}) == 4
        for one in row["rollouts"]:
            asked = row["prompt_ids"]
            expected = log_probabilities(world.policy, asked, one["ids"])
            assert one["log_probabilities"] == pytest.approx(expected, abs=1e-4)
            expected = log_probabilities(other, asked, one["ids"])
            assert one["reference_log_probabilities"] == pytest.approx(expected, abs=1e-4)
            assert one["finished"] == (one["ids"][-1] in {model.IM_END_ID, model.END_OF_TEXT_ID})
            assert one["finished"] or len(one["ids"]) == 6
    assert (facts["prompts"], facts["answers"]) == (10, 40)
    assert facts["tokens"] == sum(len(one["ids"]) for row in rows for one in row["rollouts"])


def test_tokens_are_drawn_as_often_as_the_model_finds_them_likely(world):
    policy = Policy(world.policy)
    asked = model.encode_chat(policy.tokenizer, prompt_row(0)["prompt"], add_generation_prompt=True)
    dice = (np.arange(4000) / 4000).reshape(1, -1, 1)

    (group,) = policy.answer([asked], dice, tokens_max=1)

    drawn = np.bincount([one.ids[0] for one in group], minlength=640) / len(group)
    with torch.no_grad():
        chances = load_checkpoint(world.policy)(torch.tensor([asked]))[0, -1].softmax(dim=-1)
    assert np.abs(drawn - chances.numpy()).max() < 1 / 2000


def test_answers_are_a_function_of_seed_and_prompt_alone(world, tmp_path):
    def ids(name, **change):
        draw = dataclasses.replace(DRAW, **change)
        generate(world.prompts, world.policy, tmp_path / name, draw=draw)
        rows = rows_of(tmp_path / name, "rollouts")
        return {row["id"]: [one["ids"] for one in row["rollouts"]] for row in rows}

    first = ids("first")
    assert ids("few-at-once", answers_at_once=4) == first
    assert ids("other-dice", seed=8) != first
    later = ids("later", first=18, prompts=4)
    assert list(later) == ["asked:0", "asked:1", "asked:18", "asked:19"]
    assert later["asked:1"] == first["asked:1"]
    greedy = ids("greedy", split="prompt_heldout", greedy=True, answers=1, prompts=99)
    assert list(greedy) == [f"asked:{n}" for n in range(20, 26)]


def test_every_answer_has_dice_of_its_own():
    one, again, other = (generating.dice_of(DRAW, Prompt(number, {}, [])) for number in (3, 3, 4))

    assert (one == again).all()
    assert len(set(np.concatenate([one, other]).flat)) == 2 * 4 * 6
    assert ((one >= 0) & (one < 1)).all()


def test_interrupted_answers_are_gone_on_with_and_come_out_the_same(world, tmp_path, monkeypatch):
    monkeypatch.setattr("hunmin.rollouts.generating._SHARD_PROMPTS", 4)
    generate(world.prompts, world.policy, tmp_path / "whole", draw=DRAW)
    answer, asked = Policy.answer, []

    def dies(self, prompts, *more, **options):
        asked.append(len(prompts))
        if len(asked) == 4:
            raise KeyboardInterrupt
        return answer(self, prompts, *more, **options)

    monkeypatch.setattr(Policy, "answer", dies)
    with pytest.raises(KeyboardInterrupt):
        generate(world.prompts, world.policy, tmp_path / "out", draw=DRAW)
    assert not (tmp_path / "out").exists()
    asked.extend([0] * 9)
    generate(world.prompts, world.policy, tmp_path / "out", draw=DRAW)

    assert sum(asked) == 10 + 3 + 1, "the first shard was kept, the second begun again"
    for shard in sorted((tmp_path / "whole/shards").iterdir()):
        assert pq.read_table(tmp_path / "out/shards" / shard.name) == pq.read_table(shard)


def test_a_reward_is_the_weighted_sum_of_scores_each_with_its_reason(world, tmp_path):
    generate(world.prompts, world.policy, tmp_path / "rollouts", draw=DRAW)

    manifest = score(tmp_path / "rollouts", tmp_path / "rewards", verifiers=[HANGUL, SHORT, SHORT])

    rows = list(rows_of(tmp_path / "rewards", "rewards"))
    for row in rows:
        for reward, said in zip(row["rewards"], row["verdicts"], strict=True):
            assert [one["verifier"] for one in said] == ["hangul", "length", "length-2"]
            assert reward == pytest.approx(said[0]["score"] + 2 * 0.5 * said[1]["score"])
            assert all(one["reason"] for one in said)
    rewards = np.array([row["rewards"] for row in rows])
    assert manifest.facts["reward"] == pytest.approx(rewards.mean())
    assert manifest.facts["reward_deviation"] == pytest.approx(rewards.std(), abs=1e-6)
    assert manifest.facts["groups_with_spread"] == (np.ptp(rewards, axis=1) > 0).sum()
    again = score(tmp_path / "rollouts", tmp_path / "rewards", verifiers=[HANGUL, SHORT, SHORT])
    assert again == manifest
    walked = {record.role: record.sha256 for record, _ in ancestors(tmp_path / "rewards")}
    assert walked["policy"] == manifest_sha256(world.policy)
    assert walked["corpus"] == manifest_sha256(world.prompts)


def test_judging_that_was_interrupted_judges_only_what_is_left(world, tmp_path, monkeypatch):
    monkeypatch.setattr("hunmin.rollouts.generating._SHARD_PROMPTS", 4)
    generate(world.prompts, world.policy, tmp_path / "rollouts", draw=DRAW)
    judge, judged = scoring._judged, []

    def dies(row, made):
        judged.append(row["id"])
        if len(judged) == 6:
            raise KeyboardInterrupt
        return judge(row, made)

    monkeypatch.setattr(scoring, "_judged", dies)
    with pytest.raises(KeyboardInterrupt):
        score(tmp_path / "rollouts", tmp_path / "rewards", verifiers=[HANGUL])
    score(tmp_path / "rollouts", tmp_path / "rewards", verifiers=[HANGUL])

    assert len(judged) == 6 + 6


def test_what_cannot_be_answered_or_judged_is_refused_and_leaves_nothing(world, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(WrongInput):
        generate(world.tokenizer, world.policy, out, draw=DRAW)
    with pytest.raises(WrongInput):
        generate(world.prompts, world.tokenizer, out, draw=DRAW)
    long = dataclasses.replace(DRAW, answer_tokens_max=60)
    with pytest.raises(PromptsMissing):
        generate(world.prompts, world.policy, out, draw=long)
    with pytest.raises(WrongInput):
        score(world.prompts, out, verifiers=[HANGUL])
    generate(world.prompts, world.policy, tmp_path / "rollouts", draw=DRAW)
    with pytest.raises(VerifierUnknown):
        score(tmp_path / "rollouts", out, verifiers=[VerifierConfig(name="vibes")])
    assert not out.exists()


def test_a_verifier_that_fails_or_overdoes_it_is_named(world, tmp_path, monkeypatch):
    generate(world.prompts, world.policy, tmp_path / "rollouts", draw=DRAW)

    def overdoes(_):
        return scoring.Verdict(2.0, "great")

    def fails(given):
        raise KeyError(given.text)

    def says_a_number(_):
        return 1.0

    for verify, said in ((overdoes, "2.0"), (fails, "KeyError"), (says_a_number, "float")):
        monkeypatch.setattr(scoring, "make_verifier", lambda _, verify=verify: verify)
        with pytest.raises(VerifierWrong, match=said):
            score(tmp_path / "rollouts", tmp_path / "rewards", verifiers=[HANGUL])
    assert not (tmp_path / "rewards").exists()


def test_a_checkpoint_of_a_run_under_way_cannot_answer(world, tmp_path):
    part = tmp_path / "part"
    write_model(world.tokenizer, part)
    weights = part / "model.safetensors"
    plain = json.loads((part / "manifest.json").read_bytes())
    del plain["files"]["model.safetensors"]
    weights.unlink()
    (part / "manifest.json").write_text(json.dumps(plain), "utf-8")

    with pytest.raises(CheckpointBroken, match="not ended"):
        generate(world.prompts, part, tmp_path / "out", draw=DRAW)


@pytest.mark.parametrize(
    "wrong",
    [{"answers": 1}, {"rounds": 0}, {"verifiers": ()}, {"passes_max": 0}, {"heldout_prompts": -1}],
)
def test_rounds_that_cannot_be_are_refused(wrong):
    good = {
        "rounds": 2, "prompts": 8, "answers": 4, "answer_tokens_max": 6, "verifiers": (HANGUL,),
    }  # fmt: skip
    assert RolloutsConfig(**good).draw(2).first == 8

    with pytest.raises(ValueError, match=next(iter(wrong))):
        RolloutsConfig(**{**good, **wrong})


def test_manifests_tell_what_was_drawn_and_by_what_it_was_judged(world, tmp_path):
    generate(world.prompts, world.policy, tmp_path / "rollouts", draw=DRAW)
    score(tmp_path / "rollouts", tmp_path / "rewards", verifiers=[SHORT])

    assert Manifest.read(tmp_path / "rollouts").recipe == {"draw": dataclasses.asdict(DRAW)}
    (said,) = Manifest.read(tmp_path / "rewards").recipe["verifiers"]
    assert said == {
        "name": "length", "weight": 0.5, "options": {"chars_max": 8}, "made_by": "",
    }  # fmt: skip
