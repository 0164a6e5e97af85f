"""Learning in float8: near to bfloat16, only where it fits and pays, and exact to go on with."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hunmin import model, train
from hunmin.errors import Float8Unfit
from hunmin.manifest import Manifest, file_sha256
from hunmin.train import float8
from hunmin.train.device import Device
from hunmin.train.float8 import Float8Linear, check_float8, use_float8
from hunmin.train.losses import LossLog
from hunmin.train.stepping import Stepper
from tests.support.worlds import run_program

STEPS = 30
CPU = Device(torch.device("cpu"), bfloat16=True, compiled=True, float8=True)

PARTED = """
import dataclasses, os, sys, torch
import torch.multiprocessing as mp
from hunmin.model import ModelConfig
from hunmin.train.device import Device
from hunmin.train.float8 import Float8Linear
from hunmin.train.learner import build_learner, initialize, whole_on_cpu
from hunmin.train.world import World, join_world

SHAPE = ModelConfig(vocab_size=64, context_tokens=16, layers=2, width=128, heads=2,
    key_value_heads=1, head_width=64, feed_forward_width=144)

def part(rank, size, port):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": str(rank),
                   "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    kept = Device(torch.device("cpu"), bfloat16=True, compiled=False, float8=True)
    again = dataclasses.replace(kept, recomputes=True)
    ids = torch.arange(48).reshape(3, 16)
    with join_world() as world:
        found = []
        for device, one in ((kept, World()), (kept, world), (again, world)):
            learner = build_learner(SHAPE, device, one)
            assert isinstance(learner.transformer.model.layers[1].mlp.up_proj, Float8Linear)
            initialize(learner, 1)
            with device.precision():
                loss, _ = learner(ids, ids.roll(-1, 1), None)
            loss.backward()
            gradients = {name: whole_on_cpu(w.grad) for name, w in learner.named_parameters()}
            found.append((loss.detach(), gradients))
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=0, atol=0)

if __name__ == "__main__":
    size = int(sys.argv[1])
    mp.start_processes(part, (size, sys.argv[2]), nprocs=size, start_method="fork")
