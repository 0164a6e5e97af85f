"""What is asked most goes past the router, and nobody can tell by the answer."""

import json
from contextlib import contextmanager

import pytest
from starlette.testclient import TestClient

from hunmin import gateway
from tests.fakes import MODEL, ScriptedEngine
from tests.support.desk import ADDRESS, make_app, make_key, migrated_file  # noqa: F401

MESSAGE = {"role": "user", "content": "안녕"}
BODIES = {
    "/v1/chat/completions": {
        "model": "hunmin-reference",
        "messages": [{"role": "user", "content": "안녕"}],
    },
    "/v1/completions": {"model": MODEL, "prompt": "안녕"},
    "/v1/responses": {"model": MODEL, "input": "안녕"},
}
STATUSES = [200, 200, 404, 400, 400, 415, 413, 413, 401, 401, 403, 200]
CHANGING = {
    *("id", "item_id", "created", "created_at", "completed_at", "x-request-id", "content-length"),
    *("content-encoding", "vary"),  # straight ones are not compressed
}


@pytest.fixture
def client_of(settings, migrated_file, monkeypatch):  # noqa: F811
    """Give a function that opens a client of an application that answers straight, or not."""

    @contextmanager
    def client_of(*, straight: bool):
        if not straight:
            monkeypatch.setattr(gateway, "STRAIGHT", [])
        app = make_app(settings, ScriptedEngine(), migrated_file)
        with TestClient(app, base_url=ADDRESS) as client:
            client.portal.call(app.state.gateway.ready)
            client.headers["Authorization"] = f"Bearer {make_key(app)}"
            yield client

    return client_of


def asked(path: str) -> list[dict]:
    """Return requests of many kinds, good and bad."""
    body = BODIES[path]
    good = {"json": body}
    return [
        good,
        {"json": {**body, "stream": True}},
        {"json": {**body, "model": "nobody"}},
        {"json": {**body, "temperature": "hot"}, "headers": {"Accept-Language": "ko"}},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b"a=b", "headers": {"Content-Type": "text/plain"}},
        {"content": b"x" * 10_000_000, "headers": {"Content-Type": "application/json"}},
        {
            "content": (b"x" * 1_000_000 for _ in range(10)),  # nothing says how long it is
            "headers": {"Content-Type": "application/json"},
        },
        {**good, "headers": {"Authorization": "Bearer hm-nobody"}},
        {**good, "headers": {"Authorization": ""}},
        {**good, "headers": {"Origin": "https://elsewhere.example", "Authorization": ""}},
        {**good, "params": {"x": "1"}},
    ]


def plain(value):
    """Return a value without what is new each time."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name not in CHANGING}
    return [plain(one) for one in value] if isinstance(value, list) else value


def told(response) -> tuple:
    """Return what a client is told."""
    lines = [line.removeprefix("data: ") for line in response.text.splitlines()]
    bodies = [plain(json.loads(line)) for line in lines if line.startswith("{")]
    headers = {name: value for name, value in response.headers.items() if name not in CHANGING}
    return response.status_code, headers, bodies


@pytest.mark.parametrize("path", BODIES)
def test_both_ways_lead_to_the_same_answers(client_of, path):
    with client_of(straight=True) as client:
        straight = [told(client.post(path, **request)) for request in asked(path)]
        by_get = client.get(path)
    with client_of(straight=False) as client:
        by_router = [told(client.post(path, **request)) for request in asked(path)]

    assert [status for status, _, _ in straight] == STATUSES
    for one, other in zip(straight, by_router, strict=True):
        assert one == other
    assert (by_get.status_code, by_get.json()["error"]["code"]) == (405, "method_not_allowed")
