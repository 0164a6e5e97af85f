"""Texts to tokens and back, and lm-evaluation-harness, which counts on it."""

import dataclasses
import json

import openai
import pytest

from tests.gateway.test_routes import Http, error_of
from tests.support.engines import PAPER, VOCAB_SIZE

SAID = [{"role": "user", "content": "a"}]
OPENING = "add_generation_prompt"
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": None,
    "eos_token": "<|im_end|>",
    "pad_token": "<|pad|>",
    "chat_template": "{{ messages }}",
}


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


@pytest.fixture
def engine(engine, tmp_path):
    """Give an engine with one model, whose tokenizer's configuration is on this machine."""
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(TOKENIZER), "utf-8")
    engine.cards = [dataclasses.replace(PAPER, folder=tmp_path)]
    return engine


@pytest.fixture
def call(address, key) -> Http:
    return Http(address, key)


def body_of(answer) -> dict:
    assert answer[0] == 200, answer[2]
    return json.loads(answer[2])


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_a_text_becomes_tokens_and_a_text_again(call, prefix):
    text = "훈민정음, <|im_end|>"
    told = body_of(call("POST", f"{prefix}/tokenize", {"prompt": text, "return_token_strs": True}))
    back = body_of(call("POST", f"{prefix}/detokenize", {"tokens": told["tokens"]}))

    assert told["count"] == len(told["tokens"]) == len(text)
    assert told["max_model_len"] == PAPER.context_tokens
    assert "".join(told["token_strs"]) == text
    assert back == {"prompt": text}


def test_a_conversation_becomes_tokens_too(call):
    messages = [{"role": "system", "content": "짧게"}, {"role": "user", "content": "안녕"}]
    told = body_of(call("POST", "/tokenize", {"model": "paper", "messages": messages}))

    assert (told["count"], told["token_strs"]) == (4, None)


def test_the_tokens_of_a_text_are_those_a_completion_counts(call, address, key):
    text = "ㅎㅏㄴ 가각"
    told = body_of(call("POST", "/tokenize", {"prompt": text}))
    with openai.OpenAI(base_url=f"{address}/v1", api_key=key) as client:
        answer = client.completions.create(model="paper", prompt=text, max_tokens=1)

    assert answer.usage.prompt_tokens == told["count"]


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/tokenize", {}, 400, "prompt"),
        (
            "/tokenize",
            {"prompt": "a", "messages": [{"role": "user", "content": "a"}]},
            400,
            "prompt",
        ),
        ("/tokenize", {"prompt": "a", "model": "gpt-9"}, 404, "model"),
        (
            "/tokenize",
            {"prompt": "a", "add_generation_prompt": False},
            400,
            "add_generation_prompt",
        ),
        ("/tokenize", {"prompt": "a", "truncate": 3}, 400, "truncate"),
        ("/detokenize", {"tokens": [VOCAB_SIZE]}, 400, "tokens"),
        ("/detokenize", {"tokens": ["a"]}, 400, "tokens[0]"),
        ("/detokenize", {}, 400, "tokens"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, path, body, status, param):
    error = error_of(call("POST", path, body))

    assert (error["status"], error["param"]) == (status, param)


def test_where_several_models_are_served_one_must_be_named(call, engine):
    engine.cards = [*engine.cards, PAPER]
    error = error_of(call("POST", "/tokenize", {"prompt": "a"}))

    assert (error["status"], error["param"]) == (400, "model")


def test_a_key_is_needed_where_vllm_asks_for_none(call):
    for method, path in (
        ("POST", "/tokenize"),
        ("POST", "/detokenize"),
        ("GET", "/tokenizer_info"),
    ):
        assert error_of(call(method, path, {}, Authorization=None))["status"] == 401


def test_a_body_at_these_addresses_may_be_as_long_as_under_v1(call):
    assert body_of(call("POST", "/tokenize", {"prompt": "가" * 600_000}))["count"] == 600_000


def test_the_special_tokens_of_a_model_are_told(call):
    told = body_of(call("GET", "/tokenizer_info"))

    assert {name: told[name] for name in TOKENIZER} == TOKENIZER


def test_a_model_that_is_elsewhere_has_no_configuration_to_tell(call, engine):
    engine.cards = [PAPER]

    assert error_of(call("GET", "/tokenizer_info"))["code"] == "model_not_found"


def test_lm_evaluation_harness_gets_its_log_likelihoods(address, key, monkeypatch):
    pytest.importorskip("tenacity")
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    monkeypatch.setenv("OPENAI_API_KEY", key)
    model = LocalCompletionsAPI(
        base_url=f"{address}/v1/completions",
        model="paper",
        auth_token=key,
        max_retries=1,
        batch_size=4,
    )
    asked = [("하나 둘", " 셋"), ("가", "나다"), ("a", "aaa")]
    requests = [Instance("loglikelihood", {}, pair, 0) for pair in asked]

    told = model.loglikelihood(requests, disable_tqdm=True)
    [written] = model.generate_until(
        [Instance("generate_until", {}, ("옛날", {"until": ["\n"], "max_gen_toks": 5}), 0)],
        disable_tqdm=True,
    )

    assert model.tokenizer_backend == "remote"
    assert [value for value, _ in told] == pytest.approx(
        [sum(-ord(one) / VOCAB_SIZE for one in more) for _, more in asked]
    )
    assert [greedy for _, greedy in told] == [False, False, True]
    assert written == "훈민정음은"
