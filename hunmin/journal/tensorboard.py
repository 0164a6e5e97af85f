"""TensorBoard's event file: one protobuf `Event` a row, each framed as TFRecord.

Values are 32-bit floats, as TensorBoard keeps scalars: a count of tokens above 16 million is
rounded in the eighth digit.

Source:
    tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto; "TFRecord and
    tf.train.Example", TensorFlow documentation (the masked CRC-32C).
"""

import json
import struct
from collections.abc import Iterable
from pathlib import Path

from hunmin.journal import protobuf
from hunmin.journal.rows import Row
from hunmin.journal.values import Summary

_STRING = 7
"""`DT_STRING` of TensorFlow."""

_POLYNOMIAL = 0x82F63B78
"""CRC-32C, reflected."""


def write(folder: Path, summary: Summary, rows: Iterable[Row], *, started_at: float) -> str:
    """Write the event file of a run into a folder, the recipe as a text beside the scalars.

    Returns:
        An empty name: TensorBoard is given the folder itself.
    """
    name = f"events.out.tfevents.{int(started_at):010}.hunmin"
    with (folder / name).open("wb") as stream:
        version = protobuf.double(1, started_at) + protobuf.text(3, "brain.Event:2")
        stream.write(framed(version))
        recipe = json.dumps(summary.recipe, ensure_ascii=False, indent=1, sort_keys=True)
        text = _text("recipe", f"```\n{recipe}\n```")
        stream.write(framed(_event(started_at, 0, text)))
        for row in rows:
            values = b"".join(_scalar(tag, value) for tag, value in row.values.items())
            stream.write(framed(_event(row.at, row.step, values)))
    return ""


def _event(at: float, step: int, values: bytes) -> bytes:
    return protobuf.double(1, at) + protobuf.integer(2, step) + protobuf.message(5, values)


def _scalar(tag: str, value: float) -> bytes:
    return protobuf.message(1, protobuf.text(1, tag) + protobuf.float_(2, value))


def _text(tag: str, text: str) -> bytes:
    plugin = protobuf.message(1, protobuf.text(1, "text"))
    shape = protobuf.message(2, protobuf.message(2, protobuf.integer(1, 1)))
    tensor = protobuf.integer(1, _STRING) + shape + protobuf.text(8, text)
    content = protobuf.text(1, tag) + protobuf.message(8, tensor) + protobuf.message(9, plugin)
    return protobuf.message(1, content)


def framed(data: bytes) -> bytes:
    """Return a record of TFRecord: length, its checksum, the data, theirs."""
    length = struct.pack("<Q", len(data))
    return length + _masked_crc(length) + data + _masked_crc(data)


def _masked_crc(data: bytes) -> bytes:
    crc = crc32c(data)
    rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + 0xA282EAD8) & 0xFFFFFFFF)


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of bytes.

    Source:
        RFC 3720, appendix B.4.
    """
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
