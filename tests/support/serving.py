"""Serving an application on loopback, in a thread, for clients and browsers that are real."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

START_SECONDS_MAX = 60


def wait_for_engine(app: FastAPI) -> None:
    """Wait until an application that was started answers questions."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while not app.state.gateway.healthy():
        assert time.monotonic() < deadline, f"the engine is {app.state.gateway.state()}"
        time.sleep(0.005)


@contextmanager
def serve(app: FastAPI, *, engine_ready: bool = True) -> Iterator[str]:
    """Serve an application while the block runs, and give its address once it answers.

    Args:
        app: The application.
        engine_ready: Whether to wait for the engine too, or only for the pages.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True
    )
    thread.start()
    deadline = time.monotonic() + START_SECONDS_MAX
    while not server.started:
        assert thread.is_alive(), "the server ended while starting"
        assert time.monotonic() < deadline, "the server did not start in time"
        time.sleep(0.005)
    try:
        if engine_ready:
            wait_for_engine(app)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS_MAX)
        assert not thread.is_alive(), "the server did not stop in time"
