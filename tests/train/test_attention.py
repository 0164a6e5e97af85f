"""Attention is computed by the kernel that was measured to be fastest here, once for all."""

import dataclasses
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

from hunmin import train
from hunmin.errors import AttentionUnfit
from hunmin.model import attention_kernels
from hunmin.model.attention_kernels import Documents, Masked
from hunmin.model.attention_names import KERNEL_NAMES
from hunmin.train.attention_choice import cache_path, choose, fastest_of, with_attention
from hunmin.train.attention_timing import Case, Timing, measure, trouble_with
from hunmin.train.commands import training
from hunmin.train.device import Device
from hunmin.train.losses import LossLog

CPU, GPU = torch.device("cpu"), torch.device("cuda")

CASE = Case(
    device="NVIDIA H200",
    torch="2.11.0",
    head_width=64,
    heads=6,
    key_value_heads=6,
    sequence_tokens=2048,
    documents_apart=True,
    bfloat16=True,
)
ON_CPU = dataclasses.replace(CASE, device="CPU", sequence_tokens=40, bfloat16=False)


class Measured:
    """Tells what a GPU might have been measured to take, and counts how often it is asked."""

    def __init__(self, **milliseconds):
        self.asked = 0
        self.timings = [Timing(name, taken) for name, taken in milliseconds.items()]

    def __call__(self, *_asked):
        self.asked += 1
        return [Timing("flash", trouble="it takes no mask"), *self.timings]


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache" / "attention.json"


def test_the_fastest_is_measured_once_and_remembered(cache):
    measured = Measured(varlen=1.5, flex=1.25, efficient=4.0)

    first = choose(CASE, GPU, cache=cache, measure=measured)
    again = choose(CASE, GPU, cache=cache, measure=Measured(varlen=0.1))

    assert (first, again, measured.asked) == ("flex", "flex", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"device": "NVIDIA A100"}, {"torch": "2.13.0"}, {"head_width": 128}, {"heads": 12},
        {"key_value_heads": 2}, {"sequence_tokens": 4096}, {"documents_apart": False},
        {"bfloat16": False},
    ],
)  # fmt: skip
def test_what_was_measured_holds_for_one_device_and_shape(cache, change):
    choose(CASE, GPU, cache=cache, measure=Measured(flex=1.0))
    other = dataclasses.replace(CASE, **change)

    assert choose(other, GPU, cache=cache, measure=Measured(varlen=1.0)) == "varlen"
    assert choose(CASE, GPU, cache=cache, measure=Measured()) == "flex", "both are remembered"


@pytest.mark.parametrize("content", [b"", b"\xff{", b"[1]", b'{"a": 1}'])
def test_a_broken_file_is_ignored_and_written_again(cache, content):
    cache.parent.mkdir()
    cache.write_bytes(content)

    assert choose(CASE, GPU, cache=cache, measure=Measured(varlen=1.0)) == "varlen"

    assert "varlen" in json.loads(cache.read_bytes()).values()


def test_a_kernel_nobody_knows_any_more_is_measured_again(cache):
    choose(CASE, GPU, cache=cache, measure=Measured(varlen=1.0))
    cache.write_text(cache.read_text("utf-8").replace("varlen", "abacus"), "utf-8")

    assert choose(CASE, GPU, cache=cache, measure=Measured(flex=1.0)) == "flex"


def test_where_nothing_can_be_remembered_a_kernel_is_chosen_all_the_same(tmp_path):
    (tmp_path / "file").touch()

    cache = tmp_path / "file" / "attention.json"
    assert choose(CASE, GPU, cache=cache, measure=Measured(varlen=1.0)) == "varlen"


def test_where_no_kernel_works_pytorch_chooses_each_time(cache):
    assert choose(CASE, GPU, cache=cache, measure=Measured()) == "sdpa"
    assert not cache.exists(), "that is nothing to remember"


