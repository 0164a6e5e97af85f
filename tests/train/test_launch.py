"""The printed lines start the run that was asked for: one is started here, on two processes."""

import os
import re
import shlex
import subprocess

import pytest
from click.testing import CliRunner

from hunmin.__main__ import load_command
from hunmin.manifest import Manifest

RECIPE = """
from pathlib import Path
from hunmin.model import ModelConfig
from hunmin.train import Recipe, TrainConfig

def recipe():
    return Recipe(
        name="tiny",
        sources=Path("none.toml"),
        vocab_size=640,
        model=ModelConfig(vocab_size=640, context_tokens=64, layers=2, width=32, heads=4,
            key_value_heads=2, head_width=16, feed_forward_width=64),
        pretrain=TrainConfig(stage="pretrain", steps=6, batch_sequences=4, sequence_tokens=48,
            learning_rate=3e-3, checkpoint_every_steps=3, heldout_sequences=2),
    )
"""


@pytest.fixture
def printed(corpus, tokenizer, tmp_path):
    """Return what `--launch` prints."""
    recipe = tmp_path / "a recipe.py"
    recipe.write_text(RECIPE)

    def launch(*options):
        words = [
            *(recipe, "--corpus", corpus, "--tokenizer", tokenizer, "--out", tmp_path / "the run"),
            *("--no-compile", "--launch", *options),
        ]
        ended = CliRunner().invoke(
            load_command("train"), [*map(str, words)], catch_exceptions=False
        )
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    return launch


def test_the_line_for_torchrun_trains_on_two_processes(printed, tmp_path):
    line = printed("torchrun", "--processes", "2")

    ended = subprocess.run(
        ["/bin/sh"],
        input=line,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )

    assert ended.returncode == 0, ended.stderr[-3000:]
    facts = Manifest.read(tmp_path / "the run/step-000006").facts
    assert facts["processes"] == 2
    assert ended.stdout.splitlines()[-1].endswith("the run/step-000006")


def test_on_several_machines_each_is_told_where_the_first_one_is(printed):
    words = shlex.split(
        printed(
            "torchrun",
            *("--nodes", "3", "--processes", "8", "--attention", "varlen", "--deterministic"),
            *("--replicas", "3", "--context", "2", "--tensor", "4"),
            *("--precision", "bfloat16", "--force-float8"),
        )
    )

    assert words[words.index("--nnodes") + 1] == "3"
    assert words[words.index("--nproc-per-node") + 1] == "8"
    assert words[words.index("--rdzv-endpoint") + 1] == "FIRST-MACHINE:29500"
    assert words[words.index("--replicas") + 1] == "3"
    assert words[words.index("--context") + 1] == "2"
    assert words[words.index("--tensor") + 1] == "4"
    assert words[words.index("--attention") + 1] == "varlen"
    assert words[words.index("--precision") + 1] == "bfloat16"
    assert "--force-float8" in words
    assert "--deterministic" in words


def test_the_line_of_a_replica_says_where_it_meets_the_others(printed):
    words = shlex.split(printed("torchrun", "--processes", "8", "--meeting", "desk:29600"))

    assert words[words.index("--meeting") + 1] == "desk:29600"


def test_the_slurm_script_is_one_a_shell_reads(printed, tmp_path):
    script = printed("slurm", "--nodes", "4", "--processes", "8")

    subprocess.run(["/bin/bash", "-n"], input=script, text=True, check=True)
    assert script.startswith("#!/bin/bash\n")
    for wanted in ("--nodes=4", "--ntasks-per-node=1", "--gpus-per-node=8", "--requeue"):
        assert f"#SBATCH {wanted}\n" in script
    assert re.search(r"^#SBATCH --signal=B:TERM@\d+$", script, re.MULTILINE)
    assert '--rdzv-endpoint "$first:29500"' in script
    assert f"'{tmp_path}/a recipe.py'" in script, "names with spaces stay whole"


def test_how_experts_are_shared_out_is_passed_on(printed):
    words = shlex.split(printed("torchrun", "--processes", "8", "--expert-parallel", "4"))

    assert words[words.index("--expert-parallel") + 1] == "4"
