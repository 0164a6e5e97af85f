"""Several engines behind one gateway: each model stands and falls by itself."""

import dataclasses

import pytest

from hunmin.act import Actor
from hunmin.errors import (
    EngineFailed,
    EngineStarting,
    EngineUnavailable,
    ModelNameTaken,
    ModelNotFound,
    ModelNotServed,
)
from hunmin.gateway import ChatMessage, ChatRequest, Fleet, Gateway, fleet
from hunmin.plugins import Generation, Sampling
from hunmin.settings import GatewaySettings
from tests.gateway.test_service import until
from tests.support.engines import PAPER, PaperEngine

DANA = Actor(user_id="dana")


class OneModel(PaperEngine):
    """A paper engine of one model, whose state follows what became of it."""

    def __init__(self, name: str) -> None:
        super().__init__(text=name)
        self.healthy_now = False
        self.cards = [dataclasses.replace(PAPER, id=name, state="starting")]
        self.name = name
        self.starts = 0

    async def start(self) -> None:
        self.starts += 1
        self.become("starting")
        try:
            await super().start()
        except BaseException:
            self.become("failed")
            raise
        self.become("ready")

    def become(self, state: str) -> None:
        self.cards = [dataclasses.replace(self.cards[0], state=state)]
        self.healthy_now = state == "ready"

    def fail_to_start(self) -> None:
        self.start_failure = EngineFailed(model=self.name, reasons=["it is made of paper"])


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@pytest.fixture
def quick(monkeypatch):
    """Make an engine that failed rest for no time worth mentioning."""
    monkeypatch.setattr(fleet, "AGAIN_SECONDS_MIN", 0.01)
    monkeypatch.setattr(fleet, "LOOK_SECONDS", 0.01)


@pytest.fixture
def small():
    return OneModel("small")


@pytest.fixture
def large():
    return OneModel("large")


@pytest.fixture
async def gateway(small, large, database):
    made = Gateway(Fleet([small, large]), database, GatewaySettings())
    yield made
    await made.close()


async def ask(gateway: Gateway, model: str) -> str:
    request = ChatRequest(
        model=model, messages=[ChatMessage(role="user", content="안녕")], max_tokens=5
    )
    pieces = [piece async for piece in gateway.answer(DANA, request, request_id="r")]
    return "".join(piece.text for piece in pieces)


def states(gateway: Gateway) -> dict[str, str]:
    return {card.id: card.state for card in gateway.models()}


async def test_each_request_goes_to_the_engine_of_its_model(gateway):
    await gateway.ready()

    assert await ask(gateway, "small") == "small"
    assert await ask(gateway, "large") == "large"
    with pytest.raises(ModelNotFound):
        await ask(gateway, "nobody")


async def test_a_model_that_cannot_load_is_failed_and_the_others_answer(gateway, small):
    small.fail_to_start()
    await gateway.ready()
    await until(lambda: states(gateway) == {"small": "failed", "large": "ready"})

    assert gateway.state() == "ok"
    assert await ask(gateway, "large") == "large"
    with pytest.raises(EngineUnavailable):
        await ask(gateway, "small")


async def test_a_model_that_loads_slowly_holds_up_no_other(gateway, small):
    small.may_start.clear()
    await gateway.ready()

    assert await ask(gateway, "large") == "large"
    with pytest.raises(EngineStarting):
        await ask(gateway, "small")
    small.may_start.set()
    await until(lambda: states(gateway)["small"] == "ready")
    assert await ask(gateway, "small") == "small"


@pytest.mark.usefixtures("quick")
async def test_a_model_that_could_not_load_is_tried_again(gateway, small):
    small.fail_to_start()
    await gateway.ready()
    await until(lambda: small.starts > 3)

    small.start_failure = None
    await until(lambda: states(gateway)["small"] == "ready")

    assert await ask(gateway, "small") == "small"


@pytest.mark.usefixtures("quick")
async def test_a_model_that_was_given_up_is_started_again(gateway, small, large):
    await gateway.ready()
    await until(lambda: states(gateway) == {"small": "ready", "large": "ready"})
    small.become("failed")
    assert await ask(gateway, "large") == "large"
    await until(lambda: small.starts == 2 and states(gateway)["small"] == "ready")

    assert await ask(gateway, "small") == "small"
    assert large.starts == 1


@pytest.mark.usefixtures("quick")
async def test_where_no_model_loads_that_is_said_and_tried_again(gateway, small, large):
    small.fail_to_start()
    large.fail_to_start()
    with pytest.raises(EngineFailed):
        await gateway.ready()
    await until(lambda: gateway.state() == "failed")

    large.start_failure = None
    await until(lambda: gateway.state() == "ok")

    assert await ask(gateway, "large") == "large"


async def test_an_engine_that_breaks_in_any_way_touches_no_other(gateway, small, large):
    small.start_failure = RuntimeError("a bug")
    await gateway.ready()

    assert await ask(gateway, "large") == "large"
    await gateway.close()
    assert small.closed
    assert large.closed


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ModelNameTaken) as refusal:
        Fleet([OneModel("small"), OneModel("large"), OneModel("small")])

    assert refusal.value.name == "small"


async def test_a_fleet_knows_the_models_of_its_engines_alone(small):
    with pytest.raises(ModelNotServed):
        Fleet([small]).stream(Generation("r", "large", Sampling(max_tokens=1), prompt="a"))
    with pytest.raises(ModelNotServed):
        Fleet([small]).healthy("large")
