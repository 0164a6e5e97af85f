"""A ladder of real runs: climbed, killed, gone on with, and honest about runs that failed."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import typer

from hunmin.__main__ import load_command
from hunmin.errors import LadderTooShort, RecipeBroken, TrainingUnstable
from hunmin.manifest import Manifest, ancestors, verify_files
from hunmin.train import ladder as ladder_module
from hunmin.train.ladder import Ladder, climb, said

OPTIONS = ("--sequence", "48", "--tokens-per-parameter", "0.004", "--no-compile")


@pytest.fixture(scope="module")
def ladder(corpus, tokenizer, tmp_path_factory) -> Ladder:
    return Ladder(
        corpus=corpus,
        tokenizer=tokenizer,
        out=tmp_path_factory.mktemp("ladder") / "out",
        sequence_tokens=48,
        tokens_per_parameter=0.004,
        compile_wanted=False,
    )


@pytest.fixture(scope="module")
def climbed(ladder):
    return climb(ladder, [3, 1, 2])


def facts_of(folder):
    return json.loads((folder / "ladder.json").read_text("utf-8"))


def test_three_runs_predict_a_fourth(climbed):
    facts = facts_of(climbed)

    assert climbed.name == "law-1-2-3-for-4"
    assert [run["size"] for run in facts["runs"]] == ["1", "2", "3"]
    assert all(0 < run["loss"] < math.log(640) for run in facts["runs"])
    target = facts["prediction"]
    assert target["size"] == "4"
    assert target["low"] < target["loss"] < target["high"]
    assert target["bits_per_byte_low"] < target["bits_per_byte"]
    assert target["times_the_largest_run"] > 1
    assert facts["self_check"] is None, "three runs minus one are too few"
    assert "size 4" in said(climbed)
    assert (climbed / "ladder.svg").read_text("utf-8").startswith("<?xml")
    verify_files(climbed)
    kinds = [manifest.kind for _, manifest in ancestors(climbed)]
    assert kinds.count("checkpoint") == 3
    assert kinds.count("corpus") == 1


def test_climbed_again_nothing_is_trained_and_nothing_changes(ladder, climbed, monkeypatch):
    before = (climbed / "manifest.json").read_bytes()
    monkeypatch.setattr("hunmin.train.loop.Loop.go", None)

    assert climb(ladder, [1, 2, 3]) == climbed
    assert (climbed / "manifest.json").read_bytes() == before


def test_a_ladder_killed_on_the_way_ends_as_one_that_was_not(ladder, climbed, tmp_path):
    """Its first and third rung are there already; it is killed while it trains the second."""
    out = tmp_path / "out"
    left = shutil.ignore_patterns("depth-2", "law-*")
    shutil.copytree(ladder.out, out, symlinks=True, ignore=left)
    folders = ["--corpus", ladder.corpus, "--tokenizer", ladder.tokenizer, "--out", out]
    command = ["train", "ladder", *map(str, folders), *OPTIONS, "--depths", "1,2,3"]
    program = subprocess.Popen(
        [sys.executable, "-m", "hunmin", *command],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    while not (out / "depth-2/loss.jsonl").is_file() and program.poll() is None:
        time.sleep(0.02)
    program.send_signal(signal.SIGKILL)
    assert program.wait() == -signal.SIGKILL
    assert not list(out.glob("law-*"))

    load_command("train").main(command[1:], standalone_mode=False)

    assert facts_of(out / climbed.name) == facts_of(climbed)


def test_a_run_that_failed_is_left_out_and_named(ladder, climbed, monkeypatch):
    train = ladder_module.run

    def unlucky(config, shape, **folders):
        if folders["out"].name == "depth-4":
            raise TrainingUnstable(step=7, last_good=None)
        return train(config, shape, **folders)

    monkeypatch.setattr(ladder_module, "run", unlucky)

    facts = facts_of(climb(ladder, [1, 2, 3, 4], target="s"))

    assert list(facts["left_out"]) == ["4"]
    assert "7" in facts["left_out"]["4"]
    assert facts["prediction"]["size"] == "S"
    assert facts["runs"] == facts_of(climbed)["runs"]


@pytest.mark.usefixtures("climbed")
def test_a_run_that_learned_nothing_is_left_out_and_too_few_give_no_law(ladder, monkeypatch):
    monkeypatch.setattr(ladder_module, "_loss", lambda _: math.nan)

    with pytest.raises(LadderTooShort, match="no better than guessing") as refusal:
        climb(ladder, [1, 2, 3])

    assert list(refusal.value.left_out) == ["1", "2", "3"]


def test_with_four_runs_the_largest_is_predicted_from_the_others(ladder, climbed, monkeypatch):
    """The fourth is a run of depth 3 told to be one of depth 4: it costs nothing to make."""
    train = Ladder.train
    monkeypatch.setattr(Ladder, "train", lambda self, depth: train(self, min(depth, 3)))

    check = facts_of(climb(ladder, [1, 2, 3, 4], target="M"))["self_check"]

    assert check["size"] == "4"
    assert check["within"] == (check["low"] <= check["measured"] <= check["high"])
    assert check["measured"] == facts_of(climbed)["runs"][-1]["loss"]


def test_too_few_depths_are_refused_before_anything_is_trained(ladder):
    with pytest.raises(LadderTooShort, match="2 runs"):
        climb(ladder, [1, 2, 2])


@pytest.mark.parametrize("words", [["--depths", "1,b"], ["--depths", "1,2,3", "--predict", "XL"]])
def test_what_is_no_size_is_refused(ladder, words):
    given = ["--corpus", ladder.corpus, "--tokenizer", ladder.tokenizer, "--out", ladder.out]

    with pytest.raises(typer.BadParameter):
        load_command("train").main(["ladder", *map(str, given), *words], standalone_mode=False)


@pytest.mark.parametrize("name", ["./ladder", "run"])
def test_a_recipe_may_be_called_like_a_command(name):
    words = [] if name.startswith(".") else ["run"]

    with pytest.raises(RecipeBroken, match="no such file"):
        load_command("train").main(
            [*words, name, "--corpus", "c", "--tokenizer", "t", "--out", "o"],
            standalone_mode=False,
        )


@pytest.mark.usefixtures("climbed")
def test_a_rung_is_an_ordinary_run(ladder):
    last = max((ladder.out / "depth-2").glob("step-*"))
    manifest = Manifest.read(last, kind="checkpoint")

    assert manifest.recipe["model"]["layers"] == 2
    assert manifest.facts["finished"]
