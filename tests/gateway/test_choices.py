"""Several answers to one request, prompts given back, and how probable tokens are: with the SDK."""

import openai
import pytest

from hunmin.gateway.scores import TextScores
from hunmin.plugins import TokenScore
from tests.gateway.test_openai_client import outcomes, wait_until
from tests.support.engines import VOCAB_SIZE

ASK = [{"role": "user", "content": "훈민정음이 무엇인가요?"}]


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


def logprob(character: str) -> float:
    """Return how probable the paper engine says a character is."""
    return -ord(character) / VOCAB_SIZE


def test_several_answers_come_with_their_numbers_and_are_counted_each(client, engine, database):
    answer = client.chat.completions.create(model="paper", messages=ASK, max_tokens=9, n=3)

    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert [choice.message.content for choice in answer.choices] == [engine.text[:9]] * 3
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (12, 27)
    assert outcomes(database) == ["length"] * 3


def test_several_answers_are_streamed_side_by_side(client, engine):
    chunks = list(
        client.chat.completions.create(
            model="paper",
            messages=ASK,
            max_tokens=9,
            n=3,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    texts, ends = ["", "", ""], ["", "", ""]
    for chunk in chunks[:-1]:
        [choice] = chunk.choices
        texts[choice.index] += choice.delta.content or ""
        ends[choice.index] += choice.finish_reason or ""
    assert texts == [engine.text[:9]] * 3
    assert ends == ["length"] * 3
    assert chunks[-1].usage.completion_tokens == 27


def test_every_prompt_of_a_list_is_continued_in_order(client, engine):
    prompts = ["하나", "둘", "셋"]
    answer = client.completions.create(
        model="paper", prompt=prompts, max_tokens=4, n=2, echo=True, seed=5
    )

    assert [choice.index for choice in answer.choices] == list(range(6))
    assert [choice.text for choice in answer.choices] == [
        prompt + engine.text[:4] for prompt in prompts for _ in range(2)
    ]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 24)
    assert sorted(one.sampling.seed for one in engine.seen) == [5, 5, 5, 6, 6, 6]


def test_tokens_are_continued_and_given_back_as_text(client, engine):
    tokens = [ord(character) for character in "옛날"]
    answer = client.completions.create(model="paper", prompt=tokens, max_tokens=4, echo=True)
    lists = client.completions.create(model="paper", prompt=[tokens, [65]], max_tokens=4)

    assert answer.choices[0].text == "옛날" + engine.text[:4]
    assert answer.usage.prompt_tokens == 2
    assert len(lists.choices) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_is_given_back_with_its_probabilities(client, engine, stream):
    asked = client.completions.create(
        model="paper", prompt="옛날", max_tokens=3, echo=True, logprobs=2, stream=stream
    )
    pieces = [chunk.choices[0] for chunk in asked] if stream else [asked.choices[0]]

    said = "옛날" + engine.text[:3]
    told = [piece.logprobs for piece in pieces if piece.logprobs]
    assert "".join(piece.text for piece in pieces) == said
    assert [token for one in told for token in one.tokens] == list(said)
    assert [offset for one in told for offset in one.text_offset] == list(range(5))
    assert [value for one in told for value in one.token_logprobs] == [
        None, *(pytest.approx(logprob(one)) for one in said[1:]),
    ]  # fmt: skip
    tops = [top for one in told for top in one.top_logprobs]
    assert tops[0] is None
    assert list(tops[1]) == ["a", "b", "날"]


def test_a_chat_answer_tells_how_probable_its_tokens_were(client, engine):
    asked = {"model": "paper", "messages": ASK, "max_tokens": 5, "logprobs": True}
    whole = client.chat.completions.create(**asked, top_logprobs=2)
    chunks = list(client.chat.completions.create(**asked, stream=True))

    told = whole.choices[0].logprobs.content
    assert "".join(one.token for one in told) == engine.text[:5]
    assert bytes(told[0].bytes).decode() == told[0].token
    assert told[0].logprob == pytest.approx(logprob(told[0].token))
    assert [top.token for top in told[0].top_logprobs] == ["a", "b"]
    pieces = [one.choices[0].logprobs for one in chunks]
    streamed = [one for piece in pieces if piece for one in piece.content]
    assert [one.token for one in streamed] == [one.token for one in told]
    assert all(one.top_logprobs == [] for one in streamed)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"logprobs": 1}, "logprobs"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"model": "paper", "prompt": [VOCAB_SIZE]}, "prompt"),
        ({"model": "paper", "prompt": ["가"] * 17}, "prompt"),
        ({"model": "paper", "prompt": ["가"] * 9, "n": 2}, "n"),
    ],
)
def test_what_cannot_be_is_refused_by_name(client, engine, fields, param):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.completions.create(**{"model": "paper-base", "prompt": "가", **fields})

    assert refusal.value.param == param
    assert engine.seen == []


@pytest.mark.parametrize("stream", [False, True])
def test_one_answer_that_fails_ends_all_of_them(client, engine, database, stream):
    engine.fails_after = 6
    with pytest.raises(openai.APIError) as failure:
        list(
            client.completions.create(
                model="paper", prompt=["가", "나"], max_tokens=50, stream=stream
            )
        )

    assert failure.value.code == "engine_unavailable"
    wait_until(lambda: not engine.running)
    assert set(outcomes(database)) <= {"failed", "canceled"}


class TestALimit:
    @pytest.fixture
    def limits(self):
        return {"requests_per_minute_max": 3}

    def test_that_lets_in_a_part_of_the_answers_lets_in_none(self, client, engine, database):
        engine.step_seconds = 0.01
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="paper", messages=ASK, max_tokens=1900, n=4)

        wait_until(lambda: not engine.running)
        assert set(outcomes(database)) == {"canceled"}


def test_a_part_of_a_character_has_a_name_that_no_other_token_has():
    first, second, third = "훈".encode()[:1], "훈".encode()[1:2], "훈".encode()[2:]
    top = (TokenScore(7, first, -0.5), TokenScore(8, second, -1.0))
    scores = TextScores()

    told = scores.take([TokenScore(1, "가".encode(), -0.1), TokenScore(2, first, -0.5, top)])
    more = scores.take([TokenScore(3, second, -0.2), TokenScore(4, third, float("-inf"))])

    assert told.tokens == ["가", "bytes:\\xed"]
    assert told.top_logprobs[1] == {"bytes:\\xed": -0.5, "bytes:\\x9b": -1.0}
    assert told.text_offset + more.text_offset == [0, 1, 1, 1]
    assert more.token_logprobs == [-0.2, -9999.0]
