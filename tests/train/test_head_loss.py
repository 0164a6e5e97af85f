"""The loss in parts is that of the whole, its gradients too, and it takes less memory."""

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from hunmin.train import head_loss
from hunmin.train.head_loss import HeadLoss
from tests.support.worlds import run_program

WIDTH = 8

PARTED = """
import os, sys, torch
import torch.multiprocessing as mp
from hunmin.model import ModelConfig
from hunmin.train.device import Device
from hunmin.train.head_loss import HeadLoss
from hunmin.train.learner import Penalties, build_learner, initialize, whole_on_cpu
from hunmin.train.world import World, join_world

def shape(tied):
    return ModelConfig(vocab_size=65, context_tokens=16, layers=1, width=16, heads=4,
        key_value_heads=2, head_width=8, feed_forward_width=32, tied_embeddings=tied)

def part(rank, size, port):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": str(rank),
                   "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    device = Device(torch.device("cpu"), bfloat16=False, compiled=False)
    ids = torch.arange(48).reshape(3, 16)
    targets = ids.roll(-1, 1).masked_fill(ids % 7 == 0, -100)
    with join_world() as world:
        for tied, each in ((True, "batch"), (False, "batch"), (True, "sequence"), (True, "token")):
            found = []
            for one in (world, World()):
                learner = build_learner(shape(tied), device, one)
                learner.head_loss = HeadLoss(tokens_max=10 if one is world else None)
                initialize(learner, 1)
                loss, added = learner(ids, targets, None, penalties=Penalties(z_loss=0.1),
                                      each=each)
                (loss.sum() + added).backward()
                gradients = {n: whole_on_cpu(w.grad) for n, w in learner.named_parameters()}
                found.append((loss.detach(), added.detach(), gradients))
            torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)

if __name__ == "__main__":
    size = int(sys.argv[1])
    mp.start_processes(part, (size, sys.argv[2]), nprocs=size, start_method="fork")
"""


def problem(
    seed: int, *, tokens: int = 23, vocabulary: int = 19, ignored: float = 0.3
) -> tuple[Tensor, Tensor, Tensor]:
    """Return last hidden states, a head and targets, of which a share is to be ignored."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(tokens, WIDTH, generator=generator, requires_grad=True)
    head = torch.randn(vocabulary, WIDTH, generator=generator).div_(WIDTH).requires_grad_()
    targets = torch.randint(0, vocabulary, (tokens,), generator=generator)
    targets[torch.rand(tokens, generator=generator) < ignored] = -100
    return hidden, head, targets


def plainly(
    hidden: Tensor, head: Tensor, targets: Tensor, *, z_loss: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return the loss of each token and the z-loss, from all logits at once."""
    logits = functional.linear(hidden, head).float()
    losses = functional.cross_entropy(logits, targets, ignore_index=-100, reduction="none")
    return losses, z_loss * logits.exp().sum(-1).log().square()[targets >= 0].sum()


