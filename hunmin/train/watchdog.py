"""A step that takes far too long among several processes ends the run, and tells where it hung.

One process that stops, or a network that loses a message, leaves all others waiting for ever. Each
process watches its own steps. When one is overdue it writes down the stack of its threads, and the
state of the other processes on its machine, and leaves with a code of its own; whoever started the
processes starts them again, and they go on from the last checkpoint.
"""

import faulthandler
import os
import signal
import socket
import statistics
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from hunmin.journal import STALLED_NAME
from hunmin.train.world import World

EXIT_CODE = 75
"""Of a process that hung: `EX_TEMPFAIL`, try again."""

SLOW_SECONDS_MAX = 1800.0
"""For the first steps, which compile, and for what lies between steps."""

_FIRST_STEPS = 5
_TIMES_MEDIAN = 20.0
_SECONDS_MIN = 60.0
_LOOK_SECONDS = 0.5
_WRITING_SECONDS = 5.0
_OTHERS_SECONDS = 5.0
"""How long the others are given to write down their stacks too."""


class Watchdog:
    """Watches the steps of this process; of a run of one process it watches nothing."""

    def __init__(
        self, run: Path, world: World, *, seconds_max: float | None = None, compiles: bool = False
    ) -> None:
        self.folder = run / STALLED_NAME
        """Where the stacks are written down; replicas that meet have a folder each in it."""
        self._world = world
        self._seconds_max = seconds_max
        self._compiles = compiles
        self._durations: deque[float] = deque(maxlen=64)
        self.peers = world.gather((socket.gethostname(), os.getpid()))
        """The machine and the number there of every process, in order of rank."""
        self._ended = threading.Event()
        self._ending = threading.Event()
        self._watched: tuple[int, float, float] | None = None

    def __enter__(self) -> Self:
        """Begin to watch."""
        if self._world.size > 1:
            threading.Thread(target=self._look, name="watchdog", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Watch no more."""
        self._ended.set()

    @contextmanager
    def watching(
        self, step: int, *, slow: bool = False, seconds_more: float = 0.0
    ) -> Iterator[None]:
        """Watch one step, or something between two steps.

        Args:
            step: The number of the step.
            slow: Whether it may take long: an evaluation, a disk.
            seconds_more: How much longer than a step it may take.
        """
        began = time.monotonic()
        seconds_max = self.seconds_max + seconds_more
        if slow:
            seconds_max = max(seconds_max, SLOW_SECONDS_MAX)
        self._watched = (step, began, seconds_max)
        try:
            yield
        finally:
            if self._ending.is_set() or self._is_overdue():
                time.sleep(_WRITING_SECONDS + 2 * _OTHERS_SECONDS)  # `_end` is sooner
            self._watched = None
        if not slow and not seconds_more:
            self._durations.append(time.monotonic() - began)

    @property
    def seconds_max(self) -> float:
        """How long a step may take now."""
        if self._seconds_max is not None and (self._durations or not self._compiles):
            return self._seconds_max
        if len(self._durations) < _FIRST_STEPS:
            return SLOW_SECONDS_MAX
        return max(_SECONDS_MIN, _TIMES_MEDIAN * statistics.median(self._durations))

    def give_up(self, reason: str) -> NoReturn:
        """End this process, which cannot be ended in order, with the code of one that hung."""
        sys.stderr.write(f"hunmin: process {self._world.rank}: {reason}\n")
        sys.stderr.flush()
        os._exit(EXIT_CODE)

    def _is_overdue(self) -> bool:
        watched = self._watched
        if watched is None or self._world.size == 1:
            return False
        return time.monotonic() - watched[1] > watched[2]

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            watched = self._watched
            if watched is not None and self._is_overdue():
                self._end(step=watched[0], seconds=time.monotonic() - watched[1])

    def _end(self, *, step: int, seconds: float) -> NoReturn:
        """Tell what is known, and leave: by stderr first, for the disk may be what hangs."""
        self._ending.set()
        faulthandler.dump_traceback(sys.stderr, all_threads=True)
        writing = threading.Thread(target=self._write_down, args=(step, seconds), daemon=True)
        writing.start()
        writing.join(_WRITING_SECONDS)
        self._let_stopped_ones_speak()
        time.sleep(_OTHERS_SECONDS)
        self.give_up(
            f"it has waited {seconds:.0f} s for step {step} to end; "
            f"the stacks of all processes are in {self.folder}"
        )

    def _write_down(self, step: int, seconds: float) -> None:
        """Write the stacks of this process, and what the others do."""
        rank = self._world.rank
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f"rank-{rank}.txt").open("w", encoding="utf-8") as stream:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                print(f"{now}: process {rank}, step {step}, {seconds:.0f} s", file=stream)
                for line in self._states():
                    print(line, file=stream)
                stream.flush()
                faulthandler.dump_traceback(stream, all_threads=True)

    def _states(self) -> Iterator[str]:
        """Yield a line for every process of this run on this machine."""
        for rank, (host, pid) in enumerate(self.peers):
            if host == socket.gethostname():
                yield f"process {rank}, pid {pid}: {_state(pid)}"
            else:
                yield f"process {rank}, pid {pid}: on {host}"

    def _let_stopped_ones_speak(self) -> None:
        """Wake the processes of this machine that were stopped: their watchdogs are overdue too."""
        for host, pid in self.peers:
            if host == socket.gethostname() and _state(pid).startswith("stopped"):
                with suppress(OSError):
                    os.kill(pid, signal.SIGCONT)


def _state(pid: int) -> str:
    """Return in a word what a process of this machine is doing."""
    try:
        letter = (
            Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
        )
    except (OSError, IndexError):
        return "gone"
    words = {"R": "running", "S": "waiting", "D": "waiting for a device", "T": "stopped"}
    return f"{words.get(letter, 'not running')} ({letter})"
