"""A run folder says what the run is and where it is; what it does not say is not guessed."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin import journal
from hunmin.errors import RunMissing
from hunmin.journal import words
from hunmin.journal.mix import joined_weights, packed_weights
from hunmin.journal.rows import rows
from hunmin.journal.start import SIDES
from hunmin.ledger import places_of_text
from hunmin.train.preference import PreferenceStepper
from hunmin.train.recipe import Stage
from hunmin.train.reinforce import ReinforceStepper
from tests.support.run_folders import (
    RECIPE,
    add_checkpoint,
    event,
    hold,
    make_run,
    point,
    started,
    usual_lines,
    write_log,
)

NOW = datetime(2026, 10, 9, 12, tzinfo=UTC)


def summarize(run, after=timedelta()):
    return journal.summarize(run, now=(NOW + after).timestamp())


def test_a_run_that_goes_on_says_where_it_is(tmp_path):
    run = summarize(make_run(tmp_path, now=NOW))

    assert (run.state, run.stage, run.step, run.steps) == ("running", "pretrain", 640, 1000)
    assert run.seconds_left == pytest.approx(360 * 6)
    assert run.tokens_seen == 640 * 16 * 256
    assert run.mfu == pytest.approx(run.tokens_per_second * 4e9 / (8 * 989e12))
    assert run.heldout_loss == 4.62
    assert (run.skipped, run.rollbacks) == (1, 0)
    assert [(one.process, one.phase) for one in run.stragglers] == [(5, "data")]
    assert [one.name for one in run.checkpoints] == ["step-000400", "step-000600"]
    assert [one.event for one in run.events] == ["started", "skipped", "straggler"]


def test_the_ledger_head_is_the_hash_of_the_newest_manifest(tmp_path):
    run = make_run(tmp_path, now=NOW)
    written = (run / "step-000600" / "manifest.json").read_bytes()
    head = summarize(run).head

    assert head is not None
    assert head.sha256 == hashlib.sha256(written).hexdigest()
    assert head.step == 600


def test_the_time_left_shrinks_between_two_lines_and_a_pause_does_not_count(tmp_path):
    earlier = usual_lines(steps=300, now=NOW - timedelta(days=3))
    again = NOW - timedelta(seconds=60)
    lines = [*earlier, started(again, step=300)]
    lines += [point(300 + 10 * n, again + timedelta(seconds=20 * n)) for n in (1, 2, 3)]
    run = write_log(tmp_path / "run", lines)
    hold(run, again)

    assert summarize(run).seconds_left == pytest.approx(670 * 2)
    later = summarize(run, timedelta(seconds=7))
    assert later.seconds_left == pytest.approx(670 * 2 - 7)


def test_a_run_without_a_peak_has_no_mfu_and_a_finished_one_no_time_left(tmp_path):
    lines = [started(NOW, peak_flops_per_second=None, device="CPU"), point(10, NOW)]
    run = write_log(tmp_path / "run", [*lines, event("finished", 10, NOW)])
    found = summarize(run)

    assert (found.mfu, found.seconds_left, found.state) == (None, None, "finished")


def test_a_run_made_before_there_were_starts_says_what_its_checkpoint_does(tmp_path):
    run = write_log(tmp_path / "run", [{"step": 10, "loss": 7.5, "learning_rate": 0.1}])
    add_checkpoint(run, 1000, finished=True)
    found = summarize(run)

    assert (found.state, found.steps, found.stage) == ("finished", 1000, "pretrain")
    assert found.tokens_seen == 1000 * 16 * 256
    assert (found.tokens_per_second, found.gradient_norm) == (None, None)
    assert found.recipe == RECIPE


def test_a_failed_run_says_why(tmp_path):
    lines = [started(NOW), event("failed", 3, NOW, reason="TrainingUnstable: too many steps")]
    run = write_log(tmp_path / "run", lines)

    assert summarize(run).state == "failed"
    assert summarize(run).reason == "TrainingUnstable: too many steps"


def test_what_a_stage_measures_beside_its_loss_is_told_and_exported(tmp_path):
    lines = [
        started(NOW),
        point(10, NOW, reward=0.5, entropy=1.25),
        point(20, NOW, reward=0.75, entropy=0.5),
        {"step": 20, "heldout_loss": 0.6, "heldout_reward_margin": 0.25, "at": NOW.isoformat()},
    ]
    run = write_log(tmp_path / "run", lines)
    (_, newest) = rows(journal.read_log(run), at_unknown=0.0)

    assert summarize(run).measures == {
        "reward": 0.75,
        "entropy": 0.5,
        "heldout_reward_margin": 0.25,
    }
    assert (newest.values["train/reward"], newest.values["heldout/reward_margin"]) == (0.75, 0.25)


def test_every_measure_and_event_that_training_writes_has_its_words():
    written = {*PreferenceStepper.measures, *ReinforceStepper.measures}
    assert written == set(journal.MEASURES)

    for language in ("ko", "en"):
        said = [words.say_name(name, language) for name in (*written, "heldout_reward_margin")]
        said += [words.say_kind(name, language) for name in ("replica_lost", "precision_changed")]
        said += [words.say_stage(name, language) for name in get_args(Stage)]
        said.append(words.say_layout(dict.fromkeys(SIDES, 2), language))
        assert all((re.search("[가-힣]", one) is not None) == (language == "ko") for one in said)
        assert not any("_" in one for one in said)


def test_how_processes_are_laid_out_and_what_was_padded_is_told(tmp_path):
    computing = {"replicas": 1, "context": 2, "tensor": 1, "expert_parallel": 4}
    data = {"drop_share": 0.001, "pad_share": 0.25}
    lines = [started(NOW, replicas=3, computing=computing, data=data)]
    found = summarize(write_log(tmp_path / "run", lines))

    assert found.layout == {"replicas": 3, "context": 2, "expert_parallel": 4}
    assert (found.drop_share, found.pad_share) == (0.001, 0.25)


def test_mfu_is_that_of_the_processes_there_were(tmp_path):
    lines = [
        started(NOW),
        point(10, NOW, tokens_per_second=800_000),
        event("replica_lost", 15, NOW, replica="a:1", processes=4, replicas=1),
        point(20, NOW, tokens_per_second=400_000),
    ]
    run = write_log(tmp_path / "run", lines)
    found = summarize(run)

    assert found.processes == 4
    assert found.mfu == pytest.approx(400_000 * 4e9 / (4 * 989e12))
    assert journal.mfu_of_points(journal.read_log(run)) == pytest.approx([found.mfu] * 2)


def test_a_process_that_keeps_up_again_is_no_straggler(tmp_path):
    lines = [
        started(NOW),
        event("straggler", 20, NOW, process=3, host="a", phase="forward", seconds_over=0.1),
        event("straggler", 20, NOW, process=1, host="a", phase="data", seconds_over=0.1),
        event("straggler_keeps_up", 40, NOW, process=3, host="a", phase="forward"),
    ]
    run = write_log(tmp_path / "run", lines)
    assert [one.process for one in summarize(run).stragglers] == [1]

    write_log(run, [*lines, started(NOW, step=40)])
    assert summarize(run).stragglers == []


def test_steps_that_were_taken_back_are_counted_once(tmp_path):
    taken_back = [{"step": 15}, {"step": 17}, {"step": 19}]
    lines = [started(NOW), event("rollback", 10, NOW, from_step=20, skipped=taken_back,
                                 data_steps_left_out=[10, 20])]  # fmt: skip
    found = summarize(write_log(tmp_path / "run", lines))

    assert (found.skipped, found.rollbacks) == (3, 1)
    assert found.events[-1].details == {
        "from_step": 20, "skipped": 3, "data_steps_left_out": "10, 20"
    }  # fmt: skip


def test_a_start_that_is_not_as_we_write_it_breaks_nothing(tmp_path):
    odd = started(NOW, steps="many", recipe=RECIPE, device=7)
    slow = event("straggler", 3, NOW, process=1, seconds_over="long")
    back = event("rollback", 3, NOW, from_step=9, skipped=3)
    found = summarize(write_log(tmp_path / "run", [odd, slow, back, point(10, NOW)]))

    assert (found.steps, found.device, found.skipped) == (None, "", 0)
    assert found.stragglers[0].seconds_over is None


@pytest.mark.parametrize("make", [lambda _: None, lambda path: path.mkdir(), lambda p: p.touch()])
def test_a_folder_that_is_no_run_is_said_to_be_none(tmp_path, make):
    make(tmp_path / "run")

    with pytest.raises(RunMissing, match="loss.jsonl"):
        summarize(tmp_path / "run")


def test_runs_are_found_in_lines_and_not_behind_links(tmp_path):
    make_run(tmp_path / "var", "laptop/pretrain", now=NOW)
    write_log(tmp_path / "var" / "alone", [])
    write_log(tmp_path / "elsewhere", [])
    (tmp_path / "var" / "link").symlink_to(tmp_path / "elsewhere")
    write_log(tmp_path / "var" / ".hidden" / "run", [])

    assert list(journal.find_runs(tmp_path / "var")) == ["alone", "laptop/pretrain"]
    assert journal.find_runs(tmp_path / "nowhere") == {}


def test_the_mix_is_that_of_the_table_of_documents(tmp_path):
    mix = summarize(make_run(tmp_path, now=NOW)).mix

    assert [(part.source, part.license, part.documents) for part in mix] == [
        ("kowiki", "CC-BY-SA-3.0", 60),
        ("kr-statutes", "KR-Copyright-Act-Art7", 25),
        ("pd-stories", "CC0-1.0", 15),
    ]
    assert [part.share for part in mix] == pytest.approx([0.6, 0.25, 0.15], abs=0.02)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=200), st.randoms(use_true_random=False))
def test_every_sample_of_joined_text_is_one_documents_in_whatever_order(lengths, random):
    samples = sum(lengths) // 100
    if samples == 0:
        return
    first, many = places_of_text(np.array(lengths), sample_tokens=100, samples=samples)
    weights = joined_weights(first, many)

    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(samples, abs=1)
    order = list(range(len(lengths)))
    random.shuffle(order)
    shuffled = joined_weights(first[order], many[order])
    assert shuffled.sum() == pytest.approx(weights.sum())


def test_shares_of_joined_text_come_near_those_of_its_tokens():
    draw = np.random.default_rng(1446)
    lengths = draw.integers(5, 900, 4000)
    is_ours = draw.random(4000) < 0.3
    lengths[is_ours] //= 4
    first, many = places_of_text(lengths, sample_tokens=256, samples=lengths.sum() // 256)
    weights = joined_weights(first, many)

    share = weights[is_ours].sum() / weights.sum()
    assert share == pytest.approx(lengths[is_ours].sum() / lengths.sum(), abs=0.005)


def test_packed_conversations_share_their_sample():
    weights = packed_weights(np.array([0, 0, 1, 5]), np.array([1, 1, 1, 0]))

    assert weights.tolist() == [0.5, 0.5, 1.0, 0.0]


def test_runs_are_compared_where_all_of_them_have_been(tmp_path):
    whole = write_log(tmp_path / "a", usual_lines(steps=1000, now=NOW))
    slower = {**RECIPE, "train": {**RECIPE["train"], "learning_rate": 0.001}}
    half = write_log(tmp_path / "b", usual_lines(steps=500, now=NOW, recipe=slower))
    compared = journal.compare([whole, half], now=NOW.timestamp())

    assert compared.places_X[-1] == 500
    assert compared.losses_RX.shape == (2, 10)
    np.testing.assert_allclose(compared.losses_RX[0], compared.losses_RX[1])
    assert [(one.key, one.values) for one in compared.differences] == [
        ("train.learning_rate", ("0.003", "0.001"))
    ]
    by_tokens = journal.compare([whole, half], axis="tokens_seen", now=NOW.timestamp())
    assert by_tokens.places_X[-1] == 500 * 16 * 256


def test_runs_without_points_compare_to_nothing(tmp_path):
    empty = write_log(tmp_path / "a", [started(NOW)])
    compared = journal.compare([empty, empty], names=["a", "b"], now=NOW.timestamp())

    assert len(compared.places_X) == 0
    assert compared.to_json()["losses"] == [[], []]
