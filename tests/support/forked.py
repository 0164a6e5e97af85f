"""Programs that have PyTorch loaded when they begin: functions, in processes of their own.

To load it takes seconds of a processor, many times what most programs under test do with it. The
first one that is started has a process load it, and that one and all that follow are forked from
there. What is about the start itself, `torchrun` or a command, is started as people start it.
"""

import contextlib
import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

multiprocessing.set_forkserver_preload(["tests.support.loaded"])


class Program(ForkServerProcess):
    """A function that runs in a process, and in two files what it and all it starts print."""

    def __init__(self, folder: Path, function: Callable[..., object], *given: Any, **more: Any):
        super().__init__()
        self._folder = folder
        self._call = function, given, more
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(self) -> None:
        """Do it; this is called in the process."""
        os.setsid()
        os.environ.clear()
        os.environ.update(self._environment)
        os.chdir(ROOT)
        for number, name in ((1, "stdout"), (2, "stderr")):
            with (self._folder / name).open("wb") as stream:
                os.dup2(stream.fileno(), number)
        function, given, more = self._call
        function(*given, **more)

    def printed(self, name: str = "stdout") -> str:
        """Return what was printed on `stdout` or `stderr`."""
        file = self._folder / name
        return file.read_text("utf-8") if file.exists() else ""

    def end(self) -> None:
        """End it, and all it has started."""
        assert self.pid is not None
        self.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.join()
        self.close()


@contextlib.contextmanager
def started(function: Callable[..., object], *given: Any, **more: Any) -> Iterator[Program]:
    """Run a function in a process; whatever it has started is gone when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder), function, *given, **more)
        program.start()
        try:
            yield program
        finally:
            program.end()


def call(
    function: Callable[..., object], *given: Any, timeout: float = 280, **more: Any
) -> tuple[str, str]:
    """Run a function in a process to its end; return what was printed on stdout and on stderr."""
    with started(function, *given, **more) as program:
        program.join(timeout)
        told, said = program.printed("stdout"), program.printed("stderr")
        assert program.exitcode == 0, said[-4000:] or "it did not end"
    return told, said


def run_file(path: Path, *words: str) -> None:
    """Run a file of Python as its own program."""
    sys.argv = [str(path), *words]
    runpy.run_path(str(path), run_name="__main__")


def run_hunmin(folder: Path, *words: object) -> None:
    """Do what the command `hunmin` does with these words in a folder."""
    from hunmin.__main__ import main

    os.chdir(folder)
    sys.argv = ["hunmin", *map(str, words)]
    main()
