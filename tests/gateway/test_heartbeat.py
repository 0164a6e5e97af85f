"""Heartbeats: what a server without a sign of life left is closed, and nobody else's."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from hunmin import accounts, billing
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.billing.tables import ReservationRow, SpendingRow
from hunmin.db import Database, open_database
from hunmin.errors import DatabaseBusy, InsufficientQuota
from hunmin.gateway import ChatMessage, ChatRequest, Gateway, heartbeat
from hunmin.gateway.heartbeat import STILL_LOOKS_MAX, Neighbors
from hunmin.gateway.tables import ServerRow, SettlementRow
from hunmin.settings import GatewaySettings
from tests.support.engines import PaperEngine

ASKED = ChatRequest(
    model="paper", messages=[ChatMessage(role="user", content="안녕")], max_tokens=60
)
UNTIL_GONE = STILL_LOOKS_MAX + 1
"""The first look only learns that somebody is there."""


@given(
    gaps=st.lists(st.integers(0, STILL_LOOKS_MAX - 1), max_size=8),
    still=st.integers(1, 2 * STILL_LOOKS_MAX),
    first=st.integers(1, 100),
)
def test_who_beats_now_and_then_is_never_gone_and_who_stands_still_is(gaps, still, first):
    neighbors, beats = Neighbors(), first
    for gap in gaps:
        for _ in range(gap + 1):
            assert neighbors.look({"other": beats}) == []
        beats += 1
    neighbors.look({"other": beats})

    for look in range(1, still + 1):
        gone = neighbors.look({"other": beats})
        assert gone == (["other"] if look >= STILL_LOOKS_MAX else [])


def test_who_comes_back_begins_anew():
    neighbors = Neighbors()
    for _ in range(UNTIL_GONE):
        gone = neighbors.look({"other": 7})
    assert gone == ["other"]
    neighbors.look({})

    assert [neighbors.look({"other": 7}) for _ in range(STILL_LOOKS_MAX)] == [[]] * STILL_LOOKS_MAX


@pytest.fixture
async def servers(database_url, monkeypatch) -> AsyncIterator[list[Gateway]]:
    """Give two servers on one database: a slow one, and one that answers at once.

    Their hearts beat only when they are told to.
    """
    monkeypatch.setattr(heartbeat.Heartbeat, "begin", lambda _: None)
    made: list[Gateway] = []
    for step_seconds in (60, 0):
        engine = PaperEngine()
        engine.step_seconds = step_seconds
        made.append(Gateway(engine, open_database(database_url), GatewaySettings()))
        await made[-1].ready()
    yield made
    for one in made:
        await one.close()
        one.database.close()


def outcomes(database: Database) -> list[str]:
    with open_act(database, SYSTEM) as act:
        return list(act.session.scalars(select(SettlementRow.outcome)))


def count(database: Database, row: type) -> int:
    with open_act(database, SYSTEM) as act:
        return act.session.scalar(select(func.count()).select_from(row)) or 0


def person_with_budget(database: Database, tokens: int) -> Actor:
    with open_act(database, SYSTEM) as act:
        user = accounts.create_user(act, name="dana")
        billing.set_user_budget(
            act, user.id, unit="tokens", amount=tokens, period="total", hard=True
        )
    return Actor(user_id=user.id)


async def test_what_a_silent_server_left_is_closed_and_what_it_had_set_aside_is_free(servers):
    silent, other = servers
    dana = person_with_budget(other.database, 100)  # enough for one answer at a time
    await silent._heartbeat.beat()
    left = await silent.open(dana, ASKED, request_id="left")
    with pytest.raises(InsufficientQuota):
        await other.open(dana, ASKED, request_id="too-soon")

    for look in range(UNTIL_GONE):
        assert outcomes(other.database) == [], look
        await other._heartbeat.beat()
    assert outcomes(other.database) == ["lost"]
    assert count(other.database, ReservationRow) == 0
    assert count(other.database, ServerRow) == 1

    again = await other.open(dana, ASKED, request_id="again")
    async for _ in again:
        pass
    await left.aclose()  # it was only asleep: its answer is settled after all, and free
    assert sorted(outcomes(other.database)) == ["canceled", "length"]
    with open_act(other.database, SYSTEM) as act:
        assert act.session.scalars(select(SpendingRow.spent)).all() == [62]


async def test_a_server_that_beats_keeps_its_answers(servers):
    busy, other = servers
    answer = await busy.open(Actor(user_id="dana"), ASKED, request_id="r")
    for _ in range(2 * UNTIL_GONE):
        await busy._heartbeat.beat()
        await other._heartbeat.beat()
    assert outcomes(other.database) == []
    await answer.aclose()


async def test_a_database_that_was_away_makes_nobody_gone(servers, monkeypatch):
    busy, other = servers
    answer = await busy.open(Actor(user_id="dana"), ASKED, request_id="r")
    for one in servers:
        await one._heartbeat.beat()
    with monkeypatch.context() as away:

        def refuse(**_: object) -> None:
            raise DatabaseBusy(address="somewhere")

        away.setattr(other.database, "session", refuse)
        for _ in range(2 * UNTIL_GONE):
            with pytest.raises(DatabaseBusy):
                await other._heartbeat.beat()
    await other._heartbeat.beat()

    assert outcomes(other.database) == []
    await answer.aclose()


async def test_a_heart_goes_on_after_the_database_was_away(database, monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    heart = heartbeat.Heartbeat(database, "host/1/x")
    beat, failures, beaten = heartbeat.Heartbeat.beat, iter([True, True]), asyncio.Event()

    async def at_times(self: heartbeat.Heartbeat) -> None:
        if next(failures, False):
            raise DatabaseBusy(address="somewhere")
        await beat(self)
        beaten.set()

    monkeypatch.setattr(heartbeat.Heartbeat, "beat", at_times)
    heart.begin()
    async with asyncio.timeout(60):
        await beaten.wait()
    heart.close()
    assert count(database, ServerRow) == 1
