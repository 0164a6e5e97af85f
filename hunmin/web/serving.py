"""Listening, being ready, and stopping: what `hunmin serve` and `hunmin demo` have in common."""

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from hunmin import accounts
from hunmin.errors import HunminError, ListenRefused, PortInUse
from hunmin.settings import Settings
from hunmin.steps import write_whole
from hunmin.web import metrics
from hunmin.web.app import end_answers

STOP_SECONDS = 3
"""How long open connections are waited for after Ctrl-C, once answers were ended and kept."""


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


@contextlib.contextmanager
def numbers(app: FastAPI) -> Iterator[None]:
    """Serve the numbers for Prometheus while the block runs, where the settings say at what port.

    Raises:
        PortInUse: Another program listens there.
        ListenRefused: The address is not ours, or the port needs more rights.
    """
    web = app.state.settings.web
    if not web.metrics_port:
        yield
        return
    listening = listen(
        web.metrics_host, web.metrics_port, write_seconds_max=metrics.REQUEST_SECONDS_MAX
    )
    server = metrics.MetricsServer(app, listening)
    try:
        yield
    finally:
        server.close()


def serve(
    app: FastAPI,
    listening: socket.socket,
    *,
    on_open: Callable[[str], None],
    on_ready: Callable[[HunminError | None], None],
) -> None:
    """Serve until Ctrl-C or SIGTERM, then stop everything in order.

    Args:
        app: The application.
        listening: Where.
        on_open: Called with the address once pages answer.
        on_ready: Called once the model answers, or with the reason why it does not.
    """
    settings: Settings = app.state.settings
    host, port = listening.getsockname()[:2]
    address = accounts.local_address(settings.web.host or host, port)
    config = uvicorn.Config(
        app,
        access_log=False,
        lifespan="on",
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        ws="none",
    )
    file = accounts.address_file(settings)
    write_whole(file, f"{address}\n".encode())
    server = _Server(app, config, on_open=lambda: on_open(address), on_ready=on_ready)
    try:
        # Having stopped, the server passes Ctrl-C on; there is nothing left to interrupt.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        file.unlink(missing_ok=True)
    if not server.started:
        sys.exit(1)


class _Server(uvicorn.Server):
    """A server that says when pages answer, and when the model does."""

    def __init__(
        self,
        app: FastAPI,
        config: uvicorn.Config,
        *,
        on_open: Callable[[], None],
        on_ready: Callable[[HunminError | None], None],
    ) -> None:
        super().__init__(config)
        self._app = app
        self._on_open = on_open
        self._on_ready = on_ready
        self._waiting: asyncio.Task[None] | None = None

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._on_open()
            self._waiting = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        failure: HunminError | None = None
        try:
            await self._app.state.gateway.ready()
        except HunminError as error:
            failure = error
        self._on_ready(failure)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        # Answers under way are ended and kept first, or their connections would be waited for.
        ending = asyncio.create_task(end_answers(self._app))
        await super().shutdown(sockets)
        await ending
