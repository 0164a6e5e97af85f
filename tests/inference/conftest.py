"""Small models and a way to open engines, for the tests of the engines."""

import asyncio
import contextlib

import pytest

from hunmin.inference import EmbeddedEngine
from tests.inference import tiny


@pytest.fixture(scope="session")
def parrot(tmp_path_factory):
    """Give the folder of a model that always says the same."""
    return tiny.write_parrot(tmp_path_factory.mktemp("models") / "parrot")


@pytest.fixture(scope="session")
def random_model(tmp_path_factory):
    """Give the folder of a model with random weights."""
    return tiny.write_random(tmp_path_factory.mktemp("models") / "random")


@pytest.fixture
def cache(tmp_path):
    """Give an empty folder for what an engine remembers."""
    return tmp_path / "cache"


@contextlib.contextmanager
def running(engine: EmbeddedEngine):
    """Keep an engine running for a block; the block may use it from any event loop."""
    try:
        asyncio.run(engine.start())
        yield engine
    finally:
        asyncio.run(engine.close())
