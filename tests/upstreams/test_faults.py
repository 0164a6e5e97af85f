"""What becomes of requests when upstreams die, hang, lie or are drained: each ends once."""

import asyncio
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hunmin.errors import (
    EngineFull,
    HunminError,
    UpstreamBrokeOff,
    UpstreamRefused,
    UpstreamUnreachable,
)
from hunmin.upstreams import drains
from tests.inference.conformance import chat, collect, say
from tests.inference.tiny import PARROT_SAYS
from tests.support.vllm import Faults
from tests.upstreams.conftest import ready, until


async def outcome(
    engine, generation, *, pieces: list[str] | None = None
) -> tuple[str, HunminError | None]:
    """Return what was shown of an answer, and the error that ended it."""
    pieces = [] if pieces is None else pieces
    try:
        async for delta in engine.stream(generation):
            pieces.append(delta.text)
    except HunminError as error:
        return "".join(pieces), error
    return "".join(pieces), None


async def test_of_three_killed_under_twenty_streams_only_the_streams_on_it_fail(serve, speak):
    slow = Faults(token_seconds=0.02)
    async with serve(3, faults=slow) as servers, speak(*servers) as engine:
        await ready(engine)
        shown: list[list[str]] = [[] for _ in range(20)]
        asking = [
            asyncio.create_task(outcome(engine, chat(f"{n}번", max_tokens=60), pieces=pieces))
            for n, pieces in enumerate(shown)
        ]
        await until(lambda: all(shown))
        lost = servers[0].running

        await servers[0].kill()

        ends = await asyncio.gather(*asking)
        broken = [error for _, error in ends if error is not None]
        assert 4 <= lost <= 9
        assert [type(error) for error in broken] == [UpstreamBrokeOff] * lost
        assert all(shown == PARROT_SAYS * 10 for shown, error in ends if error is None)
        assert [one.load for one in engine.upstreams] == [0, 0, 0]
        assert await say(engine, chat(max_tokens=6)) == PARROT_SAYS


async def test_one_that_is_not_there_is_answered_for_by_another_and_comes_back(serve, speak):
    async with serve(2) as servers, speak(*servers) as engine:
        await ready(engine)
        await servers[0].kill()

        assert {await say(engine, chat(f"{n}", max_tokens=6)) for n in range(12)} == {PARROT_SAYS}
        await until(lambda: not engine.upstreams[0].can_take("parrot"))

        await servers[0].listen()
        await until(lambda: engine.upstreams[0].can_take("parrot"))
        before = len(servers[0].asked)
        for n in range(40):
            assert await say(engine, chat(f"다시 {n}", max_tokens=3)) == "훈"
        assert len(servers[0].asked) > before


async def test_where_none_is_there_that_is_said_and_nothing_waits(serve, speak):
    async with serve(1) as [server], speak(server) as engine:
        await server.kill()

        with pytest.raises(UpstreamUnreachable) as refusal:
            await collect(engine, chat())
        assert refusal.value.retry_after_seconds > 0
        await until(lambda: engine.models()[0].state == "failed")
        assert not engine.healthy("parrot")


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_who_is_too_busy_is_answered_for_by_another(serve, speak, status):
    async with serve(2) as servers, speak(*servers) as engine:
        await ready(engine)
        servers[0].faults.status = status

        assert {await say(engine, chat(f"{n}", max_tokens=3)) for n in range(8)} == {"훈"}
        assert servers[0].asked


@pytest.mark.parametrize("status", [400, 401, 404, 422, 500, 301])
async def test_a_refusal_is_told_without_its_words_and_not_tried_elsewhere(serve, speak, status):
    async with serve(2) as servers, speak(*servers) as engine:
        await ready(engine)
        for server in servers:
            server.faults.status = status

        with pytest.raises(UpstreamRefused) as refusal:
            await collect(engine, chat())

        assert "as told" not in f"{refusal.value.en} {refusal.value.__context__}"
        assert sum(len(server.asked) for server in servers) == 1


@pytest.mark.parametrize(
    "faults",
    [
        Faults(cuts_after=0),
        Faults(errs_after=0),
        Faults(says=b"data: garbage\n\n"),
        Faults(says=b"data: [DONE]\n\n"),
        Faults(says=b"data: " + b"x" * 10_000_000),
        Faults(says=b"<html>"),
        Faults(without_ids=True),
    ],
    ids=["cut", "error", "garbage", "nothing", "10MB", "page", "old"],
)
async def test_what_fails_before_the_first_text_is_answered_elsewhere(serve, speak, faults):
    async with serve(2) as servers, speak(*servers) as engine:
        await ready(engine)
        servers[0].faults = faults

        for n in range(6):
            assert await say(engine, chat(f"{n}", max_tokens=6)) == PARROT_SAYS
        assert servers[0].asked


