"""What is exported reads back as the formats say. The programs themselves are judged by hand."""

import json
import struct
import zlib
from datetime import UTC, datetime

import pytest

from hunmin.errors import OutputExists, RunMissing
from hunmin.journal.exporting import export_run
from hunmin.journal.tensorboard import crc32c
from hunmin.train.losses import LossLog
from tests.support.run_folders import make_run, point, usual_lines, write_log

NOW = datetime(2026, 10, 9, 12, tzinfo=UTC)


def fields(data):
    """Yield the fields of a protobuf message: number, and an int or bytes."""
    place = 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        yield number, data[place : place + size]
        place += size


def one(data, *path):
    for number in path:
        data = next(value for found, value in fields(data) if found == number)
    return data


def tensorboard_events(folder):
    (path,) = folder.iterdir()
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        body = data[12 : 12 + length]
        for content, place in ((data[:8], 8), (body, 12 + length)):
            (masked,) = struct.unpack("<I", data[place : place + 4])
            rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
            assert crc32c(content) == ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF
        yield body
        data = data[16 + length :]


def wandb_records(folder):
    (path,) = folder.glob("run-*.wandb")
    data, place, parts = path.read_bytes(), 7, b""
    assert data[:7] == b":W&B\xe1\xbe\x00"
    while place < len(data):
        left = (1 << 15) - place % (1 << 15)
        if left < 7:
            place += left
            continue
        crc, size, kind = struct.unpack("<LHB", data[place : place + 7])
        part = data[place + 7 : place + 7 + size]
        assert zlib.crc32(bytes([kind]) + part) == crc
        parts += part
        place += 7 + size
        if kind in {1, 4}:
            yield parts
            parts = b""


def items(record):
    return {
        one(item, 2).decode(): json.loads(one(item, 16))
        for number, item in fields(record)
        if number == 1
    }


def test_the_checksum_is_the_one_of_the_standard():
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(b"123456789") == 0xE3069283


def test_tensorboard_gets_every_series_with_step_and_moment(tmp_path):
    run = make_run(tmp_path, now=NOW)
    out = export_run(run, tmp_path / "tb", format_="tensorboard", now=NOW.timestamp())

    version, recipe, *rows = tensorboard_events(out)
    assert one(version, 3) == b"brain.Event:2"
    assert b"learning_rate" in recipe
    assert len(rows) == 64
    last = rows[-1]
    assert one(last, 2) == 640
    assert struct.unpack("<d", one(last, 1))[0] == NOW.timestamp()
    found = {
        one(value, 1).decode(): struct.unpack("<f", one(value, 2))[0]
        for number, value in fields(one(last, 5))
        if number == 1
    }
    assert found["train/loss"] == pytest.approx(point(640, NOW)["loss"])
    assert found["speed/mfu"] == pytest.approx(0.4063, abs=1e-3)
    assert any(b"heldout/loss" in row for row in rows)


def test_wandb_gets_a_run_it_can_sync(tmp_path):
    run = make_run(tmp_path, now=NOW)
    LossLog(run).add(step=640, event="stopped")
    out = export_run(run, tmp_path / "wb", format_="wandb", now=NOW.timestamp())

    header, begun, *history, summary, end = wandb_records(out)
    assert out.name.startswith("offline-run-20261009_1056")
    assert one(header, 21)
    assert out.name.endswith(one(begun, 17, 1).decode())
    config = {one(u, 1).decode(): json.loads(one(u, 16))
              for number, u in fields(one(begun, 17, 4)) if number == 1}  # fmt: skip
    assert config["train"]["optimizer"] == "muon"
    steps = [one(record, 2, 2, 1) for record in history]
    assert steps == sorted(set(steps))
    assert steps[-1] == 640
    said = items(one(history[-1], 2))
    assert (said["_step"], said["_timestamp"]) == (640, NOW.timestamp())
    assert items(one(summary, 3))["train/loss"] == said["train/loss"]
    assert one(end, 18, 1) == 0


def test_a_run_that_goes_on_is_exported_without_an_end(tmp_path):
    run = make_run(tmp_path, now=NOW)
    out = export_run(run, tmp_path / "wb", format_="wandb", now=NOW.timestamp())

    *_, last = wandb_records(out)
    assert {number for number, _ in fields(last)} == {1, 3}


def test_records_longer_than_a_block_are_parted(tmp_path):
    run = write_log(tmp_path / "run", usual_lines(steps=10, now=NOW, recipe={
        "train": {"stage": "pretrain", "steps": 10, "note": "가" * 50_000}}))  # fmt: skip
    out = export_run(run, tmp_path / "wb", format_="wandb", now=NOW.timestamp())

    _, begun, *_ = wandb_records(out)
    assert len(begun) > 3 * (1 << 15)


def test_an_old_log_without_moments_is_exported_too(tmp_path):
    run = write_log(tmp_path / "run", [{"step": 10, "loss": 7.5}, {"step": 20, "loss": 7.0}])
    *_, last = tensorboard_events(
        export_run(run, tmp_path / "tb", format_="tensorboard", now=NOW.timestamp())
    )
    assert one(last, 2) == 20


@pytest.mark.parametrize("format_", ["tensorboard", "wandb"])
def test_what_is_there_already_is_left_alone(tmp_path, format_):
    run = make_run(tmp_path, now=NOW)
    (tmp_path / "out").mkdir()

    with pytest.raises(OutputExists):
        export_run(run, tmp_path / "out", format_=format_, now=NOW.timestamp())
    with pytest.raises(RunMissing):
        export_run(tmp_path, tmp_path / "new", format_=format_, now=NOW.timestamp())
    assert not (tmp_path / "new").exists()
