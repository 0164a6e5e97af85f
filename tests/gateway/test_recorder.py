"""What many answers write down together: in one transaction, and yet each for itself."""

import asyncio
import threading
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from hunmin import audit
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.audit.tables import EventRow
from hunmin.db import open_database
from hunmin.errors import RateLimitExceeded, TooManyAtOnce
from hunmin.gateway import actions, rules
from hunmin.gateway.recorder import ON_THE_SPOT_MAX, Recorder
from hunmin.gateway.tables import AdmissionRow

DANA = Actor(user_id="dana")


@pytest.fixture
async def recorder(database):
    made = Recorder(database, synced=False)
    yield made
    made.close()


@pytest.fixture
def sqlite(sqlite_url):
    made = open_database(sqlite_url)
    yield made
    made.close()


def write(act, subject: str) -> str:
    audit.record(act, "gateway.request.admit", subject)
    return f"{act.actor.id} {subject}"


async def all_of(recorder, deeds, *, actor=DANA) -> list:
    """Return what came of each deed, all begun at the same time."""
    asked = [recorder.record(actor, f"r{n}", deed) for n, deed in enumerate(deeds)]
    return await asyncio.gather(*asked, return_exceptions=True)


def subjects(database) -> list[str]:
    with open_act(database, SYSTEM, read_only=True) as act:
        return list(act.session.scalars(select(EventRow.subject).order_by(EventRow.id)))


async def test_what_comes_at_one_moment_shares_a_transaction(recorder, database):
    commits = []
    event.listen(database.engine, "commit", commits.append)

    results = await all_of(recorder, [lambda act, n=n: write(act, f"s{n}") for n in range(20)])

    assert results == [f"dana s{n}" for n in range(20)]
    assert subjects(database) == [f"s{n}" for n in range(20)]
    assert len(commits) <= 2


async def test_each_deed_is_done_by_who_asked_and_for_their_request(recorder, database):
    names = ["dana", "eve", "dana"]
    await asyncio.gather(
        *(
            recorder.record(Actor(user_id=name), f"r{n}", lambda act, n=n: write(act, f"s{n}"))
            for n, name in enumerate(names)
        )
    )

    with open_act(database, SYSTEM, read_only=True) as act:
        found = act.session.execute(
            select(EventRow.subject, EventRow.actor_id, EventRow.request_id)
        )
        assert sorted(tuple(row) for row in found) == [
            (f"s{n}", name, f"r{n}") for n, name in enumerate(names)
        ]


async def test_one_who_is_refused_holds_up_nobody(recorder, database):
    def refuse(_act):
        raise TooManyAtOnce(concurrent_max=1)

    first, refused, last = await all_of(
        recorder, [lambda act: write(act, "a"), refuse, lambda act: write(act, "b")]
    )

    assert (first, last) == ("dana a", "dana b")
    assert isinstance(refused, TooManyAtOnce)
    assert subjects(database) == ["a", "b"]


async def test_a_fault_undoes_its_own_deed_and_no_other(recorder, database):
    def break_down(act):
        write(act, "broken")
        raise ZeroDivisionError

    before = [lambda act, n=n: write(act, f"a{n}") for n in range(3)]
    results = await all_of(recorder, [*before, break_down, lambda act: write(act, "b")])

    assert isinstance(results[3], ZeroDivisionError)
    assert subjects(database) == ["a0", "a1", "a2", "b"]


def on_the_spot(_act) -> bool:
    return threading.current_thread() is threading.main_thread()


async def test_on_sqlite_a_few_are_done_on_the_spot_and_many_elsewhere(recorder, database):
    alone = await recorder.record(DANA, "r", on_the_spot)
    many = await all_of(recorder, [on_the_spot] * (ON_THE_SPOT_MAX + 1))

    assert alone == (database.dialect == "sqlite")
    assert not any(many)


