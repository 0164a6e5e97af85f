"""Requests: what OpenAI's clients send is understood or refused by name, never ignored."""

import json
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import completion_create_params as completion_params
from openai.types.chat import completion_create_params as chat_params

from hunmin.errors import HunminError, InvalidRequest, UnknownParameter, UnsupportedParameter
from hunmin.gateway.wire import ChatRequest, CompletionRequest

CHAT = {"model": "m", "messages": [{"role": "user", "content": "안녕"}]}
COMPLETION = {"model": "m", "prompt": "옛날 옛적에"}


def chat(**fields) -> ChatRequest:
    return ChatRequest.parse(json.dumps({**CHAT, **fields}))


def completion(**fields) -> CompletionRequest:
    return CompletionRequest.parse(json.dumps({**COMPLETION, **fields}))


@pytest.mark.parametrize(
    ("shape", "params"),
    [
        (ChatRequest, chat_params.CompletionCreateParamsStreaming),
        (CompletionRequest, completion_params.CompletionCreateParamsStreaming),
    ],
)
def test_every_parameter_of_the_openai_client_has_a_name_here(shape, params):
    assert set(typing.get_type_hints(params)) <= set(shape.model_fields)


@pytest.mark.parametrize(("ask", "given"), [(chat, CHAT), (completion, COMPLETION)])
def test_every_optional_field_may_be_null(ask, given):
    shape = type(ask())
    nulls = {name: None for name in shape.model_fields if name not in given}

    assert ask(**nulls) == ask()


def test_text_parts_are_joined_and_a_developer_may_speak():
    parts = [{"type": "text", "text": "안"}, {"type": "text", "text": "녕"}]
    request = chat(
        messages=[{"role": "developer", "content": "짧게"}, {"role": "user", "content": parts}]
    )

    assert [message.text for message in request.messages] == ["짧게", "안녕"]


def test_a_message_the_openai_client_gave_back_is_accepted():
    message = {
        "role": "assistant", "content": "네", "refusal": None, "annotations": [], "audio": None,
        "function_call": None, "tool_calls": None,
    }  # fmt: skip

    assert chat(messages=[*CHAT["messages"], message]).messages[1].text == "네"


