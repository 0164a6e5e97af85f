"""Tools: a model asks its client to call functions, through both APIs, whole and streamed."""

import dataclasses
import json

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.errors import HunminError, InvalidRequest, UnsupportedParameter
from hunmin.gateway import rules
from hunmin.gateway.response_wire import ResponseRequest
from hunmin.gateway.wire import ChatRequest
from hunmin.plugins import Function, Message, ToolCall, Tools
from tests.gateway.test_conformance import check, events_of
from tests.gateway.test_openai_client import ASK, outcomes
from tests.gateway.test_routes import CHAT, Http
from tests.support.engines import PAPER

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "날씨", "parameters": SCHEMA},
}
CLOCK = {"type": "function", "function": {"name": "clock"}}
FLAT = {
    "type": "function", "name": "weather", "description": "날씨", "parameters": SCHEMA,
    "strict": False,
}  # fmt: skip
SEOUL = '{"city": "서울"}'
CALL = {"id": "call_0", "type": "function", "function": {"name": "weather", "arguments": SEOUL}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
TOLD = {"role": "tool", "tool_call_id": "call_0", "content": "맑음"}


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


@pytest.fixture
def engine(engine):
    """Give an engine that says a word and then asks for the weather."""
    engine.ends_after = 3
    engine.calls = [("weather", SEOUL)]
    return engine


def test_a_model_asks_for_a_function_and_is_told_what_it_came_to(client, engine, database):
    answer = client.chat.completions.create(model="paper", messages=ASK, tools=[WEATHER, CLOCK])

    [choice] = answer.choices
    [call] = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert (choice.message.content, call.function.name) == (engine.text[:3], "weather")
    assert json.loads(call.function.arguments) == {"city": "서울"}
    assert engine.seen[0].tools == Tools(
        (Function("weather", "날씨", SCHEMA), Function("clock", "", None))
    )

    engine.calls = []
    client.chat.completions.create(
        model="paper", messages=[*ASK, choice.message, TOLD], tools=[WEATHER]
    )

    assert engine.seen[1].messages[1:] == (
        Message("assistant", engine.text[:3], tool_calls=(ToolCall("call_0", "weather", SEOUL),)),
        Message("tool", "맑음", tool_call_id="call_0"),
    )
    assert outcomes(database) == ["stop", "stop"]


@pytest.mark.parametrize(
    ("fields", "choice", "only", "parallel"),
    [
        ({}, "auto", "", True),
        ({"tool_choice": "none"}, "none", "", True),
        ({"tool_choice": "required", "parallel_tool_calls": False}, "required", "", False),
        ({"tool_choice": {"type": "function", "function": {"name": "clock"}}},
         "required", "clock", True),
    ],
)  # fmt: skip
def test_how_freely_a_model_may_ask_is_told_to_the_engine(
    client, engine, fields, choice, only, parallel
):
    client.chat.completions.create(model="paper", messages=ASK, tools=[WEATHER, CLOCK], **fields)

    tools = engine.seen[0].tools
    assert (tools.choice, tools.only, tools.parallel) == (choice, only, parallel)


def test_several_calls_of_several_answers_are_streamed(client, engine):
    engine.calls = [("weather", SEOUL), ("clock", "")]
    with client.chat.completions.stream(
        model="paper", messages=ASK, tools=[WEATHER, CLOCK], n=2
    ) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_completion()

    for choice in answer.choices:
        told = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls]
        assert told == [("weather", SEOUL), ("clock", "")]
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", engine.text[:3])


@pytest.mark.parametrize("silent", [False, True])
def test_answers_and_events_are_as_openai_writes_them(address, key, engine, silent):
    engine.ends_after = 0 if silent else 3
    call = Http(address, key)
    body = {"model": "paper", "messages": ASK, "tools": [WEATHER]}
    whole = json.loads(call("POST", CHAT, body)[2])

    check("CreateChatCompletionResponse", whole)
    assert (whole["choices"][0]["message"]["content"] is None) == silent
    for event in events_of(call("POST", CHAT, {**body, "stream": True})):
        check("CreateChatCompletionStreamResponse", event)


def test_responses_ask_for_functions_too(client, engine):
    answer = client.responses.create(model="paper", input="날씨?", tools=[FLAT])

    said, call = answer.output
    assert (said.type, answer.output_text) == ("message", engine.text[:3])
    assert (call.type, call.name, call.arguments, call.status) == (
        "function_call", "weather", SEOUL, "completed",
    )  # fmt: skip
    assert answer.tools[0].name == "weather"

    engine.calls = []
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "맑음"}
    client.responses.create(
        model="paper",
        input=[{"role": "user", "content": "날씨?"}, *answer.output, output],
        tools=[FLAT],
        tool_choice={"type": "function", "name": "weather"},
    )

    assert engine.seen[1].messages == (
        Message("user", "날씨?"),
        Message("assistant", engine.text[:3], tool_calls=(ToolCall("call_0", "weather", SEOUL),)),
        Message("tool", "맑음", tool_call_id="call_0"),
    )
    assert engine.seen[1].tools.only == "weather"


