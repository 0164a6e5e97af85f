"""Launchers that come with Hunmin: a process of this machine, or a job of Slurm.

Both keep nothing of their own: what was started is known by its handle, also by another process
and after a restart.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

from hunmin.errors import LaunchFailed
from hunmin.plugins import Launched, LaunchSpec

STOP_SECONDS_MAX = 10.0
"""How long a process may take to end before it is killed."""
COMMAND_SECONDS_MAX = 60.0
"""How long Slurm may take to answer."""

_WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "SUSPENDED"})
_RUNNING = frozenset({"RUNNING", "COMPLETING"})


class LocalLauncher:
    """Engines as processes of this machine; they outlive whoever started them."""

    def start(self, spec: LaunchSpec) -> str:
        """Start a process and return its handle.

        Raises:
            LaunchFailed: There is no such program.
        """
        log = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            number = os.posix_spawnp(
                spec.command[0],
                spec.command,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(spec.log), log, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
            )
        except OSError as error:
            raise LaunchFailed(name=spec.name, reason=error.strerror or "") from error
        return f"{number}:{_began(number)}"

    def look(self, handle: str) -> Launched:
        """Return how it is."""
        number, began = _read(handle)
        if _began(number) != began:
            return Launched("ended")
        return Launched("running", "127.0.0.1")

    def stop(self, handle: str) -> None:
        """End it, with all it has started."""
        number, began = _read(handle)
        until = time.monotonic() + STOP_SECONDS_MAX
        wish = signal.SIGTERM
        while _began(number) == began:
            try:
                os.killpg(number, wish)
            except ProcessLookupError:
                return
            if time.monotonic() > until:
                wish = signal.SIGKILL
            time.sleep(0.1)


class SlurmLauncher:
    """Engines as jobs of the Slurm cluster whose commands are on this machine."""

    def start(self, spec: LaunchSpec) -> str:
        """Submit a job and return its number.

        Raises:
            LaunchFailed: Slurm does not take it, or is not here.
        """
        return _slurm(
            spec.name,
            "sbatch",
            "--parsable",
            f"--job-name=hunmin-{spec.name}",
            f"--output={spec.log}",
            *spec.options,
            f"--wrap={shlex.join(spec.command)}",
        ).partition(";")[0]

    def look(self, handle: str) -> Launched:
        """Return how a job is, and on which machine it runs.

        Raises:
            LaunchFailed: Slurm does not answer.
        """
        try:
            told = _slurm(handle, "squeue", "--noheader", f"--jobs={handle}", "--format=%T %B")
        except LaunchFailed as failure:
            if "Invalid job id" in failure.reason:  # it ended some time ago
                return Launched("ended")
            raise
        state, _, host = told.partition(" ")
        if state in _RUNNING:
            return Launched("running", host)
        return Launched("waiting" if state in _WAITING else "ended")

    def stop(self, handle: str) -> None:
        """Cancel a job.

        Raises:
            LaunchFailed: Slurm does not answer.
        """
        _slurm(handle, "scancel", handle)


def _slurm(name: str, *command: str) -> str:
    """Run a command of Slurm and return what it says."""
    try:
        done = subprocess.run(  # noqa: S603 (no shell; our own arguments and the operator's)
            command, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaunchFailed(name=name, reason=f"{command[0]}: {type(error).__name__}") from error
    if done.returncode:
        raise LaunchFailed(name=name, reason=done.stderr.strip()[-300:])
    return done.stdout.strip()


def _read(handle: str) -> tuple[int, str]:
    number, _, began = handle.partition(":")
    return int(number), began


def _began(number: int) -> str:
    """Return when a process began, in ticks since the machine did; empty where it runs no more.

    A number is given again some day, but not with the same beginning.
    """
    with contextlib.suppress(ChildProcessError):
        os.waitpid(number, os.WNOHANG)  # one of ours that has ended is let go
    try:
        fields = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
