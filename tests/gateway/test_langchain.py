"""LangChain against a live server: what its chat model and its embeddings ask works as it does."""

import json

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from hunmin import grammars
from tests.support.engines import vector_of

ASK = [SystemMessage("짧게"), HumanMessage("훈민정음이 무엇인가요?")]


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"{city}: 맑음"


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


@pytest.fixture
def langchain(address, key):
    """Give a way to make a class of LangChain that asks the server."""
    return lambda kind, **more: kind(
        base_url=f"{address}/v1", api_key=key, model="paper", max_retries=0, **more
    )


@pytest.fixture
def chat(langchain) -> ChatOpenAI:
    return langchain(ChatOpenAI)


def test_a_question_is_answered_with_its_counts(langchain, engine):
    answer = langchain(ChatOpenAI, max_tokens=8, temperature=0, seed=3).invoke(ASK)

    assert answer.content == engine.text[:8]
    assert answer.usage_metadata["input_tokens"] == len("짧게훈민정음이 무엇인가요?")
    assert answer.usage_metadata["output_tokens"] == 8
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.response_metadata["model_name"] == "paper"
    [asked] = engine.seen
    assert [turn.role for turn in asked.messages] == ["system", "user"]
    assert (asked.sampling.max_tokens, asked.sampling.seed) == (8, 3)


def test_a_stream_adds_up_to_the_answer_and_ends_with_the_counts(langchain, engine):
    chat = langchain(ChatOpenAI, max_tokens=60, stream_usage=True)
    chunks = list(chat.stream(ASK))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk

    assert whole.content == (engine.text * 4)[:60]
    assert len(chunks) >= 20
    assert whole.usage_metadata["output_tokens"] == 60


def test_a_batch_is_answered_in_its_order(langchain, engine):
    engine.ends_after = 5
    answers = langchain(ChatOpenAI).batch(["하나", "둘", "셋"])

    assert [answer.content for answer in answers] == [engine.text[:5]] * 3
    assert [answer.usage_metadata["input_tokens"] for answer in answers] == [2, 1, 1]


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_structured_output_is_held_to_its_form(chat, engine, method):
    engine.text = '{"name": "홍길동", "age": 20}'
    engine.ends_after = len(engine.text)

    person = chat.with_structured_output(Person, method=method).invoke(ASK)

    assert person == Person(name="홍길동", age=20)
    [asked] = engine.seen
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    assert asked.sampling.grammar == {
        "json_schema": grammars.of_json_schema(schema), "json_mode": grammars.of_any_object()
    }[method]  # fmt: skip


def test_a_tool_is_called_answered_and_spoken_of(chat, engine):
    engine.ends_after = 4
    engine.calls = [("weather", '{"city": "서울"}')]
    bound = chat.bind_tools([weather], parallel_tool_calls=False)

    asking = bound.invoke("서울 날씨?")
    [call] = asking.tool_calls
    engine.calls = []
    told = ToolMessage(weather(**call["args"]), tool_call_id=call["id"])
    answer = bound.invoke([HumanMessage("서울 날씨?"), asking, told])

    assert (call["name"], call["args"]) == ("weather", {"city": "서울"})
    assert answer.content == engine.text[:4]
    first, second = engine.seen
    [offered] = first.tools.functions
    assert (offered.name, offered.description) == ("weather", "Tell the weather of a city.")
    assert not first.tools.parallel
    assert [turn.role for turn in second.messages] == ["user", "assistant", "tool"]
    assert second.messages[1].tool_calls[0].arguments == json.dumps(
        {"city": "서울"}, ensure_ascii=False
    )


def test_a_tool_is_called_in_a_stream_and_may_be_a_must(chat, engine):
    engine.ends_after = 2
    engine.calls = [("weather", '{"city": "서울"}'), ("weather", '{"city": "부산"}')]
    whole: AIMessage | None = None
    for chunk in chat.bind_tools([weather], tool_choice="any").stream("날씨?"):
        whole = chunk if whole is None else whole + chunk

    assert [call["args"]["city"] for call in whole.tool_calls] == ["서울", "부산"]
    assert engine.seen[0].tools.choice == "required"


def test_structured_output_by_a_tool_works_where_tools_do(chat, engine):
    engine.calls = [("Person", '{"name": "홍길동", "age": 20}')]
    engine.ends_after = 1

    person = chat.with_structured_output(Person, method="function_calling").invoke(ASK)

    assert person == Person(name="홍길동", age=20)
    assert engine.seen[0].tools.only == "Person"


def test_probabilities_and_stop_texts_are_passed_on(langchain, engine):
    chat = langchain(ChatOpenAI, max_tokens=3, logprobs=True, top_logprobs=2)
    answer = chat.invoke(ASK, stop=["끝"])

    told = answer.response_metadata["logprobs"]["content"]
    assert "".join(one["token"] for one in told) == engine.text[:3]
    assert [len(one["top_logprobs"]) for one in told] == [2, 2, 2]
    assert engine.seen[0].sampling.stop == ("끝",)


def test_the_responses_api_answers_too(langchain, engine):
    engine.ends_after = 6
    answer = langchain(ChatOpenAI, use_responses_api=True).invoke(ASK)

    assert answer.text == engine.text[:6]
    assert answer.usage_metadata["output_tokens"] == 6


def test_a_text_is_continued(langchain, engine):
    continued = langchain(OpenAI, max_tokens=7, n=1).invoke("옛날 옛적에")

    assert continued == engine.text[:7]


def test_texts_become_vectors(langchain):
    # It would cut texts into the tokens of OpenAI's models, and fetch their vocabulary for it.
    embeddings = langchain(OpenAIEmbeddings, check_embedding_ctx_length=False)
    texts = ["훈민정음", "해례본"]

    vectors = embeddings.embed_documents(texts)

    assert vectors == [pytest.approx(vector_of(text), abs=1e-6) for text in texts]
    assert embeddings.embed_query("훈민") == pytest.approx(vector_of("훈민"), abs=1e-6)


def test_refusals_are_the_exceptions_of_openai(langchain, address):
    stranger = ChatOpenAI(base_url=f"{address}/v1", api_key="hm-none", model="paper", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.invoke(ASK)
    with pytest.raises(openai.BadRequestError) as refusal:
        langchain(ChatOpenAI, reasoning_effort="low").invoke(ASK)

    assert (refusal.value.code, refusal.value.param) == (
        "unsupported_parameter", "reasoning_effort"
    )  # fmt: skip


def test_a_failure_underway_ends_the_stream_with_an_error(chat, engine):
    engine.fails_after = 30
    seen = []
    with pytest.raises(openai.APIError) as failure:
        seen.extend(chunk.content for chunk in chat.stream(ASK))

    assert failure.value.code == "engine_unavailable"
    assert "".join(seen)
