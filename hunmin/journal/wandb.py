"""An offline run of Weights & Biases, as its own client leaves it: `wandb sync FOLDER` takes it.

The file `run-ID.wandb` is a log of protobuf records in LevelDB's framing, with zlib's CRC-32.
Nothing is synced from here.

Source:
    wandb/proto/wandb_internal.proto and core/internal/transactionlog of github.com/wandb/wandb;
    "Log format", LevelDB documentation.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from hunmin.journal import protobuf
from hunmin.journal.rows import Row
from hunmin.journal.values import Summary

_HEADER = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
_BLOCK_BYTES = 1 << 15
_FRAME_BYTES = 7
_KINDS = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}
"""Of a part of a record, by whether it is the first and whether it is the last."""

_CONSUMER_MIN = "0.70.0"
"""The version of the format."""

_MICROSECOND = 1e-6


def write(folder: Path, summary: Summary, rows: Iterable[Row], *, started_at: float) -> str:
    """Write a folder as the client leaves it, of a run that began at `started_at`.

    The run's id is derived from its name, start and recipe: exported again, it is the same run.
    One that goes on has no record of its end, as one whose client was stopped.

    Returns:
        The name of the folder in `folder`.
    """
    begun = datetime.fromtimestamp(started_at, UTC)
    recipe = json.dumps(summary.recipe, sort_keys=True)
    told = f"{summary.name} {begun.isoformat()} {recipe}"
    run_id = hashlib.sha256(told.encode()).hexdigest()[:8]
    place = folder / f"offline-run-{begun:%Y%m%d_%H%M%S}-{run_id}"
    (place / "files").mkdir(parents=True)
    with (place / f"run-{run_id}.wandb").open("wb") as stream:
        records = _Records(stream)
        version = protobuf.text(1, "hunmin") + protobuf.text(2, _CONSUMER_MIN)
        records.add(21, protobuf.message(1, version))
        records.add(17, _run(summary, run_id, started_at))
        last: dict[str, float] = {}
        ended_at = started_at
        for row in rows:
            ended_at = row.at
            values = {
                "_step": row.step,
                "_timestamp": row.at,
                "_runtime": row.at - started_at,
                **row.values,
            }
            step = protobuf.message(2, protobuf.integer(1, row.step))
            records.add(2, _items(values) + step)
            last.update(values)
        records.add(3, _items(last))
        if summary.state not in {"running", "stalled"}:
            code = int(summary.state == "failed")
            seconds = max(0, round(ended_at - started_at))
            records.add(18, protobuf.integer(1, code) + protobuf.integer(2, seconds))
    return place.name


def _run(summary: Summary, run_id: str, started_at: float) -> bytes:
    config = {
        **summary.recipe,
        "inputs": summary.inputs,
        "device": summary.device,
        "processes": summary.processes,
        "parameters": summary.parameters,
    }
    updates = b"".join(
        protobuf.message(1, protobuf.text(1, key) + protobuf.text(16, json.dumps(value)))
        for key, value in config.items()
    )
    seconds = int(started_at)
    nanos = round((started_at - seconds) / _MICROSECOND) * 1000
    start = protobuf.integer(1, seconds) + protobuf.integer(2, nanos)
    return (
        protobuf.text(1, run_id)
        + protobuf.text(3, "hunmin")
        + protobuf.message(4, updates)
        + protobuf.text(7, summary.stage)
        + protobuf.text(8, summary.name)
        + protobuf.message(17, start)
    )


def _items(values: Mapping[str, float]) -> bytes:
    """Return values by name, as history and summary both hold them."""
    return b"".join(
        protobuf.message(1, protobuf.text(2, name) + protobuf.text(16, json.dumps(value)))
        for name, value in values.items()
    )


class _Records:
    """Writes records in LevelDB's framing: cut where a block of 32 KiB ends."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._offset = stream.write(_HEADER)
        self._count = 0

    def add(self, field: int, content: bytes) -> None:
        """Write one `Record` with a message in its field `field`."""
        self._count += 1
        data = protobuf.integer(1, self._count) + protobuf.message(field, content)
        is_first = True
        while data or is_first:
            room = _BLOCK_BYTES - self._offset % _BLOCK_BYTES
            if room < _FRAME_BYTES:
                self._offset += self._stream.write(bytes(room))
                room = _BLOCK_BYTES
            part, data = data[: room - _FRAME_BYTES], data[room - _FRAME_BYTES :]
            self._write(_KINDS[is_first, not data], part)
            is_first = False

    def _write(self, kind: int, part: bytes) -> None:
        crc = zlib.crc32(bytes([kind]) + part)
        self._offset += self._stream.write(struct.pack("<LHB", crc, len(part), kind) + part)