@pytest.mark.parametrize(
    "faults",
    [Faults(cuts_after=7), Faults(errs_after=7), Faults(hangs_after=7)],
    ids=["cut", "error", "silence"],
)
async def test_what_fails_after_the_first_text_is_the_end(serve, speak, faults):
    async with serve(2, faults=faults) as servers, speak(*servers) as engine:
        await ready(engine)

        shown, error = await outcome(engine, chat())

        assert shown == PARROT_SAYS
        assert isinstance(error, UpstreamBrokeOff)
        assert error.ko
        assert sum(len(server.asked) for server in servers) == 1


async def test_one_that_does_not_begin_is_given_up_for_another(serve, speak):
    async with (
        serve(2) as servers,
        speak(*servers, first_token_seconds_max=0.3) as engine,
    ):
        await ready(engine)
        servers[0].faults.first_token_seconds = 60

        began = time.monotonic()
        for n in range(6):
            assert await say(engine, chat(f"{n}", max_tokens=3)) == "훈"
        assert servers[0].asked
        assert time.monotonic() - began < 20


async def test_a_reader_who_leaves_ends_the_request_at_the_server(serve, speak):
    slow = Faults(token_seconds=0.01)
    async with serve(1, faults=slow) as [server], speak(server) as engine:
        stream = engine.stream(chat(max_tokens=200))
        await anext(stream)
        assert server.running == 1

        await stream.aclose()

        await until(lambda: server.running == 0)
        assert server.aborted == 1
        assert engine.upstreams[0].load == 0


async def test_draining_breaks_no_stream_and_sends_nothing_more(serve, speak, tmp_path):
    slow = Faults(token_seconds=0.01)
    async with serve(2, faults=slow) as servers, speak(*servers) as engine:
        await ready(engine)
        asking = [asyncio.create_task(outcome(engine, chat(f"{n}"))) for n in range(8)]
        await until(lambda: all(server.running for server in servers))

        drains.drain(tmp_path, "up0")
        await until(lambda: engine.upstreams[0].drained)
        before = len(servers[0].asked)
        more = [await outcome(engine, chat(f"더 {n}", max_tokens=3)) for n in range(4)]

        ends = [*await asyncio.gather(*asking), *more]
        assert [error for _, error in ends] == [None] * 12
        assert len(servers[0].asked) == before
        drains.resume(tmp_path, "up0")
        await until(lambda: not engine.upstreams[0].drained)


async def test_all_places_taken_is_said_with_their_number(serve, speak):
    slow = Faults(token_seconds=0.05)
    async with (
        serve(2, faults=slow) as servers,
        speak(*servers, concurrent_max=1) as engine,
    ):
        await ready(engine)
        streams = [engine.stream(chat(f"{n}", max_tokens=100)) for n in range(2)]
        for stream in streams:
            await anext(stream)

        with pytest.raises(EngineFull):
            await collect(engine, chat())
        for stream in streams:
            await stream.aclose()


FAULTS = st.sampled_from(["none", "kill", "listen", "cut", "error", "garbage", "busy", "late cut"])


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=st.lists(st.tuples(st.integers(0, 2), FAULTS), max_size=6), seed=st.integers(0, 99))
async def test_whatever_happens_every_request_ends_once(serve, speak, events, seed):
    """Nothing is said twice, and nothing after an error."""
    dice = random.Random(seed)
    made = {
        "cut": {"cuts_after": 0},
        "late cut": {"cuts_after": 8},
        "error": {"errs_after": 2},
        "garbage": {"says": b"data: []\n\n"},
        "busy": {"status": 503},
    }
    async with serve(3) as servers, speak(*servers) as engine:
        await ready(engine)
        asking = []
        for number, fault in [*events, (0, "none")]:
            for _ in range(2):
                text = f"{dice.randrange(100)}번"
                asking.append(asyncio.create_task(outcome(engine, chat(text, max_tokens=24))))
            await asyncio.sleep(0.01)
            server = servers[number]
            if fault == "kill":
                await server.kill()
            elif fault == "listen" and server._runner is None:
                await server.listen()
            else:
                server.faults = Faults(**made.get(fault, {}))
        for shown, error in await asyncio.gather(*asking):
            if error is None:
                assert shown == PARROT_SAYS * 4
            else:
                assert (PARROT_SAYS * 4).startswith(shown)
                assert error.status in {502, 503}
                assert isinstance(error, UpstreamBrokeOff) or not shown
        assert [one.load for one in engine.upstreams] == [0, 0, 0]
