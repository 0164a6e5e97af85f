"""`hunmin runs` as people and programs call it."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from hunmin.__main__ import app
from hunmin.errors import RunMissing
from tests.support.run_folders import add_checkpoint, event, make_run, usual_lines, write_log


@pytest.fixture
def folder(tmp_path):
    now = datetime.now(UTC)
    make_run(tmp_path, now=now)
    done = write_log(tmp_path / "done", [*usual_lines(steps=1000, now=now)])
    with (done / "loss.jsonl").open("a") as stream:
        stream.write(json.dumps(event("finished", 1000, now)) + "\n")
    add_checkpoint(done, 1000, finished=True)
    return tmp_path


def call(*words):
    answer = CliRunner().invoke(app, ["runs", *map(str, words)], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_the_list_has_a_line_for_every_run(folder):
    said = call("list", folder)

    assert [line.split()[:2] for line in said.splitlines()[1:]] == [
        ["done", "finished"],
        ["laptop/pretrain", "running"],
    ]
    lines = call("list", folder, "--json").splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["finished", "running"]


def test_a_run_is_shown_once_in_either_language(folder):
    english = call("show", folder / "laptop/pretrain", "--once")
    korean = call("show", folder / "laptop/pretrain", "--once", "--language", "ko")

    assert "640 / 1,000" in english
    assert "Time left" in english
    assert "남은 시간" in korean
    assert "느린 프로세스" in korean
    assert "kowiki" in english


def test_watching_ends_with_the_run(folder):
    assert "1,000 / 1,000" in call("show", folder / "done")


def test_a_run_is_told_to_programs(folder):
    said = json.loads(call("show", folder / "laptop/pretrain", "--json"))

    assert (said["state"], said["step"]) == ("running", 640)


def test_two_runs_are_laid_beside_each_other(folder):
    runs = (folder / "done", folder / "laptop/pretrain")
    said = call("compare", *runs)
    told = json.loads(call("compare", *runs, "--over", "tokens", "--json"))

    assert "Loss at the same step" in said
    assert "640" in said
    assert told["places"][-1] == 640 * 16 * 256
    assert len(told["losses"]) == 2


@pytest.mark.parametrize("format_", ["tensorboard", "wandb"])
def test_an_export_says_what_to_give_to_the_program(folder, format_):
    out = folder / "out"
    said = call("export", folder / "done", "--format", format_, "--out", out)

    assert said.strip().startswith(str(out))
    assert out.is_dir()


def test_a_folder_that_is_no_run_is_refused(folder):
    with pytest.raises(RunMissing):
        CliRunner().invoke(app, ["runs", "show", str(folder)], catch_exceptions=False)
