"""Listening, being ready, and stopping: what `hunmin serve` and `hunmin demo` have in common."""

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from hunmin import accounts
from hunmin.errors import HunminError, ListenRefused, PortInUse
from hunmin.settings import Settings
from hunmin.steps import write_whole
from hunmin.web import draining, metrics
from hunmin.web.app import end_answers

STOP_SECONDS = 3
"""How long open connections are waited for at last, once answers were ended and kept."""


def listen(host: str, port: int, *, write_seconds_max: int) -> socket.socket:
    """Return a socket that listens, before anything else is begun.

    Args:
        host: At which address.
        port: At which port; 0 takes a free one.
        write_seconds_max: How long a connection may take nothing of what was written to it. Then
            the system closes it, on Linux: a server alone can only wait until all is taken.

    Raises:
        PortInUse: Another program listens there.
        ListenRefused: The address is not ours, or the port needs more rights.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host=host, port=port) from error
        reason = error.strerror or str(error)
        raise ListenRefused(host=host, port=port, reason=reason) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections have it from the socket that listens
        milliseconds = 1000 * write_seconds_max
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return listening


def listen_for_pages(settings: Settings) -> socket.socket:
    """Return a socket at the address of the settings. Raises as `listen`."""
    return listen(
        settings.web.host,
        settings.web.port,
        write_seconds_max=settings.gateway.write_seconds_max,
    )


def listen_for_numbers(settings: Settings, *, servers: int = 1) -> list[socket.socket]:
    """Return a socket for the numbers of each server side by side, or none where they stay in.

    Raises:
        PortInUse: Another program listens there.
        ListenRefused: The address is not ours, or the port needs more rights.
    """
    host, first = settings.web.metrics_host, settings.web.metrics_port
    seconds = metrics.REQUEST_SECONDS_MAX
    ports = range(first, first + servers) if first else ()
    return [listen(host, port, write_seconds_max=seconds) for port in ports]


@contextlib.contextmanager
def numbers(
    app: FastAPI, listening: socket.socket | None
) -> Iterator[metrics.MetricsServer | None]:
    """Serve the numbers for Prometheus while the block runs, where there is a socket for them."""
    if listening is None:
        yield None
        return
    server = metrics.MetricsServer(app, listening)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def announced(settings: Settings, listening: socket.socket) -> Iterator[str]:
    """Give the address of a socket, written down for other programs while the block runs."""
    host, port = listening.getsockname()[:2]
    address = accounts.local_address(settings.web.host or host, port)
    file = accounts.address_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, f"{address}\n".encode())
    try:
        yield address
    finally:
        file.unlink(missing_ok=True)


def serve(
    app: FastAPI,
    listening: socket.socket,
    *,
    on_open: Callable[[], None],
    on_ready: Callable[[HunminError | None], None],
    on_drain: Callable[[], None] | None = None,
    line: socket.socket | None = None,
) -> None:
    """Serve until told to stop, then stop everything in order.

    Ctrl-C ends the answers under way. SIGTERM lets them end by themselves, for as long as
    `web.drain_seconds` says; a second one, or Ctrl-C, ends them then.

    Args:
        app: The application.
        listening: Where.
        on_open: Called once pages answer.
        on_ready: Called once the model answers, or with the reason why it does not.
        on_drain: Called, in a thread, once nobody new gets in.
        line: To a supervisor; when it ends, there is none any more, and the server drains.
    """
    server = Server(app, on_open=on_open, on_ready=on_ready, on_drain=on_drain, line=line)
    keep_what_is_loaded()
    # Having stopped, the server passes Ctrl-C on; there is nothing left to interrupt.
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    if not server.started:
        sys.exit(1)


def keep_what_is_loaded() -> None:
    """Have the garbage collector look no more at what is there now, which stays to the end.

    To look through the 280,000 objects of the application takes 0.2 s, in which nobody is
    answered, and at 200 answers a second that was every 20 seconds.
    """
    gc.collect()
    gc.freeze()


class Server(uvicorn.Server):
    """A server that says when pages answer and when the model does, and drains when told to."""

    def __init__(
        self,
        app: FastAPI,
        *,
        on_open: Callable[[], None],
        on_ready: Callable[[HunminError | None], None],
        on_drain: Callable[[], None] | None = None,
        line: socket.socket | None = None,
    ) -> None:
        config = uvicorn.Config(
            app,
            access_log=False,
            lifespan="on",
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
            timeout_keep_alive=draining.KEEP_ALIVE_SECONDS,
            ws="none",
        )
        super().__init__(config)
        self._app = app
        self._on_open = on_open
        self._on_ready = on_ready
        self._on_drain = on_drain
        self._line = line
        self._listening: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._told_to_drain = False
        self._draining: asyncio.Task[None] | None = None

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and not self._told_to_drain:
            self._told_to_drain = True  # seen at the next tick: this is a signal handler
        else:
            super().handle_exit(sig, frame)

    @override
    async def on_tick(self, counter: int) -> bool:
        if self._told_to_drain and self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        return await super().on_tick(counter)

    async def _drain(self) -> None:
        self._app.state.draining = True
        self._app.state.batches.drain()
        for server in self.servers:
            server.close()
        if self._on_drain is not None:
            await asyncio.to_thread(self._on_drain)
        await draining.drained(
            self._app,
            self.server_state,
            seconds_max=self._app.state.settings.web.drain_seconds,
        )
        self.should_exit = True

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._on_open()
            self._waiting = asyncio.create_task(self._wait())
            if self._line is not None:
                self._listening = asyncio.create_task(self._listen(self._line))

    async def _listen(self, line: socket.socket) -> None:
        """Have the server drain when its supervisor has ended."""
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_recv(line, 1)
        self._told_to_drain = True

    async def _wait(self) -> None:
        failure: HunminError | None = None
        try:
            await self._app.state.gateway.ready()
        except HunminError as error:
            failure = error
        self._on_ready(failure)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for task in (self._waiting, self._draining, self._listening):
            if task is not None:
                task.cancel()
        # Answers under way are ended and kept first, or their connections would be waited for.
        ending = asyncio.create_task(end_answers(self._app))
        await super().shutdown(sockets)
        await ending
