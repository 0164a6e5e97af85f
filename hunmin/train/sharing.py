"""Locks for what several replicas of a run have in common; `steps.only_one` is for one alone."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from hunmin.errors import MeetingElsewhere, OutputBusy
from hunmin.steps import is_at, lock_of

_TRYING_SECONDS_MAX = 1.0
"""How long one tries to get in: another that comes, or goes, holds it alone for a moment."""

_TRY_SECONDS = 0.02


@contextmanager
def one_of_several(out: Path, *, meeting: str) -> Iterator[None]:
    """Hold a lock beside `out` that others of the same meeting may hold too.

    `only_one` is refused meanwhile.

    Args:
        out: The folder of a run.
        meeting: Where those meet that train into it; the lock file says so.

    Raises:
        OutputBusy: A process holds it for itself alone.
        MeetingElsewhere: Others hold it that meet elsewhere.
    """
    path = lock_of(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _TRYING_SECONDS_MAX
    while True:
        with path.open("a+", encoding="utf-8") as lock:
            if _take(lock, meeting) and is_at(lock.fileno(), path):
                lock.seek(0)
                there = lock.read()
                if there != meeting:
                    raise MeetingElsewhere(out=out, here=meeting, there=there)
                yield
                with suppress(BlockingIOError):  # then others hold it still
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
                return
        if time.monotonic() > deadline:
            raise OutputBusy(out=out)
        time.sleep(_TRY_SECONDS)


def _take(lock: TextIO, meeting: str) -> bool:
    """Take a lock that others may have too; who has it alone first writes down where they meet."""
    try:
        with suppress(BlockingIOError):  # then others have it
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.truncate(0)
            lock.write(meeting)
            lock.flush()
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def one_after_another(out: Path) -> Iterator[None]:
    """Wait until no other process makes what lies in a folder, and hold the others off."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
