"""SIGTERM: what is under way ends by itself, nothing new is begun, and then the server ends."""

import asyncio
import json
import signal
import threading
import time
from contextlib import contextmanager

import httpx2
import pytest

from hunmin.settings import Settings
from hunmin.web import draining, serving
from tests.fakes import ANSWER, MODEL, ScriptedEngine
from tests.support.desk import make_app, make_key
from tests.support.serving import wait_for_engine

PATIENCE_SECONDS = 60


@pytest.fixture
def engine() -> ScriptedEngine:
    """Give an engine that takes a second or two for an answer."""
    return ScriptedEngine(pause_seconds=0.04)


class Service:
    """A service in a thread, told to stop as a signal would tell it."""

    def __init__(self, app) -> None:
        self.app = app
        self.listening = serving.listen("127.0.0.1", 0, write_seconds_max=5)
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.server = serving.Server(app, on_open=lambda: None, on_ready=lambda _: None)
        self.thread = threading.Thread(
            target=lambda: asyncio.run(self.server.serve(sockets=[self.listening])), daemon=True
        )

    def terminate(self) -> None:
        self.server.handle_exit(signal.SIGTERM, None)

    def wait(self) -> None:
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive(), "the server did not end"

    def wait_until_draining(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.app.state.draining:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@contextmanager
def running(app):
    service = Service(app)
    service.thread.start()
    while not service.server.started:
        time.sleep(0.01)
    wait_for_engine(app)
    try:
        yield service
    finally:
        service.server.should_exit = True
        service.wait()


@contextmanager
def streaming(service):
    """Give the pieces of an answer that is being written, the first of them read."""
    headers = {"Authorization": f"Bearer {make_key(service.app)}"}
    asked = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "안녕"}]}
    with (
        httpx2.Client(base_url=service.address, timeout=PATIENCE_SECONDS) as client,
        client.stream("POST", "/v1/chat/completions", headers=headers, json=asked) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        yield lines


def text_of(lines) -> str:
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    return "".join(choice["delta"].get("content", "") for c in chunks for choice in c["choices"])


def test_an_answer_under_way_ends_whole_while_nobody_new_gets_in(app):
    with running(app) as service, streaming(service) as lines:
        service.terminate()
        service.wait_until_draining()
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{service.address}/healthz")
        rest = list(lines)
        service.wait()

    assert rest[-2:] == ["data: [DONE]", ""] or rest[-1] == "data: [DONE]"
    assert text_of(rest).endswith(ANSWER[-10:])


def test_a_kept_connection_has_its_request_served_and_is_closed(app):
    with running(app) as service, httpx2.Client(base_url=service.address) as kept:
        before = kept.get("/healthz")
        with streaming(service) as lines:
            service.terminate()
            service.wait_until_draining()
            during = kept.get("/healthz")
            list(lines)
        service.wait()

    assert (before.status_code, before.headers.get("connection")) == (200, None)
    assert (during.status_code, during.json()["status"]) == (503, "draining")
    assert during.headers["connection"] == "close"


def test_a_second_signal_ends_what_is_under_way(app, engine):
    engine.pause_seconds = 5.0
    with running(app) as service, streaming(service) as lines:
        service.terminate()
        service.wait_until_draining()
        service.terminate()
        rest = "".join(lines)
        service.wait()

    assert "[DONE]" not in rest
    assert "engine_unavailable" in rest


def test_an_idle_connection_is_not_waited_for_longer_than_it_may_be_idle(app, monkeypatch):
    monkeypatch.setattr(draining, "KEEP_ALIVE_SECONDS", 0.2)
    with running(app) as service, httpx2.Client(base_url=service.address) as kept:
        kept.get("/healthz")
        began = time.monotonic()
        service.terminate()
        service.wait()

    assert time.monotonic() - began < 4.5  # the web server itself would wait for five


def test_an_answer_nobody_reads_any_more_is_written_to_its_end_too(app):
    with running(app) as service:
        with httpx2.Client(base_url=service.address) as browser:
            asked = {"text": "안녕하세요?"}
            with browser.stream("POST", "/chat/api/conversations", json=asked) as answer:
                next(answer.iter_text())
                service.terminate()
            cookies = dict(browser.cookies)
        service.wait()
        rows = service.app.state.database
    assert cookies
    with rows.session(read_only=True) as session:
        states = session.connection().exec_driver_sql("SELECT state, text FROM chat_messages")
        assert ("whole", ANSWER) in [tuple(row) for row in states]


def test_a_batch_is_left_to_the_next_server(app):
    lines = 40  # of which four are answered at once, each in a second or two
    with running(app) as service:
        hand_in_batch(service, lines)
        while not app.state.gateway.busy():
            time.sleep(0.01)
        service.terminate()
        service.wait()

    with app.state.database.session(read_only=True) as session:
        rows = session.connection().exec_driver_sql(
            "SELECT status, completed, lease FROM batches_batches"
        )
        [(status, completed, lease)] = rows
    assert (status, lease) == ("in_progress", None)
    assert 0 < completed < lines / 2


def hand_in_batch(service, lines: int) -> None:
    """Hand in a batch of so many requests."""
    said = [{"role": "user", "content": "안녕"}]
    asked = {
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": MODEL, "messages": said},
    }
    content = "\n".join(json.dumps({"custom_id": str(one), **asked}) for one in range(lines))
    headers = {"Authorization": f"Bearer {make_key(service.app)}"}
    with httpx2.Client(base_url=f"{service.address}/v1", headers=headers, timeout=60) as client:
        file = client.post("/files", files={"file": content.encode()}, data={"purpose": "batch"})
        batch = {"input_file_id": file.json()["id"], "endpoint": asked["url"]}
        assert client.post("/batches", json=batch | {"completion_window": "24h"}).is_success


@pytest.fixture
def hasty(tmp_path) -> Settings:
    return Settings.load(data=tmp_path / "var", web__drain_seconds=0.3)


def test_what_takes_too_long_is_ended_and_kept(hasty, migrated_file):
    app = make_app(hasty, ScriptedEngine(pause_seconds=5.0), migrated_file)
    with running(app) as service, streaming(service) as lines:
        service.terminate()
        rest = "".join(lines)
        service.wait()

    assert "engine_unavailable" in rest
