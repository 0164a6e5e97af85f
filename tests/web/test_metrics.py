"""The numbers for Prometheus: at their own port, of closed labels, without anybody's words."""

import io
import time
import urllib.parse
import urllib.request

import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from hunmin import errors, logs, telemetry
from hunmin.errors import DatabaseBusy
from hunmin.web import metrics, serving
from tests.fakes import MODEL
from tests.support.desk import make_key
from tests.support.lines import logging_as_before
from tests.support.serving import wait_for_engine

CANARY = "가람쥐9137"


@pytest.fixture
def numbers(app, client):  # noqa: ARG001 (it serves the application)
    """Give `numbers()`: what Prometheus reads, as text, from a served application."""
    wait_for_engine(app)
    listening = serving.listen("127.0.0.1", 0, write_seconds_max=1)
    server = metrics.MetricsServer(app, listening)
    port = listening.getsockname()[1]

    def numbers() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return answer.read().decode()

    yield numbers
    server.close()


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every number by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def key(app, client) -> str:  # noqa: ARG001 (it makes the tables)
    """Give a key."""
    return make_key(app)


def ask(client, key: str, content: str, **fields):
    return client.post(
        "/v1/chat/completions",
        headers={"Authorization": f"Bearer {key}"},
        json={"model": MODEL, "messages": [{"role": "user", "content": content}], **fields},
    )


def value(text: str, name: str, **labels: str) -> float:
    return samples(text).get((name, tuple(sorted(labels.items()))), 0.0)


def test_an_answer_is_counted_with_its_tokens_and_times(client, key, numbers):
    before = numbers()
    answer = ask(client, key, "안녕하세요?").json()
    after = numbers()

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("hunmin_requests_total", route="/v1/chat/completions", status="200") == 1
    assert more("hunmin_admission_seconds_count") == 1
    assert more("hunmin_first_token_seconds_count", model=MODEL) == 1
    assert more("hunmin_answer_seconds_count", model=MODEL, outcome="stop") == 1
    usage = answer["usage"]
    assert more("hunmin_tokens_total", model=MODEL, kind="prompt") == usage["prompt_tokens"]
    assert more("hunmin_tokens_total", model=MODEL, kind="completion") == usage["completion_tokens"]
    assert more("hunmin_database_seconds_count", deed="record") >= 1
    assert value(after, "hunmin_engine_up", model=MODEL) == 1
    assert value(after, "hunmin_answers_running", model=MODEL) == 0
    assert ("hunmin_log_unsealed", ()) in samples(after)
    assert ("hunmin_jobs_waiting", ()) in samples(after)
    assert ("hunmin_loop_lag_seconds", ()) in samples(after)
    assert value(after, "process_resident_memory_bytes") > 0


def test_an_error_is_counted_by_its_code(client, key, numbers):
    before = numbers()
    ask(client, key, "안녕", model="nobody")
    after = numbers()

    for name, labels in [
        ("hunmin_refusals_total", {"code": "model_not_found"}),
        ("hunmin_requests_total", {"route": "/v1/chat/completions", "status": "404"}),
    ]:
        assert value(after, name, **labels) - value(before, name, **labels) == 1


def test_the_public_port_tells_no_numbers(client):
    assert client.get("/metrics").status_code == 404


def test_what_people_write_is_in_no_number_and_no_line(client, key, numbers):
    said = io.StringIO()
    with logging_as_before():
        logs.set_up(format="json", level="debug", stream=said)
        ask(client, key, CANARY, user=CANARY)
        ask(client, key, "안녕", model=CANARY)
        ask(client, key, CANARY, **{CANARY: 1})
        client.get(f"/{CANARY}?q={CANARY}")
        client.post("/chat/api/conversations", json={"text": CANARY})

    assert CANARY not in numbers()
    assert CANARY not in said.getvalue()
    assert "request" in said.getvalue()


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(["/v1/models/", "/runs/", "/nowhere/", "/chat/c/"]),
    rest=st.text(st.characters(codec="utf-8", exclude_characters="?#"), min_size=1, max_size=20),
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]),
    model=st.text(max_size=20),
)
def test_labels_come_from_closed_sets(app, client, key, numbers, path, rest, method, model):
    before = samples(numbers()).keys()  # other tests have other routes and models
    client.request(method, path + urllib.parse.quote(rest))
    ask(client, key, "안녕", model=model)

    known = {
        "route": {context.path for context in iter_route_contexts(app.routes)} | {"none"},
        "status": {str(status) for status in (0, *range(100, 600))},
        "code": {kind.code for kind in errors.catalog()},
        "model": {MODEL},
        "outcome": {"stop", "length", "canceled", "failed"},
        "kind": {"prompt", "cached", "completion"},
        "deed": {"read", "write", "record"},
        "state": set(telemetry.UPSTREAM_STATES),
    }
    for name, labels in samples(numbers()).keys() - before:
        if name.startswith("hunmin_"):
            for label, said in labels:
                assert said in known.get(label, {said} if label in {"le", "name"} else set())


def test_the_numbers_come_also_while_the_database_is_away(app, numbers, monkeypatch):
    def away(**_):
        raise DatabaseBusy(address="somewhere")

    monkeypatch.setattr(app.state.database, "session", away)
    monkeypatch.setattr(metrics, "ASK_AGAIN_SECONDS", 0.0)
    text = numbers()

    assert value(text, "hunmin_engine_up", model=MODEL) == 1
    assert "hunmin_jobs_waiting" not in text


def test_counting_a_request_costs_less_than_50_microseconds():
    """Of processor time: everything that is counted for one answer, four transactions with it."""

    def count_one() -> None:
        telemetry.request_ended(route="/v1/chat/completions", status=200, code=None)
        telemetry.answer_admitted(seconds=0.002)
        for deed in ("read", "write", "record", "record"):
            telemetry.transaction_ended(deed, seconds=0.001)
        tokens = {"prompt": 12, "cached": 0, "completion": 30}
        telemetry.answer_ended(
            model=MODEL, outcome="stop", tokens=tokens, first_token_ms=20, wall_ms=300
        )

    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(400):
            count_one()
        rounds.append((time.process_time() - began) / 400)
    assert min(rounds) < 50e-6
