"""`hunmin eval` at the terminal, and two evaluations side by side."""

import json
import shutil
import subprocess
import sys

import pytest

from hunmin import evaluation
from hunmin.errors import EvaluationBroken, NothingToCompare
from hunmin.evaluation.comparison import as_markdown
from hunmin.evaluation.results import ITEMS_NAME, RESULTS_NAME
from tests.evaluation.conftest import write_pack


def hunmin(*words: object, cwd=None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hunmin", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_an_evaluation_from_the_terminal(checkpoint, corpus, make_pack, tmp_path):
    done = hunmin(
        "eval", checkpoint, "--out", "result", "--tasks", make_pack("endings"),
        "--corpus", corpus, "--limit", 8, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout == "result/report.md\n"
    assert "bits per byte:" in done.stderr
    assert "endings: acc_norm" in done.stderr
    assert "baseline 0.250" in done.stderr
    assert (tmp_path / "result/report.html").is_file()


def test_an_unknown_task_is_one_line_and_exit_status_1(checkpoint, tmp_path):
    done = hunmin("eval", checkpoint, "--out", tmp_path / "e", "--tasks", "kobest_cpoa")

    assert done.returncode == 1
    assert done.stdout == ""
    assert "kobest_copa" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_tells_of_every_task_and_whether_it_can_run(tmp_path):
    done = hunmin("eval", "--list", "--data", tmp_path)

    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert {row[1] for row in rows} >= {"kobest_copa", "kobbq", "ntrex_enko"}
    assert all("no data" in row[3] for row in rows)


def test_help_names_both_commands():
    done = hunmin("eval", "--help")

    assert done.returncode == 0
    assert "compare" in done.stdout
    assert "hunmin eval CHECKPOINT --out DIR" in " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def pair(checkpoint, make_checkpoint, corpus, tmp_path_factory):
    """Give a folder with two evaluations of different models on the same items."""
    folder = tmp_path_factory.mktemp("pair")
    pack = write_pack(folder / "pack", "endings", "yes_or_no")
    for name, one in (("a", checkpoint), ("b", make_checkpoint(seed=8))):
        evaluation.run(one, folder / name, tasks=[str(pack)], corpus=corpus)
    return folder


@pytest.fixture
def two(pair, tmp_path):
    """Give copies of the two, which a test may change."""
    return tuple(shutil.copytree(pair / name, tmp_path / name) for name in ("a", "b"))


def test_a_model_does_not_differ_from_itself(two):
    found = evaluation.compare(two[0], two[0])

    assert [d.name for d in found] == ["heldout", "endings", "yes_or_no"]
    assert all(d.difference == 0 and d.better == "neither" for d in found)


def test_two_random_models_differ_by_no_more_than_luck(two):
    tasks = [d for d in evaluation.compare(*two) if d.name != "heldout"]

    assert [d.better for d in tasks] == ["neither", "neither"]
    assert all(d.low <= d.difference <= d.high for d in tasks)
    assert all(d.paired for d in tasks)


def _change(folder, edit) -> None:
    for name in (RESULTS_NAME, ITEMS_NAME):
        plain = json.loads((folder / name).read_text("utf-8"))
        edit(name, plain)
        (folder / name).write_text(json.dumps(plain), "utf-8")


def test_better_on_most_items_is_better(two):
    def all_right(name, plain):
        if name == ITEMS_NAME:
            plain["tasks"]["endings"]["metrics"]["acc_norm"] = [1.0] * 40
        else:
            plain["tasks"]["endings"]["metrics"]["acc_norm"]["score"] = 1.0

    _change(two[1], all_right)

    (endings,) = (d for d in evaluation.compare(*two) if d.name == "endings")
    assert endings.better == "second"
    assert endings.p < 0.001


def test_fewer_bits_are_better(two):
    def fewer(name, plain):
        if name == ITEMS_NAME:
            plain["heldout"]["bits"] = [bits * 0.9 for bits in plain["heldout"]["bits"]]

    first = two[0]
    _change(two[1], lambda *_: None)
    (two[1] / ITEMS_NAME).write_bytes((first / ITEMS_NAME).read_bytes())
    _change(two[1], fewer)

    (bits,) = (d for d in evaluation.compare(*two) if d.name == "heldout")
    assert bits.difference == pytest.approx(-0.1 * bits.first)
    assert bits.better == "second"


def test_other_items_are_compared_by_their_averages(two):
    def rename(name, plain):
        if name == ITEMS_NAME:
            plain["tasks"]["endings"]["ids"] = [f"other{n}" for n in range(40)]

    _change(two[1], rename)

    (endings,) = (d for d in evaluation.compare(*two) if d.name == "endings")
    assert not endings.paired
    assert 0 < endings.p <= 1


def test_a_task_with_another_wording_is_not_compared(two):
    def reword(name, plain):
        if name == RESULTS_NAME:
            plain["tasks"]["endings"]["task_sha256"] = "0" * 64

    _change(two[1], reword)

    assert "endings" not in [d.name for d in evaluation.compare(*two)]


def test_nothing_in_common_is_an_error(two):
    def empty(_, plain):
        plain["heldout"] = None
        plain["tasks"] = {}

    _change(two[1], empty)

    with pytest.raises(NothingToCompare):
        evaluation.compare(*two)


def test_a_folder_that_is_no_evaluation_is_refused(two, tmp_path):
    with pytest.raises(EvaluationBroken):
        evaluation.compare(two[0], tmp_path)


def test_a_comparison_is_a_table(two):
    table = as_markdown(evaluation.compare(*two), "a", "b")

    rows = [line.count("|") for line in table.splitlines()]
    assert len(set(rows)) == 1
    assert len(rows) == 5
