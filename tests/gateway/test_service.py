"""Gateway: admit, stream, settle, whatever happens between."""

import asyncio
import os
import socket
from contextlib import aclosing

import pytest
from sqlalchemy import event, select

from hunmin.act import SYSTEM, Actor, open_act
from hunmin.audit.tables import EventRow
from hunmin.errors import (
    AnswerTimedOut,
    ContextLengthExceeded,
    EngineBusy,
    EngineFull,
    EngineStarting,
    EngineUnavailable,
    ModelNotFound,
    RateLimitExceeded,
    TooManyAtOnce,
)
from hunmin.gateway import ChatMessage, ChatRequest, CompletionRequest, Gateway, actions, rules
from hunmin.gateway.tables import AdmissionRow, SettlementRow
from hunmin.settings import GatewaySettings

DANA = Actor(user_id="dana", kind="key", key_id="key-1")
GUEST = Actor(user_id="guest-1", roles=frozenset({"guest"}), kind="guest")


def chat(text="안녕하세요", **fields) -> ChatRequest:
    messages = [ChatMessage(role="user", content=text)]
    return ChatRequest(**{"model": "paper", "messages": messages, "max_tokens": 20, **fields})


async def read(service, request, *, actor=DANA, request_id="r-1") -> list:
    return [delta async for delta in service.answer(actor, request, request_id=request_id)]


def rows(database, actor=DANA) -> list[tuple[AdmissionRow, SettlementRow | None]]:
    with open_act(database, actor) as act:
        found = act.session.execute(
            select(AdmissionRow, SettlementRow)
            .outerjoin(SettlementRow, SettlementRow.admission_id == AdmissionRow.id)
            .order_by(AdmissionRow.id)
        ).all()
        act.session.expunge_all()
        return [tuple(row) for row in found]


def events(database) -> list[tuple[str, dict]]:
    with open_act(database, DANA) as act:
        found = act.session.scalars(
            select(EventRow).where(EventRow.kind.startswith("gateway.")).order_by(EventRow.id)
        )
        return [(event.kind, event.details) for event in found]


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 (what is waited for knows no event)
            await asyncio.sleep(0.005)


async def test_an_answer_comes_in_pieces_and_leaves_its_record(service, engine, database):
    pieces = await read(service, chat())

    text = "".join(piece.text for piece in pieces)
    assert text == engine.text[:20]
    assert pieces[-1].finish_reason == "length"
    [(admission, settlement)] = rows(database)
    assert (admission.user_id, admission.key_id, admission.holder) == ("dana", "key-1", "key-1")
    assert (admission.model, admission.endpoint) == ("paper", "chat")
    assert (admission.prompt_tokens, admission.completion_tokens_max) == (5, 20)
    assert (settlement.outcome, settlement.completion_tokens) == ("length", 20)
    assert settlement.prompt_tokens == 5
    assert 0 <= settlement.first_token_ms <= settlement.wall_ms
    assert [kind for kind, _ in events(database)] == [
        "gateway.request.admit",
        "gateway.request.settle",
    ]
    assert not engine.running


async def test_the_engine_is_told_for_whom_it_answers(service, engine):
    for actor in (DANA, GUEST, SYSTEM):
        await read(service, chat(), actor=actor)

    assert [generation.tenant for generation in engine.seen] == ["dana", "guest-1", "system"]


async def test_no_word_of_prompt_or_answer_is_kept(service, database):
    await read(service, chat("비밀이야기"))

    with database.engine.connect() as connection:
        for table in (AdmissionRow, SettlementRow, EventRow):
            for row in connection.execute(select(table.__table__)):
                assert "비밀" not in repr(row)
                assert "훈민" not in repr(row)


async def test_no_transaction_is_open_while_tokens_flow(service, engine, database):
    begun, still_open = [], set()
    event.listen(database.engine, "begin", begun.append)
    event.listen(database.engine, "begin", still_open.add)
    for name in ("commit", "rollback"):
        event.listen(database.engine, name, still_open.discard)
    engine.step_seconds = 0.2
    async with aclosing(service.answer(DANA, chat(), request_id="r")) as pieces:
        await anext(pieces)
        # A server gives signs of life beside its answers: those transactions end by themselves.
        await until(lambda: begun and not still_open)
        assert engine.running


async def test_nothing_happens_before_the_first_piece_is_asked_for(service, engine, database):
    pieces = service.answer(DANA, chat(), request_id="r")
    await asyncio.sleep(0.02)
    await pieces.aclose()

    assert rows(database) == []
    assert engine.seen == []


async def test_max_tokens_is_by_default_what_the_context_leaves(service, engine):
    await read(service, chat("가" * 1990, max_tokens=None))

    assert engine.seen[0].sampling.max_tokens == 10


async def test_a_prompt_that_does_not_fit_is_refused_before_anything_starts(
    service, engine, database
):
    with pytest.raises(ContextLengthExceeded) as refusal:
        await read(service, chat("가" * 2000))

    assert (refusal.value.prompt_tokens, refusal.value.context_tokens) == (2000, 2000)
    assert rows(database) == []
    assert engine.seen == []


