"""The API on the wire: statuses, headers, envelopes, events and connections that break."""

import asyncio
import http.client
import json
import socket
import tracemalloc
from urllib.parse import urlsplit

import pytest

from hunmin.gateway import streams
from tests.gateway.test_openai_client import outcomes, wait_until
from tests.support.serving import serve

ASK = {"model": "paper", "messages": [{"role": "user", "content": "안녕"}], "max_tokens": 20}
CHAT = "/v1/chat/completions"


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


class Http:
    """Plain requests to one address, so that nothing is hidden by a client."""

    def __init__(self, address, key):
        self.netloc = urlsplit(address).netloc
        self.key = key

    def __call__(self, method, path, body=None, **headers):
        """Return the status, the headers in lower case, and the body as text."""
        given = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in given.items() if value is not None}
        if isinstance(body, dict):
            body = json.dumps(body, ensure_ascii=False).encode()
        connection = http.client.HTTPConnection(self.netloc, timeout=20)
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, text

    def open(self, body) -> socket.socket:
        """Send a chat request and return the open connection."""
        host, port = self.netloc.split(":")
        connection = socket.create_connection((host, int(port)), timeout=20)
        data = json.dumps(body).encode()
        head = (
            f"POST {CHAT} HTTP/1.1\r\nHost: {self.netloc}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        connection.sendall(head.encode() + data)
        return connection


@pytest.fixture
def call(address, key) -> Http:
    return Http(address, key)


def error_of(answer) -> dict:
    status, headers, text = answer
    body = json.loads(text)
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"]
    return {"status": status, **body["error"]}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("POST", "/v1/nowhere", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/gpt-9", 404, "model_not_found"),
        ("GET", "/v1/models/a/b", 404, "model_not_found"),
        ("GET", "/v1/usage?days=0", 400, "invalid_value"),
        ("GET", "/v1/usage?days=%EA%B0%80", 400, "invalid_value"),
    ],
)
def test_every_refusal_has_the_envelope_of_openai(call, method, path, status, code):
    error = error_of(call(method, path))

    assert (error["status"], error["code"]) == (status, code)
    assert error["type"] == "invalid_request_error"
    assert error["message"].isascii()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": None},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer hm-wrong"},
        {"Authorization": "Basic aG06aG0="},
        {"Authorization": None, "x_api_key": "KEY"},
        {"Authorization": None, "api_key": "KEY"},
        {"Authorization": None, "Cookie": "hunmin_session=KEY"},
    ],
)
def test_no_route_answers_without_a_key_in_the_one_header_for_it(call, app, headers):
    headers = {name: (v or "").replace("KEY", call.key) or None for name, v in headers.items()}
    paths = app.openapi()["paths"]
    routes = [(m.upper(), path) for path in paths if path.startswith("/v1/") for m in paths[path]]
    assert len(routes) >= 5

    for method, path in routes:
        answer = call(method, path, ASK if method == "POST" else None, **headers)
        error = error_of(answer)
        assert (error["status"], error["code"]) == (401, "invalid_api_key")
        assert answer[1]["www-authenticate"] == "Bearer"


def test_a_key_in_the_address_is_no_key(call):
    assert call("GET", f"/v1/models?api_key={call.key}", Authorization=None)[0] == 401


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_value"),
        (b"{", "invalid_value"),
        (b'"\xff\xfe"', "invalid_value"),
        (b'{"model": "paper", "messages": "\\ud800"}', "invalid_value"),
        (b"[" * 10_000, "invalid_value"),
        (b'{"model": "paper", "messages": [], "nothing": 1}', "invalid_value"),
        (b'{"model":"paper","messages":[{"role":"user","content":""}],"x":1}', "unknown_parameter"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_is_a_400(call, body, code):
    error = error_of(call("POST", CHAT, body))

    assert (error["status"], error["code"]) == (400, code)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": None},
        {"Content_Encoding": "gzip"},
    ],
)
def test_a_body_that_is_not_json_by_its_headers_is_a_415(call, headers):
    error = error_of(call("POST", CHAT, ASK, **headers))

    assert (error["status"], error["code"]) == (415, "unsupported_media_type")


def scope_of(key, **headers) -> dict:
    """Return a chat request as a server hands it to the application."""
    given = {
        "host": "127.0.0.1",
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        **headers,
    }
    return {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": CHAT,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }


@pytest.mark.parametrize("announced", [{}, {"content-length": str(160 * 65_536)}])
async def test_ten_megabytes_are_refused_and_not_kept_in_memory(app, key, announced):
    sent = []
    pieces = [b" " * 65_536] * 160

    async def receive() -> dict:
        return {"type": "http.request", "body": pieces.pop(), "more_body": bool(pieces)}

    async def send(message) -> None:
        sent.append(message)

    tracemalloc.start()
    await app(scope_of(key, **announced), receive, send)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    start, body, *_ = sent
    assert start["status"] == 413
    assert json.loads(body["body"])["error"]["code"] == "request_too_large"
    assert most < 20_000_000


class TestSmallLimits:
    @pytest.fixture
    def limits(self):
        return {"request_bytes_max": 2048, "request_seconds_max": 1}

    @pytest.fixture(autouse=True)
    def often_alive(self, monkeypatch):
        monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.05)

    def test_a_body_that_is_too_long_is_a_413(self, call):
        error = error_of(call("POST", CHAT, b" " * 3000))

        assert (error["status"], error["code"]) == (413, "request_too_large")

    def test_a_body_that_is_refused_unread_is_the_same_413(self, call):
        announced = error_of(call("POST", CHAT, b" " * 6000))
        in_pieces = error_of(call("POST", CHAT, iter([b" " * 6000])))

        assert announced == in_pieces
        assert (announced["status"], announced["code"]) == (413, "request_too_large")
        assert "2048 bytes" in announced["message"]

    def test_a_body_that_does_not_come_is_a_408(self, call):
        host, port = call.netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(
                f"POST {CHAT} HTTP/1.1\r\nHost: {call.netloc}\r\n"
                f"Content-Type: application/json\r\nAuthorization: Bearer {call.key}\r\n"
                "Content-Length: 100\r\n\r\n{".encode()
            )
            assert b" 408 " in connection.recv(4096)

    def test_a_silent_stream_is_kept_alive_by_comments(self, call, engine):
        engine.step_seconds = 0.4
        status, headers, text = call("POST", CHAT, {**ASK, "max_tokens": 3, "stream": True})

        assert status == 200
        assert headers["content-type"].startswith("text/event-stream")
        assert text.count(": keep-alive\n\n") >= 2
        assert text.endswith("data: [DONE]\n\n")


