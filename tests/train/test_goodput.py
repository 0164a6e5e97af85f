"""What failures leave of a run: by Young's and Daly's formula, and played through."""

import json

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hunmin.train.goodput import (
    FAILURES,
    Conditions,
    best_interval,
    best_played,
    effective_share,
    play,
)
from hunmin.train.goodput_command import goodput_command

PUBLISHED = [
    # blocking seconds, restart minutes, effective share in percent
    (60, 20, 85.3),
    (60, 10, 88.6),
    (60, 3, 90.9),
    (10, 20, 90.1),
    (10, 10, 93.4),
    (10, 3, 95.7),
    (1, 20, 92.4),
    (1, 10, 95.7),
    (1, 3, 98.0),
]


def ten_thousand_gpus(blocking, minutes, **more):
    return Conditions(gpus=10_000, blocking_seconds=blocking, restart_seconds=60 * minutes, **more)


@pytest.mark.parametrize(("blocking", "minutes", "percent"), PUBLISHED)
def test_the_formula_gives_what_is_known_of_ten_thousand_gpus(blocking, minutes, percent):
    conditions = ten_thousand_gpus(blocking, minutes)

    share = effective_share(conditions, best_interval(conditions))

    assert round(100 * share, 1) == percent


@pytest.mark.parametrize(("blocking", "minutes", "percent"), PUBLISHED)
def test_played_through_it_comes_to_about_the_same(blocking, minutes, percent):
    conditions = ten_thousand_gpus(blocking, minutes)

    played = play(conditions, best_interval(conditions))

    assert 100 * played.effective == pytest.approx(percent, abs=1.0)
    assert played.effective + played.blocked + played.lost + played.stood == pytest.approx(1)


def test_ten_thousand_gpus_fail_every_five_hours_of_the_known_causes():
    conditions = ten_thousand_gpus(1, 3)
    assert conditions.seconds_between_failures / 3600 == pytest.approx(5.07, abs=0.01)

    failures = play(conditions, 191, days=3650).failures

    total = sum(failures.values())
    assert total == pytest.approx(3650 * 24 / 5.07, rel=0.02)
    for cause, count in FAILURES.items():
        share = failures.get(cause, 0) / total
        assert share == pytest.approx(count / sum(FAILURES.values()), abs=0.01)


def test_the_best_interval_played_is_near_youngs():
    conditions = ten_thousand_gpus(10, 3)

    interval, played = best_played(conditions)

    assert 0.5 < interval / best_interval(conditions) < 2
    assert played.effective >= play(conditions, best_interval(conditions)).effective


def test_machines_that_have_to_be_replaced_and_slow_disks_cost_time():
    usual = ten_thousand_gpus(1, 3)
    replaced = ten_thousand_gpus(1, 3, replace_seconds=1800)
    slow = ten_thousand_gpus(1, 3, writing_seconds=300)

    shares = [effective_share(one, 191) for one in (usual, replaced, slow)]
    played = [play(one, 191).effective for one in (usual, replaced, slow)]

    assert shares[0] > max(shares[1:])
    assert played == pytest.approx(shares, abs=0.01)


@given(
    gpus=st.integers(1, 200_000),
    blocking=st.floats(0.1, 600),
    minutes=st.floats(0, 60),
    interval=st.floats(1, 50_000),
    writing=st.floats(0, 1000),
)
def test_time_is_trained_blocked_lost_or_stood_whatever_the_run(
    gpus, blocking, minutes, interval, writing
):
    conditions = Conditions(
        gpus=gpus,
        blocking_seconds=blocking,
        restart_seconds=60 * minutes,
        writing_seconds=writing,
    )

    played = play(conditions, interval, days=30)

    shares = (played.effective, played.blocked, played.lost, played.stood)
    assert all(-1e-9 <= share <= 1 for share in shares)
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("wrong", [{"gpus": 0}, {"blocking_seconds": 0}, {"restart_seconds": -1}])
def test_conditions_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Conditions(**{"gpus": 8, "blocking_seconds": 1, "restart_seconds": 60} | wrong)


@pytest.fixture
def goodput():
    app = typer.Typer()
    app.command()(goodput_command)

    def ask(*words):
        ended = CliRunner().invoke(app, ["--gpus", "10000", "--blocking", "1", *words])
        assert ended.exit_code == 0, ended.output
        return ended.output

    return ask


def test_the_command_tells_after_how_many_steps_to_write_a_checkpoint(goodput):
    said = goodput("--step", "5")

    assert "10,000 GPUs fail every 5.07 hours." in said
    assert "Best is a checkpoint after every 38 steps" in said
    assert "98.0 %" in next(line for line in said.splitlines() if line.strip().startswith("38 "))


def test_the_command_tells_the_same_to_programs(goodput):
    said = json.loads(goodput("--json", "--replace", "1200"))

    assert said["best_interval_seconds"] == pytest.approx(191, abs=1)
    played = said["intervals"][2]["played"]
    assert played["effective"] == pytest.approx(said["intervals"][2]["by_formula"], abs=0.01)
    assert next(iter(played["failures"])) == "faulty GPU"
