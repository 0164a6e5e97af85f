"""One model's child process kept up: ways tried in turn, crashes, hangs, and who is waiting.

A thread of the host starts the process, reads from it and starts it again. So the process that
serves people is never blocked, and the engine can be used from any event loop.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from hunmin import logs
from hunmin.errors import EngineCrashed, EngineFailed, EngineFull, EngineNotReady, HunminError
from hunmin.inference.folder import ModelFolder
from hunmin.inference.frames import Message
from hunmin.inference.memory import Memory
from hunmin.inference.process import ChildProcess
from hunmin.inference.ways import Limits, Way
from hunmin.plugins import ModelCard, PrefixCache

CRASHES_MAX = 3
"""Crashes within `CRASH_SECONDS` after which the next way is taken."""
CRASH_SECONDS = 300.0
BACKOFF_SECONDS_MAX = 30.0
_BACKOFF_SECONDS = 0.2
_CLOSE_SECONDS = 3.0

Deliver = Callable[[Message | HunminError], None]
"""Takes a row of a request, or the error that ends it. Called from the host's thread."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    deliver: Deliver
    tokens: int
    """Of the prompt and of the longest answer it allows."""


@dataclasses.dataclass(frozen=True, slots=True)
class _End:
    """How one run of the process ended."""

    reason: str
    was_ready: bool
    hung: bool = False

    @property
    def killed(self) -> bool:
        """Whether it was killed by hand or for want of memory, which says nothing of the way."""
        return "SIGKILL" in self.reason or "SIGTERM" in self.reason

    @property
    def lasting(self) -> bool:
        """Whether the way will fail the next time too: it never worked, and nobody hindered it."""
        return not (self.was_ready or self.killed or self.hung)


class ModelHost:
    """Runs one model in the first of several ways that works."""

    def __init__(
        self,
        model: ModelFolder,
        ways: Sequence[Way],
        *,
        cache: Path,
        threads: int,
        limits: Limits,
        prefix_cache: PrefixCache,
    ) -> None:
        self.model = model
        self.limits = limits
        self.prefix_cache: PrefixCache = prefix_cache
        self.facts: Mapping[str, Any] = {}
        """What the child process said of itself when it was ready."""
        self._log_path = cache / f"{model.file_name}.log"
        self._threads = threads
        self._memory = Memory(cache, model, ways)
        self._way = ways[0]
        self._log = logs.get(__name__).bind(model=model.name)
        self._lock = threading.Lock()
        self._requests: dict[int, _Request] = {}
        self._next_id = 1
        self._ready: Future[None] = Future()
        self._closing = threading.Event()
        self._process: ChildProcess | None = None
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

    def card(self) -> ModelCard:
        """Return the model's card, with what can be done in the way it is run at present."""
        card = self.model.card
        return dataclasses.replace(card, capabilities=card.capabilities | self._way.capabilities)

    @property
    def process_id(self) -> int | None:
        """The child process, where one is running."""
        return self._process.id if self._process is not None else None

    def submit(self, request: Mapping[str, Any], deliver: Deliver) -> int:
        """Hand a request over and return its number; rows and errors go to `deliver`.

        Raises:
            EngineNotReady: The process is not up.
            EngineFull: Too many requests are running and waiting, or too many tokens.
        """
        tokens = len(request["prompt"]) + request["max_tokens"]
        with self._lock:
            ready = self._ready.done() and self._ready.exception() is None
            if self._closing.is_set() or not ready or self._process is None:
                raise EngineNotReady
            taken = sum(one.tokens for one in self._requests.values())
            if len(self._requests) >= self.limits.requests_max or (
                taken and taken + tokens > self.limits.tokens_max
            ):
                raise EngineFull(requests_max=len(self._requests))
            number = self._next_id
            self._next_id += 1
            if not self._requests:
                self._heard = time.monotonic()
            self._requests[number] = _Request(deliver, tokens)
            self._process.send({"op": "add", "id": number, **request})
        return number

    def cancel(self, number: int) -> None:
        """Give up a request that has not ended."""
        with self._lock:
            if self._requests.pop(number, None) is not None and self._process is not None:
                self._process.send({"op": "cancel", "id": number})

    def close(self) -> None:
        """End the process and every request. Safe to call twice."""
        self._closing.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.close(_CLOSE_SECONDS)
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)
        self._fail(EngineNotReady())

    def _run(self) -> None:
        """Run the model until closed: each way in turn until one works, then keep it up."""
        reasons: list[str] = []
        lasting = True
        for place, way in enumerate(self._memory.order()):
            self._way = way
            end = self._run_way(way, remember=lasting and place > 0)
            if self._closing.is_set():
                self._fail(EngineNotReady())
                return
            reasons.append(f"{way.name}: {end.reason}")
            lasting = lasting and end.lasting
            self._log.warning("engine.way_failed", way=way.name, reason=end.reason)
        self._log.error("engine.failed", reasons=reasons)
        self._fail(EngineFailed(model=self.model.name, reasons=reasons))

    def _run_way(self, way: Way, *, remember: bool) -> _End:
        """Keep the model up in one way; return how that ended for good.

        A process that never got ready is given up, unless it was killed from outside; one that
        crashes is started again, but not for ever.
        """
        crashes: list[float] = []
        backoff = _BACKOFF_SECONDS
        while True:
            started = time.monotonic()
            end = self._run_once(way, remember=remember)
            self._become_unready(EngineCrashed(reason=end.reason))
            now = time.monotonic()
            crashes = [*(at for at in crashes if now - at < CRASH_SECONDS), now]
            hopeless = not end.was_ready and not end.killed
            worn_out = len(crashes) >= CRASHES_MAX and not (end.was_ready and end.killed)
            if self._closing.is_set() or hopeless or worn_out:
                return end
            if now - started > CRASH_SECONDS:
                backoff = _BACKOFF_SECONDS
            self._log.warning("engine.crashed", way=way.name, reason=end.reason, again_in=backoff)
            if self._closing.wait(backoff):
                return end
            backoff = min(backoff * 2, BACKOFF_SECONDS_MAX)

    def _run_once(self, way: Way, *, remember: bool) -> _End:
        """Run one process from start to end."""
        self._heard = time.monotonic()
        try:
            process = ChildProcess(self._opening(way), log=self._log_path, hangs=self._hangs)
        except OSError as error:
            return _End(f"no process could be started: {error.strerror}", was_ready=False)
        with self._lock:
            self._process = process
        if self._closing.is_set():
            process.kill()
        was_ready = False
        broken = ""
        for message in process.messages():
            self._heard = time.monotonic()
            if message["op"] == "ready":
                was_ready = True
                self._become_ready(way, message["facts"], remember=remember)
            elif message["op"] == "broken":
                broken = message["reason"]
            else:
                self._deliver(message["rows"])
        ending = process.finish()
        return _End(broken or ending, was_ready, process.hung)

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
            "prefix_cache": self.prefix_cache,
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
        for request in running:
            request.deliver(error)

    def _deliver(self, rows: Sequence[Message]) -> None:
        for row in rows:
            ended = row["finish"] or row["refused"]
            with self._lock:
                if ended:
                    request = self._requests.pop(row["id"], None)
                else:
                    request = self._requests.get(row["id"])
            if request is not None:
                request.deliver(row)
