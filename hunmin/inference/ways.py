"""Ways to run a model on this machine, how many requests at once, and on how many cores."""

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hunmin.plugins import Capability


@dataclass(frozen=True, slots=True)
class Way:
    """One way of running a model: a program for the child process and its options."""

    name: str
    """Short and stable: it is remembered, and shown in logs."""
    program: str
    """`module:function` that returns a `Backend` in the child process."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What the program makes of them, such as `INFERENCE_PRECISION_HINT`."""
    capabilities: frozenset[Capability] = frozenset()
    """What it can do beyond what every way can."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one model's process takes on."""

    running_max: int = 16
    """Answers generated at the same time, in one batch."""
    waiting_max: int = 64
    """Further requests that wait for a place; one more is refused."""
    tokens_max: int = 1 << 18
    """Tokens that requests running and waiting may come to, each with its prompt and the longest
    answer it allows; one that comes on top is refused, unless it is alone."""
    kv_cache_bytes_max: int = 1 << 30
    """Memory for keys and values of all running answers and of remembered prompts."""
    batch_tokens_max: int = 512
    """Tokens worked on in one step, so that a long prompt does not stall the other answers."""
    spare_bytes_max: int = 3 << 30
    """Memory of the process beyond four times its files and twice its cache: what libraries need,
    and the numbers of a step. A process that wants more is ended."""
    start_seconds_max: float = 180.0
    """A way that is not ready by then has failed."""
    stall_seconds_max: float = 120.0
    """A process that gives no token for this long while it should is ended."""

    @property
    def requests_max(self) -> int:
        """Requests running and waiting together."""
        return self.running_max + self.waiting_max


def core_count(threads: int) -> int:
    """Return `threads`, or where it is 0 the number of physical cores this process may use."""
    if threads > 0:
        return threads
    if hasattr(os, "sched_getaffinity"):
        allowed = os.sched_getaffinity(0)
    else:
        allowed = set(range(os.cpu_count() or 1))
    cores = {_siblings(cpu) for cpu in allowed}
    return max(1, min(len(cores), _quota()))


def processor_fingerprint() -> str:
    """Return a hash of what the processor says it can do: what worked on another may not here."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = [platform.processor()]
    kept = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return hashlib.sha256("\n".join([platform.machine(), *kept]).encode()).hexdigest()[:16]


def processor_has(*flags: str) -> bool:
    """Return whether the processor advertises any of `flags` (Linux names)."""
    try:
        words = set(Path("/proc/cpuinfo").read_text("utf-8", "replace").split())
    except OSError:
        return False
    return not words.isdisjoint(flags)


def _siblings(cpu: int) -> str:
    """Return the name of the physical core a logical processor belongs to."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return str(cpu)


def _quota() -> int:
    """Return the whole processors a container may use, at least one."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        return max(1, int(limit) // int(period))
    except (OSError, ValueError):
        return os.cpu_count() or 1
