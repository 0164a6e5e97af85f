"""The API keeps two written promises: OpenAI's schema of responses, and its own OpenAPI."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.gateway.test_routes import CHAT, Http

OPENAI = json.loads((Path(__file__).parent / "openai_responses.json").read_text("utf-8"))

ASK = {"model": "paper", "messages": [{"role": "user", "content": "안녕"}], "max_tokens": 9}
CONTINUE = {"model": "paper", "prompt": "옛날", "max_tokens": 9}
BEYOND_A_SCHEMA = {
    ("invalid_value", "structured_outputs"),
    ("unsupported_grammar", "structured_outputs"),
    ("unsupported_schema", "structured_outputs.json"),
    ("unsupported_parameter", "structured_outputs"),
    ("unsupported_schema", "response_format"),
    ("unsupported_schema", "text.format"),
    ("token_unknown", "prompt"),
    ("token_unknown", "tokens"),
    ("invalid_value", "n"),
    ("invalid_value", "model"),
    ("invalid_value", "prompt"),
    ("invalid_value", "messages"),
    ("invalid_value", "input"),
    ("invalid_value", "tools"),
    ("invalid_value", "tool_choice"),
    ("invalid_value", "dimensions"),
    ("unsupported_parameter", "logprobs"),
    ("unsupported_parameter", "top_logprobs"),
    ("unsupported_parameter", "response_format"),
    ("unsupported_parameter", "text.format"),
    ("context_length_exceeded", "prompt"),
    ("context_length_exceeded", "messages"),
    ("context_length_exceeded", "input"),
}
"""What may be wrong with a request that its schema allows: which JSON Schemas are kept to, which
tokens a model has, how many answers may run at once, that one of two fields must be there, that
tools and calls fit together, what they do not go together with, how many numbers a vector has."""

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
TOLD = {"logprobs": True, "top_logprobs": 2}
STREAM = {"stream": True, "stream_options": {"include_usage": True}}

ANSWERABLE = {
    "/v1/chat/completions": {"messages": ASK["messages"], "n": 1},
    "/v1/completions": {"prompt": "가", "n": 1},
    "/v1/responses": {"input": "가"},
    "/v1/embeddings": {"input": "가"},
    "/v1/tokenize": {"prompt": "가"},
    "/v1/detokenize": {"tokens": [0]},
}
"""What makes a drawn request one that is answered: plain values for some of its fields."""

WITH_RULES_OF_THEIR_OWN = {
    "/v1/chat/completions": (
        "tools", "tool_choice", "parallel_tool_calls", "response_format", "structured_outputs",
        "logprobs", "top_logprobs",
    ),
    "/v1/completions": ("logprobs", "echo", "structured_outputs"),
    "/v1/responses": ("tools", "tool_choice", "text"),
    "/v1/embeddings": ("dimensions",),
    "/v1/tokenize": ("messages",),
}  # fmt: skip
"""Fields of which a schema cannot say when they go together: a request without them is answered."""


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


@pytest.fixture
def call(address, key) -> Http:
    return Http(address, key)


def check(name: str, body: object) -> None:
    """Fail unless a body is as OpenAI's schema of that name says."""
    schema = {"$defs": OPENAI["$defs"], "$ref": f"#/$defs/{name}"}
    jsonschema_rs.validate(schema, body)


def test_the_check_itself_finds_what_is_missing(call):
    body = json.loads(call("POST", CHAT, ASK)[2])
    del body["choices"][0]["logprobs"]

    with pytest.raises(jsonschema_rs.ValidationError):
        check("CreateChatCompletionResponse", body)


@pytest.mark.parametrize(
    ("method", "path", "body", "name"),
    [
        ("POST", CHAT, ASK, "CreateChatCompletionResponse"),
        ("POST", "/v1/completions", CONTINUE, "CreateCompletionResponse"),
        ("POST", CHAT, {**ASK, "n": 2, **TOLD}, "CreateChatCompletionResponse"),
        ("POST", "/v1/completions", {**CONTINUE, "logprobs": 2}, "CreateCompletionResponse"),
        ("POST", "/v1/embeddings", {"model": "paper", "input": "옛날"}, "CreateEmbeddingResponse"),
        ("GET", "/v1/models", None, "ListModelsResponse"),
        ("GET", "/v1/models/paper", None, "Model"),
        ("GET", "/v1/models/gpt-9", None, "ErrorResponse"),
        ("POST", CHAT, {}, "ErrorResponse"),
        ("POST", CHAT, {**ASK, "model": "gpt-9"}, "ErrorResponse"),
        ("GET", "/v1/nothing", None, "ErrorResponse"),
    ],
)
def test_responses_are_as_openai_writes_them(call, method, path, body, name):
    check(name, json.loads(call(method, path, body)[2]))


