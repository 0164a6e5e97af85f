"""Vectors from servers on other machines."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.errors import ContextTooLong, UpstreamBrokeOff, UpstreamRefused
from hunmin.plugins import Generation, Sampling
from hunmin.upstreams import embedder
from hunmin.upstreams.shapes import Garbled
from tests.inference.conformance import collect
from tests.support.vllm import Faults


def texts(*inputs) -> Generation:
    return Generation("r", "parrot", Sampling(max_tokens=0), embed=inputs)


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("kind", ["vllm", "llama.cpp"])
async def test_a_server_is_asked_in_parts_and_counts(serve, speak, monkeypatch, here, kind):
    monkeypatch.setattr(embedder, "TOGETHER_MAX", 2)
    changes = {"embeds": True, "kind": kind} | ({} if here else {"tokenizer": None})
    async with serve(1) as [server], speak(server, **changes) as engine:
        [delta] = await collect(engine, texts("!", "!?", (5, 6, 7)))
        [card] = engine.models()

        assert card.capabilities == {"embedding"}
        assert [len(asked["input"]) for asked in server.asked] == [2, 1]
        assert len(delta.vectors) == 3
        assert delta.vectors[0] == pytest.approx((0.6, 0.8, 0.0))
        assert (delta.prompt_tokens, delta.completion_tokens) == (6, 0)
        assert delta.finish_reason == "stop"
        counted = await engine.count_prompt_tokens(texts("!", "!?", (5, 6, 7)))
        assert counted == (6 if here else 5)  # four bytes are believed to be a token


async def test_a_text_longer_than_the_context_is_refused_before_it_is_sent(serve, speak):
    async with serve(1) as [server], speak(server, embeds=True) as engine:
        with pytest.raises(ContextTooLong):
            await engine.count_prompt_tokens(texts("!", "!" * 2_000))

        assert server.asked == []


async def test_a_server_that_fails_is_followed_by_another(serve, speak):
    async with serve(2) as servers, speak(*servers, embeds=True) as engine:
        servers[0].faults = Faults(status=503)
        for number in range(4):
            [delta] = await collect(engine, texts("!" * (number + 1)))
            assert delta.vectors

        assert servers[1].asked


@pytest.mark.parametrize(
    ("faults", "error"),
    [(Faults(status=400), UpstreamRefused), (Faults(says=b"garbage"), UpstreamBrokeOff)],
)
async def test_what_is_no_vector_is_an_error(serve, speak, faults, error):
    async with serve(1, faults=faults) as [server], speak(server, embeds=True) as engine:
        with pytest.raises(error):
            await collect(engine, texts("!"))
        assert engine.upstreams[0].load == 0


def reply(*vectors, **changes) -> bytes:
    data = [{"index": place, "embedding": one} for place, one in enumerate(vectors)]
    return json.dumps({"data": data, "usage": {"prompt_tokens": 3}} | changes).encode()


def test_vectors_come_back_in_the_order_of_the_texts():
    data = [{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [5, 0]}]

    assert embedder.read_vectors(reply(data=data), 2) == ([(1.0, 0.0), (0.0, 1.0)], 3)


@pytest.mark.parametrize(
    "told",
    [b"", b"[]", b"{}", reply([1]), reply([1], [2], [3]), reply([1], [1, 2]), reply([0], [1]),
     reply(["a"], [1]), reply([True], [1]), reply(None, [1]), reply([1e999], [1]), reply([], []),
     b'{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1]}]}',
     b'{"data": [{"embedding": [1]}, {"embedding": [1]}]}'],
)  # fmt: skip
def test_vectors_that_are_none_are_refused(told):
    with pytest.raises(Garbled):
        embedder.read_vectors(told, 2)


@given(st.binary(max_size=60))
def test_whatever_a_server_sends_is_read_or_refused(told):
    with contextlib.suppress(Garbled):
        embedder.read_vectors(told, 1)


def test_a_count_that_no_record_could_hold_is_not_believed():
    data = [{"index": 0, "embedding": [1.0]}]
    assert embedder.read_vectors(reply(data=data, usage={"prompt_tokens": 2**31}), 1)[1] == 0
