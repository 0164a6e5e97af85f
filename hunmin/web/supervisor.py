"""Supervisor: holds the address, and puts new servers in the place of old ones without a gap.

It starts servers (`hunmin serve`, as it was called itself) that share its listening socket. At
SIGHUP it starts as many new ones, with the code and the settings of now; when all of them are
ready it has the old ones drain, so that nobody is refused and no answer breaks off. One that ends
by itself is started again. Left out: serving (`serving`) and what draining means (`draining`).
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from hunmin import logs

log = logs.get(__name__)

_PLACE = "_HUNMIN_PLACE"
"""The variable by which a server finds what it was given: numbers of open files."""

AGAIN_SECONDS_MIN = 1.0
AGAIN_SECONDS_MAX = 30.0
"""How long to wait before a server that ended by itself is started again: from, doubled until all
are ready, to."""

Report = Literal["open", "ready", "failed"]
"""Of a server: its pages answer; its model does too; its model cannot."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a server under a supervisor was given."""

    listening: socket.socket
    line: socket.socket
    """Reports go out on it. It ends when the supervisor has ended, however that came."""
    metrics: socket.socket | None

    def report(self, report: Report) -> None:
        """Tell the supervisor; one that has ended needs to know nothing."""
        with suppress(OSError):
            self.line.send(f"{report}\n".encode())


def find_place() -> Place | None:
    """Return what a supervisor gave this process, or None where there is none."""
    given = os.environ.pop(_PLACE, "")
    if not given:
        return None
    listening, line, *metrics = sockets = [
        socket.socket(fileno=int(number)) for number in given.split(",")
    ]
    for one in sockets:
        one.set_inheritable(False)  # engines are processes of their own
    line.settimeout(0)
    return Place(listening, line, metrics[0] if metrics else None)


class _Server:
    """One server process, and what it reported."""

    def __init__(self, process: asyncio.subprocess.Process, number: int) -> None:
        self.number = number
        """Which of those side by side."""
        self.opened = False
        self.state: Literal["starting", "ready", "failed", "ended"] = "starting"
        self._process = process

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def tend(self, line: socket.socket, news: asyncio.Event) -> None:
        """Take its reports until it has ended."""
        reader, writer = await asyncio.open_connection(sock=line)
        with suppress(OSError):
            async for said in reader:
                self._take(said.decode().strip())
                news.set()
        writer.close()
        await self._process.wait()
        self.state = "ended"
        news.set()

    def _take(self, report: str) -> None:
        self.opened = self.opened or report == "open"
        if report == "ready":
            self.state = "ready"
        elif report == "failed":
            self.state = "failed"


class Supervisor:
    """Runs servers until told to stop."""

    def __init__(
        self, listening: socket.socket, metrics: Sequence[socket.socket], *, servers: int
    ) -> None:
        """Take the sockets that servers share.

        Args:
            listening: For pages and the API.
            metrics: For the numbers of each server side by side; none where they are not served.
            servers: How many side by side.
        """
        self._listening = listening
        self._metrics = metrics
        self._count = servers
        self._alive: dict[asyncio.Task[None], _Server] = {}
        self._news = asyncio.Event()
        self._told_to_replace = False
        self._stopping = False

    async def run(self, *, on_open: Callable[[], None], on_ready: Callable[[], None]) -> bool:
        """Run until told to stop; return False where the first servers could not be started.

        Args:
            on_open: Called once pages answer.
            on_ready: Called once every server's model answers.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._replace)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        serving = [await self._start(number) for number in range(self._count)]
        greetings = {"open": on_open, "ready": on_ready}
        pause = AGAIN_SECONDS_MIN
        while not self._stopping:
            if "open" in greetings and any(server.opened for server in serving):
                greetings.pop("open")()
            if all(server.state == "ready" for server in serving):
                pause = AGAIN_SECONDS_MIN
                if "ready" in greetings:
                    greetings.pop("ready")()
            if any(server.state == "ended" for server in serving):
                if "open" in greetings:
                    self._stop(signal.SIGTERM)
                    break
                await self._rest(pause)
                pause = min(2 * pause, AGAIN_SECONDS_MAX)
                serving = [await self._still(server) for server in serving]
            elif self._told_to_replace:
                self._told_to_replace = False
                serving = await self._replaced(serving)
            else:
                await self._hear()
        while self._alive:
            await self._hear()
        return "open" not in greetings

    def _replace(self) -> None:
        self._told_to_replace = True
        self._news.set()

    def _stop(self, number: signal.Signals) -> None:
        self._stopping = True
        for server in self._alive.values():
            server.send(number)
        self._news.set()

    async def _hear(self) -> None:
        """Return when something has changed."""
        await self._news.wait()
        self._news.clear()

    async def _rest(self, seconds: float) -> None:
        """Wait, but not when told to stop."""
        deadline = asyncio.get_running_loop().time() + seconds
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                while not self._stopping:
                    await self._hear()

    async def _still(self, server: _Server) -> _Server:
        """Return a server, or a new one where it has ended."""
        if server.state != "ended" or self._stopping:
            return server
        log.error("a server ended and is started again", number=server.number)
        return await self._start(server.number)

    async def _replaced(self, serving: list[_Server]) -> list[_Server]:
        """Return new servers, the old ones draining; or the old ones where a new one fails."""
        coming = [await self._start(number) for number in range(self._count)]
        while not self._stopping and {server.state for server in coming} <= {"starting", "ready"}:
            if all(server.state == "ready" for server in coming):
                log.info("servers were replaced")
                for server in serving:
                    server.send(signal.SIGTERM)
                return coming
            await self._hear()
        if not self._stopping:
            log.error("new servers could not be started; the old ones go on")
        for server in coming:
            server.send(signal.SIGTERM)
        return serving

    async def _start(self, number: int) -> _Server:
        ours, theirs = socket.socketpair()
        given = [self._listening, theirs, *self._metrics[number : number + 1]]
        files = [one.fileno() for one in given]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *sys.orig_argv[1:],
            pass_fds=files,
            env={**os.environ, _PLACE: ",".join(map(str, files))},
            start_new_session=True,  # Ctrl-C in a terminal is for the supervisor to pass on
        )
        theirs.close()
        server = _Server(process, number)
        task = asyncio.create_task(server.tend(ours, self._news))
        self._alive[task] = server
        task.add_done_callback(self._forget)
        if self._stopping:
            server.send(signal.SIGTERM)
        return server

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._alive[task]
        self._news.set()
