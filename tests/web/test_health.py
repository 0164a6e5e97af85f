"""Pages answer at once; /healthz says when questions are answered too."""

import time

import pytest
from starlette.testclient import TestClient

from hunmin import __version__
from hunmin.errors import EngineUnavailable, ModelNameWrong
from hunmin.settings import Settings
from hunmin.web import create_app
from tests.fakes import ScriptedEngine
from tests.support.desk import ADDRESS, make_app


def wait_for(client, status: str) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while (health := client.get("/healthz").json())["status"] != status:
        assert time.monotonic() < deadline, health
        time.sleep(0.01)
    return health


def test_a_service_that_can_answer_says_so(client):
    assert wait_for(client, "ok") == {
        "status": "ok",
        "engine": "ScriptedEngine",
        "models": ["hunmin-reference"],
        "states": {"hunmin-reference": "ready"},
        "version": __version__,
    }
    assert client.get("/healthz").status_code == 200
    assert client.get("/healthz").headers["cache-control"] == "no-store"


def test_pages_answer_while_the_model_loads(settings, migrated_file):
    app = make_app(settings, ScriptedEngine(start_seconds=1.0), migrated_file)
    with TestClient(app, base_url=ADDRESS) as client:
        health = client.get("/healthz")
        assert (health.status_code, health.json()["status"]) == (503, "starting")
        assert client.get("/chat").status_code == 200
        wait_for(client, "ok")


def test_a_model_that_cannot_load_leaves_the_pages_standing(settings, migrated_file):
    app = make_app(settings, ScriptedEngine(start_error=EngineUnavailable()), migrated_file)
    with TestClient(app, base_url=ADDRESS) as client:
        wait_for(client, "failed")
        assert client.get("/healthz").status_code == 503
        assert client.get("/sign-in").status_code == 200


def test_stopping_closes_the_engine(app, engine):
    with TestClient(app, base_url=ADDRESS) as client:
        wait_for(client, "ok")
    assert engine.closed
    assert engine.running == 0


def test_a_service_that_stops_while_its_model_loads_stops_at_once(settings, migrated_file):
    engine = ScriptedEngine(start_seconds=60)
    began = time.monotonic()
    with TestClient(make_app(settings, engine, migrated_file), base_url=ADDRESS) as client:
        assert client.get("/healthz").json()["status"] == "starting"
    assert time.monotonic() - began < 30
    assert engine.closed


def test_a_model_with_a_name_the_audit_log_cannot_hold_is_refused_at_the_start(tmp_path):
    """Or every single question to it would be."""
    settings = Settings.load(data=tmp_path, inference__models={"내 모델": tmp_path})

    with pytest.raises(ModelNameWrong):
        create_app(settings)