def test_a_stream_is_events_and_nothing_else(call, engine):
    status, headers, text = call("POST", CHAT, {**ASK, "stream": True})

    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-cache"
    *events, done, rest = text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert all(event.startswith("data: {") and "\n" not in event for event in events)
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    texts = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "".join(texts) == engine.text[:20]
    assert chunks[-1]["choices"][0]["delta"] == {}
    assert all("usage" not in chunk for chunk in chunks)


def test_a_failure_underway_is_an_event_and_no_done(call, engine):
    engine.fails_after = 5
    status, _, text = call("POST", CHAT, {**ASK, "stream": True})

    assert status == 200
    last = text.split("\n\n")[-2]
    error = json.loads(last.removeprefix("data: "))["error"]
    assert (error["code"], error["type"]) == ("engine_unavailable", "server_error")
    assert "[DONE]" not in text


def test_every_response_has_a_request_id_of_its_own(call):
    ids = {call("GET", path)[1]["x-request-id"] for path in ("/v1/models", "/v1/models", "/v1/no")}

    assert len(ids) == 3


def test_the_request_id_finds_the_audit_events(call, act_as):
    from hunmin.audit.tables import EventRow

    request_id = call("POST", CHAT, ASK)[1]["x-request-id"]

    with act_as() as act:
        kinds = [row.kind for row in act.session.query(EventRow).filter_by(request_id=request_id)]
    assert sorted(kinds)[-2:] == ["gateway.request.admit", "gateway.request.settle"]


def test_a_fault_of_ours_is_a_500_in_the_envelope(call, engine):
    engine.cards = None
    error = error_of(call("GET", "/v1/models"))

    assert (error["status"], error["code"], error["type"]) == (
        500,
        "internal_error",
        "server_error",
    )
    assert "None" not in error["message"]


def test_an_engine_that_is_starting_is_a_503_with_the_time_to_wait(app, key, engine):
    engine.may_start.clear()
    with serve(app, engine_ready=False) as address:
        answer = Http(address, key)("POST", CHAT, ASK)

        error = error_of(answer)
        assert (error["status"], error["code"]) == (503, "engine_starting")
        assert int(answer[1]["retry-after"]) >= 1
        assert Http(address, key)("GET", "/v1/models")[0] == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_that_breaks_frees_the_engine(call, engine, database, stream):
    engine.step_seconds = 0.02
    connection = call.open({**ASK, "max_tokens": 1900, "stream": stream})
    wait_until(lambda: engine.running)
    connection.close()

    wait_until(lambda: outcomes(database) == ["canceled"])
    assert not engine.running


def test_a_reader_that_stops_reading_does_not_hold_the_engine(call, engine, database):
    connection = call.open({**ASK, "max_tokens": 1900, "stream": True})
    wait_until(lambda: outcomes(database) == ["length"])
    connection.close()

    assert not engine.running


class TestAShortPatience:
    @pytest.fixture
    def limits(self):
        return {"write_seconds_max": 1}

    async def test_a_reader_that_takes_no_more_ends_the_stream(self, app, key, engine, database):
        engine.step_seconds = 0.02
        pieces = [json.dumps({**ASK, "max_tokens": 1900, "stream": True}).encode()]

        async def receive() -> dict:
            if not pieces:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": pieces.pop(), "more_body": False}

        async def send(message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        await app.state.gateway.ready()
        async with asyncio.timeout(20):
            await app(scope_of(key), receive, send)

        assert outcomes(database) == ["canceled"]
        assert app.state.gateway._places_taken == 0
        await app.state.gateway.close()


def test_stopping_the_server_ends_streams_with_an_error_and_settles_them(
    app, key, engine, database
):
    engine.step_seconds = 0.02
    with serve(app) as address:
        connection = Http(address, key).open({**ASK, "max_tokens": 1500, "stream": True})
        wait_until(lambda: engine.running)
    connection.close()

    assert outcomes(database) == ["canceled"]


def test_usage_shows_a_key_its_own(call, database):
    from hunmin import accounts
    from hunmin.act import SYSTEM, open_act

    call("POST", CHAT, ASK)
    call("POST", CHAT, ASK)
    with open_act(database, SYSTEM) as act:
        other = accounts.create_user(act, name="eve")
        secret = accounts.create_key(act, name="other", user_id=other.id).secret

    [line] = json.loads(call("GET", "/v1/usage")[2])["data"]
    others = json.loads(call("GET", "/v1/usage", Authorization=f"Bearer {secret}")[2])["data"]

    assert (line["model"], line["requests"], line["completion_tokens"]) == ("paper", 2, 40)
    assert others == []
