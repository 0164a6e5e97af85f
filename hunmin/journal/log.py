"""The log of a run as columns: read to its end, and after that only what came since.

A log is `loss.jsonl`: points, events and held-out losses, a JSON object a line. It may be written
by another process while it is read, torn by a crash, or written anew where a run took steps back.
"""

import io
import json
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import json as pa_json

from hunmin.journal.columns import is_null, numbers

LOG_NAME = "loss.jsonl"

STALLED_NAME = "stalled"
"""The folder in a run's where a process that hung writes its stacks."""

LIFE_EVENTS = frozenset({"started", "stopped", "failed", "finished"})
"""Events of the run as a whole."""

MEASURES = (
    "reward",
    "clip_share",
    "sampling_kl",
    "reference_kl",
    "entropy",
    "reward_margin",
    "chosen_reward",
    "chosen_loss",
    "preference_accuracy",
    "ranking_accuracy",
)
"""What the stages of alignment measure beside their loss; what each is, their steppers tell."""

HELDOUT = "heldout_"
"""How what is measured on held-out data begins."""

NUMBERS = (
    "loss",
    "learning_rate",
    "gradient_norm",
    "tokens_seen",
    "tokens_per_second",
    "step_seconds",
    "heldout_loss",
    *MEASURES,
    *(HELDOUT + name for name in MEASURES),
)
"""What a line may say beside its step and its moment; nats, tokens, seconds."""

_SCHEMA = pa.schema(
    [
        ("step", pa.int64()),
        ("at", pa.timestamp("ms", tz="UTC")),
        ("event", pa.string()),
        *((name, pa.float64()) for name in NUMBERS),
    ]
)
_PARSE = pa_json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="ignore")

_LOGS_KEPT = 32
_END_BYTES = 256

Columns = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Log:
    """A log that was read. P points."""

    points: Columns
    """`step`, `at` (seconds since 1970) and each of `NUMBERS`, `(P,)`; NaN where it is not said."""
    heldout: Columns
    """The same of every line with a held-out loss."""
    events: tuple[Mapping[str, Any], ...]
    """Every event, as it stands in the log."""

    def __len__(self) -> int:
        return len(self.points["step"])


@dataclass(slots=True)
class _Read:
    """What is known of one file."""

    identity: tuple[int, int]
    offset: int = 0
    """Bytes read so far, to the end of a line."""
    end: bytes = b""
    """The bytes before it: where they differ, the file was written anew."""
    log: Log | None = None


@dataclass(slots=True)
class _Shelf:
    """Logs that were read before, the newest last."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    reads: OrderedDict[Path, _Read] = field(default_factory=OrderedDict)


_SHELF = _Shelf()


def read_log(run: Path) -> Log:
    """Return the log of a run folder; one without a log has an empty one.

    What was read before is kept, and only what was appended since is read: a run that goes on
    appends, and one that takes steps back writes the file anew, which is then read as a whole.
    """
    path = run / LOG_NAME
    with _SHELF.lock:
        try:
            with path.open("rb") as stream:
                known = _known(path, stream)
                stream.seek(known.offset)
                new = stream.read()
        except (FileNotFoundError, NotADirectoryError):
            return _parse(b"")
        whole = new[: new.rfind(b"\n") + 1]
        if whole or known.log is None:
            known.log = _joined(known.log, _parse(whole))
            known.offset += len(whole)
            known.end = (known.end + whole)[-_END_BYTES:]
        _SHELF.reads[path] = known
        if len(_SHELF.reads) > _LOGS_KEPT:
            _SHELF.reads.popitem(last=False)
        return known.log


def _known(path: Path, stream: io.BufferedReader) -> _Read:
    """Return what is known of an open file; nothing, where it was written anew."""
    stat = os.fstat(stream.fileno())
    identity = (stat.st_dev, stat.st_ino)
    known = _SHELF.reads.pop(path, None)
    if known is None or known.identity != identity:
        return _Read(identity)
    stream.seek(known.offset - len(known.end))
    return known if stream.read(len(known.end)) == known.end else _Read(identity)


def _joined(old: Log | None, new: Log) -> Log:
    if old is None:
        return new
    return Log(
        points={name: np.concatenate([old.points[name], new.points[name]]) for name in old.points},
        heldout={
            name: np.concatenate([old.heldout[name], new.heldout[name]]) for name in old.heldout
        },
        events=old.events + new.events,
    )


def _parse(block: bytes) -> Log:
    """Return whole lines as columns; a line that cannot be read is left out."""
    lines = [line for line in block.split(b"\n") if line.strip()]
    table = _table(lines)
    if table is None:
        lines = list(_mended(lines))
        table = _table(lines)
        assert table is not None, "what is left fits the schema"
    columns = {name: numbers(table[name]) for name in ("step", *NUMBERS)}
    columns["at"] = numbers(table["at"].cast(pa.int64())) / 1000.0
    is_said = ~is_null(table["event"])
    is_point = ~np.isnan(columns["loss"]) & ~is_said
    is_heldout = ~np.isnan(columns["heldout_loss"]) & ~is_said
    return Log(
        points={name: column[is_point] for name, column in columns.items()},
        heldout={name: column[is_heldout] for name, column in columns.items()},
        events=tuple(_events(lines)),
    )


def _table(lines: list[bytes]) -> pa.Table | None:
    if not lines:
        return _SCHEMA.empty_table()
    block = b"\n".join(lines) + b"\n"
    options = pa_json.ReadOptions(block_size=max(1 << 22, 2 * max(map(len, lines))))
    try:
        table = pa_json.read_json(io.BytesIO(block), options, _PARSE)
    except pa.ArrowInvalid:
        return None
    return None if len(table) != len(lines) or table["step"].null_count else table


def _events(lines: Iterable[bytes]) -> Iterable[Mapping[str, Any]]:
    for line in lines:
        if b'"event"' in line and isinstance((said := json.loads(line)).get("event"), str):
            yield said


def _mended(lines: Iterable[bytes]) -> Iterable[bytes]:
    """Yield the lines that say a step, without values that are not of their kind."""
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if not isinstance(said, dict) or type(said.get("step")) is not int:
            continue
        kept = {name: value for name, value in said.items() if _fits(name, value)}
        yield json.dumps(kept).encode()


def _fits(name: str, value: object) -> bool:
    if name in NUMBERS:
        return isinstance(value, int | float) and math.isfinite(value)
    if name == "event":
        return isinstance(value, str)
    if name == "at":
        try:
            return datetime.fromisoformat(str(value)).tzinfo is not None
        except ValueError:
            return False
    return True