@pytest.mark.parametrize("silent", [False, True])
def test_a_streamed_response_has_the_events_of_each_call(client, engine, silent):
    engine.ends_after = 0 if silent else 3
    engine.calls = [("weather", SEOUL), ("clock", "{}")]
    with client.responses.stream(model="paper", input="날씨?", tools=[FLAT]) as stream:
        events = list(stream)
        final = stream.get_final_response()

    calls = [item for item in final.output if item.type == "function_call"]
    assert [(call.name, call.arguments) for call in calls] == [("weather", SEOUL), ("clock", "{}")]
    assert len(final.output) == 2 + (not silent)
    added = [event for event in events if event.type == "response.output_item.added"]
    done = [event for event in events if event.type == "response.output_item.done"]
    assert [event.item.id for event in added] == [event.item.id for event in done]
    assert [event.output_index for event in added] == list(range(len(final.output)))
    deltas = [
        event.delta
        for event in events
        if event.type == "response.function_call_arguments.delta" and event.item_id == calls[0].id
    ]
    assert "".join(deltas) == SEOUL


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"tools": [WEATHER]}, "tools"), ({"messages": [*ASK, CALLED, TOLD]}, "messages")],
)
def test_a_model_that_has_not_learned_tools_is_refused_by_name(client, engine, fields, param):
    engine.cards = [dataclasses.replace(PAPER, capabilities=PAPER.capabilities - {"tools"})]

    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(**{"model": "paper", "messages": ASK, **fields})

    assert (refusal.value.code, refusal.value.param) == ("unsupported_parameter", param)
    assert "paper" in refusal.value.body["message"]
    assert engine.seen == []


def plan(**fields):
    asked = {"model": "paper", "messages": ASK, **fields}
    return rules.plan(ChatRequest.parse(json.dumps(asked)), PAPER, request_id="r")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [WEATHER, WEATHER]}, "tools"),
        ({"tools": [WEATHER], "tool_choice": {**CLOCK}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"messages": [*ASK, TOLD]}, "messages"),
        ({"messages": [*ASK, CALLED]}, "messages"),
        ({"messages": [*ASK, CALLED, *ASK]}, "messages"),
        ({"messages": [*ASK, CALLED, TOLD, TOLD]}, "messages"),
        ({"messages": [*ASK, {**CALLED, "tool_calls": [CALL, CALL]}, TOLD]}, "messages"),
    ],
)
def test_tools_and_calls_that_do_not_fit_together_are_refused(fields, param):
    with pytest.raises(InvalidRequest) as refusal:
        plan(**fields)

    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("param", "value"),
    [("response_format", {"type": "json_object"}), ("logprobs", True), ("top_logprobs", 2)],
)
def test_what_does_not_go_together_with_tools_is_refused_and_not_ignored(param, value):
    with pytest.raises(UnsupportedParameter) as refusal:
        plan(tools=[WEATHER], **{param: value})

    assert refusal.value.param == param


@given(
    st.lists(
        st.sampled_from(["user", "tool a", "tool b", "calls a", "calls b", "calls a b"]),
        min_size=1,
        max_size=8,
    )
)
def test_a_conversation_is_taken_exactly_if_every_call_is_answered_at_once(turns):
    messages, waiting, fits = [], set(), True
    for turn in turns:
        kind, *ids = turn.split()
        if kind == "tool":
            fits = fits and ids[0] in waiting
            waiting -= set(ids)
            messages.append({"role": "tool", "tool_call_id": ids[0], "content": ""})
            continue
        fits = fits and not waiting
        if kind == "user":
            messages.append({"role": "user", "content": ""})
        else:
            waiting = set(ids)
            messages.append({**CALLED, "tool_calls": [{**CALL, "id": one} for one in ids]})
    try:
        plan(messages=messages)
    except HunminError:
        assert not (fits and not waiting)
    else:
        assert fits
        assert not waiting


def test_calls_of_a_response_belong_to_what_was_said_right_before():
    item = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
    done = {"type": "function_call_output", "call_id": "a", "output": "1"}
    said = {"role": "assistant", "content": "잠시만요"}
    asked = ResponseRequest.parse(
        json.dumps({"model": "m", "input": [item, done, said, {**item, "call_id": "b"}]})
    )

    first, answer, second = asked.as_chat().messages
    assert (first.text, first.tool_calls[0].id) == ("", "a")
    assert (answer.tool_call_id, answer.text) == ("a", "1")
    assert (second.text, second.tool_calls[0].id) == ("잠시만요", "b")
