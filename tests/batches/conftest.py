"""A gateway on a paper engine, a key, and files of requests for it."""

import json
from collections.abc import Iterator

import pytest

from hunmin import accounts
from hunmin.act import SYSTEM, open_act
from hunmin.batches import Runner, actions, holding, rules, runner, store
from hunmin.batches.store import Bytes
from hunmin.db import new_id
from hunmin.gateway import Gateway
from hunmin.settings import GatewaySettings, Settings
from tests.gateway.conftest import address, app, client, engine, key, limits, sqlite_url
from tests.support.engines import PaperEngine

__all__ = ["address", "app", "client", "engine", "key", "limits", "sqlite_url"]

CHAT = "/v1/chat/completions"


def line(number: int, *, url: str = CHAT, **changes) -> dict:
    """Return a request of a batch."""
    said = [{"role": "user", "content": f"{number}번"}]
    body = {"model": "paper", "messages": said, "max_tokens": 3} | changes
    return {"custom_id": f"line {number}", "method": "POST", "url": url, "body": body}


def written(*lines: dict) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in lines)


def bring(house: Settings, database, actor, content: bytes) -> str:
    """Bring a file as the route does, and return its id."""
    kept = Bytes(new_id())
    kept.write(content)
    with open_act(database, actor) as act:
        actions.bring_file(act, kept.brought("in.jsonl"))
    kept.put(store.open_store(house))
    with open_act(database, actor) as act:
        holding.have_file(act, kept.file_id)
    kept.close()
    return kept.file_id


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let runners wait for nothing."""
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(runner, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(rules, "TOGETHER_MAX", 2)


@pytest.fixture
def house(tmp_path) -> Settings:
    """Give settings whose files are in a folder of the test."""
    return Settings.load(config=None, data=tmp_path / "house")


@pytest.fixture
def actor(database):
    """Give a key that may bring files and ask models."""
    with open_act(database, SYSTEM) as act:
        user = accounts.create_user(act, name="dana")
        secret = accounts.create_key(act, name="test", user_id=user.id).secret
        found = accounts.find_actor_by_key(act, secret)
    assert found is not None
    return found


@pytest.fixture
def ask(house, database, actor):
    """Give a way to hand in a batch; it returns the id."""

    def ask(*lines: dict, content: bytes | None = None, endpoint: str = CHAT) -> str:
        file_id = bring(house, database, actor, written(*lines) if content is None else content)
        with open_act(database, actor) as act:
            return actions.create_batch(
                act, input_file_id=file_id, endpoint=endpoint, metadata=None
            ).id

    return ask


@pytest.fixture
async def server(database, house, engine: PaperEngine) -> Iterator:
    """Give a way to make a runner with a gateway of its own, as another server would have."""
    gateways: list[Gateway] = []

    async def server() -> Runner:
        made = Gateway(engine, database, GatewaySettings(requests_per_minute_max=10_000))
        gateways.append(made)
        await made.ready()
        return Runner(made, database, house)

    yield server
    for made in gateways:
        await made.close()
