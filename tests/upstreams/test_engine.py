"""What an engine over HTTP makes of its settings, and of what servers say of themselves."""

import pytest

from hunmin.errors import TokenizerElsewhere, UpstreamWrong
from hunmin.settings import UpstreamSettings
from hunmin.upstreams import open_engine
from tests.inference.conformance import chat, collect, completion, say
from tests.inference.tiny import PARROT_SAYS
from tests.upstreams.conftest import ready


async def test_the_same_conversation_goes_to_the_same_upstream(serve, speak):
    async with serve(3) as servers, speak(*servers) as engine:
        await ready(engine)
        for _ in range(6):
            await say(engine, chat("같은 질문", max_tokens=3))

        assert sorted(len(server.asked) for server in servers) == [0, 0, 6]
        salts = {asked["cache_salt"] for server in servers for asked in server.asked}
        assert len(salts) == 1


async def test_without_a_tokenizer_the_server_renders_and_counts(serve, speak):
    async with serve(1) as [server], speak(server, tokenizer=None) as engine:
        generation = chat("안녕?", max_tokens=6)
        [card] = engine.models()
        deltas = await collect(engine, generation)

        assert card.context_tokens == 256
        assert card.folder is None
        assert not card.capabilities & {"logprobs", "top_logprobs", "prompt_logprobs"}
        assert "".join(delta.text for delta in deltas) == PARROT_SAYS
        assert deltas[-1].completion_tokens == 6
        assert deltas[-1].prompt_tokens == await engine.count_prompt_tokens(generation)
        assert server.asked[-1]["messages"] == [{"role": "user", "content": "안녕?"}]
        assert await say(engine, completion("!?", max_tokens=6)) == PARROT_SAYS
        assert await engine.count_prompt_tokens(completion("!")) == 1
        with pytest.raises(TokenizerElsewhere):
            await engine.decode("parrot", [5])


async def test_all_a_server_has_is_served_where_no_models_are_named(serve, speak):
    async with serve(1) as [server], speak(server, models={}) as engine:
        assert [card.id for card in engine.models()] == ["parrot"]
        assert await say(engine, chat(max_tokens=3)) == "훈"


async def test_a_server_that_wants_a_key_is_given_it(serve, speak):
    async with serve(1, key="secret") as [server], speak(server, key="secret") as engine:
        assert await say(engine, chat(max_tokens=3)) == "훈"


async def test_a_server_may_listen_at_a_socket_of_this_machine(serve, speak, tmp_path):
    socket = str(tmp_path / "engine.sock")
    async with serve(1, socket=socket) as [server], speak(server) as engine:
        assert await say(engine, chat(max_tokens=3)) == "훈"


async def test_a_shorter_context_of_the_server_holds(serve, speak):
    async with serve(1, max_model_len=100) as [server], speak(server) as engine:
        last = (await collect(engine, chat(max_tokens=1000)))[-1]

        assert engine.models()[0].context_tokens == 100
        assert last.prompt_tokens + last.completion_tokens == 100


async def test_adapters_are_loaded_and_served_beside_their_model(serve, speak):
    async with serve(1) as [server], speak(server, adapters={"law": "/adapters/law"}) as engine:
        cards = {card.id: card for card in engine.models()}

        assert server.adapters == {"law": "/adapters/law"}
        assert {name: card.parent for name, card in cards.items()} == {
            "parrot": None,
            "parrot:law": "parrot",
        }
        assert cards["parrot:law"].state == "ready"
        assert cards["parrot:law"].context_tokens == 256
        assert await say(engine, chat(model="parrot:law", max_tokens=3)) == "훈"
        assert server.asked[-1]["model"] == "law"


async def test_an_adapter_that_cannot_be_loaded_leaves_its_model_answering(serve, speak):
    async with serve(1) as [server], speak(server, adapters={"law": ""}) as engine:
        assert {card.id: card.state for card in engine.models()} == {
            "parrot": "ready",
            "parrot:law": "failed",
        }
        assert await say(engine, chat(max_tokens=3)) == "훈"


@pytest.mark.parametrize("listed", [b"[]", b"garbage", b'{"data": [{}]}', b'{"data": 7}'])
async def test_a_list_that_is_none_is_no_reason_to_fall_over(serve, speak, listed):
    async with serve(1) as [server], speak(server) as engine:
        with pytest.raises(ValueError, match="."):
            engine.upstreams[0].take_list(listed)
        odd = b'{"data": [{"id": "parrot", "max_model_len": [], "created": "x", "parent": {}}]}'
        engine.upstreams[0].take_list(odd)
        assert await say(engine, chat(max_tokens=3)) == "훈"


async def test_a_name_no_record_could_hold_is_not_served_unnamed(serve, speak):
    async with serve(1) as [server], speak(server, models={}) as engine:
        engine.upstreams[0].take_list(b'{"data": [{"id": "/models/large"}, {"id": "a-b"}]}')

        assert [card.id for card in engine.models()] == ["a-b"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "http://10.0.0.5:8000"}, "encryption"),
        ({"url": "http://chat.example.kr"}, "encryption"),
        ({"url": "ftp://10.0.0.5"}, "neither"),
        ({"url": "10.0.0.5:8000"}, "neither"),
        ({"url": "http://[::1"}, "neither"),
        ({"url": "http://127.0.0.1:1", "kind": "llama.cpp"}, "tokenizer"),
        ({"url": "http://127.0.0.1:1", "adapters": {"law": "/law"}}, "adapters"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_the_next_step(tmp_path, wrong, told):
    with pytest.raises(UpstreamWrong) as refusal:
        open_engine({"gpu": UpstreamSettings(**wrong)}, data=tmp_path)

    assert told in refusal.value.en
    assert "[upstreams.gpu]" in refusal.value.ko


def test_one_model_with_two_tokenizers_is_refused(tmp_path, folder):
    one = UpstreamSettings(url="http://127.0.0.1:1", models={"m": "m"}, tokenizer=folder.path)

    with pytest.raises(UpstreamWrong):
        open_engine({"a": one, "b": one.model_copy(update={"tokenizer": None})}, data=tmp_path)
