"""A gateway on a paper engine, in-process and on loopback, for every test of this room."""

from collections.abc import Iterator

import openai
import pytest
from fastapi import FastAPI

from hunmin import accounts
from hunmin.act import SYSTEM, open_act
from hunmin.db import Database, open_database
from hunmin.gateway import Gateway
from hunmin.migrations.tables import all_tables
from hunmin.settings import GatewaySettings, Settings
from hunmin.web import create_app
from tests.support.engines import PaperEngine
from tests.support.serving import serve


@pytest.fixture
def engine() -> PaperEngine:
    """Give an engine that does as told."""
    return PaperEngine()


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    """Give the address of a SQLite database with every table."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    opened = open_database(url)
    all_tables().create_all(opened.engine)
    opened.close()
    return url


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


@pytest.fixture
def app(engine, database_url, settings, limits, monkeypatch) -> FastAPI:
    """Give the whole application, with the paper engine."""
    monkeypatch.setattr(Database, "migrate", lambda _: None)  # the tables are there already
    options = {f"gateway__{name}": value for name, value in limits.items()}
    loaded = Settings.load(
        config=None,
        data=settings.data,
        web__port=0,
        worker__embedded=False,
        database__url=database_url,
        **options,
    )
    return create_app(loaded, engine=engine)


@pytest.fixture
def address(app, key) -> Iterator[str]:
    """Give the address of a live server."""
    del key  # it must exist before the first request
    with serve(app) as address:
        yield address


@pytest.fixture
def client(address, key) -> Iterator[openai.OpenAI]:
    """Give OpenAI's own client, with a key."""
    with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client:
        yield client
