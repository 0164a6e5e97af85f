"""Storage that fails under a checkpoint: at a certain byte, by being slow, by being read-only."""

import builtins
import errno
import io
import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Storage:
    """How one process finds the storage of its run, for the checkpoints of some steps."""

    process: int
    first: int
    """The first of the checkpoints, by its step."""
    last: int
    bytes_per_second: int = 0
    """How fast it is; 0 where it does not matter."""
    read_only: bool = False
    until_left_out: bool = False
    """It takes so long that the run leaves a checkpoint out."""


class _File(io.FileIO):
    """A file of a checkpoint that is written."""

    bytes_left: int | None = None
    """Of all such files of this process, until it dies."""
    storage: Storage | None = None
    """How this file's is."""

    def write(self, data: Any) -> int:
        if _File.bytes_left is not None and len(data) >= _File.bytes_left:
            super().write(data[: _File.bytes_left])
            os.kill(os.getpid(), signal.SIGKILL)
        written = super().write(data) or 0
        if _File.bytes_left is not None:
            _File.bytes_left -= written
        if self.storage is not None:
            self._take_long(self.storage, written)
        return written

    def _take_long(self, storage: Storage, written: int) -> None:
        if storage.bytes_per_second:
            time.sleep(written / storage.bytes_per_second)
        log = next(one for one in Path(self.name).parents if one.name.startswith(".step-")).parent
        patience = time.monotonic() + 60
        while storage.until_left_out and time.monotonic() < patience:
            if "checkpoint_left_out" in (log / "loss.jsonl").read_text("utf-8"):
                break
            time.sleep(0.01)


def fail_storage(storages: list[dict[str, Any]], rank: int, *, dies_after: int | None) -> None:
    """Let the storage of this process fail.

    Args:
        storages: How, each as `Storage` has it.
        rank: The number of this process.
        dies_after: It is killed when it has written so many bytes of checkpoints, all the bytes
            before being in the files.
    """
    own = [Storage(**one) for one in storages if one["process"] == rank]
    if not own and dies_after is None:
        return
    _File.bytes_left = dies_after
    open_file = io.open

    def opened(path: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        step = _step_of(path)
        if step is None or not set(mode) & set("wax"):
            return open_file(path, mode, *more, **named)
        storage = next((one for one in own if one.first <= step <= one.last), None)
        if storage is not None and storage.read_only:
            raise OSError(errno.EROFS, "Read-only file system")
        file = _File(path, mode.replace("b", "").replace("t", ""))
        file.storage = storage
        buffered = io.BufferedWriter(file)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding="utf-8")

    io.open = builtins.open = opened
    shutil._USE_CP_SENDFILE = False  # it would write past `write`


def _step_of(path: Any) -> int | None:
    """Return the step of the checkpoint that is being written to a path; None for all else."""
    if not isinstance(path, str | Path):
        return None
    for name in Path(path).parts:
        if name.startswith(".step-"):
            return int(name.split(".")[1].removeprefix("step-"))
    return None
