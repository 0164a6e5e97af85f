"""Stand-ins for servers on other machines, and engines that speak to them."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from hunmin.inference.folder import ModelFolder
from hunmin.settings import UpstreamSettings
from hunmin.upstreams import client, open_engine, watching
from tests.inference import tiny
from tests.support.scripted_model import Babbler, Parrot
from tests.support.vllm import VllmStandIn


async def until(true) -> None:
    """Return when something is so."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 (what is waited for knows no event)
            await asyncio.sleep(0.005)


async def ready(engine) -> None:
    """Return when every upstream of an engine was seen well."""
    await until(lambda: all(one.reached for one in engine.upstreams))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Look after upstreams often, and wait for none of them long."""
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(client, "EVENT_SECONDS_MAX", 2.0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Give the folder of a model: its tokenizer is used, and its weights are not."""
    path = tiny.write_parrot(tmp_path_factory.mktemp("models") / "parrot")
    return ModelFolder("parrot", path)


@pytest.fixture
def serve(folder):
    """Give a way to start stand-ins in a test's event loop; they end with the test."""

    @asynccontextmanager
    async def serve(number: int = 1, **changes):
        async with AsyncExitStack() as stack:
            models = {"parrot": Parrot(folder), "random": Babbler(folder)}
            servers = [VllmStandIn({"parrot": models["parrot"]}, **changes) for _ in range(number)]
            yield [await stack.enter_async_context(server) for server in servers]

    return serve


@pytest.fixture
def speak(folder, tmp_path):
    """Give a way to open and start an engine that speaks to stand-ins."""

    @asynccontextmanager
    async def speak(*servers, start: bool = True, **changes):
        values = {"models": {"parrot": "parrot"}, "tokenizer": folder.path} | changes
        engine = open_engine(
            {
                f"up{number}": UpstreamSettings(url=server.url, **values)
                for number, server in enumerate(servers)
            },
            data=tmp_path,
        )
        try:
            if start:
                await engine.start()
            yield engine
        finally:
            await engine.close()

    return speak
