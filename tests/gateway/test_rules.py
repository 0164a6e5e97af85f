"""Decisions: model, sampling, room in the context, rate."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.errors import (
    ContextLengthExceeded,
    ModelLacksCapability,
    ModelNotFound,
    RateLimitExceeded,
    TooManyAtOnce,
)
from hunmin.gateway import rules
from hunmin.gateway.fields import SEED_MAX
from hunmin.gateway.message_wire import ChatMessage
from hunmin.gateway.wire import ChatRequest, CompletionRequest
from hunmin.plugins import Generation, Message, Sampling
from tests.support.engines import BASE, PAPER

SCORING = replace(
    BASE, id="paper-scoring", capabilities=frozenset({"chat", "completion", "logprobs"})
)
"""What OpenVINO can do: tell of the tokens that came, and of no others."""

NOON = datetime(2026, 10, 9, 12, tzinfo=UTC)


def chat(**fields) -> ChatRequest:
    messages = [ChatMessage(role="user", content="안녕")]
    return ChatRequest(**{"model": "paper", "messages": messages, **fields})


def completion(**fields) -> CompletionRequest:
    return CompletionRequest(**{"model": "paper", "prompt": "옛날", **fields})


def sampling(request) -> Sampling:
    return rules.plan(request, PAPER, request_id="r").sampling


def test_the_model_named_is_chosen():
    assert rules.choose_model([PAPER, BASE], "paper-base") is BASE


def test_a_model_that_is_not_served_is_refused():
    with pytest.raises(ModelNotFound) as refusal:
        rules.choose_model([PAPER], "gpt-4")

    assert refusal.value.status == 404


def test_a_request_that_says_nothing_gets_the_models_own_sampling():
    chosen = sampling(chat())

    assert (chosen.temperature, chosen.top_p, chosen.top_k) == (0.6, 0.95, 0)


def test_what_a_request_says_goes_before_the_models_own():
    chosen = sampling(chat(temperature=0.0, top_p=0.5, top_k=7, stop="끝", seed=3))

    assert (chosen.temperature, chosen.top_p, chosen.top_k) == (0.0, 0.5, 7)
    assert (chosen.stop, chosen.seed) == (("끝",), 3)


def test_no_probability_at_all_means_the_most_probable_token():
    chosen = sampling(chat(temperature=1.5, top_p=0.0))

    assert (chosen.temperature, chosen.top_p) == (0.0, 1.0)


def test_a_developer_is_the_system_and_decomposed_hangul_is_composed():
    apart = {text: unicodedata.normalize("NFD", text) for text in ("짧게", "안녕", "끝", "옛날")}
    messages = [
        ChatMessage(role="developer", content=apart["짧게"]),
        ChatMessage(role="user", content=apart["안녕"]),
    ]

    answer = rules.plan(chat(messages=messages, stop=apart["끝"]), PAPER, request_id="r")
    more = rules.plan(completion(prompt=apart["옛날"]), PAPER, request_id="r")

    assert answer.messages == (Message("system", "짧게"), Message("user", "안녕"))
    assert answer.sampling.stop == ("끝",)
    assert more.prompt == "옛날"


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (chat(model="paper-base"), "messages"),
        (completion(model="paper-base", seed=1), "seed"),
        (completion(model="paper-base", stop=["a"]), "stop"),
        (completion(model="paper-base", presence_penalty=0.1), "presence_penalty"),
        (completion(model="paper-base", frequency_penalty=0.1), "frequency_penalty"),
        (completion(model="paper-base", repetition_penalty=1.1), "repetition_penalty"),
        (completion(model="paper-base", logit_bias={"5": 1.0}), "logit_bias"),
        (completion(model="paper-base", logprobs=0), "logprobs"),
        (completion(model="paper-scoring", logprobs=1), "logprobs"),
        (completion(model="paper-scoring", logprobs=0, echo=True), "echo"),
        (chat(model="paper-scoring", logprobs=True, top_logprobs=1), "top_logprobs"),
    ],
)
def test_what_the_model_cannot_do_is_refused_by_name(request_, param):
    card = SCORING if request_.model == SCORING.id else BASE

    with pytest.raises(ModelLacksCapability) as refusal:
        rules.plan(request_, card, request_id="r")

    assert refusal.value.param == param


def test_values_that_change_nothing_need_no_capability():
    asked = completion(
        model="paper-base",
        stop=[],
        presence_penalty=0.0,
        frequency_penalty=0.0,
        repetition_penalty=1.0,
        logit_bias={},
        echo=True,
        n=2,
    )

    rules.plan(asked, BASE, request_id="r")


@pytest.mark.parametrize(
    ("request_", "tokens"),
    [
        (chat(), 0),
        (chat(max_tokens=5), 5),
        (chat(max_completion_tokens=7), 7),
        (chat(max_tokens=9, max_completion_tokens=8), 8),
        (completion(), 16),
        (completion(max_tokens=3), 3),
    ],
)
def test_how_many_tokens_are_asked_for(request_, tokens):
    assert sampling(request_).max_tokens == tokens


def test_each_answer_to_each_prompt_is_planned_with_a_seed_of_its_own():
    request = completion(prompt=["가", "나"], n=2, seed=7)

    planned = rules.plan_all(request, PAPER, request_id="r")

    assert [(one.prompt, one.sampling.seed) for one in planned] == [
        ("가", 7), ("가", 8), ("나", 7), ("나", 8),
    ]  # fmt: skip
    assert rules.plan(request, PAPER, request_id="r") == planned[0]


def test_tokens_are_planned_as_they_are():
    [planned] = rules.plan_all(completion(prompt=[3, 2]), PAPER, request_id="r")

    assert (planned.prompt_ids, planned.prompt) == ((3, 2), None)


@pytest.mark.parametrize(
    ("request_", "asked"),
    [
        (chat(), (None, False)),
        (chat(logprobs=False, top_logprobs=0), (None, False)),
        (chat(logprobs=True), (0, False)),
        (chat(logprobs=True, top_logprobs=3), (3, False)),
        (chat(top_logprobs=3), (3, False)),
        (completion(logprobs=0), (0, False)),
        (completion(logprobs=2, echo=True), (2, True)),
        (completion(echo=True), (None, False)),
    ],
)
def test_what_is_told_of_tokens(request_, asked):
    assert (sampling(request_).logprobs, sampling(request_).prompt_logprobs) == asked


def test_tokens_are_favored_by_their_number():
    assert sampling(chat(logit_bias={"5": -100, "17": 2.5})).logit_bias == ((5, -100), (17, 2.5))


@given(st.integers(-SEED_MAX, SEED_MAX))
def test_every_seed_becomes_one_an_engine_takes(seed):
    assert 0 <= sampling(chat(seed=seed)).seed < 2**63


@given(
    prompt=st.integers(0, 3000),
    context=st.integers(1, 2000),
    asked=st.integers(0, 3000),
    most=st.integers(1, 2000),
)
def test_an_answer_fits_its_context_and_every_bound_or_is_refused(prompt, context, asked, most):
    generation = Generation("r", "m", Sampling(max_tokens=asked), prompt="x")

    def fit() -> int:
        fitted = rules.fit(
            generation, prompt_tokens=prompt, context_tokens=context, completion_tokens_max=most
        )
        return fitted.sampling.max_tokens

    if prompt >= context:
        with pytest.raises(ContextLengthExceeded) as refusal:
            fit()
        assert refusal.value.param == "prompt"
        return
    tokens = fit()
    assert tokens == min(most, context - prompt, asked or context)
    assert tokens >= 1


@given(
    ages=st.lists(st.floats(0, 120), max_size=30),
    most=st.integers(1, 10),
)
def test_any_minute_holds_at_most_the_requests_allowed(ages, most):
    limits = rules.Limits(requests_per_minute_max=most, concurrent_max=1)
    newest_first = sorted(NOON - timedelta(seconds=age) for age in ages)[::-1]
    nth = newest_first[most - 1] if len(newest_first) >= most else None
    in_the_last_minute = sum(NOON - came < rules.RATE_WINDOW for came in newest_first)

    if in_the_last_minute < most:
        rules.check_rate(limits, now=NOON, nth_newest=nth)
        return
    with pytest.raises(RateLimitExceeded) as refusal:
        rules.check_rate(limits, now=NOON, nth_newest=nth)
    wait = timedelta(seconds=refusal.value.retry_after_seconds)
    rules.check_rate(limits, now=NOON + wait, nth_newest=nth)
    assert timedelta(0) < wait <= rules.RATE_WINDOW


def test_a_clock_that_went_back_makes_nobody_wait_longer_than_a_minute():
    limits = rules.Limits(requests_per_minute_max=1, concurrent_max=1)

    with pytest.raises(RateLimitExceeded) as refusal:
        rules.check_rate(limits, now=NOON, nth_newest=NOON + timedelta(hours=1))

    assert refusal.value.retry_after_seconds == 60


def test_one_more_than_may_run_is_refused():
    limits = rules.Limits(requests_per_minute_max=1, concurrent_max=2)
    rules.check_concurrency(limits, running=1)

    with pytest.raises(TooManyAtOnce):
        rules.check_concurrency(limits, running=2)
