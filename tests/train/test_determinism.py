"""A deterministic run ends in the same bytes, killed or not, or says that it cannot."""

import dataclasses
import signal
import subprocess
import sys
import time

import pytest
import torch

from hunmin import train
from hunmin.errors import BitsWouldDiffer
from hunmin.manifest import Manifest, file_sha256
from hunmin.train.stepping import Stepper
from tests.support.worlds import train_all


class PowerCut(Exception):
    """What no part of a run knows of."""


@pytest.fixture
def run(stage, shape, corpus, tokenizer, tmp_path):
    """Give what trains, or goes on with, one run."""

    def run(**more):
        return train.run(
            stage, shape, corpus=corpus, tokenizer=tokenizer, out=tmp_path / "run",
            compile_wanted=False, **more,
        )  # fmt: skip

    return run


@pytest.fixture
def stop(run, monkeypatch):
    """Give what begins a run that stops after its first checkpoint."""
    learn = Stepper.step

    def step(self, number, *data, **flags):
        if number == 5:
            raise PowerCut
        return learn(self, number, *data, **flags)

    def stop(**more):
        with monkeypatch.context() as patch:
            patch.setattr(Stepper, "step", step)
            with pytest.raises(PowerCut):
                run(**more)

    return stop


def weights_sha256(out, step):
    return file_sha256(out / f"step-{step:06}" / "model.safetensors")


def test_killed_and_gone_on_with_it_ends_in_the_bytes_of_one_never_broken(stage, plan, tmp_path):
    stage = dataclasses.replace(stage, documents_apart=True, optimizer="muon")

    _, killed = train_all(
        plan(1, stage, tmp_path / "whole", deterministic=True),
        plan(1, stage, tmp_path / "killed", deterministic=True, kills=2),
    )

    assert killed["kills"] == 2
    assert weights_sha256(tmp_path / "killed", 12) == weights_sha256(tmp_path / "whole", 12)
    facts = Manifest.read(tmp_path / "killed/step-000012").facts
    assert facts["computing"]["deterministic"] is True
    assert facts["device"].endswith(", deterministic")


@pytest.mark.parametrize(
    ("begun", "gone_on", "what"),
    [
        ({"deterministic": True}, {"attention": "math"}, "attention"),
        ({}, {}, "deterministic"),
    ],
)
def test_it_goes_on_only_as_it_was_computed(stop, run, tmp_path, begun, gone_on, what):
    stop(**begun)
    before = sorted(path.name for path in (tmp_path / "run").iterdir())

    with pytest.raises(BitsWouldDiffer, match=f"computed with {what} = ") as refused:
        run(deterministic=True, **gone_on)

    assert refused.value.what == what
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == before


def test_gone_on_with_otherwise_it_says_that_it_is_deterministic_no_more(stop, run):
    stop(deterministic=True)

    manifest = run(attention="math")

    assert manifest.facts["computing"]["deterministic"] is False
    assert manifest.facts["computing"]["attention"] == "math"


def test_pytorch_is_deterministic_while_it_runs_and_not_after(run, monkeypatch):
    seen = []
    learn = Stepper.step

    def step(self, *data, **flags):
        seen.append(torch.are_deterministic_algorithms_enabled())
        return learn(self, *data, **flags)

    monkeypatch.setattr(Stepper, "step", step)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)

    run(deterministic=True)

    assert seen == [True] * 12
    assert not torch.are_deterministic_algorithms_enabled()


ON_GPU = """
import sys
from pathlib import Path
from hunmin import model, train
corpus, tokenizer, out = map(Path, sys.argv[1:4])
shape = model.ModelConfig(vocab_size=640, context_tokens=256, layers=4, width=256, heads=4,
    key_value_heads=2, head_width=64, feed_forward_width=512)
stage = train.TrainConfig(stage="pretrain", steps=60, batch_sequences=16, sequence_tokens=256,
    learning_rate=3e-3, checkpoint_every_steps=10, documents_apart=True, optimizer="muon")
train.run(stage, shape, corpus=corpus, tokenizer=tokenizer, out=out, deterministic=True)
"""


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_on_a_gpu_too_killed_and_gone_on_with_it_ends_in_the_same_bytes(
    corpus, tokenizer, tmp_path
):
    command = [sys.executable, "-c", ON_GPU, str(corpus), str(tokenizer)]
    for name in ("whole", "again"):
        subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True)
    with subprocess.Popen([*command, str(tmp_path / "killed")]) as child:
        while child.poll() is None and not list((tmp_path / "killed").glob("step-*")):
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL, "it was killed half-way"
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)

    hashes = {weights_sha256(tmp_path / name, 60) for name in ("whole", "again", "killed")}
    assert len(hashes) == 1
