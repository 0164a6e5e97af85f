"""A run tells those who watch it what it is, how fast it goes, and how it ended."""

import pytest

from hunmin import journal, train
from hunmin.model import flops_per_token
from hunmin.train.losses import LossLog
from hunmin.train.pace import peak_of
from hunmin.train.stepping import Stepper


def run(stage, shape, corpus, tokenizer, out):
    return train.run(
        stage, shape, corpus=corpus, tokenizer=tokenizer, out=out, compile_wanted=False
    )


def test_a_run_tells_what_it_is_and_how_fast_it_goes(stage, shape, corpus, tokenizer, tmp_path):
    manifest = run(stage, shape, corpus, tokenizer, tmp_path / "run")
    lines = LossLog(tmp_path / "run").lines()
    begun, *points = (line for line in lines if line.get("event") == "started" or "loss" in line)

    assert begun["recipe"] == manifest.recipe
    assert begun["flops_per_token"] == flops_per_token(shape, stage.sequence_tokens)
    assert begun["peak_flops_per_second"] is None  # of a CPU nobody knows it
    assert begun["inputs"] == {one.role: one.sha256 for one in manifest.inputs}
    assert [point["tokens_seen"] for point in points] == [10 * 4 * 48, 12 * 4 * 48]
    for point in points:
        tokens = point["tokens_per_second"] * point["step_seconds"]
        assert tokens == pytest.approx(4 * 48, rel=0.01)
    assert lines[-1]["event"] == "finished"

    told = journal.summarize(tmp_path / "run", now=0.0)
    assert (told.state, told.step, told.tokens_seen) == ("finished", 12, 12 * 4 * 48)
    assert told.mfu is None
    assert [(part.source, part.license, part.share) for part in told.mix] == [
        ("verses", "CC0-1.0", 1.0)
    ]


def test_a_run_that_fails_is_on_record_and_so_is_its_next_start(
    stage, shape, corpus, tokenizer, tmp_path, monkeypatch
):
    learn = Stepper.step

    def fail_at_6(self, step, *data, **more):
        if step == 6:
            raise RuntimeError("a wire came loose")
        return learn(self, step, *data, **more)

    monkeypatch.setattr(Stepper, "step", fail_at_6)
    with pytest.raises(RuntimeError):
        run(stage, shape, corpus, tokenizer, tmp_path / "run")
    failed = journal.summarize(tmp_path / "run", now=0.0)
    assert (failed.state, failed.reason) == ("failed", "RuntimeError: a wire came loose")

    monkeypatch.setattr(Stepper, "step", learn)
    run(stage, shape, corpus, tokenizer, tmp_path / "run")

    told = journal.summarize(tmp_path / "run", now=0.0)
    assert [event.event for event in told.events] == ["started", "failed", "started", "finished"]
    assert told.events[2].step == 4
    assert told.tokens_seen == 12 * 4 * 48


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H200", 989e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA A100-SXM4-80GB MIG 1g.10gb", None),
        ("NVIDIA A10G", None),
        ("NVIDIA GH200 480GB", None),
        ("Some GPU of the future", None),
    ],
)
def test_the_peak_is_that_of_the_data_sheet_or_not_said(name, peak):
    assert peak_of(name) == peak
