"""A log is read to its end and no further, whatever a crash or a rewind made of it."""

import json
import math
import time
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin.journal import read_log
from hunmin.train.losses import LossLog
from tests.support.run_folders import event, point, usual_lines, write_log

NOW = datetime(2026, 10, 9, 12, tzinfo=UTC)


def append(run, text):
    with (run / "loss.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(text)


def test_points_events_and_heldout_losses_are_told_apart(tmp_path):
    lines = [
        point(10, NOW),
        event("skipped", 13, NOW, skipped_loss=9.5, gradient_norm=3.0),
        {"step": 20, "heldout_loss": 5.5, "at": NOW.isoformat()},
        {"step": 20, "loss": 4.5},
    ]
    log = read_log(write_log(tmp_path / "run", lines))

    assert log.points["step"].tolist() == [10, 20]
    assert log.points["at"][0] == NOW.timestamp()
    assert math.isnan(log.points["at"][1])
    assert math.isnan(log.points["tokens_per_second"][1])
    assert log.heldout["heldout_loss"].tolist() == [5.5]
    assert [one["event"] for one in log.events] == ["skipped"]


def test_what_is_appended_is_seen_and_a_line_half_written_is_not_yet(tmp_path):
    run = write_log(tmp_path / "run", [point(10, NOW)])
    assert len(read_log(run)) == 1

    whole = json.dumps(point(20, NOW)) + "\n"
    append(run, whole[:30])
    assert len(read_log(run)) == 1
    append(run, whole[30:])

    assert read_log(run).points["step"].tolist() == [10, 20]


def test_lines_that_cannot_be_read_are_left_out_and_the_others_are_not(tmp_path):
    run = write_log(tmp_path / "run", [point(10, NOW)])
    append(run, '{"step": 20, "lo{"step": 30, "loss": 4}\n\n[1]\nnull\n')
    append(run, '{"step": 40, "loss": NaN, "learning_rate": 0.5}\n')
    append(run, '{"step": "50", "loss": 4}\n{"loss": 4}\n')
    append(run, '{"step": 60, "loss": 4, "at": "yesterday", "gradient_norm": "x", "new": {}}\n')
    log = read_log(run)

    assert log.points["step"].tolist() == [10, 60]
    assert math.isnan(log.points["at"][1])
    assert math.isnan(log.points["gradient_norm"][1])


def test_a_log_that_was_written_anew_is_read_anew(tmp_path):
    writer = LossLog(write_log(tmp_path / "run", [point(10, NOW), point(20, NOW), point(30, NOW)]))
    assert len(read_log(tmp_path / "run")) == 3

    writer.rewind(10)
    writer.add(step=20, loss=1.5)

    log = read_log(tmp_path / "run")
    assert log.points["step"].tolist() == [10, 20]
    assert log.points["loss"][1] == 1.5


def test_a_start_stays_on_record_when_steps_are_taken_back(tmp_path):
    writer = LossLog(write_log(tmp_path / "run", usual_lines(steps=30, now=NOW)))
    writer.add(step=30, event="stopped")
    writer.add(step=30, event="skipped")
    writer.rewind(10)

    kinds = [one["event"] for one in read_log(tmp_path / "run").events]
    assert kinds == ["started", "stopped"]


def test_a_folder_without_a_log_has_an_empty_one(tmp_path):
    assert len(read_log(tmp_path / "nowhere")) == 0
    assert len(read_log(write_log(tmp_path / "empty", []))) == 0


def test_a_log_written_anew_in_place_is_read_anew(tmp_path):
    """As some disks do it: the same file, and longer than what was read of it."""
    run = write_log(tmp_path / "run", [point(10, NOW), point(20, NOW)])
    read_log(run)
    write_log(run, [{"step": step, "loss": 1.0} for step in range(1, 60)])

    assert len(read_log(run)) == 59


@settings(max_examples=25)
@given(parts=st.lists(st.integers(0, 400), max_size=6))
def test_reading_in_parts_gives_what_reading_at_once_does(tmp_path_factory, parts):
    lines = usual_lines(steps=100, now=NOW)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    run = write_log(tmp_path_factory.mktemp("run"), [])
    start = 0
    for size in [*parts, len(text)]:
        append(run, text[start : start + size])
        start += size
        read_log(run)
    at_once = read_log(write_log(tmp_path_factory.mktemp("run"), lines))

    for name, column in read_log(run).points.items():
        np.testing.assert_array_equal(column, at_once.points[name])
    assert read_log(run).events == at_once.events


def test_a_log_of_many_lines_is_read_once_and_then_only_its_end(tmp_path):
    line = json.dumps(point(10, NOW))
    (tmp_path / "loss.jsonl").write_text((line + "\n") * 200_000, "utf-8")
    assert len(read_log(tmp_path)) == 200_000

    append(tmp_path, json.dumps(point(20, NOW + timedelta(seconds=1))) + "\n")
    began = time.process_time()
    log = read_log(tmp_path)

    assert time.process_time() - began < 0.1
    assert len(log) == 200_001