async def test_a_model_that_is_not_served_is_refused_before_anything_starts(service, database):
    with pytest.raises(ModelNotFound):
        await read(service, chat(model="gpt-9"))

    assert rows(database) == []


async def test_a_reader_who_leaves_frees_the_engine_and_pays_for_what_was_written(
    service, engine, database
):
    engine.step_seconds = 0.01
    async with aclosing(service.answer(DANA, chat(max_tokens=1000), request_id="r")) as pieces:
        await anext(pieces)
        assert engine.running == {"r"}

    assert not engine.running
    [(_, settlement)] = rows(database)
    assert settlement.outcome == "canceled"
    assert 1 <= settlement.completion_tokens < 1000


async def test_a_canceled_reader_frees_the_engine_too(service, engine, database):
    engine.step_seconds = 0.01
    reader = asyncio.create_task(read(service, chat(max_tokens=1000)))
    await until(lambda: engine.running)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    await until(lambda: rows(database)[0][1] is not None)
    assert rows(database)[0][1].outcome == "canceled"
    assert not engine.running


@pytest.mark.parametrize("wait", [0.0, 0.001, 0.003, 0.01])
async def test_a_reader_canceled_while_being_admitted_leaves_no_open_admission(
    service, database, wait
):
    reader = asyncio.create_task(read(service, chat(max_tokens=1000)))
    await asyncio.sleep(wait)
    reader.cancel()
    await asyncio.wait({reader})
    await service.close()

    assert all(settlement is not None for _, settlement in rows(database))


async def test_a_slow_reader_does_not_hold_the_engine(service, engine):
    async with aclosing(service.answer(DANA, chat(max_tokens=500), request_id="r")) as pieces:
        await anext(pieces)
        await until(lambda: not engine.running)
        rest = [piece.text async for piece in pieces]

    assert len("".join(rest)) > 400


async def test_an_engine_that_breaks_is_settled_as_failed(service, engine, database):
    engine.fails_after = 6
    with pytest.raises(EngineUnavailable):
        await read(service, chat())

    [(_, settlement)] = rows(database)
    assert (settlement.outcome, settlement.error_code) == ("failed", "engine_unavailable")
    assert settlement.completion_tokens >= 6


async def test_an_error_of_the_engine_is_handed_on(service, engine, database):
    engine.fails_after, engine.failure = 0, EngineFull(requests_max=1)
    with pytest.raises(EngineFull):
        await read(service, chat())

    [(_, settlement)] = rows(database)
    assert (settlement.outcome, settlement.error_code) == ("failed", "engine_full")


async def test_an_engine_that_ends_without_a_reason_has_failed(service, engine, database):
    engine.vanishes_after = 3
    with pytest.raises(EngineUnavailable):
        await read(service, chat())

    assert rows(database)[0][1].outcome == "failed"


class TestATimeLimit:
    @pytest.fixture
    def limits(self):
        return {"answer_seconds_max": 1}

    async def test_stops_an_answer_that_takes_too_long(self, service, engine, database):
        engine.step_seconds = 0.05
        with pytest.raises(AnswerTimedOut):
            await read(service, chat(max_tokens=1000))

        [(_, settlement)] = rows(database)
        assert (settlement.outcome, settlement.error_code) == ("failed", "answer_timed_out")
        assert not engine.running

    async def test_is_not_blamed_for_a_timeout_of_the_engines_own(self, service, engine):
        engine.fails_after, engine.failure = 0, TimeoutError()
        with pytest.raises(EngineUnavailable):
            await read(service, chat())


class TestLimits:
    @pytest.fixture
    def limits(self):
        return {
            "concurrent_per_key_max": 2,
            "concurrent_per_guest_max": 1,
            "requests_per_minute_max": 4,
            "guest_requests_per_minute_max": 2,
            "concurrent_requests_max": 3,
        }

    async def test_hold_one_key_to_its_share(self, service, engine):
        engine.step_seconds = 0.01
        first, second = [
            await service.open(DANA, chat(max_tokens=500), request_id=name) for name in "ab"
        ]
        with pytest.raises(TooManyAtOnce):
            await service.open(DANA, chat(), request_id="c")
        await first.aclose()

        third = await service.open(DANA, chat(), request_id="d")

        await second.aclose()
        await third.aclose()

    async def test_hold_a_guest_to_less(self, service, engine):
        engine.step_seconds = 0.01
        first = await service.open(GUEST, chat(max_tokens=500), request_id="a")
        with pytest.raises(TooManyAtOnce):
            await service.open(GUEST, chat(), request_id="b")
        await first.aclose()

        await read(service, chat(), actor=GUEST)
        with pytest.raises(RateLimitExceeded) as refusal:
            await read(service, chat(), actor=GUEST)

        assert 1 <= refusal.value.retry_after_seconds <= 60

    async def test_count_each_key_by_itself(self, service):
        other = Actor(user_id="dana", kind="key", key_id="key-2")
        for _ in range(4):
            await read(service, chat())
        with pytest.raises(RateLimitExceeded):
            await read(service, chat())

        await read(service, chat(), actor=other)

    async def test_hold_everyone_together(self, service, engine):
        engine.step_seconds = 0.01
        actors = [Actor(user_id=name, kind="person") for name in "abcd"]
        opened = [
            await service.open(actor, chat(max_tokens=500), request_id=actor.id)
            for actor in actors[:3]
        ]
        with pytest.raises(EngineBusy) as refusal:
            await service.open(actors[3], chat(), request_id="d")

        assert refusal.value.retry_after_seconds > 0
        for answer in opened:
            await answer.aclose()
        await read(service, chat(), actor=actors[3])

    async def test_hold_when_many_ask_at_the_same_time(self, service, engine, database):
        engine.step_seconds = 0.01
        asked = [service.open(DANA, chat(max_tokens=300), request_id=str(n)) for n in range(3)]
        opened = await asyncio.gather(*asked, return_exceptions=True)

        assert sum(isinstance(answer, TooManyAtOnce) for answer in opened) == 1
        assert len(rows(database)) == 2
        for answer in opened:
            if not isinstance(answer, TooManyAtOnce):
                await answer.aclose()


