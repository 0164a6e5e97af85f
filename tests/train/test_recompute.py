"""Activations that are computed again cost time and save memory; what is learned stays the same."""

import dataclasses

import pytest
import torch

from hunmin import train
from hunmin.manifest import file_sha256
from hunmin.train.device import Device
from hunmin.train.learner import Penalties, build_learner, initialize
from hunmin.train.world import World
from tests.support.worlds import planned, train_all


@pytest.fixture
def mixture(shape):
    """Give the shape of a small mixture of experts."""
    return dataclasses.replace(
        shape, feed_forward_width=0, experts=6, experts_per_token=2, expert_width=32
    )


@pytest.fixture(params=["dense", "mixture"])
def any_shape(request, shape, mixture):
    """Give the shape of a dense model, and of a mixture of experts."""
    return shape if request.param == "dense" else mixture


def learner_of(shape, *, recomputes, compiled=False):
    device = Device(torch.device("cpu"), bfloat16=False, compiled=False, recomputes=recomputes)
    learner = build_learner(shape, device, World())
    initialize(learner, 3)
    if compiled:
        for block in learner.transformer.model.layers:
            block.compile(backend="aot_eager")
    return learner


def went_through(learner, *, bfloat16=False):
    """Return the loss, the penalty, each gradient, and the bytes kept for the way back."""
    ids_BT = torch.randint(0, 640, (2, 33), generator=torch.manual_seed(1))
    segments_BT = (torch.arange(32) // 20).expand(2, -1)
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss, penalty = learner(
                ids_BT[:, :-1],
                ids_BT[:, 1:],
                segments_BT,
                penalties=Penalties(balance_loss=0.1, router_z_loss=0.01),
            )
        bytes_kept = sum(kept.values())
    (loss + penalty).backward()
    gradients = {name: weight.grad for name, weight in learner.named_parameters()}
    return loss, penalty, gradients, bytes_kept


@pytest.mark.parametrize("bfloat16", [False, True])
def test_loss_penalties_and_gradients_are_the_same_bits_and_less_is_kept(any_shape, bfloat16):
    loss, penalty, gradients, bytes_kept = went_through(
        learner_of(any_shape, recomputes=False), bfloat16=bfloat16
    )

    again = went_through(learner_of(any_shape, recomputes=True), bfloat16=bfloat16)

    assert torch.equal(again[0], loss)
    assert torch.equal(again[1], penalty)
    assert all(torch.equal(again[2][name], gradient) for name, gradient in gradients.items())
    assert again[3] < bytes_kept / 2


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # the compiler looks, and may
def test_compiled_layers_are_recomputed_too(any_shape):
    loss, _, gradients, bytes_kept = went_through(
        learner_of(any_shape, recomputes=False, compiled=True)
    )

    again = went_through(learner_of(any_shape, recomputes=True, compiled=True))

    torch.testing.assert_close(again[0], loss)
    torch.testing.assert_close(again[2], gradients)
    assert again[3] < bytes_kept


def test_nothing_is_kept_for_a_loss_that_is_only_measured(shape):
    learner = learner_of(shape, recomputes=True)
    ids_BT = torch.zeros(1, 8, dtype=torch.int64)

    with torch.no_grad():
        loss, _ = learner(ids_BT, ids_BT, None)

    assert not loss.requires_grad


def test_a_run_may_begin_with_activations_kept_and_go_on_with_them_recomputed(
    stage, any_shape, corpus, tokenizer, tmp_path, monkeypatch
):
    stage = dataclasses.replace(stage, optimizer="muon", documents_apart=True)

    def run(out, **more):
        return train.run(
            stage, any_shape, corpus=corpus, tokenizer=tokenizer, out=out,
            compile_wanted=False, **more,
        )  # fmt: skip

    run(tmp_path / "kept")
    with monkeypatch.context() as patched:
        patched.setattr("hunmin.train.loop.Loop._finish", _stops)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "both")
    manifest = run(tmp_path / "both", recompute_activations=True)

    weights = "step-000012/model.safetensors"
    assert file_sha256(tmp_path / "both" / weights) == file_sha256(tmp_path / "kept" / weights)
    assert "activations recomputed" in manifest.facts["device"]


def _stops(loop):
    loop.keeper.settle(loop.course)
    raise KeyboardInterrupt


def test_on_several_processes_the_bytes_at_the_end_are_the_same(
    stage, shape, mixture, corpus, tokenizer, tmp_path
):
    stage = dataclasses.replace(stage, steps=4, optimizer="muon", micro_batch_sequences=1)
    runs = [(of, again) for of in (shape, mixture) for again in (False, True)]

    told = train_all(
        *(
            planned(
                3, stage, of,
                corpus=corpus, tokenizer=tokenizer, out=tmp_path / str(number),
                recompute_activations=again,
            )
            for number, (of, again) in enumerate(runs)
        )
    )  # fmt: skip

    assert [one["ends"] for one in told] == [[0, 0, 0]] * 4, told[-1]["said"]
    hashes = [file_sha256(tmp_path / f"{n}/step-000004/model.safetensors") for n in range(4)]
    assert hashes[0] == hashes[1]
    assert hashes[2] == hashes[3]
