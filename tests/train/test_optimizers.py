"""Muon and AdamW: which learns what, and that it is what the papers say."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from hunmin import model, train
from hunmin.model.sharded import StateReader
from hunmin.train.muon import Muon, orthogonalize
from hunmin.train.optimizers import build_optimizers
from hunmin.train.stepping import Stepper


@settings(deadline=None)
@given(
    rows=st.integers(2, 40),
    columns=st.integers(2, 40),
    count=st.integers(1, 3),
    size=st.floats(1e-3, 1e3),
    seed=st.integers(0, 2**31),
)
def test_updates_become_orthogonal_and_keep_their_directions(rows, columns, count, size, seed):
    generator = torch.Generator().manual_seed(seed)
    smaller = min(rows, columns)
    left = torch.linalg.qr(torch.randn(count, rows, smaller, generator=generator))[0]
    right = torch.linalg.qr(torch.randn(count, columns, smaller, generator=generator))[0]
    values = torch.linspace(1, 0.1, smaller)
    matrices = (left * values) @ right.mT * size

    made = orthogonalize(matrices)

    singular = torch.linalg.svdvals(made)
    assert singular.min() > 0.85
    assert singular.max() < 1.15
    aligned = torch.einsum("gri,grc,gci->gi", left, made, right)
    assert aligned.min() > 0.85


def test_matrices_made_orthogonal_together_are_those_made_one_by_one():
    matrices = torch.randn(5, 12, 30, generator=torch.Generator().manual_seed(1))

    together = orthogonalize(matrices)

    for one, matrix in zip(together, matrices, strict=True):
        torch.testing.assert_close(orthogonalize(matrix[None])[0], one)


def test_a_step_is_momentum_made_orthogonal_at_the_size_of_adamws():
    generator = torch.Generator().manual_seed(2)
    weight = torch.nn.Parameter(torch.randn(6, 24, generator=generator))
    muon = Muon([weight], lr=0.1, momentum=0.9, weight_decay=0.5, dtype=torch.float32)
    expected, momentum = weight.detach().clone(), torch.zeros(6, 24)
    for _ in range(3):
        gradient = torch.randn(6, 24, generator=generator)
        weight.grad = gradient.clone()
        muon.step()

        momentum = 0.9 * momentum + 0.1 * gradient
        update = orthogonalize((0.1 * gradient + 0.9 * momentum)[None])[0]
        before, expected = expected, expected * (1 - 0.1 * 0.5) - 0.1 * 0.2 * 24**0.5 * update

    torch.testing.assert_close(weight.detach(), expected)
    change = (expected - before * (1 - 0.1 * 0.5)) / 0.1
    assert change.square().mean().sqrt().item() == pytest.approx(0.2, rel=0.1)


def test_in_a_stack_each_matrix_is_learned_as_one_of_its_own():
    generator = torch.Generator().manual_seed(3)
    weights = torch.randn(4, 6, 24, generator=generator)
    gradients = torch.randn(4, 6, 24, generator=generator)

    def learned(*parameters):
        muon = Muon(parameters, lr=0.1, weight_decay=0.5, dtype=torch.float32)
        muon.step()
        return parameters

    def parameter(weight, gradient):
        one = torch.nn.Parameter(weight.clone())
        one.grad = gradient.clone()
        return one

    (stack,) = learned(parameter(weights, gradients))
    apart = learned(*map(parameter, weights, gradients))

    torch.testing.assert_close(stack.detach(), torch.stack(apart).detach())


def test_every_weight_is_learned_by_one_optimizer(stage, shape):
    transformer = model.Transformer(shape)
    names = {id(weight): name for name, weight in transformer.named_parameters()}

    def learned(optimizer):
        return [names[id(w)] for group in optimizer.param_groups for w in group["params"]]

    (adamw,) = build_optimizers(transformer, stage, bfloat16=False)
    both = dataclasses.replace(stage, optimizer="muon")
    muon, rest = build_optimizers(transformer, both, bfloat16=False)

    assert sorted(learned(adamw)) == sorted(names.values())
    assert sorted(learned(muon) + learned(rest)) == sorted(names.values())
    assert all(".layers." in name and "norm" not in name for name in learned(muon))
    assert {name for name in learned(rest) if "norm" not in name} <= {
        "model.embed_tokens.weight", "lm_head.weight",
    }  # fmt: skip
    for optimizer in (muon, rest, adamw):
        for group in optimizer.param_groups:
            gains = all(weight.ndim == 1 for weight in group["params"])
            assert group["weight_decay"] == (0.0 if gains else stage.weight_decay)


def test_a_run_with_muon_stopped_anywhere_ends_in_the_same_bytes(
    stage, shape, corpus, tokenizer, tmp_path, monkeypatch
):
    config = dataclasses.replace(stage, optimizer="muon", z_loss=1e-4, documents_apart=True)

    def run(out):
        train.run(config, shape, corpus=corpus, tokenizer=tokenizer, out=out, compile_wanted=False)
        return load_file(out / "step-000012" / "model.safetensors")

    whole = run(tmp_path / "whole")
    learn = Stepper.step

    def stop_after_6(self, step, *data, **flags):
        if step == 6:
            raise KeyboardInterrupt
        return learn(self, step, *data, **flags)

    with monkeypatch.context() as patched:
        patched.setattr(Stepper, "step", stop_after_6)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "stopped")
    kept = StateReader(tmp_path / "stopped/step-000004/state").read_metadata().state_dict_metadata
    assert "optimizer/model.layers.0.mlp.up_proj.weight/momentum" in kept
    assert "optimizer/model.embed_tokens.weight/exp_avg" in kept

    again = run(tmp_path / "stopped")

    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_an_unknown_optimizer_is_refused(stage):
    with pytest.raises(ValueError, match="adamw, muon"):
        dataclasses.replace(stage, optimizer="sgd")