async def test_eight_people_are_answered_at_the_same_time(service, engine, database):
    engine.speaks_among = 8
    answers = await asyncio.gather(
        *(
            read(
                service,
                chat(f"{n}번", max_tokens=200),
                actor=Actor(user_id=f"u{n}"),
                request_id=f"r{n}",
            )
            for n in range(8)
        )
    )

    for pieces in answers:
        assert len("".join(piece.text for piece in pieces)) == 200
    assert {settlement.outcome for _, settlement in rows(database)} == {"length"}


class TestStarting:
    async def test_requests_are_told_to_come_again(self, engine, database):
        engine.may_start.clear()
        made = Gateway(engine, database, GatewaySettings())
        made.launch()
        with pytest.raises(EngineStarting) as refusal:
            await read(made, chat())
        assert refusal.value.retry_after_seconds > 0
        assert not made.healthy()

        engine.may_start.set()
        await made.ready()

        assert made.healthy()
        await read(made, chat())
        await made.close()

    async def test_an_engine_that_does_not_start_is_said(self, engine, database):
        engine.start_failure = EngineFull(requests_max=1)
        made = Gateway(engine, database, GatewaySettings())
        with pytest.raises(EngineFull):
            await made.ready()

        with pytest.raises(EngineUnavailable):
            await read(made, chat())
        await made.close()

    async def test_closing_while_starting_ends(self, engine, database):
        engine.may_start.clear()
        made = Gateway(engine, database, GatewaySettings())
        made.launch()
        await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await made.close()

        assert engine.closed


@pytest.mark.parametrize(
    ("server", "outcomes"),
    [
        (f"{socket.gethostname()}/{os.getpid()}/before", ["lost"]),
        (f"{socket.gethostname()}/999999999/gone", ["lost"]),
        (f"{socket.gethostname()}/{os.getppid()}/alive", [None]),
        ("another-host/1/unknown", [None]),
        ("nonsense", [None]),
    ],
    ids=["before", "gone", "alive", "elsewhere", "nonsense"],
)
async def test_starting_closes_what_servers_that_are_gone_left_open(
    engine, database, server, outcomes
):
    with open_act(database, DANA) as act:
        actions.admit(
            act,
            endpoint="chat",
            model="paper",
            prompt_tokens=1,
            completion_tokens_max=1,
            limits=rules.Limits(requests_per_minute_max=1, concurrent_max=1),
            seconds_max=600,
            server=server,
        )

    made = Gateway(engine, database, GatewaySettings())
    await made.ready()
    await made.close()

    ends = [settlement and settlement.outcome for _, settlement in rows(database)]
    assert ends == outcomes


async def test_closing_stops_and_settles_every_answer(service, engine, database):
    engine.step_seconds = 0.01
    readers = [
        asyncio.create_task(read(service, chat(max_tokens=1000), request_id=str(n)))
        for n in range(3)
    ]
    await until(lambda: len(engine.running) == 3)

    await service.close()

    for reader in readers:
        with pytest.raises(EngineUnavailable):
            await reader
    assert {settlement.outcome for _, settlement in rows(database)} == {"canceled"}
    assert engine.closed
    with pytest.raises(EngineUnavailable):
        await read(service, chat())


async def test_an_unhealthy_engine_is_not_asked(service, engine, database):
    engine.healthy_now = False
    with pytest.raises(EngineUnavailable):
        await read(service, chat())

    assert rows(database) == []


async def test_a_text_is_continued_sixteen_tokens_by_default(service, engine):
    request = CompletionRequest(model="paper-base", prompt="옛날 옛적에")
    pieces = await read(service, request)

    assert "".join(piece.text for piece in pieces) == engine.text[:16]
    assert engine.seen[0].prompt == "옛날 옛적에"
