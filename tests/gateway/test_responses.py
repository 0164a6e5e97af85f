"""The Responses API with the official client: one answer, in events or whole, and nothing kept."""

import json
import typing

import openai
import pytest
from openai.types.responses import response_create_params as params
from pydantic import BaseModel

from hunmin import grammars
from hunmin.errors import InvalidRequest, UnsupportedParameter
from hunmin.gateway.response_wire import ResponseRequest
from hunmin.plugins import Message
from tests.gateway.test_openai_client import outcomes, wait_until
from tests.gateway.test_routes import Http

ASK = "훈민정음이 무엇인가요?"
FORM = {"type": "json_schema", "name": "x", "schema": {"type": "string", "pattern": "a"}}


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


def test_every_parameter_of_the_openai_client_has_a_name_here():
    known = typing.get_type_hints(params.ResponseCreateParamsStreaming)

    assert set(known) <= set(ResponseRequest.model_fields)


def test_a_text_is_answered(client, engine, database):
    engine.ends_after = 12
    answer = client.responses.create(model="paper", input=ASK, instructions="짧게")

    assert answer.output_text == engine.text[:12]
    assert (answer.status, answer.error, answer.incomplete_details) == ("completed", None, None)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (14, 12)
    assert (answer.temperature, answer.top_p) == (0.6, 0.95)
    assert (answer.instructions, answer.store) == ("짧게", False)
    assert engine.seen[0].messages == (Message("system", "짧게"), Message("user", ASK))
    assert outcomes(database) == ["stop"]


def test_an_answer_that_is_cut_off_says_so(client, engine):
    answer = client.responses.create(model="paper", input=ASK, max_output_tokens=5)

    assert answer.output_text == engine.text[:5]
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_an_earlier_answer_may_be_sent_back_in_a_conversation(client, engine):
    first = client.responses.create(model="paper", input=ASK, max_output_tokens=5)
    said = [item.model_dump(exclude_none=True) for item in first.output]
    client.responses.create(
        model="paper",
        input=[{"role": "user", "content": ASK}, *said, {"role": "user", "content": "더"}],
        max_output_tokens=5,
    )

    assert engine.seen[1].messages == (
        Message("user", ASK), Message("assistant", engine.text[:5]), Message("user", "더"),
    )  # fmt: skip


@pytest.mark.parametrize("ends_after", [None, 12])
def test_a_stream_has_the_events_of_openai_in_their_order(client, engine, ends_after):
    engine.ends_after = ends_after
    stream = client.responses.create(model="paper", input=ASK, max_output_tokens=20, stream=True)
    events = list(stream)

    kinds = [event.type for event in events]
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    said = engine.text[: ends_after or 20]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert set(kinds[4:-4]) == {"response.output_text.delta"}
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed" if ends_after else "response.incomplete",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in deltas) == events[-4].text == said
    assert {event.item_id for event in deltas} == {events[-1].response.output[0].id}
    assert events[-1].response.output_text == said
    assert events[-1].response.usage.output_tokens == len(said)


def test_the_clients_own_stream_helper_reads_the_answer(client, engine):
    engine.ends_after = 12
    with client.responses.stream(model="paper", input=ASK) as stream:
        final = stream.get_final_response()

    assert final.output_text == engine.text[:12]


def test_events_are_named_on_the_wire(address, key, engine):
    engine.ends_after = 3
    body = {"model": "paper", "input": ASK, "stream": True}
    _, headers, text = Http(address, key)("POST", "/v1/responses", body)

    *events, rest = text.split("\n\n")
    assert rest == ""
    assert headers["content-type"].startswith("text/event-stream")
    for event in events:
        name, data = event.split("\n")
        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"


def test_a_failure_underway_is_told_by_an_event(client, engine, database):
    engine.fails_after = 6
    *_, last = client.responses.create(model="paper", input=ASK, stream=True)

    assert (last.type, last.response.status) == ("response.failed", "failed")
    assert last.response.error.code == "engine_unavailable"
    wait_until(lambda: outcomes(database) == ["failed"])


def test_a_person_is_read_from_an_answer(client, engine):
    class Person(BaseModel):
        name: str

    engine.text = '{"name": "홍길동"}'
    engine.ends_after = len(engine.text)
    answer = client.responses.parse(model="paper", input=ASK, text_format=Person)

    assert answer.output_parsed == Person(name="홍길동")
    assert engine.seen[0].sampling.grammar == grammars.of_json_schema(
        {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    )


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"input": "가" * 3000}, "context_length_exceeded", "input"),
        ({"text": {"format": FORM}}, "unsupported_schema", "text.format"),
        ({"model": "paper-base"}, "unsupported_parameter", "input"),
    ],
)
def test_a_refusal_names_the_fields_of_this_api(client, fields, code, param):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.responses.create(**{"model": "paper", "input": ASK, **fields})

    assert (refusal.value.code, refusal.value.param) == (code, param)


def parse(**fields):
    return ResponseRequest.parse(json.dumps({"model": "m", "input": ASK, **fields}))


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("store", True),
        ("background", True),
        ("tools", [{"type": "web_search"}]),
        ("tools", [{"type": "function", "name": "f", "parameters": {}, "strict": True}]),
        ("tool_choice", {"type": "web_search"}),
        ("include", ["reasoning.encrypted_content"]),
        ("reasoning", {"effort": "low"}),
        ("truncation", "auto"),
        ("metadata", {"a": "b"}),
        ("prompt", {"id": "p"}),
        ("top_logprobs", 2),
        ("text", {"verbosity": "low"}),
        ("text", {"format": {"type": "grammar"}}),
        ("input", [{"type": "computer_call_output", "call_id": "1", "output": "x"}]),
        ("input", [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(param, value):
    with pytest.raises(UnsupportedParameter) as refusal:
        parse(**{param: value})

    assert refusal.value.param.split(".")[0].split("[")[0] == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
    ],
)
def test_wrong_values_are_refused_with_the_field(fields, param):
    with pytest.raises(InvalidRequest) as refusal:
        parse(**fields)

    assert refusal.value.param == param


def test_every_optional_field_may_be_null():
    nulls = {name: None for name in ResponseRequest.model_fields if name not in {"model", "input"}}

    assert parse(**nulls) == parse()
