"""The page of the service's state: true, for anybody, and silent about everything else."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from hunmin import __version__, worker
from hunmin.act import SYSTEM, open_act
from hunmin.errors import DatabaseUnreachable, EngineUnavailable
from hunmin.settings import Settings
from hunmin.web import status
from tests.fakes import MODEL, ScriptedEngine
from tests.support.desk import ADDRESS, make_app
from tests.support.serving import wait_for_engine


@pytest.fixture(autouse=True)
def _look_each_time(monkeypatch):
    monkeypatch.setattr(status, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(status, "keep_looking", _never)


async def _never(_board):
    """Look in the background never: each test looks itself."""


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Give settings with no worker of its own: jobs wait as long as a test likes."""
    return Settings.load(data=tmp_path / "var", worker__embedded=False)


def parts(client) -> dict[str, str]:
    shown = client.get("/status.json").json()
    return {part["model"] or part["kind"]: part["state"] for part in shown["parts"]}


def test_a_service_that_works_says_so_in_both_languages(app, client):
    wait_for_engine(app)
    shown = client.get("/status.json").json()

    assert shown["status"] == "ok"
    every = dict.fromkeys(("pages", "database", MODEL, "jobs", "seals"), "ok")
    assert parts(client) == every
    assert "모두 정상입니다." in client.get("/status", headers={"Accept": "text/html"}).text
    english = client.get("/status?lang=en", headers={"Accept": "text/html"}).text
    assert "Everything works." in english


def test_a_model_that_failed_is_named_and_the_rest_stands(settings, migrated_file):
    app = make_app(settings, ScriptedEngine(start_error=EngineUnavailable()), migrated_file)
    with TestClient(app, base_url=ADDRESS) as client:
        while app.state.gateway.state() == "starting":
            client.get("/healthz")
        shown = client.get("/status.json").json()

        assert parts(client)[MODEL] == "failed"
        assert parts(client)["database"] == "ok"
        assert shown["status"] == "failed"
        assert client.get("/status").status_code == 200


def test_the_page_comes_also_while_the_database_is_away(app, client, monkeypatch):
    wait_for_engine(app)

    def away(**_):
        raise DatabaseUnreachable(address="somewhere")

    monkeypatch.setattr(app.state.database, "session", away)
    shown = client.get("/status.json")

    assert shown.status_code == 200
    assert shown.json()["status"] == "failed"
    assert parts(client)["database"] == "failed"
    assert parts(client)["seals"] == "unknown"
    assert client.get("/status", headers={"Accept": "text/html"}).status_code == 200


def test_work_that_nobody_does_is_late(app, client):
    wait_for_engine(app)
    past = datetime.now(UTC) - timedelta(minutes=6)
    with open_act(app.state.database, SYSTEM, now=past) as act:
        worker.enqueue(act, "test.waits")

    assert parts(client)["jobs"] == "late"
    assert client.get("/status.json").json()["status"] == "partly"


def test_a_state_is_told_with_the_moment_it_began(app, client, engine):
    wait_for_engine(app)

    def since(kind: str) -> str:
        shown = client.get("/status.json").json()
        return next(part["since"] for part in shown["parts"] if part["kind"] == kind)

    first, pages = since("model"), since("pages")
    assert since("model") == first
    engine.is_healthy = False
    second = since("model")
    assert second > first
    assert since("model") == second
    assert since("pages") == pages


def test_the_page_names_no_address_and_no_version(app, client):
    wait_for_engine(app)
    said = client.get("/status.json").text + client.get("/status").text

    assert __version__ not in said
    assert str(app.state.settings.data) not in said
    assert not re.search(r"\d+\.\d+\.\d+\.\d+|sqlite|postgres", said)
