"""Upstreams behind the gateway and the application: admitted, answered, settled."""

import importlib
import tomllib
from pathlib import Path

import pytest

from hunmin import plugins
from hunmin.act import Actor
from hunmin.errors import ModelNameWrong, UpstreamBrokeOff, UpstreamUnknown
from hunmin.gateway import ChatMessage, ChatRequest, Fleet, Gateway
from hunmin.settings import GatewaySettings, Settings
from hunmin.upstreams import commands, open_engine
from hunmin.web.app import find_engines
from tests.gateway.test_service import rows
from tests.inference.tiny import PARROT_SAYS
from tests.support.vllm import Faults

DANA = Actor(user_id="dana")


@pytest.fixture
def database_url(tmp_path):
    """Give one kind of database: the transactions themselves are tested on both elsewhere."""
    return f"sqlite:///{tmp_path / 'serving.db'}"


@pytest.fixture
def gateway(database):
    database.migrate()

    def gateway(engine):
        return Gateway(Fleet([engine]), database, GatewaySettings())

    return gateway


def asked(**changes) -> ChatRequest:
    return ChatRequest(
        model="parrot", messages=[ChatMessage(role="user", content="안녕?")], **changes
    )


async def test_an_answer_of_an_upstream_is_settled_with_its_tokens(serve, speak, gateway, database):
    async with serve(1) as [server], speak(server, start=False) as engine:
        made = gateway(engine)
        await made.ready()
        pieces = [piece async for piece in made.answer(DANA, asked(max_tokens=6), request_id="r")]

        assert "".join(piece.text for piece in pieces) == PARROT_SAYS
        [(admission, settlement)] = rows(database)
        assert settlement.outcome == "length"
        assert settlement.completion_tokens == 6
        assert admission.prompt_tokens == pieces[-1].prompt_tokens
        assert "dana" not in str(server.asked)
        await made.close()


async def test_an_upstream_that_breaks_off_fails_the_answer_and_frees_its_place(
    serve, speak, gateway, database
):
    async with (
        serve(1, faults=Faults(cuts_after=7)) as [server],
        speak(server, start=False) as engine,
    ):
        made = gateway(engine)
        await made.ready()
        with pytest.raises(UpstreamBrokeOff):
            async for _ in made.answer(DANA, asked(max_tokens=60), request_id="r"):
                pass

        [(_, settlement)] = rows(database)
        assert (settlement.outcome, settlement.error_code) == ("failed", "upstream_broke_off")
        assert settlement.completion_tokens == 6
        assert engine.upstreams[0].load == 0
        await made.close()


def load(tmp_path, **upstream) -> Settings:
    values = {"url": "http://127.0.0.1:9", "key": "secret"} | upstream
    return Settings.load(config=None, data=tmp_path, upstreams={"gpu": values})


def test_upstreams_alone_load_no_model_here_and_their_keys_stay_hidden(tmp_path, monkeypatch):
    monkeypatch.setattr(plugins, "find_upstreams", lambda: open_engine)
    settings = load(tmp_path, models={"large": "large"})

    [engine] = find_engines(settings)

    assert [(card.id, card.state) for card in engine.models()] == [("large", "starting")]
    assert "secret" not in str([view.value for view in settings.views()])


def test_a_model_name_no_event_could_hold_is_refused(tmp_path):
    with pytest.raises(ModelNameWrong):
        find_engines(load(tmp_path, models={"a name": "large"}))


def test_it_is_found_by_its_entry_point():
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    module, _, name = project["entry-points"][plugins.UPSTREAMS_GROUP]["http"].partition(":")

    assert getattr(importlib.import_module(module), name) is open_engine


def test_one_is_drained_and_resumed_by_command_and_only_if_there_is_one(tmp_path):
    config = tmp_path / "hunmin.toml"
    config.write_text('[upstreams.gpu]\nurl = "http://127.0.0.1:9"\n')

    commands.drain("gpu", config=config, data=tmp_path)
    assert (tmp_path / "upstreams" / "gpu.drain").exists()
    commands.resume("gpu", config=config, data=tmp_path)
    assert not (tmp_path / "upstreams" / "gpu.drain").exists()
    with pytest.raises(UpstreamUnknown):
        commands.drain("../gpu", config=config, data=tmp_path)


def test_the_list_tells_how_each_is(tmp_path, capsys):
    config = tmp_path / "hunmin.toml"
    config.write_text('[upstreams.gpu]\nurl = "http://127.0.0.1:9"\nmodels = {"m" = "m"}\n')

    commands.list_upstreams(config=config, data=tmp_path)

    assert capsys.readouterr().out == "gpu\tunreachable\tm\thttp://127.0.0.1:9\n"