"""


@pytest.fixture
def shape(shape):
    """Give a shape whose layers are large enough, but for those of keys and values."""
    return dataclasses.replace(
        shape, width=128, heads=2, key_value_heads=1, head_width=64, feed_forward_width=256
    )


@pytest.fixture
def large():
    """Give a shape for which float8 pays."""
    return model.ModelConfig(
        vocab_size=65_536,
        context_tokens=2048,
        layers=24,
        width=2048,
        heads=16,
        key_value_heads=8,
        head_width=128,
        feed_forward_width=5632,
    )


@pytest.fixture
def run(shape, corpus, tokenizer, monkeypatch):
    """Give what trains in a precision, float8 forced, until a step where one is given."""
    learn = Stepper.step

    def run_one(stage, out, *, precision, until=None, **more):
        def step(self, number, *data, **flags):
            if number == until:
                raise KeyboardInterrupt
            return learn(self, number, *data, **flags)

        with monkeypatch.context() as patched:
            patched.setattr(Stepper, "step", step)
            return train.run(
                stage, shape, corpus=corpus, tokenizer=tokenizer, out=out, compile_wanted=False,
                precision=precision, force_float8=True, **more,
            )  # fmt: skip

    return run_one


def error_of(found, wanted):
    """Return by how much a tensor differs from another, as a share of it."""
    return ((found.float() - wanted).norm() / wanted.norm()).item()


@pytest.mark.parametrize("tokens", [32, 33, 1])
def test_a_product_and_its_gradients_are_those_of_float32_but_for_eight_bits(tokens):
    torch.manual_seed(tokens)
    ordinary = nn.Linear(256, 144, bias=False)
    x = torch.randn(2, tokens, 256, requires_grad=True)
    seen = torch.randn(2, tokens, 144)
    of = x, ordinary.weight

    ours = Float8Linear(ordinary)(x)
    theirs = ordinary(x)

    assert ours.dtype == torch.bfloat16
    assert 0.001 < error_of(ours, theirs) < 0.05
    found = torch.autograd.grad(ours, of, seen.bfloat16())
    for one, other in zip(found, torch.autograd.grad(theirs, of, seen), strict=True):
        assert one.dtype == torch.float32
        assert 0.001 < error_of(one, other) < 0.08


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-(2.0**127), 2.0**127, width=32), min_size=1, max_size=20),
    number=st.sampled_from([torch.float8_e4m3fn, torch.float8_e5m2]),
)
def test_scaled_into_eight_bits_no_number_grows_infinite_or_moves_by_more_than_they_allow(
    values, number
):
    tensor = torch.tensor(values)
    scale = float8._scale(tensor, number)

    back = float8._scaled(tensor, scale, number).float().double() * scale.double()

    limits = torch.finfo(number)
    near_zero = scale.double() * limits.smallest_normal * limits.eps
    allowed = tensor.double().abs() * limits.eps / 2 * 1.001 + near_zero + 1e-44
    assert ((back - tensor.double()).abs() <= allowed).all()


def test_what_is_no_number_does_not_become_one():
    layer = Float8Linear(nn.Linear(128, 128, bias=False))
    for bad in (float("nan"), float("inf")):
        x = torch.ones(16, 128)
        x[3, 5] = bad

        assert not layer(x)[3].isfinite().any()


def test_what_is_only_measured_is_measured_as_by_an_ordinary_layer():
    ordinary = nn.Linear(128, 128, bias=False)
    x = torch.randn(16, 128)

    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(Float8Linear(ordinary)(x), ordinary(x))


@pytest.mark.filterwarnings("ignore:.*should not be instantiated")  # the compiler does, and may
def test_compiled_as_a_whole_it_is_the_same():
    layer = Float8Linear(nn.Linear(128, 256, bias=False))
    x = torch.randn(3, 7, 128, requires_grad=True)
    of, seen = (x, layer.weight), torch.randn(3, 7, 256).bfloat16()

    ours = torch.compile(layer, backend="aot_eager", fullgraph=True)(x)

    theirs = layer(x)
    assert torch.equal(ours, theirs)
    found = torch.autograd.grad(ours, of, seen)
    torch.testing.assert_close(found, torch.autograd.grad(theirs, of, seen), rtol=0, atol=0)


def test_layers_that_are_small_or_odd_are_left_alone(shape):
    odd = dataclasses.replace(shape, feed_forward_width=264)
    mixture = dataclasses.replace(
        shape, feed_forward_width=0, experts=128, experts_per_token=2, expert_width=128
    )

    def taken(one):
        with torch.device("meta"):
            transformer = model.Transformer(one)
        use_float8(transformer)
        kinds = {name: type(layer) for name, layer in transformer.named_modules()}
        return {name.split(".")[-1] for name, kind in kinds.items() if kind is Float8Linear}

    assert taken(shape) == {"q_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert taken(odd) == {"q_proj", "o_proj"}
    assert "gate" not in taken(mixture), "routers stay as they are, however many experts"


def test_parted_among_processes_and_recomputed_it_is_the_same_bits(tmp_path):
    (tmp_path / "parted.py").write_text(PARTED)

    run_program(tmp_path / "parted.py", 2)


def test_a_run_in_float8_learns_as_in_bfloat16_and_stopped_goes_on_exactly(stage, run, tmp_path):
    stage = dataclasses.replace(stage, steps=STEPS, checkpoint_every_steps=10)
    weights = f"step-{STEPS:06}/model.safetensors"

    plain = run(stage, tmp_path / "bfloat16", precision="bfloat16")
    manifest = run(stage, tmp_path / "float8", precision="float8")
    with pytest.raises(KeyboardInterrupt):
        run(stage, tmp_path / "stopped", precision="float8", until=15)
    run(stage, tmp_path / "stopped", precision="float8", recompute_activations=True)

    assert manifest.facts["precision"] == "float8"
    assert "float8" in manifest.facts["device"]
    lines = LossLog(tmp_path / "float8").lines()
    assert lines[0]["event"] == "started"
    assert lines[0]["precision"] == "float8"
    first = next(line["loss"] for line in lines if "loss" in line)
    assert manifest.facts["heldout_loss"] < first - 0.5
    assert manifest.facts["heldout_loss"] == pytest.approx(plain.facts["heldout_loss"], rel=0.01)
    assert manifest.facts["heldout_loss"] != plain.facts["heldout_loss"]
    assert file_sha256(tmp_path / "stopped" / weights) == file_sha256(tmp_path / "float8" / weights)


def test_a_run_that_goes_on_in_another_precision_says_so(stage, run, tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt):
        run(stage, tmp_path / "run", precision="float8", until=6)
    capsys.readouterr()

    run(stage, tmp_path / "run", precision="bfloat16")

    assert "goes on in bfloat16; until here it was trained in float8" in capsys.readouterr().err
    changes = [
        {key: line[key] for key in ("step", "precision", "precision_before")}
        for line in LossLog(tmp_path / "run").lines()
        if line.get("event") == "precision_changed"
    ]
    assert changes == [{"step": 4, "precision": "bfloat16", "precision_before": "float8"}]
    assert Manifest.read(tmp_path / "run/step-000012").facts["precision"] == "bfloat16"


@pytest.mark.parametrize(
    ("of_stage", "of_shape", "tensor", "told"),
    [
        ({}, {}, 2, "tensor = 2"),
        ({"stage": "preference"}, {}, 1, "stage = preference"),
        ({"stage": "chat", "lora_rank": 4}, {}, 1, "lora_rank = 4"),
        ({}, {"width": 2056}, 1, "width = 2056"),
    ],
)
def test_where_float8_cannot_be_it_is_refused_even_if_forced(
    stage, large, of_stage, of_shape, tensor, told
):
    stage, large = dataclasses.replace(stage, **of_stage), dataclasses.replace(large, **of_shape)

    with pytest.raises(Float8Unfit, match=told) as refusal:
        check_float8(stage, large, CPU, tensor=tensor, forced=True)

    assert "--force-float8" not in str(refusal.value)


@pytest.mark.parametrize(
    ("of_shape", "of_device", "capability", "told"),
    [
        ({}, {"device": torch.device("cpu")}, (9, 0), "device = CPU"),
        ({}, {}, (8, 6), "device = Some GPU"),
        ({}, {"compiled": False}, (9, 0), "compile = no"),
        (
            {"feed_forward_width": 0, "experts": 8, "experts_per_token": 8, "expert_width": 1024},
            {},
            (9, 0),
            "experts = 8",
        ),
        ({"layers": 10}, {}, (9, 0), "matmul_parameters = 606076928"),
    ],
)
def test_where_float8_does_not_pay_it_is_refused_unless_forced(
    stage, large, of_shape, of_device, capability, told, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Some GPU")
    gpu = dataclasses.replace(CPU, device=torch.device("cuda"))
    device, shape = dataclasses.replace(gpu, **of_device), dataclasses.replace(large, **of_shape)

    with pytest.raises(Float8Unfit, match=told) as refusal:
        check_float8(stage, shape, device, tensor=1, forced=False)

    assert "--force-float8" in str(refusal.value)
    check_float8(stage, shape, device, tensor=1, forced=True)
    if capability >= (8, 9):
        check_float8(stage, large, gpu, tensor=1, forced=False)


def test_a_refused_run_leaves_nothing_behind(stage, shape, corpus, tokenizer, tmp_path):
    with pytest.raises(Float8Unfit):
        train.run(
            stage, shape, corpus=corpus, tokenizer=tokenizer, out=tmp_path / "run",
            precision="float8",
        )  # fmt: skip

    assert not (tmp_path / "run").exists()
