"""The whole application on a scripted engine: fixtures for every test that speaks HTTP to it.

A `conftest.py` takes what it needs: `from tests.support.desk import app, client`.
"""

import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hunmin import accounts
from hunmin.act import SYSTEM, Act, open_act
from hunmin.db import open_database
from hunmin.settings import Settings
from hunmin.web import create_app
from tests.fakes import ScriptedEngine

ADDRESS = "http://127.0.0.1:8700"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory) -> Path:
    """Give a SQLite file with every table, made by the migrations."""
    path = tmp_path_factory.mktemp("desk") / "hunmin.db"
    database = open_database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def engine() -> ScriptedEngine:
    """Give the engine that answers; a module overrides this to have it answer otherwise."""
    return ScriptedEngine()


@pytest.fixture
def app(settings, engine, migrated_file) -> FastAPI:
    """Give the application, not yet served, with an empty database of its own."""
    return make_app(settings, engine, migrated_file)


def make_app(settings: Settings, engine: ScriptedEngine, migrated_file: Path) -> FastAPI:
    """Return the application on a copy of an empty database."""
    settings.data.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(migrated_file, settings.data / "hunmin.db")
    return create_app(settings, engine=engine)


@pytest.fixture
def client(app) -> Iterator[TestClient]:
    """Give a client of the application, which is started and stopped around the test."""
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as client:
        yield client


def stranger(app: FastAPI) -> TestClient:
    """Return a further client of a started application, with no cookies of its own."""
    return TestClient(app, base_url=ADDRESS, follow_redirects=False)


def make_link(app: FastAPI, name: str = "dana", *roles: str, minutes: int = 60) -> str:
    """Return the secret of a sign-in link for the account of that name, made where it is not."""
    with open_act(app.state.database, SYSTEM) as act:
        user = accounts.find_user(act, name)
        user = user or accounts.create_user(act, name=name, roles=roles or ("person",))
        return accounts.create_sign_in_link(act, user.id, minutes=minutes)


def open_link(
    act: Act, link: str, *, days: int = 30, instead_of: str | None = None
) -> accounts.SessionOpened:
    """Use up a sign-in link and return the session it opens."""
    used = accounts.use_link(act, link)
    return accounts.open_session(
        act,
        used.user_id,
        method="link",
        strength=1,
        days=days,
        instead_of=instead_of,
        for_other=used.for_other,
    )


def make_key(
    app: FastAPI,
    name: str = "dana",
    *,
    days: int | None = None,
    scopes: Collection[str] = accounts.PROGRAM_SCOPES,
    models: Sequence[str] | None = None,
) -> str:
    """Return a new API key of the account of that name, made where it is not."""
    with open_act(app.state.database, SYSTEM) as act:
        user = accounts.find_user(act, name) or accounts.create_user(act, name=name)
        made = accounts.create_key(
            act, name="test", user_id=user.id, days=days, scopes=scopes, models=models
        )
        return made.secret


def sign_in(client: TestClient, name: str = "dana", *roles: str) -> TestClient:
    """Sign a client in as the account of that name, made where it is not."""
    answer = client.post("/sign-in", data={"link": make_link(client.app, name, *roles)})
    assert answer.status_code == 303, answer.text
    return client