async def test_while_another_writes_nothing_else_stands_still(recorder, database):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with open_act(database, SYSTEM) as other:
        write(other, "other")
        asked = asyncio.create_task(recorder.record(DANA, "r", lambda act: write(act, "a")))
        while ticks < 5:  # noqa: ASYNC110 (what is tested is that it ticks)
            await asyncio.sleep(0.01)
    async with asyncio.timeout(60):
        assert await asked == "dana a"
    ticking.cancel()

    assert sorted(subjects(database)) == ["a", "other"]


async def test_on_a_slow_disk_nothing_is_done_on_the_spot_for_a_while(sqlite, monkeypatch):
    recorder = Recorder(sqlite, synced=False)
    monkeypatch.setattr("hunmin.gateway.recorder.SLOW_SECONDS", 0.0)
    assert await recorder.record(DANA, "r", on_the_spot)
    assert not await recorder.record(DANA, "r", on_the_spot)
    monkeypatch.setattr("hunmin.gateway.recorder.time.monotonic", lambda: 10**9)
    assert await recorder.record(DANA, "r", on_the_spot)
    recorder.close()


async def test_connections_of_the_pool_wait_for_others_after_it_is_closed(sqlite):
    recorder = Recorder(sqlite, synced=False)
    await recorder.record(DANA, "r", lambda act: write(act, "a"))
    writing = threading.Event()

    def write_slowly():
        with open_act(sqlite, SYSTEM) as act:
            write(act, "slow")
            writing.set()
            time.sleep(0.2)

    other = threading.Thread(target=write_slowly)
    other.start()
    writing.wait(60)
    recorder.close()
    with open_act(sqlite, SYSTEM) as act:
        write(act, "b")
    other.join()

    assert subjects(sqlite) == ["a", "slow", "b"]


async def test_whoever_wants_each_record_on_the_disk_waits_elsewhere(sqlite):
    recorder = Recorder(sqlite, synced=True)

    assert (
        await recorder.record(DANA, "r", lambda _: threading.current_thread().name) != "MainThread"
    )
    recorder.close()


async def test_who_comes_after_the_end_is_told(recorder):
    recorder.close()

    async with asyncio.timeout(60):
        [refused] = await all_of(recorder, [lambda act: write(act, "late")])

    assert isinstance(refused, RuntimeError)


async def test_what_is_recorded_reaches_the_disk_by_itself(recorder, database, monkeypatch):
    monkeypatch.setattr("hunmin.gateway.recorder.TO_DISK_SECONDS", 0.001)
    brought = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(type(database), "to_disk", lambda _: loop.call_soon_threadsafe(brought.set))
    await all_of(recorder, [lambda act: write(act, "a")])

    if database.dialect == "sqlite":
        async with asyncio.timeout(60):
            await brought.wait()


@given(
    asks=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=12),
    concurrent_max=st.integers(1, 5),
    rate_max=st.integers(1, 5),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_limits_are_exact_however_many_ask_together(database, asks, concurrent_max, rate_max):
    limits = rules.Limits(requests_per_minute_max=rate_max, concurrent_max=concurrent_max)
    with database.session() as session:
        session.query(AdmissionRow).delete()

    def admit(act) -> str:
        return actions.admit(
            act,
            endpoint="chat",
            model="paper",
            prompt_tokens=1,
            completion_tokens_max=1,
            limits=limits,
            seconds_max=60,
            server="host/1/x",
        )

    async def ask() -> list:
        recorder = Recorder(database, synced=False)
        asked = [recorder.record(Actor(user_id=name), "r", admit) for name in asks]
        results = await asyncio.gather(*asked, return_exceptions=True)
        recorder.close()
        return results

    results = asyncio.run(ask())

    let_in = Counter(
        name for name, result in zip(asks, results, strict=True) if isinstance(result, str)
    )
    most = min(concurrent_max, rate_max)
    assert let_in == {name: min(count, most) for name, count in Counter(asks).items()}
    refusals = [result for result in results if not isinstance(result, str)]
    assert all(isinstance(one, TooManyAtOnce | RateLimitExceeded) for one in refusals)