@pytest.mark.parametrize("more", [{}, {"n": 2, **TOLD}])
def test_every_event_of_a_chat_stream_is_as_openai_writes_it(call, more):
    for event in events_of(call("POST", CHAT, {**ASK, **STREAM, **more})):
        check("CreateChatCompletionStreamResponse", event)


def test_every_event_of_a_text_stream_is_as_openai_writes_it(call):
    *pieces, usage = events_of(call("POST", "/v1/completions", {**CONTINUE, **STREAM}))

    check("CreateCompletionResponse", usage)
    for event in pieces:
        # The schema describes the last event only: those before it end with null, as OpenAI's do.
        assert event.pop("usage") is None
        if event is not pieces[-1]:
            assert event["choices"][0]["finish_reason"] is None
            event["choices"][0]["finish_reason"] = "stop"
        check("CreateCompletionResponse", event)


def events_of(answer) -> list[dict]:
    *events, done, _ = answer[2].split("\n\n")
    assert done == "data: [DONE]"
    assert len(events) >= 5
    return [json.loads(event.removeprefix("data: ")) for event in events]


class TestOwnOpenApi:
    """No failure of the server, and no answer that the OpenAPI document does not announce."""

    @pytest.fixture
    def limits(self):
        return {"requests_per_minute_max": 100_000, "completion_tokens_max": 8}

    @pytest.fixture
    def api(self, address, app):
        schema = schemathesis.openapi.from_dict(app.openapi())
        schema.config.update(base_url=address)
        return schema

    @pytest.mark.parametrize("mode", list(GenerationMode))
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/v1/chat/completions"),
            ("POST", "/v1/completions"),
            ("POST", "/v1/responses"),
            ("POST", "/v1/embeddings"),
            ("POST", "/v1/tokenize"),
            ("POST", "/v1/detokenize"),
            ("GET", "/v1/models"),
            ("GET", "/v1/models/{model}"),
            ("GET", "/v1/usage"),
        ],
    )
    def test_is_kept(self, api, key, method, path, mode):
        if mode is GenerationMode.NEGATIVE and path == "/v1/models":
            return  # it takes nothing that could be wrong

        statuses: list[int] = []

        @given(
            case=api[path][method].as_strategy(generation_mode=mode),
            made=st.sampled_from(["as drawn", "of a known model", "answerable"]),
        )
        @settings(
            max_examples=40, deadline=None, phases=[Phase.generate], suppress_health_check=SLOW
        )
        def keep(case, made):
            if mode is GenerationMode.POSITIVE and made != "as drawn":
                named = case.body if method == "POST" else case.path_parameters
                named["model"] = "paper"
                if made == "answerable":
                    named.update(ANSWERABLE.get(path, {}))
                    for field in WITH_RULES_OF_THEIR_OWN.get(path, ()):
                        named.pop(field, None)
            response = case.call_and_validate(
                headers={"Authorization": f"Bearer {key}"},
                excluded_checks=[positive_data_acceptance],
            )
            statuses.append(response.status_code)
            if mode is GenerationMode.POSITIVE and made == "answerable":
                assert response.status_code == 200, response.text
            if mode is GenerationMode.POSITIVE and response.status_code == 400:
                error = response.json()["error"]
                assert (error["code"], error["param"]) in BEYOND_A_SCHEMA, error

        keep()
        if mode is GenerationMode.POSITIVE:
            assert 200 in statuses

    def test_names_every_operation_of_the_room(self, api):
        operations = {
            (operation.ok().method.upper(), operation.ok().path)
            for operation in api.get_all_operations()
            if operation.ok().path.startswith("/v1/")
            and not operation.ok().path.startswith("/v1/organization/")
        }

        assert operations == {
            ("POST", "/v1/chat/completions"),
            ("POST", "/v1/completions"),
            ("POST", "/v1/responses"),
            ("POST", "/v1/embeddings"),
            ("POST", "/v1/files"),
            ("GET", "/v1/files"),
            ("GET", "/v1/files/{file_id}"),
            ("DELETE", "/v1/files/{file_id}"),
            ("GET", "/v1/files/{file_id}/content"),
            ("POST", "/v1/batches"),
            ("GET", "/v1/batches"),
            ("GET", "/v1/batches/{batch_id}"),
            ("POST", "/v1/batches/{batch_id}/cancel"),
            ("POST", "/v1/tokenize"),
            ("POST", "/v1/detokenize"),
            ("GET", "/v1/tokenizer_info"),
            ("GET", "/v1/models"),
            ("GET", "/v1/models/{model}"),
            ("GET", "/v1/usage"),
        }
