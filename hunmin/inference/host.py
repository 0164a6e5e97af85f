"""One model's child process: started, watched, started again, and remembered how.

A thread of the host starts the process and reads from it; a second one writes to it and watches
for a process that hangs. So the process that serves people is never blocked, and the engine can
be used from any event loop.
"""

import contextlib
import dataclasses
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any

import structlog

from hunmin.errors import EngineCrashed, EngineFailed, EngineFull, EngineNotReady, HunminError
from hunmin.inference.folder import ModelFolder
from hunmin.inference.frames import Message, read_frame, write_frame
from hunmin.inference.memory import Memory
from hunmin.inference.ways import Limits, Way

CHILD_MODULE = "hunmin.inference.child"

CRASHES_MAX = 3
"""Crashes within `CRASH_SECONDS` after which the next way is taken."""
CRASH_SECONDS = 300.0
BACKOFF_SECONDS_MAX = 30.0
_BACKOFF_SECONDS = 0.2
_CLOSE_SECONDS = 3.0
_WATCH_SECONDS = 0.5

Deliver = Callable[[Message | HunminError], None]
"""Takes a row of a request, or the error that ends it. Called from the host's thread."""


class ModelHost:
    """Runs one model in the first of several ways that works."""

    def __init__(
        self, model: ModelFolder, ways: Sequence[Way], *, cache: Path, threads: int, limits: Limits
    ) -> None:
        self.model = model
        self.limits = limits
        self.facts: Mapping[str, Any] = {}
        """What the child process said of itself when it was ready."""
        self._ways = list(ways)
        self._cache = cache
        self._threads = threads
        self._memory = Memory(cache, model, ways)
        self._log = structlog.get_logger("hunmin.inference").bind(model=model.name)
        self._lock = threading.Lock()
        self._requests: dict[int, Deliver] = {}
        self._next_id = 1
        self._ready: Future[None] = Future()
        self._closing = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._outbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._heard = 0.0
        """When the process last said something, or was given something to do."""
        self._thread: threading.Thread | None = None

    def start(self) -> Future[None]:
        """Begin to run; the future is done when requests can be taken, or no way works.

        Raises:
            EngineNotReady: The host has been closed.
        """
        with self._lock:
            if self._closing.is_set():
                raise EngineNotReady
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"engine-{self.model.name}", daemon=True
                )
                self._thread.start()
            return self._ready

    def ready(self) -> Future[None]:
        """Return a future that is done when requests can be taken, or never can."""
        with self._lock:
            return self._ready

    def is_ready(self) -> bool:
        """Return whether a request can be taken now."""
        future = self.ready()
        return future.done() and future.exception() is None and not self._closing.is_set()

    @property
    def process_id(self) -> int | None:
        """The child process, where one is running."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def submit(self, request: Mapping[str, Any], deliver: Deliver) -> int:
        """Hand a request over and return its number; rows and errors go to `deliver`.

        Raises:
            EngineNotReady: The process is not up.
            EngineFull: Too many requests are running and waiting.
        """
        with self._lock:
            ready = self._ready.done() and self._ready.exception() is None
            if self._closing.is_set() or not ready:
                raise EngineNotReady
            if len(self._requests) >= self.limits.requests_max:
                raise EngineFull(requests_max=self.limits.requests_max)
            number = self._next_id
            self._next_id += 1
            if not self._requests:
                self._heard = time.monotonic()
            self._requests[number] = deliver
            self._outbox.put({"op": "add", "id": number, **request})
        return number

    def cancel(self, number: int) -> None:
        """Give up a request that has not ended."""
        with self._lock:
            if self._requests.pop(number, None) is not None:
                self._outbox.put({"op": "cancel", "id": number})

    def close(self) -> None:
        """End the process and every request. Safe to call twice."""
        self._closing.set()
        with self._lock:
            process = self._process
        if process is not None:
            self._outbox.put(None)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_CLOSE_SECONDS)
            process.kill()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)
        self._fail(EngineNotReady())

    def _run(self) -> None:
        """Run the model until closed: each way in turn until one works, then keep it up."""
        reasons: list[str] = []
        lasting = True
        for place, way in enumerate(self._memory.order()):
            reason, recoverable = self._run_way(way, first=place == 0, lasting=lasting)
            if self._closing.is_set():
                break
            reasons.append(f"{way.name}: {reason}")
            lasting = lasting and not recoverable
            self._log.warning("engine.way_failed", way=way.name, reason=reason)
        else:
            self._log.error("engine.failed", reasons=reasons)
            self._fail(EngineFailed(model=self.model.name, reasons=reasons))
            return
        self._fail(EngineNotReady())

    def _run_way(self, way: Way, *, first: bool, lasting: bool) -> tuple[str, bool]:
        """Keep the model up in one way; return why that ended for good.

        The second value says whether the failure may not come again: a process that was killed
        from outside, by hand or for want of memory, says nothing about the way.
        """
        crashes: list[float] = []
        backoff = _BACKOFF_SECONDS
        while True:
            started = time.monotonic()
            reason, was_ready = self._run_once(way, remember=lasting and not first)
            if self._closing.is_set():
                return reason, True
            self._become_unready(EngineCrashed(reason=reason))
            killed = "SIGKILL" in reason or "SIGTERM" in reason
            now = time.monotonic()
            crashes = [*(at for at in crashes if now - at < CRASH_SECONDS), now]
            if not was_ready and not (killed and len(crashes) < CRASHES_MAX):
                return reason, killed
            if len(crashes) >= CRASHES_MAX and not killed:
                return f"{CRASHES_MAX} crashes, the last {reason}", True
            if now - started > CRASH_SECONDS:
                backoff = _BACKOFF_SECONDS
            self._log.warning("engine.crashed", way=way.name, reason=reason, again_in=backoff)
            self._closing.wait(backoff)
            if self._closing.is_set():
                return reason, True
            backoff = min(backoff * 2, BACKOFF_SECONDS_MAX)

    def _run_once(self, way: Way, *, remember: bool) -> tuple[str, bool]:
        """Run one process from start to end; return why it ended and whether it was ready."""
        outbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        with self._open_log() as log:
            process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-P", "-X", "faulthandler", "-m", CHILD_MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(),
                process_group=0,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        with self._lock:
            self._process, self._outbox = process, outbox
            self._heard = time.monotonic()
        if self._closing.is_set():
            process.kill()
        outbox.put(self._opening(way))
        writer = threading.Thread(target=self._write, args=(process, outbox), daemon=True)
        writer.start()
        was_ready = False
        broken = ""
        with contextlib.suppress(ValueError):  # a process that talks nonsense is broken
            while (message := read_frame(process.stdout)) is not None:
                self._heard = time.monotonic()
                if message["op"] == "ready":
                    was_ready = True
                    self._become_ready(way, message["facts"], remember=remember)
                elif message["op"] == "broken":
                    broken = message["reason"]
                else:
                    self._deliver(message["rows"])
        process.kill()
        code = process.wait()
        outbox.put(None)
        writer.join()
        process.stdout.close()
        return broken or _ending(code), was_ready

    def _write(
        self, process: subprocess.Popen[bytes], outbox: queue.SimpleQueue[Message | None]
    ) -> None:
        """Pass messages to the process; end it where it hangs."""
        assert process.stdin is not None
        with contextlib.suppress(OSError), process.stdin as stream:
            while True:
                try:
                    message = outbox.get(timeout=_WATCH_SECONDS)
                except queue.Empty:
                    if self._hangs():
                        self._log.error("engine.hangs")
                        process.kill()
                    continue
                if message is None:
                    return
                write_frame(stream, message)

    def _hangs(self) -> bool:
        with self._lock:
            silent = time.monotonic() - self._heard
            if not self._ready.done():
                return silent > self.limits.start_seconds_max
            return bool(self._requests) and silent > self.limits.stall_seconds_max

    def _opening(self, way: Way) -> Message:
        return {
            "op": "open",
            "program": way.program,
            "options": dict(way.options),
            "folder": str(self.model.path.absolute()),
            "threads": self._threads,
            "context_tokens": self.model.context_tokens,
            "vocab_size": self.model.vocab_size,
            "test_prompt": self.model.self_test_prompt(),
            "limits": dataclasses.asdict(self.limits),
        }

    def _become_ready(self, way: Way, facts: Mapping[str, Any], *, remember: bool) -> None:
        self.facts = {**facts, "way": way.name, "threads": self._threads}
        self._log.info("engine.ready", **self.facts)
        if remember:
            self._memory.remember(way)
        with self._lock:
            if not self._ready.done():
                self._ready.set_result(None)

    def _become_unready(self, error: HunminError) -> None:
        """Fail what was running; from here on requests wait for the next process."""
        with self._lock:
            if self._ready.done():
                self._ready = Future()
        self._fail_all(error)

    def _fail(self, error: HunminError) -> None:
        """Take no request ever again."""
        with self._lock:
            if self._ready.done():
                self._ready = Future()
            self._ready.set_exception(error)
        self._fail_all(error)

    def _fail_all(self, error: HunminError) -> None:
        with self._lock:
            running = list(self._requests.values())
            self._requests.clear()
        for deliver in running:
            deliver(error)

    def _deliver(self, rows: Sequence[Message]) -> None:
        for row in rows:
            ended = row["finish"] or row["refused"]
            with self._lock:
                if ended:
                    deliver = self._requests.pop(row["id"], None)
                else:
                    deliver = self._requests.get(row["id"])
            if deliver is not None:
                deliver(row)

    def _open_log(self) -> IO[bytes]:
        """Open the file that takes what libraries print; it starts anew with each process."""
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            return (self._cache / f"{self.model.name}.log").open("wb")
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
