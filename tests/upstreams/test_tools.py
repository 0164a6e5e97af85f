"""Tools over HTTP: what is sent to a server, and what is made of the calls it tells."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.errors import UpstreamRefused
from hunmin.plugins import Function, Generation, Message, Sampling, ToolCall, Tools
from hunmin.upstreams import wire
from hunmin.upstreams.answer import PlainAnswer
from hunmin.upstreams.dialects import DIALECTS
from hunmin.upstreams.shapes import Garbled
from tests.inference.conformance import collect
from tests.inference.tiny import PARROT_SAYS

WEATHER = Function("weather", "날씨", {"type": "object", "properties": {"city": {}}})
CLOCK = Function("clock", "", None)
ASKED = Message("user", "날씨?")


def asked(*functions, messages=(ASKED,), **changes) -> Generation:
    tools = Tools(functions, **changes) if functions else None
    sampling = Sampling(max_tokens=6, temperature=0)
    return Generation("r", "parrot", sampling, messages=tuple(messages), tools=tools)


def calls_of(deltas) -> list[tuple[str, str]]:
    names, arguments = {}, {}
    for call in (call for delta in deltas for call in delta.calls):
        if call.id:
            names[call.index] = call.name
        arguments[call.index] = arguments.get(call.index, "") + call.arguments
    return [(names[index], arguments[index]) for index in sorted(names)]


@pytest.mark.parametrize("here", [True, False])
async def test_a_model_behind_a_server_calls_and_is_told(serve, speak, here):
    changes = {"tools": True} | ({} if here else {"tokenizer": None})
    async with serve(1) as [server], speak(server, **changes) as engine:
        generation = asked(WEATHER, CLOCK)
        deltas = await collect(engine, generation)

        assert "tools" in engine.models()[0].capabilities
        assert calls_of(deltas) == [("weather", '{"city": "서울"}'), ("clock", "{}")]
        assert deltas[-1].finish_reason == "tool_calls"
        assert deltas[-1].prompt_tokens == await engine.count_prompt_tokens(generation)
        assert deltas[-1].completion_tokens > 0

        call = ToolCall("chatcmpl-tool-0", "weather", '{"city": "서울"}')
        told = [ASKED, Message("assistant", "", tool_calls=(call,)),
                Message("tool", "맑음", tool_call_id=call.id)]  # fmt: skip
        deltas = await collect(engine, asked(WEATHER, messages=told))

        assert "".join(delta.text for delta in deltas) == PARROT_SAYS
        assert deltas[-1].finish_reason == "length"
        assert server.asked[-1]["messages"][1]["content"] is None
        assert server.asked[-1]["messages"][2]["tool_call_id"] == call.id


@pytest.mark.parametrize(
    ("changes", "called"),
    [
        ({"choice": "none"}, []),
        ({"choice": "required", "only": "clock"}, ["clock"]),
        ({"parallel": False}, ["weather"]),
    ],
)
async def test_how_freely_it_may_call_is_said(serve, speak, changes, called):
    async with serve(1) as [server], speak(server, tools=True) as engine:
        deltas = await collect(engine, asked(WEATHER, CLOCK, **changes))

        assert [name for name, _ in calls_of(deltas)] == called


async def test_models_call_nothing_unless_the_settings_say_that_they_can(serve, speak):
    async with serve(1) as [server], speak(server) as engine:
        assert "tools" not in engine.models()[0].capabilities


async def test_a_server_that_does_not_read_calls_is_no_silent_failure(serve, speak):
    async with serve(1, reads_calls=False) as [server], speak(server, tools=True) as engine:
        with pytest.raises(UpstreamRefused):
            await collect(engine, asked(WEATHER))


async def test_a_server_that_does_not_count_is_believed_to_need_the_json(serve, speak):
    async with serve(1) as [server], speak(server, tools=True, kind="sglang") as engine:
        without = await engine.count_prompt_tokens(asked())
        with_tools = await engine.count_prompt_tokens(asked(WEATHER))

        assert with_tools > without + len("weather날씨properties")


def event(calls, **changes) -> bytes:
    choice = {"delta": {"tool_calls": calls}, "finish_reason": None} | changes
    return json.dumps({"choices": [choice]}).encode()


def reading(*functions, **changes) -> PlainAnswer:
    return PlainAnswer([], prompt_tokens=1, tools=Tools(functions, **changes))


def test_a_call_told_at_once_and_without_an_id_is_given_one():
    answer = reading(WEATHER)
    piece = answer.take(
        event([{"id": "", "function": {"name": "weather", "arguments": "{}"}}],
              finish_reason="stop")
    )  # fmt: skip

    assert piece.calls[0].id.startswith("call_")
    assert piece.calls[0].arguments == "{}"
    assert answer.finish().finish_reason == "tool_calls"


def test_only_the_first_of_calls_is_kept_where_one_was_asked_for():
    answer = reading(WEATHER, parallel=False)
    told = [{"index": n, "id": f"c{n}", "function": {"name": "weather"}} for n in range(3)]

    assert [call.index for call in answer.take(event(told)).calls] == [0]


def test_a_character_in_two_halves_comes_whole_in_arguments_too():
    answer = reading(WEATHER)
    first = {"index": 0, "id": "c", "function": {"name": "weather", "arguments": "\ud83d"}}
    more = {"index": 0, "function": {"arguments": "\ude00"}}

    assert answer.take(event([first])).calls[0].arguments == ""
    assert answer.take(event([more])).calls[0].arguments == "😀"


@pytest.mark.parametrize(
    "calls",
    [7, ["x"], [{"index": "0"}], [{"index": 0}], [{"index": 0, "function": {"name": 5}}],
     [{"index": 0, "function": {"name": "f", "arguments": {}}}], [{"function": []}],
     [{"index": n, "function": {"name": "f"}} for n in range(129)]],
)  # fmt: skip
def test_calls_that_are_none_are_refused(calls):
    with pytest.raises(Garbled):
        reading(WEATHER).take(event(calls))


@given(
    st.lists(
        st.builds(
            Message,
            st.sampled_from(["user", "assistant", "tool"]),
            st.text(st.characters(), max_size=9),
            tool_calls=st.lists(
                st.builds(ToolCall, st.text(max_size=5), st.text(max_size=5), st.text(max_size=9)),
                max_size=2,
            ).map(tuple),
            tool_call_id=st.text(max_size=5),
        ),
        min_size=1,
    ),
    st.sampled_from(["auto", "none", "required"]),
    st.booleans(),
    st.sampled_from(sorted(DIALECTS)),
)
def test_only_what_is_allowed_is_sent_with_tools_too(messages, choice, parallel, kind):
    generation = asked(WEATHER, CLOCK, messages=messages, choice=choice, parallel=parallel)
    sent = wire.body(
        generation, DIALECTS[kind], model="m", prompt=None, max_tokens=7, stop_ids=[], salt="s"
    )

    assert sent.keys() <= wire.FIELDS
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == (choice, parallel)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["weather", "clock"]
    assert all(
        message.keys() <= {"role", "content", "tool_calls", "tool_call_id"}
        for message in sent["messages"]
    )
    json.dumps(sent, ensure_ascii=False, allow_nan=False)
