"""While the database is away: answers are settled when it is back, and starting waits for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hunmin.db import Database
from hunmin.errors import DatabaseUnreachable
from hunmin.gateway import Gateway
from hunmin.settings import GatewaySettings
from tests.gateway.test_service import DANA, chat, events, read, rows, until


@pytest.fixture
def away(monkeypatch):
    """Give a block during which the database is away, and who asked for it in vain."""
    monkeypatch.setattr("hunmin.gateway.answers.SETTLE_PAUSES_SECONDS", (0.01,) * 1000)
    monkeypatch.setattr("hunmin.gateway.starting.PAUSES_SECONDS", (0.01,))

    @contextmanager
    def away() -> Iterator[list[str]]:
        asked: list[str] = []

        def session(self, **options):
            del self, options
            asked.append("session")
            raise DatabaseUnreachable(address="elsewhere")

        with monkeypatch.context() as patch:
            patch.setattr(Database, "session", session)
            yield asked

    return away


async def test_answers_that_end_while_the_database_is_away_are_settled_once_when_it_is_back(
    service, engine, database, away
):
    engine.speaks_among, engine.step_seconds = 3, 0.05
    readers = [
        asyncio.create_task(read(service, chat(max_tokens=30), request_id=str(n))) for n in range(3)
    ]
    await until(lambda: len(engine.running) == 3)
    with away() as asked:
        answered = await asyncio.gather(*readers)
        assert service._places_taken == 0
        await until(lambda: len(asked) > 6)

    assert {"".join(piece.text for piece in pieces) for pieces in answered} == {
        (engine.text * 2)[:30]
    }
    await until(lambda: not service._settling)
    assert [(end.outcome, end.completion_tokens) for _, end in rows(database)] == [
        ("length", 30)
    ] * 3
    assert [kind for kind, _ in events(database)].count("gateway.request.settle") == 3


async def test_an_answer_let_in_by_a_database_that_went_before_it_said_so_holds_no_place(
    engine, database, monkeypatch
):
    made = Gateway(engine, database, GatewaySettings(concurrent_per_key_max=1))
    await made.ready()
    monkeypatch.setattr("hunmin.gateway.answers.SETTLE_PAUSES_SECONDS", (0.01,) * 1000)
    monkeypatch.setattr("hunmin.gateway.recorder._Spot.results", lambda *_: None)
    session = Database.session

    @contextmanager
    def keep_and_go(self, **options):
        with session(self, **options) as opened:
            yield opened
        raise DatabaseUnreachable(address="elsewhere")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "session", keep_and_go)
        with pytest.raises(DatabaseUnreachable):
            await made.open(DANA, chat(), request_id="r")
    [(admission, _)] = rows(database)
    await until(lambda: not made._settling)
    await read(made, chat())

    ends = {end.admission_id: end.outcome for _, end in rows(database)}
    assert (ends.pop(admission.id), *ends.values()) == ("canceled", "length")
    await made.close()


async def test_closing_waits_for_a_database_that_is_away_only_a_while(
    service, engine, database, away, monkeypatch
):
    monkeypatch.setattr("hunmin.gateway.service.SETTLE_AT_CLOSE_SECONDS", 0.05)
    engine.step_seconds = 0.01
    answer = await service.open(DANA, chat(max_tokens=1000), request_id="r")
    with away() as asked:
        async with asyncio.timeout(20):
            await service.close()
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)  # what is being tried now is tried in vain
        assert asked

    assert answer.settling.cancelled() or answer.settling.cancelling()
    [(_, settlement)] = rows(database)
    assert settlement is None


async def test_a_start_waits_for_the_database(engine, database, away):
    made = Gateway(engine, database, GatewaySettings())
    with away() as asked:
        made.launch()
        await until(lambda: len(asked) > 3)
        assert made.state() == "starting"
    await made.ready()

    assert made.state() == "ok"
    await read(made, chat())
    await made.close()


async def test_closing_while_the_database_is_away_ends(engine, database, away):
    made = Gateway(engine, database, GatewaySettings())
    with away() as asked:
        made.launch()
        await until(lambda: asked)
        async with asyncio.timeout(20):
            await made.close()

    assert engine.closed
