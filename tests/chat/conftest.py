"""Two people, and readers of streams, for the tests of conversations."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from hunmin import accounts
from hunmin.act import Actor
from tests.support.desk import app, client, engine, migrated_file  # noqa: F401 (fixtures)

API = "/chat/api/conversations"


@pytest.fixture
def dana(act_as) -> Actor:
    """Give a person."""
    return _person(act_as, "dana")


@pytest.fixture
def mino(act_as) -> Actor:
    """Give another person."""
    return _person(act_as, "mino")


def _person(act_as, name: str) -> Actor:
    with act_as() as act:
        user = accounts.create_user(act, name=name)
    return Actor(user_id=user.id, roles=frozenset({"person"}))


@dataclass
class Told:
    """What the stream of an answer told."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def one(self, name: str) -> dict[str, Any]:
        return next(data for kind, data in self.events if kind == name)

    @property
    def text(self) -> str:
        begun = self.one("begin")["answer"]["text"]
        return begun + "".join(data["text"] for name, data in self.events if name == "delta")

    @property
    def conversation_id(self) -> str:
        return self.one("begin")["conversation"]["id"]

    @property
    def answer_id(self) -> str:
        return self.one("begin")["answer"]["id"]

    @property
    def question_id(self) -> str:
        return self.one("begin")["question"]["id"]


def read_events(text: str) -> Told:
    """Return the events in a stream."""
    told = Told()
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in lines:
            told.events.append((lines["event"], json.loads(lines["data"])))
    return told


def ask(client, text: str, told: Told | None = None, *, below: str | None = "", **body) -> Told:  # noqa: F811
    """Ask in a new conversation, or after what was told before; return what is told."""
    if told is None:
        response = client.post(API, json={"text": text, **body})
    else:
        parent_id = told.answer_id if below == "" else below
        response = client.post(
            f"{API}/{told.conversation_id}/messages",
            json={"text": text, "parent_id": parent_id, **body},
        )
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return read_events(response.text)


def ask_again(client, told: Told) -> Told:  # noqa: F811
    """Ask for another answer."""
    path = f"{API}/{told.conversation_id}/messages/{told.answer_id}/again"
    response = client.post(path, json={})
    assert response.status_code == 200, response.text
    return read_events(response.text)
