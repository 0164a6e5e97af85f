"""A gateway on a paper engine, in-process and on loopback, for every test of this room."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvicorn
from fastapi import FastAPI

from hunmin import accounts, faces, gateway
from hunmin.act import SYSTEM, open_act
from hunmin.db import new_id
from hunmin.errors import HunminError
from hunmin.gateway import Gateway
from hunmin.settings import GatewaySettings
from tests.support.engines import PaperEngine


@pytest.fixture
def engine() -> PaperEngine:
    """Give an engine that does as told."""
    return PaperEngine()


@pytest.fixture
def limits() -> dict[str, object]:
    """Give settings of the gateway that differ from the default; tests override this."""
    return {}


@pytest.fixture
async def service(engine, database, limits):
    """Give a gateway whose engine has started."""
    made = Gateway(engine, database, GatewaySettings(**limits))
    await made.ready()
    yield made
    await made.close()


@pytest.fixture
def key(database) -> str:
    """Give a valid API key."""
    with open_act(database, SYSTEM) as act:
        user = accounts.create_user(act, name="dana")
        return accounts.create_key(act, name="test", user_id=user.id).secret


def build_app(settings, database, made: Gateway) -> FastAPI:
    """Return an application with this room's routes only."""

    @asynccontextmanager
    async def life(_app):
        made.launch()
        yield
        await made.close()

    app = FastAPI(lifespan=life)
    app.state.settings = settings
    app.state.database = database
    app.state.gateway = made
    app.state.error_faces = {"/v1": gateway.error_face}
    app.include_router(gateway.router)

    def show(request, error):
        return faces.show_problem(request, faces.problem_of(request, error))

    for kind in (HunminError, Exception, 404, 405):
        app.add_exception_handler(kind, show)
    return app


@pytest.fixture
def app(engine, database, settings, limits) -> FastAPI:
    """Give the application, its gateway not yet launched."""
    return build_app(settings, database, Gateway(engine, database, GatewaySettings(**limits)))


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Serve an application on loopback, in a thread, and give its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True
    )
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended while starting"
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def address(app, key) -> Iterator[str]:
    """Give the address of a live server."""
    del key  # it must exist before the first request
    with serve(app) as address:
        yield address


@pytest.fixture
def request_id() -> str:
    """Give the id of one request."""
    return new_id()