def assert_same(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> None:
    """Check that tensors are the same within a millionth of the largest number in each."""
    for one, other in zip(found, wanted, strict=True):
        largest = max(1.0, other.abs().max().item())
        torch.testing.assert_close(one / largest, other / largest, rtol=0, atol=1e-6)


SIZES = {
    "seed": st.integers(0, 2**31),
    "tokens": st.integers(1, 40),
    "vocabulary": st.integers(1, 40),
    "tokens_max": st.integers(1, 50),
    "ignored": st.sampled_from([0.0, 0.3, 1.0]),
    "z_loss": st.sampled_from([0.0, 0.1]),
}


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_in_any_parts_losses_and_gradients_are_those_of_the_whole(
    seed, tokens, vocabulary, tokens_max, ignored, z_loss
):
    of = problem(seed, tokens=tokens, vocabulary=vocabulary, ignored=ignored)

    found = HeadLoss(tokens_max=tokens_max).sum(*of, z_loss=z_loss)

    losses, added = plainly(*of, z_loss=z_loss)
    assert_same(found, (losses.sum(), added))
    ours = torch.autograd.grad(sum(found) / tokens, of[:2])
    assert_same(ours, torch.autograd.grad((losses.sum() + added) / tokens, of[:2]))


@settings(max_examples=40, deadline=None)
@given(**SIZES)
def test_sequences_may_count_differently_and_the_gradients_are_those_of_the_whole(
    seed, tokens, vocabulary, tokens_max, ignored, z_loss
):
    hidden, head, targets = problem(seed, tokens=2 * tokens, vocabulary=vocabulary, ignored=ignored)
    counts = torch.tensor([3.0, -0.5])

    found = HeadLoss(tokens_max=tokens_max).by_sequence(
        hidden, head, targets.view(2, -1), z_loss=z_loss
    )

    losses, added = plainly(hidden, head, targets, z_loss=z_loss)
    wanted = losses.view(2, -1).sum(-1), added
    assert_same(found, wanted)
    ours, theirs = ((counts @ one[0] + 2 * one[1]) / tokens for one in (found, wanted))
    gradients = torch.autograd.grad(ours, (hidden, head))
    assert_same(gradients, torch.autograd.grad(theirs, (hidden, head)))


@settings(max_examples=40, deadline=None)
@given(**SIZES)
def test_tokens_may_count_differently_and_their_entropies_are_told(
    seed, tokens, vocabulary, tokens_max, ignored, z_loss
):
    hidden, head, targets = problem(seed, tokens=2 * tokens, vocabulary=vocabulary, ignored=ignored)
    counts = torch.linspace(-1.0, 2.0, 2 * tokens).view(2, -1)

    (ours, entropies), ours_added = HeadLoss(tokens_max=tokens_max).by_token(
        hidden, head, targets.view(2, -1), z_loss=z_loss
    )

    losses, added = plainly(hidden, head, targets, z_loss=z_loss)
    found, wanted = (ours, ours_added), (losses.view(2, -1), added)
    assert_same(found, wanted)
    log = functional.linear(hidden, head).log_softmax(-1)
    assert_same((entropies.flatten(),), (-(log.exp() * log).sum(-1).masked_fill(targets < 0, 0.0),))
    mine, theirs = (((counts * one[0]).sum() + 2 * one[1]) / tokens for one in (found, wanted))
    gradients = torch.autograd.grad(mine, (hidden, head))
    assert_same(gradients, torch.autograd.grad(theirs, (hidden, head)))


def test_what_is_not_to_be_predicted_teaches_nothing():
    hidden, head, targets = problem(1)

    loss, _ = HeadLoss(tokens_max=5).sum(hidden, head, targets, z_loss=0.1)
    loss.backward()

    assert hidden.grad is not None
    assert hidden.grad[targets < 0].abs().max() == 0
    assert hidden.grad[targets >= 0].abs().min() > 0


def test_measuring_works_out_no_gradients():
    hidden, head, targets = problem(2)
    loss_in_parts = HeadLoss(tokens_max=5)
    loss_in_parts.teach = None  # it would fail if it were asked

    with torch.no_grad():
        loss, _ = loss_in_parts.sum(hidden, head, targets)

    assert loss.grad_fn is None
    assert_same((loss,), (plainly(hidden, head, targets)[0].sum(),))


def test_products_are_made_in_the_number_format_of_the_run():
    hidden, head, targets = problem(3)

    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = HeadLoss(tokens_max=5).sum(hidden, head, targets)
        wanted = plainly(hidden, head, targets)[0].sum()
    ours = torch.autograd.grad(loss, (hidden, head))
    theirs = torch.autograd.grad(wanted, (hidden, head))

    torch.testing.assert_close(loss, wanted)
    assert [one.dtype for one in ours] == [torch.float32, torch.float32]
    for one, other in zip(ours, theirs, strict=True):
        # Parts are added up in float32, so they are nearer to the truth than the whole.
        torch.testing.assert_close(one, other, rtol=0.02, atol=0.02)


def test_a_frozen_head_gets_no_gradient():
    hidden, head, targets = problem(5)

    loss, _ = HeadLoss(tokens_max=5).sum(hidden, head.detach(), targets)

    wanted = torch.autograd.grad(plainly(hidden, head, targets)[0].sum(), hidden)
    assert_same(torch.autograd.grad(loss, hidden), wanted)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # the compiler looks, and may
def test_compiled_it_is_the_same():
    compiler = functools.partial(torch.compile, backend="aot_eager")
    of = problem(6)

    found = HeadLoss(compiler, tokens_max=10).sum(*of, z_loss=0.1)

    wanted = HeadLoss().sum(*of, z_loss=0.1)
    assert_same(found, wanted)
    assert_same(torch.autograd.grad(found[0], of[:2]), torch.autograd.grad(wanted[0], of[:2]))


def test_on_several_processes_and_with_tied_embeddings_the_gradients_are_those_of_one(tmp_path):
    (tmp_path / "parted.py").write_text(PARTED)

    run_program(tmp_path / "parted.py", 2)


class Largest(TorchDispatchMode):
    """Remembers the bytes of the largest tensor that was made."""

    bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, tuple | list) else (made,):
            if isinstance(one, Tensor):
                self.bytes = max(self.bytes, one.untyped_storage().nbytes())
        return made


@pytest.mark.parametrize("way", ["sum", "by_sequence", "by_token"])
def test_no_more_logits_than_those_of_a_part_ever_exist(way, monkeypatch):
    monkeypatch.setattr(head_loss, "TOKENS_MIN", 64)
    monkeypatch.setitem(head_loss.LOGITS_MAX, "cpu", 100 * 512)
    hidden, head, targets = problem(4, tokens=2048, vocabulary=512)
    shape = (2048,) if way == "sum" else (2, 1024)

    with Largest() as largest:
        loss, _ = getattr(HeadLoss(), way)(hidden, head, targets.view(shape))
        loss.sum().backward()

    assert largest.bytes <= 100 * 512 * 4, "the logits of a hundred tokens"
    with Largest() as largest:
        plainly(hidden, head, targets)[0].sum().backward()
    assert largest.bytes == 2048 * 512 * 4
