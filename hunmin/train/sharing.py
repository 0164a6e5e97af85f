"""Locks for what several replicas of a run have in common; `steps.only_one` is for one alone."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hunmin.errors import OutputBusy
from hunmin.steps import is_at, lock_of


@contextmanager
def one_of_several(out: Path) -> Iterator[None]:
    """Hold a lock beside `out` that others may hold too; `only_one` is refused meanwhile.

    Raises:
        OutputBusy: A process holds it for itself alone.
    """
    path = lock_of(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputBusy(out=out) from error
        if not is_at(lock.fileno(), path):  # another process ended just now, and removed it
            raise OutputBusy(out=out)
        yield
        with suppress(BlockingIOError):  # then others hold it still
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)


@contextmanager
def one_after_another(out: Path) -> Iterator[None]:
    """Wait until no other process makes what lies in a folder, and hold the others off."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
