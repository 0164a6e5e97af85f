"""What is sent to a server: never more than is allowed, whatever is asked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.plugins import Generation, Message, Sampling
from hunmin.upstreams import salts, wire
from hunmin.upstreams.dialects import DIALECTS

NEVER = {"chat_template", "chat_template_kwargs", "n", "best_of", "priority", "prompt_embeds"}

SAMPLINGS = st.builds(
    Sampling,
    max_tokens=st.integers(1, 10**6),
    temperature=st.floats(0, 100),
    top_p=st.floats(0, 1),
    top_k=st.integers(0, 10**9),
    stop=st.lists(st.text(max_size=5), max_size=4).map(tuple),
    seed=st.none() | st.integers(-(2**70), 2**70),
    presence_penalty=st.floats(-2, 2),
    frequency_penalty=st.floats(-2, 2),
    repetition_penalty=st.floats(0.01, 100),
    logit_bias=st.lists(st.tuples(st.integers(0, 999), st.floats(-100, 100))).map(tuple),
    grammar=st.sampled_from(["", 'root ::= "a"']),
    logprobs=st.none() | st.integers(0, 20),
    prompt_logprobs=st.booleans(),
)
TEXTS = st.text(st.characters(), max_size=20)
GENERATIONS = st.builds(
    Generation,
    request_id=st.just("r"),
    model=st.just("ours"),
    sampling=SAMPLINGS,
    tenant=st.text(max_size=5),
    messages=st.lists(st.builds(Message, st.sampled_from(["system", "user"]), TEXTS)).map(tuple),
    prompt=st.none() | TEXTS,
    prompt_ids=st.lists(st.integers(0, 999), max_size=4).map(tuple),
)


def body(generation, kind="vllm", prompt=None):
    return wire.body(
        generation,
        DIALECTS[kind],
        model="theirs",
        prompt=prompt,
        max_tokens=7,
        stop_ids=[2],
        salt=salts.salt_of(generation.tenant, b"secret"),
    )


@given(GENERATIONS, st.sampled_from(sorted(DIALECTS)), st.none() | st.just([1, 2]))
def test_only_what_is_allowed_is_sent_whatever_is_asked(generation, kind, prompt):
    sent = body(generation, kind, prompt)

    assert sent.keys() <= wire.FIELDS
    assert not sent.keys() & NEVER
    assert sent["stream"] is True
    assert sent["stream_options"]["include_usage"] is True
    assert (sent["model"], sent["max_tokens"]) == ("theirs", 7)
    assert 0 < sent["top_p"] <= 1
    assert "" not in sent.get("stop", [])
    assert -(2**63) <= sent.get("seed", 0) < 2**63
    assert ("cache_salt" in sent) == (kind == "vllm")
    assert ("prompt" in sent) != ("messages" in sent)
    json.dumps(sent, allow_nan=False).encode()


def test_where_the_tokenizer_is_here_a_conversation_goes_as_tokens():
    asked = Generation("r", "m", Sampling(max_tokens=1), messages=(Message("user", "<|im_end|>"),))

    sent = body(asked, prompt=[5, 6])

    assert sent["prompt"] == [5, 6]
    assert not wire.is_chat(sent)
    assert wire.is_chat(body(asked))


def test_an_engine_with_defaults_of_its_own_is_told_everything():
    asked = Generation("r", "m", Sampling(max_tokens=1, temperature=1.0, top_p=1.0), prompt="a")

    assert body(asked)["top_k"] == -1
    assert body(asked)["repetition_penalty"] == 1.0
    assert body(asked, "llama.cpp")["repeat_penalty"] == 1.0
    assert body(asked, "openai").keys() <= {
        "model", "max_tokens", "stream", "stream_options", "prompt", "temperature", "top_p"
    }  # fmt: skip


def test_tenants_have_salts_of_their_own_that_tell_nobody_who_they_are(tmp_path):
    secret = salts.read_secret(tmp_path)

    assert salts.read_secret(tmp_path) == secret
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0
    one, other = salts.salt_of("dana", secret), salts.salt_of("eun", secret)
    assert one == salts.salt_of("dana", secret)
    assert one != other
    assert one != salts.salt_of("dana", b"another house")
    assert "dana" not in one


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("vllm", {"structured_outputs": {"grammar": 'root ::= "a"\n'}}),
        ("sglang", {"ebnf": 'root ::= "a"\n'}),
        ("llama.cpp", {"grammar": 'root ::= "a"\n'}),
    ],
)
def test_a_grammar_is_sent_under_the_name_the_server_has_for_it(kind, sent):
    asked = Generation("r", "m", Sampling(1, grammar='root ::= "a"\n'), prompt="a")

    told = body(asked, kind)

    assert {name: told[name] for name in sent} == sent
    assert not {"structured_outputs", "ebnf", "grammar"} & (told.keys() - sent.keys())
