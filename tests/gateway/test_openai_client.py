"""The official OpenAI client against a live server: what works there works everywhere."""

import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from sqlalchemy import select

from hunmin.act import SYSTEM, open_act
from hunmin.errors import EngineFull
from hunmin.gateway.tables import AdmissionRow, SettlementRow

TOOLS = [{"type": "web_search"}]
LONG = [{"role": "user", "content": "가" * 3000}]
ASK = [{"role": "user", "content": "훈민정음이 무엇인가요?"}]


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


def outcomes(database) -> list[str | None]:
    """Return how every admission ended; None where it did not."""
    with open_act(database, SYSTEM) as act:
        return list(
            act.session.scalars(
                select(SettlementRow.outcome)
                .select_from(AdmissionRow)
                .outerjoin(SettlementRow, SettlementRow.admission_id == AdmissionRow.id)
                .order_by(AdmissionRow.id)
            )
        )


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.01)


def test_a_chat_is_answered_whole(client, engine):
    answer = client.chat.completions.create(model="paper", messages=ASK, max_tokens=24)

    [choice] = answer.choices
    assert choice.message.content == engine.text[:24]
    assert (choice.message.role, choice.message.refusal) == ("assistant", None)
    assert (choice.finish_reason, choice.logprobs) == ("length", None)
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (12, 24)
    assert answer.usage.total_tokens == 36
    assert answer.usage.prompt_tokens_details.cached_tokens == 0
    assert answer.system_fingerprint.startswith("fp_")
    assert answer.id.startswith("chatcmpl-")
    assert answer._request_id


def test_a_chat_that_ends_by_itself_says_so(client, engine):
    engine.ends_after = 8
    answer = client.chat.completions.create(model="paper", messages=ASK)

    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content == engine.text[:8]


def test_a_chat_is_streamed_in_whole_characters(client, engine):
    chunks = list(
        client.chat.completions.create(
            model="paper",
            messages=ASK,
            max_tokens=300,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    first, *middle, last, usage = chunks
    assert first.choices[0].delta.role == "assistant"
    texts = [chunk.choices[0].delta.content for chunk in middle]
    assert "".join(texts) == (engine.text * 20)[:300]
    assert len(texts) >= 100
    assert all("\ufffd" not in text for text in texts)
    assert last.choices[0].finish_reason == "length"
    assert all(chunk.usage is None for chunk in (first, *middle, last))
    assert usage.choices == []
    assert (usage.usage.prompt_tokens, usage.usage.completion_tokens) == (12, 300)
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_has_no_usage_chunk_unless_asked(client):
    chunks = list(
        client.chat.completions.create(model="paper", messages=ASK, max_tokens=5, stream=True)
    )

    assert all(chunk.choices for chunk in chunks)


def test_the_clients_own_stream_helper_reads_the_answer(client, engine):
    engine.ends_after = 12
    with client.chat.completions.stream(model="paper", messages=ASK) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()

    assert final.choices[0].message.content == engine.text[:12]


def test_a_text_is_continued_whole_and_streamed(client, engine):
    whole = client.completions.create(model="paper", prompt="옛날 옛적에", max_tokens=10)
    chunks = list(
        client.completions.create(
            model="paper",
            prompt=["옛날 옛적에"],
            max_tokens=10,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    assert whole.choices[0].text == engine.text[:10]
    assert whole.usage.completion_tokens == 10
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == engine.text[:10]
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens


def test_the_models_are_listed_and_found_by_name(client):
    listed = client.models.list()

    assert [model.id for model in listed] == ["paper", "paper-base"]
    model = client.models.retrieve("paper-base")
    assert (model.object, model.owned_by, model.max_model_len) == ("model", "hunmin", 100)


def test_a_wrong_key_is_an_authentication_error(client):
    stranger = client.with_options(api_key="hm-no-such-key")
    with pytest.raises(openai.AuthenticationError) as refusal:
        stranger.models.list()

    assert refusal.value.code == "invalid_api_key"
    assert refusal.value.request_id
    with pytest.raises(openai.AuthenticationError):
        stranger.chat.completions.create(model="paper", messages=ASK)


def test_an_unknown_model_is_a_not_found_error(client):
    with pytest.raises(openai.NotFoundError) as refusal:
        client.chat.completions.create(model="gpt-9", messages=ASK)
    assert (refusal.value.code, refusal.value.param) == ("model_not_found", "model")

    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"n": 17}, "unsupported_parameter", "n"),
        ({"tools": TOOLS}, "unsupported_parameter", "tools[0].type"),
        ({"extra_body": {"temprature": 1}}, "unknown_parameter", "temprature"),
        ({"temperature": 3}, "invalid_value", "temperature"),
        ({"messages": LONG}, "context_length_exceeded", "messages"),
        ({"model": "paper-base"}, "unsupported_parameter", "messages"),
    ],
)
def test_what_cannot_be_done_is_a_bad_request_error(client, fields, code, param):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(**{"model": "paper", "messages": ASK, **fields})

    assert (refusal.value.code, refusal.value.param) == (code, param)
    assert refusal.value.type == "invalid_request_error"


