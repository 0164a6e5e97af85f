"""Mixtures of experts in training: even routing is kept, by rules that any split of work obeys."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from hunmin import model, train
from hunmin.train.learner import Learner, Penalties
from hunmin.train.losses import LossLog
from hunmin.train.optimizers import build_optimizers
from hunmin.train.routing import balance_penalty, router_z_penalty
from hunmin.train.stepping import Stepper
from hunmin.train.world import World
from tests.support.worlds import planned, train_all


@pytest.fixture(scope="session")
def mixture(shape):
    """Give the shape of a small mixture of experts."""
    return dataclasses.replace(
        shape, feed_forward_width=0, experts=6, experts_per_token=2, expert_width=32
    )


def alone(tensor):
    """Add a tensor up over the one process there is."""
    return tensor


def everywhere(tokens):
    return torch.ones(tokens, dtype=torch.bool)


def losses(out):
    return [line["loss"] for line in LossLog(out).lines() if "loss" in line]


@given(
    experts=st.integers(1, 8),
    count=st.integers(1, 8),
    rounds=st.integers(1, 4),
    size=st.floats(0, 9),
)
def test_even_routing_costs_one_a_token_and_crowding_up_to_experts_a_choice(
    experts, count, rounds, size
):
    count = min(count, experts)
    tokens = rounds * experts
    favorite_N = torch.arange(tokens) % experts
    # Expert n is liked best by token n, then n + 1, ...: each is chosen as often as any other.
    distance_NE = (torch.arange(experts)[None] - favorite_N[:, None]) % experts
    even_NE = -0.1 * (1 + size) * distance_NE.float()
    crowded_NE = even_NE[:1].expand(tokens, -1)

    even, crowded = (
        balance_penalty([logits], everywhere(tokens), experts_per_token=count, total=alone).item()
        for logits in (even_NE, crowded_NE)
    )

    assert even == pytest.approx(tokens, rel=1e-4)
    assert crowded <= tokens * experts / count * 1.0001
    if count < experts:
        assert crowded > even * 1.001


@given(st.integers(0, 12), st.integers(0, 12))
def test_the_more_tokens_crowd_the_more_it_costs(one, other):
    few, many = sorted((one, other))

    def cost(crowd):
        liked_N = torch.arange(12) % 4
        liked_N[:crowd] = 0
        logits_NE = 5.0 * torch.nn.functional.one_hot(liked_N, 4).float()
        return balance_penalty([logits_NE], everywhere(12), experts_per_token=1, total=alone)

    assert cost(many) >= cost(few) - 1e-4
    assert cost(12) > cost(0)


@given(
    seed=st.integers(0, 2**31),
    tokens=st.integers(2, 20),
    cut=st.integers(0, 20),
    layers=st.integers(1, 3),
)
def test_parts_add_up_to_the_whole_and_what_is_not_learned_counts_for_nothing(
    seed, tokens, cut, layers
):
    generator = torch.Generator().manual_seed(seed)
    routers = [torch.randn(tokens, 5, generator=generator) for _ in range(layers)]
    learned_N = torch.rand(tokens, generator=generator) < 0.7
    counts = []

    def penalty(part, total, learned=None):
        one = learned_N[part] if learned is None else learned[part]
        return balance_penalty(
            [logits[part] for logits in routers], one, experts_per_token=2, total=total
        )

    def remember(tensor):
        counts.append(tensor)
        return tensor

    whole = penalty(slice(None), alone)
    parts = [slice(0, cut), slice(cut, None)]
    for part in parts:
        penalty(part, remember)
    together = sum(penalty(part, lambda _: counts[0] + counts[1]) for part in parts)

    torch.testing.assert_close(together, whole)
    only = torch.nonzero(learned_N).flatten()
    torch.testing.assert_close(penalty(only, alone), whole)
    z = router_z_penalty(routers, learned_N)
    expected = sum(logits[only].exp().sum(-1).log().square().sum() for logits in routers) / layers
    torch.testing.assert_close(z, torch.as_tensor(expected))


@pytest.mark.parametrize("kind", ["balance_loss", "router_z_loss"])
def test_penalties_are_added_for_learning_and_left_out_of_the_loss(mixture, shape, kind):
    ids_BT = torch.randint(0, 640, (2, 16), generator=torch.manual_seed(1))
    targets_BT = ids_BT.roll(-1, dims=1)
    targets_BT[0, 5:] = -100

    def learned(of, **weights):
        transformer = model.Transformer(of)
        transformer.initialize(3)
        learner = Learner(transformer, World())
        return transformer, learner(ids_BT, targets_BT, None, penalties=Penalties(**weights))

    _, (plain, nothing) = learned(mixture)
    _, (_, small) = learned(mixture, **{kind: 0.5})
    transformer, (loss, penalty) = learned(mixture, **{kind: 1.0})
    penalty.backward()

    assert torch.equal(loss, plain)
    assert nothing.item() == 0
    assert small.item() == pytest.approx(penalty.item() / 2)
    size = {"balance_loss": 1.0, "router_z_loss": torch.tensor(6.0).log().item() ** 2}[kind]
    assert penalty.item() / (16 + 5) == pytest.approx(size, rel=0.2)
    for block in transformer.model.layers:
        assert block.mlp.gate.weight.grad.abs().max() > 0
    _, (_, of_dense) = learned(shape, **{kind: 1.0})
    assert of_dense.item() == 0


def test_routers_belong_to_adamw_and_experts_to_muon(stage, mixture):
    transformer = model.Transformer(mixture)
    names = {id(weight): name for name, weight in transformer.named_parameters()}
    config = dataclasses.replace(stage, optimizer="muon")

    learned = [
        [names[id(weight)] for group in optimizer.param_groups for weight in group["params"]]
        for optimizer in build_optimizers(transformer, config, bfloat16=False)
    ]

    assert sorted(learned[0] + learned[1]) == sorted(names.values())
    for layer in range(mixture.layers):
        stem = f"model.layers.{layer}.mlp"
        assert f"{stem}.gate.weight" in learned[1]
        assert f"{stem}.experts.gate_proj" in learned[0]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_mixture_learns_and_a_run_stopped_anywhere_ends_in_the_same_bytes(
    stage, mixture, corpus, tokenizer, tmp_path, monkeypatch, optimizer
):
    stage = dataclasses.replace(stage, steps=30, optimizer=optimizer, router_z_loss=1e-3)

    def run(out):
        train.run(stage, mixture, corpus=corpus, tokenizer=tokenizer, out=out, compile_wanted=False)
        return load_file(out / "step-000030" / "model.safetensors")

    monkeypatch.setattr("hunmin.train.loop._LOG_EVERY_STEPS", 1)
    whole = run(tmp_path / "whole")
    learn = Stepper.step

    def stop_before_6(self, step, *data, **flags):
        if step == 6:
            raise KeyboardInterrupt
        return learn(self, step, *data, **flags)

    with monkeypatch.context() as patched:
        patched.setattr(Stepper, "step", stop_before_6)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "stopped")
    again = run(tmp_path / "stopped")

    seen = losses(tmp_path / "whole")
    assert seen[-1] < seen[0] - 1.5
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert model.load_checkpoint(tmp_path / "stopped" / "step-000030").config == mixture


def test_the_balance_loss_spreads_tokens_over_experts(stage, mixture, corpus, tokenizer, tmp_path):
    stage = dataclasses.replace(stage, steps=40, checkpoint_every_steps=40)
    crowding = {}
    for weight in (0.0, 1.0):
        out = tmp_path / str(weight)
        train.run(
            dataclasses.replace(stage, balance_loss=weight), mixture,
            corpus=corpus, tokenizer=tokenizer, out=out, compile_wanted=False,
        )  # fmt: skip
        ids_BT = torch.randint(256, 640, (4, 48), generator=torch.manual_seed(5))
        with torch.no_grad():
            trained = model.load_checkpoint(out / "step-000040")
            _, routers = trained.hidden_and_routers(ids_BT)
        crowding[weight] = (
            balance_penalty(
                routers, everywhere(ids_BT.numel()), experts_per_token=2, total=alone
            ).item()
            / ids_BT.numel()
        )

    assert crowding[1.0] < crowding[0.0]
    assert crowding[1.0] < 1.1


@pytest.mark.parametrize(
    ("optimizer", "layouts"),
    # Six processes have four sequences: two of them run along. Then two whole copies on two each.
    [("adamw", [(1, 1), (2, 1), (6, 1), (4, 2)]), ("muon", [(1, 1), (3, 1)])],
)
def test_any_number_of_processes_gives_the_same_losses(
    stage, mixture, corpus, tokenizer, tmp_path, optimizer, layouts
):
    stage = dataclasses.replace(
        stage, optimizer=optimizer, balance_loss=0.1, router_z_loss=0.01, documents_apart=True
    )
    outs = [tmp_path / f"{size}-{replicas}" for size, replicas in layouts]

    told = train_all(
        *(
            planned(
                size, stage, mixture,
                corpus=corpus, tokenizer=tokenizer, out=out, replicas=replicas,
            )
            for (size, replicas), out in zip(layouts, outs, strict=True)
        )
    )  # fmt: skip

    expected = losses(outs[0])
    assert len(expected) == stage.steps
    for (size, _), out, one in zip(layouts, outs, told, strict=True):
        assert one["ends"] == [0] * size, one["said"]
        assert losses(out) == pytest.approx(expected, rel=1e-5), out.name