def test_the_file_is_in_the_cache_folder_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value, folder in ((str(tmp_path / "x"), tmp_path / "x"), ("x", tmp_path / ".cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", value)

        assert cache_path() == folder / "hunmin" / "attention.json"


@pytest.mark.parametrize(
    ("tokens", "bfloat16", "compiled", "kernel"),
    [
        (512, True, True, "tiles"),
        (513, True, True, "sdpa"),
        (512, False, True, "sdpa"),
        (512, True, False, "sdpa"),
    ],
)
def test_on_a_cpu_nothing_is_measured(tokens, bfloat16, compiled, kernel, cache):
    case = dataclasses.replace(ON_CPU, sequence_tokens=tokens, bfloat16=bfloat16)
    measured = Measured(math=0.1)

    assert choose(case, CPU, compiled=compiled, cache=cache, measure=measured) == kernel
    assert measured.asked == 0
    assert not cache.exists()


@pytest.mark.parametrize("kernel", ["efficient", "cudnn", "varlen", "flex"])
def test_a_kernel_that_cannot_learn_here_is_refused_by_name(kernel):
    with pytest.raises(AttentionUnfit, match=kernel):
        choose(ON_CPU, CPU, wanted=kernel)


@pytest.mark.parametrize("kernel", ["sdpa", "math", "flash"])
def test_the_kernel_asked_for_is_taken_where_it_works(kernel):
    assert choose(ON_CPU, CPU, wanted=kernel) == kernel


@pytest.mark.parametrize("kernel", ["cudnn", "flex"])
def test_a_deterministic_run_takes_no_kernel_that_is_not(kernel):
    with pytest.raises(AttentionUnfit, match="same bits"):
        choose(ON_CPU, CPU, wanted=kernel, deterministic=True)


class Leaky(Documents):
    """Looks into the future."""

    def attend(self, q_BHTE, k_BKTE, v_BKTE):
        return q_BHTE + k_BKTE + v_BKTE


def test_a_kernel_with_wrong_results_is_never_taken(monkeypatch):
    monkeypatch.setitem(attention_kernels._MAKERS, "flash", lambda _ids, _segments: Leaky())

    assert "wrong" in trouble_with("flash", ON_CPU, CPU)


class Short(Masked):
    """Cannot do long sequences."""

    def attend(self, q_BHTE, k_BKTE, v_BKTE):
        if q_BHTE.shape[2] > 256:
            raise RuntimeError("the sequence is too long. Buy a larger machine.")
        return Masked.attend(self, q_BHTE, k_BKTE, v_BKTE)


def test_a_kernel_that_fails_only_on_long_sequences_is_left_out(monkeypatch):
    monkeypatch.setitem(attention_kernels._MAKERS, "flash", lambda _ids, _segments: Short(None))
    case = dataclasses.replace(ON_CPU, sequence_tokens=300, heads=1, key_value_heads=1)
    case = dataclasses.replace(case, documents_apart=False)

    flash, usual = measure(("flash", "sdpa"), case, CPU)

    assert flash == Timing("flash", trouble="the sequence is too long")
    assert fastest_of([flash, usual]) == "sdpa"


def test_a_run_says_what_computed_its_attention(stage, shape, corpus, tokenizer, tmp_path):
    stage = dataclasses.replace(stage, steps=2, documents_apart=True)

    manifest = train.run(
        stage, shape, corpus=corpus, tokenizer=tokenizer, out=tmp_path / "run",
        compile_wanted=False, attention="math",
    )  # fmt: skip

    assert "math attention" in manifest.facts["device"]
    assert manifest.facts["computing"]["attention"] == "math"
    started = LossLog(tmp_path / "run").lines()[0]
    assert started["computing"] == manifest.facts["computing"]
    assert started["data"]["drop_share"] < 0.01


def test_a_run_with_a_kernel_that_cannot_is_refused_and_leaves_nothing(
    stage, shape, corpus, tokenizer, tmp_path
):
    with pytest.raises(AttentionUnfit, match="varlen"):
        train.run(
            stage, shape, corpus=corpus, tokenizer=tokenizer, out=tmp_path / "run",
            compile_wanted=False, attention="varlen",
        )  # fmt: skip

    assert not (tmp_path / "run").exists()


def test_every_process_takes_the_kernel_of_the_first():
    second = SimpleNamespace(
        is_first=False, together=lambda action: action(), gather=lambda own: ["math", own]
    )
    device = Device(CPU, bfloat16=False, compiled=False)

    assert with_attention(device, ON_CPU, second, wanted=None).attention == "math"


def test_the_command_prints_a_line_for_every_kernel():
    ended = CliRunner().invoke(training, ["attention", "1", "--sequence", "32"])

    assert ended.exit_code == 0, ended.output
    names = re.findall(r"^(\w+) .*(?:ms|no)", ended.stdout, re.MULTILINE)
    assert tuple(names) == KERNEL_NAMES
    assert re.search(r"^sdpa +[\d.]+ ms +[\d.]+x +[\d.]+ ms +[\d.]+x$", ended.stdout, re.MULTILINE)
    assert "flex, one document and documents apart: " in ended.stdout


@pytest.mark.parametrize("words", [["XL"], ["S", "--tensor", "5"]])
def test_the_command_refuses_what_is_no_size(words):
    ended = CliRunner().invoke(training, ["attention", *words])

    assert ended.exit_code == 2


@pytest.mark.gpu
@pytest.mark.parametrize("apart", [False, True])
def test_on_a_gpu_fast_kernels_are_right_and_one_is_remembered(gpu, shape, cache, apart):
    shape = dataclasses.replace(shape, head_width=64)
    device = Device(gpu, bfloat16=True, compiled=True)
    case = Case.of_shape(shape, device, tensor=1, sequence_tokens=1024, apart=apart)

    troubles = {kernel: trouble_with(kernel, case, gpu) for kernel in KERNEL_NAMES}
    chosen = choose(case, gpu, cache=cache)

    assert not troubles["varlen"], troubles
    assert not troubles["flex"], troubles
    assert bool(troubles["flash"]) == apart, "it takes no mask"
    assert not troubles[chosen]
    assert chosen in json.loads(cache.read_bytes()).values()