class TestALimit:
    @pytest.fixture
    def limits(self):
        return {"requests_per_minute_max": 2, "concurrent_per_key_max": 1}

    def test_is_a_rate_limit_error_with_the_time_to_wait(self, client):
        for _ in range(2):
            client.chat.completions.create(model="paper", messages=ASK, max_tokens=3)
        with pytest.raises(openai.RateLimitError) as refusal:
            client.chat.completions.create(model="paper", messages=ASK, max_tokens=3)

        assert refusal.value.code == "rate_limit_exceeded"
        assert 1 <= int(refusal.value.response.headers["retry-after"]) <= 60

    def test_frees_the_place_of_a_stream_that_is_closed(self, client, engine, database):
        engine.step_seconds = 0.01
        stream = client.chat.completions.create(
            model="paper", messages=ASK, max_tokens=1500, stream=True
        )
        next(iter(stream))
        with pytest.raises(openai.RateLimitError) as refusal:
            client.chat.completions.create(model="paper", messages=ASK, max_tokens=3)
        assert refusal.value.code == "concurrency_limit_exceeded"

        stream.close()

        wait_until(lambda: outcomes(database) == ["canceled"])
        assert not engine.running
        engine.step_seconds = 0
        client.chat.completions.create(model="paper", messages=ASK, max_tokens=3)


def test_a_failure_underway_is_raised_by_the_stream(client, engine, database):
    engine.fails_after = 30
    stream = client.chat.completions.create(
        model="paper", messages=ASK, max_tokens=300, stream=True
    )
    seen = []
    with pytest.raises(openai.APIError) as failure:
        seen.extend(chunk.choices[0].delta.content or "" for chunk in stream)

    assert failure.value.code == "engine_unavailable"
    assert outcomes(database) == ["failed"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_engine_that_is_full_is_a_503_with_the_time_to_wait(client, engine, stream):
    engine.fails_after, engine.failure = 0, EngineFull(requests_max=8)
    with pytest.raises(openai.InternalServerError) as refusal:
        client.chat.completions.create(model="paper", messages=ASK, stream=stream)

    assert (refusal.value.status_code, refusal.value.code) == (503, "engine_full")
    assert int(refusal.value.response.headers["retry-after"]) >= 1


def test_eight_streams_flow_at_the_same_time(client, engine, database):
    engine.speaks_among = 8

    def read(_number: int) -> str:
        stream = client.chat.completions.create(
            model="paper", messages=ASK, max_tokens=300, stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(read, range(8)))

    assert texts == [(engine.text * 20)[:300]] * 8
    assert outcomes(database) == ["length"] * 8


def test_errors_are_in_korean_where_asked(client):
    with pytest.raises(openai.NotFoundError) as refusal:
        client.chat.completions.create(
            model="gpt-9", messages=ASK, extra_headers={"Accept-Language": "ko-KR,ko;q=0.9"}
        )

    assert "모델" in refusal.value.body["message"]
