"""What every test may ask for: databases of both kinds, an act, settings, clean surroundings."""

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
import structlog

from hunmin.act import SYSTEM, Act, Actor, open_act
from hunmin.db import Database, open_database
from hunmin.migrations.tables import all_tables
from hunmin.settings import Settings
from tests.support import postgres

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Small models gain nothing from threads, and two test processes would only wait for each other."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts in the background so, and every program under test would inherit
    # it: none could be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"))
"""A failing test shows what was said, without a line for every file that was fetched."""

hypothesis.settings.register_profile(
    "hunmin",
    deadline=None,  # a busy machine is no fault
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("hunmin")


def pytest_collection_finish() -> None:
    """What was imported until now stays: the garbage collector need not look it over each time."""
    gc.collect()
    gc.freeze()


NOON = datetime(2026, 10, 9, 12, tzinfo=UTC)
"""The moment every act of a test happens at, unless it says otherwise. It is Hangul Day."""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    """No setting of the machine reaches a test; programs under test speak English."""
    for name in [name for name in os.environ if name.startswith("HUNMIN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """Give a PostgreSQL of this test run's own, or skip where none is installed."""
    programs = postgres.find_programs()
    if programs is None:
        pytest.skip(postgres.MISSING)
    with postgres.run_server(programs) as server:
        yield server


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    _create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _postgres_template(postgres_server) -> str:
    name = postgres_server.create()
    _create_tables(postgres_server.url(name))
    return name


def _create_tables(url: str) -> None:
    database = open_database(url)
    try:
        all_tables().create_all(database.engine)
    finally:
        database.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_database_url(request, tmp_path) -> Iterator[str]:
    """Give the address of a database with no tables; the test runs on each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request) -> str:
    """Give the address of a database with every table; the test runs on each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def sqlite_url(_sqlite_template, tmp_path) -> str:
    """Give the address of an SQLite database with every table."""
    path = tmp_path / "hunmin.db"
    shutil.copyfile(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgres_server, _postgres_template) -> Iterator[str]:
    """Give the address of a PostgreSQL database with every table; its test is marked `postgres`."""
    with postgres_server.database(template=_postgres_template) as url:
        yield url


@pytest.fixture
def database(database_url) -> Iterator[Database]:
    """Give a database with every table; the test runs on SQLite and on PostgreSQL."""
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Give settings that keep everything in the test's own folder and take any free port."""
    return Settings.load(config=None, data=tmp_path / "var", web__port=0)


ActAs = Callable[..., AbstractContextManager[Act]]


@pytest.fixture
def act_as(database) -> ActAs:
    """Give `act_as(actor, now=...)`: a transaction for any actor, at noon unless told."""

    def act_as(actor: Actor = SYSTEM, **options) -> AbstractContextManager[Act]:
        return open_act(database, actor, **{"now": NOON, **options})

    return act_as


@pytest.fixture
def act(act_as) -> Iterator[Act]:
    """Give one act of the system at noon."""
    with act_as() as act:
        yield act


@pytest.fixture
def noon() -> datetime:
    """Give the moment the acts of a test happen at."""
    return NOON
