"""Traces: spans reach a collector of the operator's own, and nobody's words are in them."""

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.testclient import TestClient

from hunmin import logs, tracing
from hunmin.errors import SettingWrong
from hunmin.settings import Settings
from hunmin.settings.sections import TelemetrySettings
from tests.fakes import MODEL, ScriptedEngine
from tests.support.desk import ADDRESS, make_app, make_key
from tests.support.lines import logging_as_before
from tests.support.serving import wait_for_engine

CANARY = "가람쥐9137"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


class Collector:
    """Takes OTLP over HTTP, as a collector does."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.append(self.path.encode() + b"\n" + body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self) -> list[Span]:
        return [
            span
            for body in self.bodies
            for of_resource in ExportTraceServiceRequest.FromString(
                body.removeprefix(b"/v1/traces\n")
            ).resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans() if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine(answer=f"답은 {CANARY}입니다.")


@pytest.fixture
def app(settings, engine, migrated_file, collector) -> FastAPI:
    return traced(settings, engine, migrated_file, collector.url)


def traced(settings: Settings, engine, migrated_file, url: str) -> FastAPI:
    told = {"telemetry": TelemetrySettings(otlp_url=url)}
    return make_app(settings.model_copy(update=told), engine, migrated_file)


def ask(app: FastAPI, client: TestClient, content: str = "안녕", **headers: str):
    wait_for_engine(app)
    return client.post(
        "/v1/chat/completions",
        headers={"Authorization": f"Bearer {make_key(app)}", **headers},
        json={"model": MODEL, "messages": [{"role": "user", "content": content}]},
    )


def serving(app: FastAPI) -> TestClient:
    """Return a client around which the application is started; at the end spans are sent."""
    return TestClient(app, base_url=ADDRESS, follow_redirects=False)


def told(span: Span) -> dict[str, str | int | float]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_an_answer_is_one_trace_of_four_spans(app, collector):
    with serving(app) as client:
        answer = ask(app, client).json()

    (http,) = collector.named("http")
    assert told(http)["http.route"] == "/v1/chat/completions"
    assert told(http)["http.response.status_code"] == 200
    for name in ("gateway.admit", "engine.stream", "gateway.settle"):
        (span,) = collector.named(name)
        assert (span.trace_id, span.parent_span_id) == (http.trace_id, http.span_id)
        assert span.start_time_unix_nano >= http.start_time_unix_nano
    (streamed,) = collector.named("engine.stream")
    said = told(streamed)
    assert said["gen_ai.operation.name"] == "chat"
    assert said["gen_ai.request.model"] == MODEL
    assert said["gen_ai.usage.input_tokens"] == answer["usage"]["prompt_tokens"]
    assert said["gen_ai.usage.output_tokens"] == answer["usage"]["completion_tokens"]
    assert said["gen_ai.server.time_to_first_token"] >= 0
    assert said["hunmin.outcome"] == "stop"


def test_only_a_request_with_a_key_belongs_to_the_trace_it_names(app, collector):
    with serving(app) as client:
        ask(app, client, traceparent=TRACEPARENT)
        client.get("/chat", headers={"traceparent": TRACEPARENT})
        wrong = {"Authorization": "Bearer hm-wrong", "traceparent": TRACEPARENT}
        client.post("/v1/chat/completions", headers=wrong, json={})

    believed, page, stranger = sorted(
        collector.named("http"), key=lambda span: span.start_time_unix_nano
    )
    assert (believed.trace_id.hex(), believed.parent_span_id.hex()) == (TRACE, PARENT)
    for span in (page, stranger):
        assert span.trace_id.hex() != TRACE
        assert not span.parent_span_id


def test_an_error_is_told_by_its_code(app, collector):
    with serving(app) as client:
        wait_for_engine(app)
        client.post(
            "/v1/chat/completions",
            headers={"Authorization": f"Bearer {make_key(app)}"},
            json={"model": CANARY, "messages": [{"role": "user", "content": "안녕"}]},
        )

    (http,) = collector.named("http")
    assert told(http)["error.type"] == "model_not_found"
    assert http.status.code == 2


def test_what_people_write_is_in_no_span_and_no_line(app, collector, engine):
    said = io.StringIO()
    with logging_as_before(), serving(app) as client:
        logs.set_up(format="json", level="debug", stream=said)
        ask(app, client, CANARY, baggage="word=CANARY9137", tracestate="x=CANARY9137")
        engine.fail_after = 1
        ask(app, client, CANARY)
        client.request("CANARY9137", f"/{CANARY}?q={CANARY}")
        client.get(f"/sign-in/{CANARY}")
        client.post("/chat/api/conversations", json={"text": CANARY})

    assert len(collector.named("engine.stream")) == 3
    everything = b"".join(collector.bodies)
    assert CANARY.encode() not in everything
    assert b"CANARY9137" not in everything
    assert CANARY not in said.getvalue()
    names = {name for span in collector.spans() for name in told(span)}
    assert names <= tracing.Attributes.__annotations__.keys()
    assert not [event for span in collector.spans() for event in span.events]


def test_what_is_not_in_the_list_is_left_out(collector):
    tracer = tracing.Tracer(collector.url)
    with tracer.span("gateway.admit", {"http.route": "/", "prompt": CANARY}):
        pass
    tracer.close()

    (span,) = collector.spans()
    assert told(span) == {"http.route": "/"}


def test_a_collector_that_is_away_breaks_nothing_and_is_said_once(
    settings, engine, migrated_file, monkeypatch
):
    monkeypatch.setattr(tracing, "SEND_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(tracing, "SEND_SECONDS_MAX", 0.2)
    monkeypatch.setattr(tracing, "WAITING_MAX", 8)
    monkeypatch.setattr(tracing, "TOGETHER_MAX", 4)
    app = traced(settings, engine, migrated_file, "http://127.0.0.1:9")
    said = io.StringIO()
    with logging_as_before():
        with serving(app) as client:
            logs.set_up(format="json", stream=said)
            assert [ask(app, client).status_code for _ in range(5)] == [200] * 5
            time.sleep(0.3)
            assert ask(app, client).status_code == 200
        assert said.getvalue().count("spans cannot be sent") == 1
    assert "opentelemetry" not in said.getvalue()


def test_a_collector_that_answers_nothing_holds_the_end_up_for_seconds_only(monkeypatch):
    monkeypatch.setattr(tracing, "SEND_SECONDS_MAX", 0.2)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # never served
        tracer = tracing.Tracer(f"http://127.0.0.1:{silent.server_address[1]}")
        with tracer.span("http", {}):
            pass
        began = time.monotonic()
        tracer.close()

    assert time.monotonic() - began < 10


def test_without_an_address_nothing_is_sent_whatever_the_environment_asks_for(
    settings, engine, migrated_file, collector, monkeypatch
):
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    app = make_app(settings, engine, migrated_file)
    with serving(app) as client:
        assert ask(app, client).status_code == 200
        assert client.get(f"/sign-in/{CANARY}?word={CANARY}").status_code < 500

    assert collector.bodies == []


def test_where_nobody_traces_nothing_is_loaded_for_it():
    said = (
        "import sys; from hunmin.web.app import create_app;"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')"
        " or name in {'hunmin.tracing', 'opentelemetry.exporter'}])"
    )
    command = [sys.executable, "-c", said]
    loaded = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("wrong", ["localhost:4318", "ftp://x", "http://user:word@x", "http://"])
def test_an_address_that_is_none_is_refused(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingWrong, match="http://HOST:PORT"):
        Settings.load(telemetry__otlp_url=wrong)
