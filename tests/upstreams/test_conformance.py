"""Engines over HTTP, through the suite every engine passes: a fleet of two, to vLLM's protocol.

`HUNMIN_VLLM` names a real vLLM that serves the models `parrot` and `random` of
`tests.inference.tiny`; then the same tests are run there.
"""

import os

import pytest

from hunmin.gateway import Fleet
from hunmin.settings import UpstreamSettings
from hunmin.upstreams import open_engine
from tests.inference.conformance import EngineConformance
from tests.inference.conformance_scores import ScoresConformance
from tests.support.scripted_model import Babbler, Parrot
from tests.support.vllm import VllmStandIn

VLLM = os.environ.get("HUNMIN_VLLM")


class _OverHttp(EngineConformance, ScoresConformance):
    kill_while_answering = False

    @pytest.fixture
    async def engine(self, folder, url, tmp_path):
        engines = [
            open_engine(
                {
                    model: UpstreamSettings(
                        url=url, models={model: model}, tokenizer=folder.path, private=True
                    )
                },
                data=tmp_path,
            )
            for model in ("parrot", "random")
        ]
        for engine in engines:
            await engine.start()
        fleet = Fleet(engines)
        await fleet.start()
        yield fleet
        await fleet.close()

    @pytest.fixture
    async def small_engine(self, folder, url, tmp_path):
        settings = UpstreamSettings(
            url=url,
            models={"parrot": "parrot"},
            tokenizer=folder.path,
            concurrent_max=2,
            private=True,
        )
        engine = open_engine({"small": settings}, data=tmp_path)
        await engine.start()
        yield engine
        await engine.close()

    @pytest.fixture
    async def closed_engine(self, folder, tmp_path):
        settings = UpstreamSettings(url="http://127.0.0.1:9", models={"parrot": "parrot"})
        engine = open_engine(
            {"closed": settings.model_copy(update={"tokenizer": folder.path})}, data=tmp_path
        )
        await engine.close()
        return engine


class TestStandIn(_OverHttp):
    @pytest.fixture
    async def url(self, folder):
        models = {"parrot": Parrot(folder), "random": Babbler(folder)}
        async with VllmStandIn(models) as server:
            yield server.url


if VLLM is not None:  # else there would be a skip for each of the suite's tests

    class TestVllm(_OverHttp):
        @pytest.fixture
        def url(self):
            return VLLM
