"""One run of the child process: started, written to, read from, ended.

A thread of its own writes, so that nobody waits for a full pipe, and ends a process that hangs.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from hunmin.inference.frames import Message, read_frame, write_frame

CHILD_MODULE = "hunmin.inference.child"

_WATCH_SECONDS = 0.5


class ChildProcess:
    """The process of one model, from start to end.

    It dies with the thread that makes it (the kernel sees to that), so a thread that lives as long
    as the process must make it.
    """

    def __init__(self, opening: Message, *, log: Path, hangs: Callable[[], bool]) -> None:
        """Start the process.

        Args:
            opening: The first message: which program, which model.
            log: A file that takes what libraries print; it starts anew.
            hangs: Asked now and then; where it says so, the process is killed.
        """
        self.hung = False
        """Whether it was killed because it hung."""
        self._hangs = hangs
        self._outbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        with _open_log(log) as stream:
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-P", "-X", "faulthandler", "-m", CHILD_MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env=_environment(),
                process_group=0,  # Ctrl-C at the terminal is the parent's
            )
        self.send(opening)
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    @property
    def id(self) -> int | None:
        """The process id, while it runs."""
        return self._process.pid if self._process.poll() is None else None

    def send(self, message: Message) -> None:
        """Have a message written; never waits."""
        self._outbox.put(message)

    def messages(self) -> Iterator[Message]:
        """Yield what the process says until it ends, or talks nonsense."""
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):
            while (message := read_frame(self._process.stdout)) is not None:
                yield message

    def finish(self) -> str:
        """End the process if it still runs, clean up, and say how it ended."""
        self._process.kill()
        code = self._process.wait()
        self._outbox.put(None)
        self._writer.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return "the process hung" if self.hung else _ending(code)

    def close(self, seconds: float) -> None:
        """Ask the process to end, and kill it when it has not after some seconds."""
        self._outbox.put(None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._process.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def _write(self) -> None:
        """Pass messages on until there is `None`; then the process sees the end of its stdin."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError), self._process.stdin as stream:
            while True:
                try:
                    message = self._outbox.get(timeout=_WATCH_SECONDS)
                except queue.Empty:
                    if self._hangs():
                        self.hung = True
                        self._process.kill()
                    continue
                if message is None:
                    return
                write_frame(stream, message)


def _open_log(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError:
        return Path(os.devnull).open("wb")


def _environment() -> dict[str, str]:
    """Return the environment of a child process.

    Nothing calls home or looks for downloads. Threads of OpenMP sleep while they wait: spinning,
    two busy programs on two cores slow each other down by more than ten times.
    """
    return {"OMP_WAIT_POLICY": "PASSIVE", **os.environ} | {
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _ending(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"the process ended with status {code}"
    names = {int(item): item.name for item in signal.Signals}
    return f"the process was ended by {names.get(-code, f'signal {-code}')}"