def test_whole_numbers_may_be_written_with_a_point():
    assert chat(max_tokens=16.0).max_tokens == 16


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1}, {"logprobs": False}, {"top_logprobs": 0}, {"logit_bias": {}}, {"metadata": {}},
        {"response_format": {"type": "text"}}, {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
        {"modalities": ["text"]}, {"store": False},
        {"service_tier": "auto"}, {"tool_choice": "none"}, {"user": "u"}, {"stop": []},
        {"tools": []}, {"tool_choice": "auto"}, {"parallel_tool_calls": True},
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"stop": ["a", "b", "c", "d"]}, {"stop": "끝"}, {"temperature": 0}, {"seed": -1},
        {"n": 16}, {"logprobs": True, "top_logprobs": 20}, {"logit_bias": {"5": -100, "17": 2.5}},
    ],
)  # fmt: skip
def test_values_that_ask_for_nothing_special_are_accepted(fields):
    chat(**fields)


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("tools", [{"type": "web_search"}]),
        ("tools", [{"type": "function", "function": {"name": "f", "strict": True}}]),
        ("tool_choice", {"type": "allowed_tools", "mode": "auto", "tools": []}),
        ("functions", [{"name": "f"}]),
        ("function_call", "auto"),
        ("n", 17),
        ("response_format", {"type": "grammar", "grammar": "x"}),
        ("modalities", ["text", "audio"]),
        ("modalities", ["audio"]),
        ("audio", {"voice": "alloy", "format": "mp3"}),
        ("prediction", {"type": "content", "content": "x"}),
        ("reasoning_effort", "low"),
        ("verbosity", "low"),
        ("web_search_options", {}),
        ("store", True),
        ("metadata", {"a": "b"}),
        ("service_tier", "priority"),
    ],
)
def test_what_the_engine_cannot_do_is_refused_by_name(param, value):
    with pytest.raises(UnsupportedParameter) as refusal:
        chat(**{param: value})

    assert refusal.value.param.split(".")[0].split("[")[0] == param
    assert refusal.value.code == "unsupported_parameter"


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("best_of", 2), ("suffix", "끝"), ("n", 17),
    ],
)  # fmt: skip
def test_what_completions_cannot_do_is_refused_by_name(param, value):
    with pytest.raises(UnsupportedParameter) as refusal:
        completion(**{param: value})

    assert refusal.value.param.split(".")[0] == param


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            "messages[0].content[0].type",
        ),
        ({"role": "function", "content": "x", "name": "f"}, "messages[0].role"),
        ({"role": "user", "content": "x", "name": "dana"}, "messages[0].name"),
        (
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom"}]},
            "messages[0].tool_calls[0].type",
        ),
    ],
)
def test_messages_the_engine_cannot_read_are_refused_by_name(message, param):
    with pytest.raises(UnsupportedParameter) as refusal:
        chat(messages=[message])

    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": "16"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"stop": ["1", "2", "3", "4", "5"]}, "stop"),
        ({"stop": [""]}, "stop[0]"),
        ({"stop": 3}, "stop"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"seed": 10**19}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"logprobs": 1}, "logprobs"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": "json"}, "response_format"),
        ({"logit_bias": {"5": 101}}, "logit_bias.5"),
        ({"logit_bias": {"가": 1}}, "logit_bias.가.[key]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        (
            {"tools": [{"type": "function", "function": {"name": "두 말"}}]},
            "tools[0].function.name",
        ),
        ({"tool_choice": "always"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "assistant", "content": None, "tool_calls": []}]},
            "messages[0].content",
        ),
    ],
)
def test_wrong_values_are_refused_with_the_field(fields, param):
    with pytest.raises(InvalidRequest) as refusal:
        chat(**fields)

    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("옛날", ["옛날"]),
        ("", [""]),
        (["옛날", ""], ["옛날", ""]),
        ([5, 7], [[5, 7]]),
        ([5, 7.0], [[5, 7]]),
        ([[5], [7, 9]], [[5], [7, 9]]),
    ],
)
def test_a_prompt_has_four_forms(prompt, prompts):
    assert completion(prompt=prompt).prompts == prompts
    assert completion(prompt=prompt, n=3).answers == 3 * len(prompts)


@pytest.mark.parametrize(
    "prompt", [[], [[]], None, 3, ["a", 1], [1, "a"], [1, True], [-1], [2**31], [[1], "a"]]
)
def test_prompts_of_another_form_are_refused(prompt):
    with pytest.raises(InvalidRequest) as refusal:
        completion(prompt=prompt)

    assert refusal.value.param.startswith("prompt")


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"a"', "3", '{"model": NaN}', "\x00"])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(InvalidRequest):
        ChatRequest.parse(body)


def test_numbers_that_are_none_are_refused():
    with pytest.raises(InvalidRequest) as refusal:
        ChatRequest.parse('{"model":"m","messages":[{"role":"user","content":""}],"top_p":NaN}')

    assert refusal.value.param == "top_p"


def test_a_parameter_openai_does_not_have_is_refused_by_name():
    with pytest.raises(UnknownParameter) as refusal:
        chat(temprature=0.5)

    assert refusal.value.param == "temprature"
    assert "temprature" in refusal.value.en
    assert "temprature" in refusal.value.ko


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4)
    ),
    max_leaves=8,
)


@given(field=st.sampled_from(sorted(ChatRequest.model_fields)), value=JSON)
def test_any_value_of_any_field_is_accepted_or_refused_in_words(field, value):
    refusal = None
    try:
        chat(**{field: value})
    except HunminError as error:
        refusal = error

    if refusal is not None:
        assert refusal.status == 400
        assert field in refusal.en
        assert refusal.ko


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(body):
    with pytest.raises(InvalidRequest):
        CompletionRequest.parse(body)


@given(st.integers(0, 30))
def test_a_refusal_never_repeats_what_was_written(depth):
    secret = "주민등록번호-900101"
    wrong = secret
    for _ in range(depth):
        wrong = [wrong]
    messages = [{"role": "user", "content": secret}, {"role": secret, "content": wrong}]

    with pytest.raises(HunminError) as refusal:
        chat(messages=messages, stop=[secret] * 9, user=[secret])

    assert secret not in refusal.value.en + refusal.value.ko
